"""The clock over a run: frames as they come, until the run ends, breaks the protocol or runs out of time."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from tamis.sandbox.lane import Run
from tamis.sandbox.limits import Limits
from tamis.sandbox.orders import ASK_CPU

Stop = Literal["ended", "timeout", "broken"]
_FIRST_LOOK_S = 0.25
_FIRST_SHARE = 1 / 8
_SHORTEST_LOOK_S = 0.005


class Watch:
    """Watches the first run (and the CPU time of all of them); every frame of it starts the clock of a test anew.

    Time is CPU time, so that a busy machine turns no right answer into a wrong one; the wall limit only ends
    what sleeps. A test may take a little longer than its limit, never less; but all `n_tests` together, however
    many frames they send, take no more than one test more would (of CPU time the kernel sees to that). A run that
    closes its job socket will claim nothing more and is over, unless it `is_silent` from the start (a program).
    """

    def __init__(
        self, runs: Sequence[Run], limits: Limits, *, n_tests: int = 1, is_silent: bool = False
    ) -> None:
        self._runs = runs
        self._is_silent = is_silent
        self._limits = limits
        self._ends_at = time.monotonic() + limits.wall * (n_tests + 1)
        self.stop: Stop | None = None

    def frames(self) -> Iterator[dict[str, Any]]:
        """The frames of the first run; `stop` says afterwards why there are no more."""
        first = self._runs[0]
        poll = select.poll()
        known = {run.lane.be_watched(poll): run for run in self._runs}
        if first.job is not None:
            poll.register(first.job, select.POLLIN)
        job_fd = -1 if first.job is None else first.job.fileno()
        self._start_clock()
        while self.stop is None:
            ready = {fd for fd, _ in poll.poll(max(0.0, self._look_at - time.monotonic()) * 1000)}
            frames = first.read() if job_fd in ready else []
            if job_fd in ready and first.job is None:
                poll.unregister(job_fd)
            if frames:
                yield from frames
                self._start_clock()
            for fd in ready & known.keys():
                known[fd].listen()
                if known[fd].end is not None:
                    poll.unregister(fd)
            self._judge(first)
            if self.stop is None and time.monotonic() >= self._look_at:
                self._look()

    def _judge(self, first: Run) -> None:
        if first.broken is not None:
            self.stop = "broken"
        elif first.end is not None or (first.job is None and not self._is_silent):
            self.stop = "ended"

    def _start_clock(self) -> None:
        self._started = time.monotonic()
        self._cpu_at_first_look: float | None = None
        soon = self._started + min(_FIRST_LOOK_S, self._limits.time_s * _FIRST_SHARE)
        self._look_at = min(soon, self._ends_at)

    def _look(self) -> None:
        for run in self._runs:
            if run.end is None:
                run.lane.say(ASK_CPU)
                run.listen()
        used = sum(run.cpu_s for run in self._runs)
        if self._cpu_at_first_look is None:
            self._cpu_at_first_look = used
        left = self._limits.time_s - (used - self._cpu_at_first_look)
        now = time.monotonic()
        wall_left = min(self._started + self._limits.wall, self._ends_at) - now
        if left <= 0 or wall_left <= 0:
            self.stop = "timeout"
        self._look_at = now + max(_SHORTEST_LOOK_S, min(left, wall_left))
