"""The hack suite through the code reward: nothing hostile is credited, nothing honest loses a mark."""

from __future__ import annotations

import pytest

from tamis.sandbox import Profile, SandboxError, open_sandbox

from . import grading, hack_suite
from .hack_suite import Program


def _needs_what_is_here(program: Program) -> None:
    """Without namespaces there is no work directory: the box says so, and such tasks are not gradable."""
    if not program.task.workdir:
        return
    try:
        open_sandbox(Profile(workdir=True), lanes=1)
    except SandboxError as refusal:
        pytest.skip(str(refusal))


@pytest.mark.slow
@pytest.mark.parametrize("program", hack_suite.hostile(), ids=lambda program: program.name)
def test_a_hostile_program_is_not_credited(program: Program) -> None:
    _needs_what_is_here(program)
    assert grading.credit_for(program) == []


@pytest.mark.slow
@pytest.mark.parametrize("program", hack_suite.honest(), ids=lambda program: program.name)
def test_an_honest_program_gets_full_marks(program: Program) -> None:
    _needs_what_is_here(program)
    assert grading.marks_lost(program) == []
