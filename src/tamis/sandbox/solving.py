"""Calls of a candidate, one process for as many as it survives: a call that hangs or crashes costs only itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from tamis.sandbox.frames import readable
from tamis.sandbox.lane import Lane, Run
from tamis.sandbox.limits import Limits
from tamis.sandbox.orders import Order
from tamis.sandbox.outcomes import GIVEN_UP, Call, Outcome, how_ended, is_given_up
from tamis.sandbox.watch import Watch

Settle = Callable[[int, Outcome], Outcome]
_MAX_DETAIL = 500
_MAX_TYPES = 32
_MAX_NAME = 100


def order_of(
    limits: Limits, *, n_tests: int = 1, has_peer: bool = False, has_streams: bool = False
) -> Order:
    """The limits of a run of so many tests, in the kernel's units; its CPU limit only backs up the parent's."""
    return Order(
        has_peer=has_peer,
        has_streams=has_streams,
        cpu_s=min(math.ceil(limits.time_s * (n_tests + 1)) + 1, 1 << 31),
        memory_bytes=limits.memory_bytes,
        file_bytes=limits.output_bytes,
        threads=limits.threads,
        files=limits.files,
    )


def solve(
    lane: Lane,
    source: str,
    calls: Sequence[Call],
    *,
    setup: str,
    limits: Limits,
    settle: Settle | None = None,
) -> list[Outcome]:
    """The outcome of each call. Raises: SandboxError when the sandbox itself failed.

    `settle` sees each claimed value at once and says what to keep in its place: a claim may hold 22 MB.
    """
    found: dict[int, Outcome] = {}
    left = list(range(len(calls)))
    while left:
        cases = [calls[place].as_case(place) for place in left]
        job = {"role": "calls", "source": source, "setup": setup, "cases": cases, "seed": 0}
        order = order_of(limits, n_tests=len(left))
        attempt = _Attempt(left, order, limits, settle=settle)
        found |= attempt.follow(lane.begin(attempt.order, job))
        left = [place for place in left if place not in found]
        if is_given_up(found.values(), limits.max_timeouts):
            found |= dict.fromkeys(left, Outcome("timeout", detail=GIVEN_UP))
            break
    return [found[place] for place in range(len(calls))]


class _Attempt:
    """One process working through cases in order; `follow` settles at least one of them."""

    def __init__(
        self, cases: Sequence[int], order: Order, limits: Limits, *, settle: Settle | None
    ) -> None:
        self.order = order
        self._settle_claim = settle
        self._cases = cases
        self._limits = limits
        self._found: dict[int, Outcome] = {}
        self._is_loaded = False
        self._is_done = False
        self._breach: str | None = None

    def follow(self, run: Run) -> dict[int, Outcome]:
        watch = Watch([run], self._limits, n_tests=len(self._cases))
        for frame in watch.frames():
            self._take(frame)
            if self._is_over():
                break
        for frame in run.finish():
            self._take(frame)
        self._settle(run, timed_out=watch.stop == "timeout")
        return self._found

    def _is_over(self) -> bool:
        all_claimed = len(self._found) == len(self._cases)
        return self._is_done or self._breach is not None or all_claimed

    def _take(self, frame: dict[str, Any]) -> None:
        if self._is_over():
            return
        if "load_failed" in frame and not self._is_loaded:
            self._is_done = True
            self._fill(failed_to_load(frame["load_failed"]))
        elif "loaded" in frame and not self._is_loaded:
            self._is_loaded = True
        elif "done" in frame:
            self._is_done = True
        else:
            self._claim(frame)

    def _claim(self, frame: dict[str, Any]) -> None:
        place = frame.get("id")
        outcome = _outcome(frame)
        # bool is an int to `in`, and True would pass for case 1
        if type(place) is not int or place not in self._cases or outcome is None:
            self._breach = "sent a message that nobody asked for"
        elif place in self._found:
            self._breach = "answered a call twice"
        elif outcome.kind == "value" and self._settle_claim is not None:
            self._found[place] = self._settle_claim(place, outcome)
        else:
            self._found[place] = outcome

    def _settle(self, run: Run, *, timed_out: bool) -> None:
        """Blame the first unanswered call for what ended the process; with no way to blame one, all of them."""
        if len(self._found) == len(self._cases):
            return
        assert run.end is not None  # `finish` waited for it
        if self._breach or run.broken:
            self._fill(Outcome("crashed", detail=self._breach or run.broken or ""))
        elif self._is_done:
            self._fill(Outcome("crashed", detail="left calls unanswered"))
        else:
            kind, detail = how_ended(run.end, self.order.cpu_s)
            if timed_out:
                kind, detail = "timeout", f"stopped after {self._limits.time_s:g} s"
            blamed = Outcome(kind, detail=detail)
            if self._is_loaded:
                self._found[next(case for case in self._cases if case not in self._found)] = blamed
            else:
                self._fill(blamed)

    def _fill(self, outcome: Outcome) -> None:
        for case in self._cases:
            self._found.setdefault(case, outcome)


def failed_to_load(raised: object) -> Outcome:
    """The outcome of all calls of code whose import raised this."""
    types, detail = _raised(raised)
    is_memory = "MemoryError" in types
    return Outcome("memory" if is_memory else "load_failed", types=types, detail=detail)


def _outcome(frame: dict[str, Any]) -> Outcome | None:
    if "value" in frame:
        return Outcome("value", raw=frame["value"])
    if "raised" in frame:
        types, detail = _raised(frame["raised"])
        return Outcome("memory" if "MemoryError" in types else "raised", types=types, detail=detail)
    if "too_large" in frame:
        return Outcome("too_large", detail=readable(frame["too_large"], limit=_MAX_DETAIL))
    return None


def _raised(said: object) -> tuple[tuple[str, ...], str]:
    """Class names and message of an exception as a child describes it; the description may be anything."""
    if not isinstance(said, dict):
        return (), ""
    types, message = said.get("types"), said.get("message")
    names = types[:_MAX_TYPES] if isinstance(types, list) else []
    kinds = tuple(readable(name, limit=_MAX_NAME) for name in names if isinstance(name, str))
    return kinds, readable(message, limit=_MAX_DETAIL)
