"""A question as a task for the sandbox: what runs where, and which tests count."""

from __future__ import annotations

import msgspec

from tamis.rewards.code.names import functions_of
from tamis.rewards.code.split import Shape
from tamis.rewards.code.tests import Compare, StdinCase
from tamis.sandbox.outcomes import Call, JudgeTests


class ValueTest(msgspec.Struct, frozen=True):
    """A test decided from one claimed value: the call to make, and the shape the value must have."""

    place: int
    call: Call
    shape: Shape


class Judged(msgspec.Struct, frozen=True):
    """Tests for the judge, and the place of each among all tests of the question."""

    tests: JudgeTests
    places: tuple[int, ...]


class Programs(msgspec.Struct, frozen=True):
    """Tests of a program: text in, text out."""

    cases: tuple[StdinCase, ...]
    checker: str | None
    compare: Compare | None


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What the tests of a question come to; each test that counts has a place and a path.

    `prompt` is the Python text of the prompt; `setup` runs in the candidate's process before its code;
    `reference` is the reference solution as a whole module; `dropped` are the paths of trivial tests.
    `fallback` are tests of `values` as the judge runs them, each under its place: for values with code of their own.
    """

    paths: tuple[str, ...]
    entry_point: str | None = None
    prompt: str = ""
    setup: str = ""
    reference: str | None = None
    values: tuple[ValueTest, ...] = ()
    judged: Judged | None = None
    fallback: Judged | None = None
    programs: Programs | None = None
    dropped: tuple[str, ...] = ()

    @property
    def functions(self) -> list[str]:
        """The names that the prompt or the reference solution gives functions, for the judge."""
        return sorted(functions_of(self.prompt) | functions_of(self.reference))

    @property
    def trusted_code(self) -> str:
        """Where the judge takes names from that the tests use and do not define: the prompt, then the solution."""
        if self.reference is None:
            return self.setup
        # nothing may stand before a `from __future__`
        return (
            self.reference if "__future__" in self.reference else f"{self.setup}\n{self.reference}"
        )
