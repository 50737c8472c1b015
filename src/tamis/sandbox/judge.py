"""The role `judge`: run the data set's test code here, with proxies for the candidate's names.

A job holds `style`, the ids to `skip`, the test code of its style (`asserts`: `setup` and `tests`;
`check`: `code`, `entry_point` and `call`; `unittest`: `code`; `checker`: `code` and `cases`), and where
the test's names come from: `entry` (always the candidate's), `reference_code` (the task's own code) and
`candidate_setup` (what of the task the candidate was given, too; see `names`). `functions` are names that
the task's own code gives functions.

The verdict of each test is made in this process and sent at once. When the candidate is lost in the
middle of a test, the judge leaves without a verdict on it: the parent knows how the candidate ended.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from tamis.sandbox.check_judge import judge_check
from tamis.sandbox.names import scope_of
from tamis.sandbox.prepared import needs_of
from tamis.sandbox.reports import Reports, failure_of
from tamis.sandbox.session import Session
from tamis.sandbox.solution import open_standard_streams, seed_random
from tamis.sandbox.unittest_judge import judge_unittest


def run_judge(job: dict[str, object], job_fd: int, peer_fd: int) -> None:
    """Run the tests of the job that are not in its `skip`, and report each on `job_fd`."""
    open_standard_streams()
    seed_random(cast("int", job.get("seed", 0)))
    reports = Reports(job_fd, cast("Sequence[int]", job.get("skip", ())))
    session = Session(peer_fd, functions=cast("Sequence[str]", job.get("functions", ())))
    _STYLES[cast("str", job["style"])](job, session, reports)
    if not session.lost:
        reports.done()


def judge_asserts(job: dict[str, Any], session: Session, reports: Reports) -> None:
    """Run each text of `job["tests"]` for itself: it has passed if it raises nothing."""
    failure: str | None = None
    tests: list[ast.Module | str] = [_parsed(text) for text in job["tests"]]
    scope: dict[str, Any] = {}
    try:
        setup = ast.parse(job.get("setup") or "")
        trees = [setup, *(tree for tree in tests if isinstance(tree, ast.Module))]
        scope = scope_of(
            needs_of(trees),
            session,
            entry=job.get("entry") or (),
            reference_code=job.get("reference_code"),
            candidate_setup=job.get("candidate_setup") or "",
        )
        exec(compile(setup, "setup.py", "exec", dont_inherit=True), scope)
    except BaseException as error:  # noqa: BLE001  (the test code may raise anything)
        failure = f"setup: {failure_of(error)}"
    failure = session.trouble or failure
    is_weak = session.weak
    for number, test in enumerate(tests):
        if session.lost:
            return
        if number in reports.settled:
            continue
        if failure is not None or isinstance(test, str):
            reports.verdict(number, failure or str(test))
            continue
        session.begin()
        reports.begin(number)
        outcome = _run(test, dict(scope), session)
        if not session.lost:
            reports.verdict(number, outcome, weak=session.weak or is_weak)


def _parsed(text: str) -> ast.Module | str:
    try:
        return ast.parse(text)
    except SyntaxError as error:
        return f"unsupported: the test is no Python: {error}"


def _run(test: ast.Module, scope: dict[str, Any], session: Session) -> str | None:
    try:
        exec(compile(test, "test.py", "exec", dont_inherit=True), scope)
    except BaseException as error:  # noqa: BLE001  (the test code may raise anything)
        return session.trouble or failure_of(error)
    return session.trouble


def judge_checker(job: dict[str, Any], _: Session, reports: Reports) -> None:
    """Ask the task's own `check(input, output, expected)` about each case; no candidate runs."""
    scope: dict[str, Any] = {"__name__": "checker"}
    failure: str | None = None
    try:
        exec(compile(job["code"], "checker.py", "exec", dont_inherit=True), scope)
    except BaseException as error:  # noqa: BLE001  (the checker may raise anything)
        failure = f"checker: {failure_of(error)}"
    for case in job["cases"]:
        number = case["id"]
        if number in reports.settled:
            continue
        reports.begin(number)
        try:
            outcome = failure
            if failure is None and not scope["check"](
                case["input"], case["output"], case["expected"]
            ):
                outcome = "the checker refused the output"
        except BaseException as error:  # noqa: BLE001  (the checker may raise anything)
            outcome = f"checker: {failure_of(error)}"
        reports.verdict(number, outcome)


_Style = Callable[[dict[str, Any], Session, Reports], None]
_STYLES: Final[dict[str, _Style]] = {
    "asserts": judge_asserts,
    "check": judge_check,
    "unittest": judge_unittest,
    "checker": judge_checker,
}
