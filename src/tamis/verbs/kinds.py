"""Verbs that take one kind of rows only, and say by its name what else came."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tamis.dataset import is_run_folder, read_manifest
from tamis.engine.inputs import OtherKindError, stored_rollouts
from tamis.errors import InputError
from tamis.schema import Kind
from tamis.verbs.common import Common, Plan, Result, execute


def run_on(plan: Plan, common: Common, *, hint: str = "") -> Result:
    """Run a plan; where the input holds another kind of rows, say so by its name, with the hint."""
    try:
        return execute(plan, common)
    except OtherKindError as other:
        told = _other_kind(plan.inputs, str(plan.to_kind), other.held, hint=hint)
        raise InputError(told) from other


def expect_kind(inputs: Sequence[str], kind: Kind, *, hint: str = "") -> None:
    """Refuse a data set that holds rows of another kind, with the hint."""
    for one in inputs:
        if one != "-" and is_run_folder(Path(one)):
            held = read_manifest(Path(one)).get("kind")
            is_calibrated = kind == "rollouts" and stored_rollouts(Path(one))
            if held != kind and not is_calibrated:
                raise InputError(_other_kind([one], kind, [str(held)], hint=hint))


def _other_kind(inputs: Sequence[str], wanted: str, held: Sequence[str], *, hint: str) -> str:
    """The hint is for who gave questions for rollouts, or rollouts for questions."""
    said = f"{', '.join(inputs)}: expected {wanted}, got {', '.join(held) or 'no rows'}"
    is_swap = {wanted, *held} == {"questions", "rollouts"}
    return f"{said}; {hint}" if hint and is_swap else said
