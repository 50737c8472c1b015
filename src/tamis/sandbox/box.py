"""A box of sandboxes: one lane a core, shared by all threads of a process, made anew in every forked one."""

from __future__ import annotations

import atexit
import os
import queue
import threading
import warnings
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from tamis.sandbox.errors import SandboxError
from tamis.sandbox.judging import judge
from tamis.sandbox.lane import Lane
from tamis.sandbox.launch import launch
from tamis.sandbox.limits import Limits, Profile
from tamis.sandbox.outcomes import Call, JudgeTests, Outcome, ProgramOutcome, Verdict
from tamis.sandbox.plan import Plan
from tamis.sandbox.running import run_program
from tamis.sandbox.solving import Settle, solve
from tamis.sandbox.tiers import WEAK, choose

Found = TypeVar("Found")
_WEAK = "the sandbox is weak on this machine: code can read your files and forge its verdicts; results say tier:weak"


class _Slot:
    """The fork servers of one core: one for candidates, one for judges, each started when first needed."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._candidate: Lane | None = None
        self._judge: Lane | None = None

    @property
    def candidate(self) -> Lane:
        if self._candidate is None:
            self._candidate = Lane(launch(self._plan))
        return self._candidate

    @property
    def judge(self) -> Lane:
        if self._judge is None:
            self._judge = Lane(launch(replace(self._plan, side="judge")))
        return self._judge

    def close(self) -> None:
        for lane in (self._candidate, self._judge):
            if lane is not None:
                lane.close()
        self._candidate = self._judge = None

    def forget(self) -> None:
        for lane in (self._candidate, self._judge):
            if lane is not None:
                lane.forget()
        self._candidate = self._judge = None


class Box:
    """Runs untrusted Python in sandboxes of one tier; every method may be called from any thread and blocks.

    `tier` is "namespaces", "bwrap", "landlock" or "weak". What fails in the sandbox itself is tried once more in a
    fresh one, then raised as SandboxError: it never becomes an outcome.
    """

    def __init__(self, plan: Plan, *, n_lanes: int) -> None:
        self.tier = plan.tier
        self.n_lanes = n_lanes
        self._plan = plan
        self._set_up()
        _boxes.add(self)

    def _set_up(self) -> None:
        self._slots = [_Slot(self._plan) for _ in range(self.n_lanes)]
        self._free: queue.LifoQueue[_Slot] = queue.LifoQueue()
        for slot in self._slots:
            self._free.put(slot)

    def solve(
        self,
        source: str,
        calls: Sequence[Call],
        *,
        setup: str = "",
        limits: Limits | None = None,
        settle: Settle | None = None,
    ) -> list[Outcome]:
        """What each call of the candidate came to, in the order of `calls`.

        `settle(place, outcome)` sees each claimed value as it comes; what it returns is kept in its place.
        """
        bounds = limits or Limits()
        return self._in_slot(
            lambda slot: solve(
                slot.candidate, source, calls, setup=setup, limits=bounds, settle=settle
            )
        )

    def program(self, source: str, stdin: bytes, *, limits: Limits | None = None) -> ProgramOutcome:
        """What the program wrote when it was run as a script with this input."""
        bounds = limits or Limits()
        return self._in_slot(lambda slot: run_program(slot.candidate, source, stdin, limits=bounds))

    def judge(
        self, source: str, tests: JudgeTests, *, setup: str = "", limits: Limits | None = None
    ) -> list[Verdict]:
        """The judge's verdict on each test; the candidate runs in a sandbox of its own."""
        bounds = limits or Limits()
        return self._in_slot(
            lambda slot: judge(
                slot.candidate, slot.judge, source, tests, setup=setup, limits=bounds
            )
        )

    def _in_slot(self, work: Callable[[_Slot], Found]) -> Found:
        slot = self._free.get()
        free = self._free  # a fork may give this box other slots meanwhile
        try:
            try:
                return work(slot)
            except SandboxError:
                slot.close()
                return work(slot)
        except BaseException:
            # whatever interrupted the run, Ctrl-C too, its fork server may be in the middle of it
            slot.close()
            raise
        finally:
            free.put(slot)

    def close(self) -> None:
        """End all fork servers; the box starts new ones when it is used again."""
        for slot in self._slots:
            slot.close()

    def forget(self) -> None:
        """In a forked process: leave the fork servers to the parent and have none yet."""
        for slot in self._slots:
            slot.forget()
        self._set_up()


_boxes: weakref.WeakSet[Box] = weakref.WeakSet()


class _Opened:
    """The boxes of this process, by what they offer."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.boxes: dict[tuple[Profile, int, bool], Box] = {}

    def forget(self) -> None:
        self.lock = threading.Lock()
        for box in list(_boxes):
            box.forget()

    def close(self) -> None:
        for box in list(_boxes):
            box.close()


_opened = _Opened()
atexit.register(_opened.close)
os.register_at_fork(after_in_child=_opened.forget)


def open_sandbox(
    profile: Profile | None = None, *, lanes: int | None = None, allow_weak: bool = False
) -> Box:
    """The box of this process for a profile; the first call finds the tier and proves it (about 0.3 s).

    `lanes` defaults to one a core. `allow_weak` takes a box that isolates nothing reliably, whose tier says so.
    Raises: SandboxError where no tier holds, in one line that says why; ValueError for less than one lane.
    """
    if lanes is not None and lanes < 1:
        raise ValueError(f"lanes: expected 1 or more, got {lanes}")
    wanted = profile or Profile()
    n_lanes = lanes or len(os.sched_getaffinity(0))
    key = (wanted, n_lanes, allow_weak)
    with _opened.lock:
        box = _opened.boxes.get(key)
        if box is None:
            choice = choose(wanted, allow_weak=allow_weak)
            if choice.plan is None:
                raise SandboxError(choice.refusal())
            box = Box(choice.plan, n_lanes=n_lanes)
            if choice.tier == WEAK:
                warnings.warn(_WEAK, stacklevel=2)
            _opened.boxes[key] = box
    return box
