"""Style `unittest`: test cases run here by unittest itself, a verdict for each test method."""

from __future__ import annotations

import ast
import unittest
from types import ModuleType
from typing import Any, Final

from tamis.sandbox.asserts import find_unittest_tests
from tamis.sandbox.names import scope_of
from tamis.sandbox.prepared import needs_of
from tamis.sandbox.reports import Reports, failure_of
from tamis.sandbox.session import Session
from tamis.sandbox.solution import new_module

_MODULE: Final = "tests"
_Error = tuple[type[BaseException], BaseException, Any] | tuple[None, None, None]


def judge_unittest(job: dict[str, Any], session: Session, reports: Reports) -> None:
    """Run the test methods of `job["code"]`; class and module fixtures are honoured."""
    tree = ast.parse(job["code"])
    listed = find_unittest_tests(tree)
    failure: str | None = None
    try:
        failure = _run(_load(tree, job, session), listed, session, reports)
    except BaseException as error:  # noqa: BLE001  (the test code may raise anything)
        failure = failure_of(error)
    if not session.lost:
        for number in range(len(listed)):
            reports.verdict(number, failure or session.trouble or "not reached")


def _load(tree: ast.Module, job: dict[str, Any], session: Session) -> ModuleType:
    scope = scope_of(
        needs_of([tree]),
        session,
        entry=job.get("entry") or (),
        reference_code=job.get("reference_code"),
        candidate_setup=job.get("candidate_setup") or "",
    )
    module = new_module(_MODULE, job["code"])
    vars(module).update(scope)
    exec(compile(tree, "tests.py", "exec", dont_inherit=True), vars(module))
    return module


def _run(
    module: ModuleType, listed: list[tuple[str, str]], session: Session, reports: Reports
) -> str | None:
    suite = unittest.TestSuite()
    numbers: dict[int, int] = {}
    for number, (class_name, method) in enumerate(listed):
        kind = vars(module).get(class_name)
        if number in reports.settled:
            continue
        if not isinstance(kind, type) or not issubclass(kind, unittest.TestCase):
            reports.verdict(number, f"unsupported: {class_name} is no unittest.TestCase")
        else:
            test = kind(method)
            numbers[id(test)] = number
            suite.addTest(test)
    verdicts = _Verdicts(numbers, session, reports)
    suite.run(verdicts)
    return verdicts.fixture_failure


class _Verdicts(unittest.TestResult):
    """Reports each test method as it ends; only one that ran without any event has passed."""

    def __init__(self, numbers: dict[int, int], session: Session, reports: Reports) -> None:
        super().__init__()
        self._numbers = numbers
        self._session = session
        self._reports = reports
        self._failure: str | None = None
        self.fixture_failure: str | None = None

    def startTest(self, test: unittest.TestCase) -> None:
        """Say which test begins."""
        self._failure = self._session.trouble
        self._session.begin()
        self._reports.begin(self._numbers[id(test)])

    def stopTest(self, test: unittest.TestCase) -> None:
        """Say how it went; stop when the candidate is lost, for its verdict is the parent's."""
        if self._session.lost:
            self.stop()
            return
        failure = self._session.trouble or self._failure
        self._reports.verdict(self._numbers[id(test)], failure, weak=self._session.weak)
        self._session.begin()

    def addError(self, test: Any, err: _Error) -> None:
        """An exception, in the test or in a class fixture (whose tests then never start)."""
        if id(test) in self._numbers:
            self._fail(err)
        elif err[1] is not None:
            self.fixture_failure = f"fixture: {failure_of(err[1])}"

    def addFailure(self, test: Any, err: _Error) -> None:
        """An assertion that did not hold."""
        self._fail(err)

    def addSubTest(self, test: Any, subtest: Any, err: _Error | None) -> None:
        """The end of a sub-test; `err` is None when it held."""
        if err is not None:
            self._fail(err)

    def addSkip(self, test: Any, reason: str) -> None:
        """A skipped test has not passed."""
        self._failure = self._failure or f"skipped: {reason}"

    def addExpectedFailure(self, test: Any, err: _Error) -> None:
        """A test that is expected to fail says nothing for the candidate."""
        self._failure = self._failure or "an expected failure"

    def addUnexpectedSuccess(self, test: Any) -> None:
        """A test that is expected to fail says nothing for the candidate."""
        self._failure = self._failure or "an unexpected success"

    def addSuccess(self, test: Any) -> None:
        """Nothing to note: `stopTest` reports."""

    def _fail(self, err: _Error) -> None:
        self._failure = self._failure or (failure_of(err[1]) if err[1] is not None else "failed")
