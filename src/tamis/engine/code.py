"""The code of operators that are not ours: it changes while their names and options stay."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any


def code_digest(op: Any) -> str:
    """A hash of the files that define an operator and the plain function in it; empty for our own.

    A module that such a file imports is not looked at: who changes one sets the operator's `version`.
    """
    modules = [type(op).__module__, str(getattr(op, "function", "")).partition(":")[0]]
    digest = hashlib.blake2b(digest_size=16)
    is_ours = True
    for name in modules:
        file = getattr(_loaded(name), "__file__", None)
        if name and name.partition(".")[0] != "tamis" and file:
            digest.update(Path(file).read_bytes())
            is_ours = False
    return "" if is_ours else digest.hexdigest()


def _loaded(name: str) -> Any:
    import importlib

    if name and name not in sys.modules and name.partition(".")[0] != "tamis":
        importlib.import_module(name)
    return sys.modules.get(name)
