"""Run hostile model-written Python in a sandbox, and judge what it claims from outside.

The names load when first used: a fork server imports this package too, and each module it holds makes every
run a little slower.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tamis.sandbox.box import Box, open_sandbox
    from tamis.sandbox.errors import SandboxError
    from tamis.sandbox.limits import Limits, Profile
    from tamis.sandbox.outcomes import Call, JudgeTests, Outcome, ProgramOutcome, Verdict

__all__ = [
    "Box",
    "Call",
    "JudgeTests",
    "Limits",
    "Outcome",
    "Profile",
    "ProgramOutcome",
    "SandboxError",
    "Verdict",
    "open_sandbox",
]
_HOMES = {
    "box": ("Box", "open_sandbox"),
    "errors": ("SandboxError",),
    "limits": ("Limits", "Profile"),
    "outcomes": ("Call", "JudgeTests", "Outcome", "ProgramOutcome", "Verdict"),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
