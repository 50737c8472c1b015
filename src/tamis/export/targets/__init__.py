"""The trainers Tamis hands over to, by name."""

from __future__ import annotations

import difflib
import importlib

from tamis.errors import RecipeError
from tamis.export.targets.base import Target

TARGETS: dict[str, str] = {
    "trl": "tamis.export.targets.trl",
    "verl": "tamis.export.targets.verl",
    "llamafactory": "tamis.export.targets.llamafactory",
    "axolotl": "tamis.export.targets.axolotl",
    "ms-swift": "tamis.export.targets.ms_swift",
    "openrlhf": "tamis.export.targets.openrlhf",
    "openai": "tamis.export.targets.openai",
    "open-instruct": "tamis.export.targets.open_instruct",
    "prime-rl": "tamis.export.targets.prime_rl",
    "nemo-gym": "tamis.export.targets.nemo_gym",
}


def get_target(name: str) -> Target:
    """The trainer of this name; RecipeError lists those there are."""
    if name not in TARGETS:
        near = difflib.get_close_matches(name, TARGETS, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"expected one of {', '.join(TARGETS)}"
        raise RecipeError(f"--for {name}: no such trainer; {hint}")
    target: Target = importlib.import_module(TARGETS[name]).TARGET
    return target
