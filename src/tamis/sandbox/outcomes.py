"""What became of a call, a program or a test in the sandbox. None of it is a verdict by the code itself."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from tamis.sandbox.orders import Reply

Kind = Literal["value", "raised", "timeout", "memory", "too_large", "crashed", "load_failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of the candidate: a Python expression, or the name of a function and wire values."""

    expr: str | None = None
    entry: str | None = None
    args: tuple[object, ...] = ()
    kwargs: Mapping[str, object] = field(default_factory=dict)

    def as_case(self, place: int) -> dict[str, object]:
        """The call as the child reads it."""
        if self.expr is not None:
            return {"id": place, "expr": self.expr}
        kwargs = [[name, value] for name, value in self.kwargs.items()]
        return {"id": place, "entry": self.entry, "args": list(self.args), "kwargs": kwargs}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one call came to. `raw` is the claimed value on the wire when `kind` is "value".

    `types` are the class names of what it raised, most special first; `detail` is for people.
    """

    kind: Kind
    raw: object = None
    types: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ProgramOutcome:
    """What one program came to; `kind` is "exited" only when it ended by itself, whatever its `code`."""

    kind: Literal["exited", "timeout", "memory", "output", "crashed"]
    code: int
    stdout: bytes
    stderr: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class JudgeTests:
    """Tests for the judge: its job without role and skips (see `judge.py`), and how many tests that are."""

    job: Mapping[str, object]
    n_tests: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judge's word on one test. `weak`: the candidate's own objects were asked whether they are equal."""

    kind: Literal["judged", "timeout", "memory", "crashed", "load_failed"]
    passed: bool = False
    detail: str = ""
    weak: bool = False


def how_ended(end: Reply, cpu_limit_s: float) -> tuple[Literal["timeout", "crashed"], str]:
    """Kind and words for a process that ended before its work was done."""
    if os.WIFEXITED(end.code):
        return "crashed", f"the process ended, exit code {os.WEXITSTATUS(end.code)}"
    number = os.WTERMSIG(end.code)
    if number == signal.SIGKILL and end.cpu_s >= cpu_limit_s:
        return "timeout", f"stopped after {end.cpu_s:.1f} s of CPU time"
    return "crashed", f"the process was ended by {signal.Signals(number).name}"


def is_given_up(found: Iterable[Outcome | Verdict], max_timeouts: int | None) -> bool:
    """Whether so many tests ran out of time that the rest is not worth a run."""
    if max_timeouts is None:
        return False
    return sum(one.kind == "timeout" for one in found) >= max_timeouts


GIVEN_UP = "not run: too many tests before it ran out of time"
