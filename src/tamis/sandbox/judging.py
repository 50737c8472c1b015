"""Tests by the proxy judge: the test code in one sandbox, the candidate in another, a socket between them."""

from __future__ import annotations

import socket
from typing import Any

from tamis.sandbox.forks import forks_wait
from tamis.sandbox.lane import Lane, Run
from tamis.sandbox.limits import Limits
from tamis.sandbox.outcomes import GIVEN_UP, JudgeTests, Verdict, how_ended, is_given_up
from tamis.sandbox.prepared import prepare_check
from tamis.sandbox.solving import failed_to_load, order_of
from tamis.sandbox.watch import Watch

_LOST_S = 0.5


def judge(
    candidate: Lane, judge_lane: Lane, source: str, tests: JudgeTests, *, setup: str, limits: Limits
) -> list[Verdict]:
    """The verdict on each test. Raises: SandboxError when the sandbox itself failed."""
    found: dict[int, Verdict] = {}
    prepared = _prepared(tests)
    solution = {"role": "serve", "source": source, "setup": setup, "seed": 0}
    while len(found) < tests.n_tests:
        session = _Session(tests.n_tests, found, limits)
        known = {"skip": sorted(found), "candidate_setup": setup}
        job = {**tests.job, **known, **prepared, "role": "judge", "seed": 0}
        session.hold(candidate, solution, judge_lane, job)
        if is_given_up(found.values(), limits.max_timeouts):
            left = set(range(tests.n_tests)) - found.keys()
            found |= dict.fromkeys(left, Verdict("timeout", detail=GIVEN_UP))
    return [found[place] for place in range(tests.n_tests)]


def _prepared(tests: JudgeTests) -> dict[str, Any]:
    """What saves the judge from parsing a check anew for every candidate; nothing where the judge will say why."""
    job = tests.job
    if job.get("style") != "check":
        return {}
    code, call = job["code"], job.get("call")
    assert isinstance(code, str) and (call is None or isinstance(call, str))
    try:
        return {"prepared": prepare_check(code, call=call).as_json()}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}


class _Session:
    """One judge process (and one candidate) working through the tests that have no verdict yet; settles at least one."""

    def __init__(self, n_tests: int, found: dict[int, Verdict], limits: Limits) -> None:
        self._n_tests = n_tests
        self._found = found
        self._limits = limits
        self._n_open = n_tests - len(found)
        self._order = order_of(limits, n_tests=self._n_open, has_peer=True)
        self._begun: int | None = None
        self._is_done = False

    def hold(
        self, candidate: Lane, solution: dict[str, Any], judge_lane: Lane, job: dict[str, Any]
    ) -> None:
        serving = judging = None
        try:
            with forks_wait:
                ends = socket.socketpair()
                with ends[0], ends[1]:
                    serving = candidate.begin(self._order, solution, also=[ends[0].fileno()])
                    judging = judge_lane.begin(self._order, job, also=[ends[1].fileno()])
            self._follow(judging, serving)
        finally:
            for run in (serving, judging):
                if run is not None and run.end is None:
                    run.abandon()

    def _follow(self, judging: Run, serving: Run) -> None:
        watch = Watch([judging, serving], self._limits, n_tests=self._n_open)
        for frame in watch.frames():
            self._take(frame)
            if self._is_done:
                break
        for frame in judging.finish():
            self._take(frame)
        # a judge whose candidate died leaves at once: then its end is what there is to tell
        lost = not self._is_done and watch.stop == "ended" and serving.ends_within(_LOST_S)
        said = serving.finish()
        if said and "load_failed" in said[0]:
            failed = failed_to_load(said[0]["load_failed"])
            detail = ": ".join((*failed.types[:1], failed.detail))
            is_memory = failed.kind == "memory"
            self._fill(Verdict("memory" if is_memory else "load_failed", detail=detail), over=True)
        elif len(self._found) < self._n_tests:
            self._settle(serving if lost else judging, timed_out=watch.stop == "timeout")

    def _take(self, frame: dict[str, Any]) -> None:
        if "begin" in frame:
            self._begun = frame["begin"]
        elif "test" in frame:
            place = frame["test"]
            is_open = type(place) is int and 0 <= place < self._n_tests
            if is_open and place not in self._found:
                weak = bool(frame.get("weak"))
                detail = str(frame.get("detail", ""))
                self._found[place] = Verdict("judged", frame.get("passed") is True, detail, weak)
        elif "done" in frame:
            self._is_done = True

    def _settle(self, ended: Run, *, timed_out: bool) -> None:
        assert ended.end is not None  # both were waited for
        if self._is_done:
            self._fill(Verdict("judged", detail="the test was not reached"))
            return
        kind, detail = how_ended(ended.end, self._order.cpu_s)
        if timed_out:
            kind, detail = "timeout", f"stopped after {self._limits.time_s:g} s"
        blamed = Verdict(kind, detail=detail)
        if self._begun is None or self._begun in self._found:
            self._fill(blamed)
        else:
            self._found[self._begun] = blamed

    def _fill(self, verdict: Verdict, *, over: bool = False) -> None:
        for place in range(self._n_tests):
            if over or place not in self._found:
                self._found[place] = verdict
