"""Tamis: sift SFT data, calibrate RL questions, account for every row.

The public names are the verbs (`tamis.check(...)` is `tamis check ...`), the shapes of operators and
the two wrappers for plain functions. They load when first used: `import tamis` itself is light.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

_HOMES = {
    "Common": "tamis.verbs.common",
    "Keep": "tamis.op",
    "Measure": "tamis.op",
    "Result": "tamis.verbs.common",
    "Rewrite": "tamis.op",
    "Select": "tamis.op",
    "Summary": "tamis.op",
    "TamisError": "tamis.errors",
    "calibrate": "tamis.verbs.rl",
    "check": "tamis.verbs.data",
    "dedup": "tamis.verbs.data",
    "demo": "tamis.verbs.demo",
    "doctor": "tamis.verbs.start",
    "export": "tamis.verbs.data",
    "fix": "tamis.verbs.data",
    "formats": "tamis.verbs.look",
    "import_": "tamis.verbs.imports",
    "open_dataset": "tamis.dataset",
    "per_conversation": "tamis.measures.plain",
    "per_message": "tamis.measures.plain",
    "report": "tamis.verbs.look",
    "reward_audit": "tamis.verbs.audit",
    "reward_run": "tamis.verbs.rewards",
    "reward_serve": "tamis.verbs.serving",
    "reward_test": "tamis.verbs.rewards",
    "run": "tamis.verbs.data",
    "select": "tamis.verbs.data",
    "show": "tamis.verbs.look",
    "why": "tamis.verbs.look",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module `tamis` has no attribute `{name}`")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)


class _Face(ModuleType):
    """Rooms named like a verb (`tamis.export` is both) never hide the verb once they are loaded."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Face
