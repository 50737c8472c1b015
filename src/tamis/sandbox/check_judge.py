"""Style `check`: one run of the test code, a verdict for each of its asserts."""

from __future__ import annotations

from typing import Any, Final

from tamis.sandbox.asserts import BEGIN, RAISED, SEEN
from tamis.sandbox.names import scope_of
from tamis.sandbox.prepared import PreparedCheck, prepare_check, read_prepared
from tamis.sandbox.reports import Reports, failure_of
from tamis.sandbox.session import Session

_NOT_REACHED: Final = "not reached"


def judge_check(job: dict[str, Any], session: Session, reports: Reports) -> None:
    """Run `job["code"]` and its function `job["call"]` on the candidate's entry point.

    An entry point may be a method, written `Solution().method`.
    """
    call, entry_point = job.get("call"), job["entry_point"]
    name, _, method = entry_point.partition("().")
    given = job.get("prepared")
    check = prepare_check(job["code"], call=call) if given is None else read_prepared(given)
    run = CheckRun(check, session, reports)
    failure: str | None = None
    try:
        scope = scope_of(
            check.needs,
            session,
            entry=[name],
            reference_code=job.get("reference_code"),
            candidate_setup=job.get("candidate_setup") or "",
        )
        entry = scope.get(name)
        scope |= {BEGIN: run.begin, SEEN: run.seen, RAISED: run.raised}
        exec(check.code(), scope)
        if call is not None:
            if entry is None:
                raise NameError(f"the candidate does not define {name}")
            scope[call](getattr(entry(), method) if method else entry)
    except BaseException as error:  # noqa: BLE001  (the test code may raise anything)
        failure = failure_of(error)
    if not session.lost:
        run.finish(failure or session.trouble)


class CheckRun:
    """Takes the outcomes of the instrumented asserts while the check runs."""

    def __init__(self, check: PreparedCheck, session: Session, reports: Reports) -> None:
        self._check = check
        self._session = session
        self._reports = reports
        self._passed: dict[int, bool] = {}
        self._spoiled: str | None = None
        self._weak = False

    def begin(self, number: int) -> bool:
        """Whether to evaluate this assert now: not if its verdict is known."""
        if number in self._reports.settled:
            return False
        # what happened between asserts concerns all that follow
        self._spoiled = self._spoiled or self._session.trouble
        self._weak |= self._session.weak
        self._session.begin()
        self._reports.begin(number)
        return True

    def seen(self, number: int, truth: bool) -> None:
        """Take the truth of an assert's condition."""
        failure = self._spoiled or self._session.trouble
        if failure is None and not truth:
            failure = f"line {self._check.lines[number]}: assertion failed"
        self._take(number, failure)

    def raised(self, number: int, error: BaseException) -> None:
        """Take what an assert's condition raised; goes on unless the candidate is lost."""
        if self._session.lost:
            raise error
        line = self._check.lines[number]
        self._take(
            number, self._spoiled or self._session.trouble or f"line {line}: {failure_of(error)}"
        )

    def _take(self, number: int, failure: str | None) -> None:
        weak = self._session.weak or self._weak
        repeats = number in self._check.repeated
        if failure is not None or not repeats:
            self._reports.verdict(number, failure, weak=weak)
        else:
            self._passed[number] = self._passed.get(number, False) or weak
        if repeats:
            # the next thing to hang may be anything
            self._reports.begin(None)
        self._session.begin()

    def finish(self, failure: str | None) -> None:
        """Settle what is open: repeated asserts that held, and all that were not reached."""
        failure = failure or self._spoiled
        n_asserts = len(self._check.lines)
        reached = self._passed.keys() | self._reports.settled
        for number in range(n_asserts):
            if number in self._passed:
                # a check that broke off may have left its loops unfinished
                self._reports.verdict(number, failure, weak=self._passed[number])
            else:
                self._reports.verdict(number, failure or _NOT_REACHED)
        if self._check.counts_end:
            weak = self._weak or self._session.weak
            # an end that skipped its asserts proves nothing
            if failure is None and not reached.issuperset(range(n_asserts)):
                failure = _NOT_REACHED
            self._reports.verdict(n_asserts, failure, weak=weak)
