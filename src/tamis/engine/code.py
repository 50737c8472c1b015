"""The code of operators that are not ours: it changes while their names and options stay."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from tamis.measures.plain import PerConversation, PerMessage, load_function
from tamis.op import Op


def code_digest(op: Op) -> str:
    """A hash of the files that define an operator and the plain function in it; empty for our own.

    A module that such a file imports is not looked at: who changes one sets the operator's `version`.
    Raises: RecipeError when the function cannot be imported.
    """
    names = [type(op).__module__]
    if isinstance(op, PerConversation | PerMessage):
        load_function(op.function)
        names.append(op.function.partition(":")[0])
    foreign = [name for name in names if name.partition(".")[0] != "tamis"]
    files = [file for name in foreign if (file := getattr(sys.modules[name], "__file__", None))]
    if not files:
        return ""
    digest = hashlib.blake2b(digest_size=16)
    for file in files:
        digest.update(Path(file).read_bytes())
    return digest.hexdigest()
