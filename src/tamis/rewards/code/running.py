"""Run the code of one answer against its task, and decide each test outside the sandbox."""

from __future__ import annotations

import msgspec

from tamis.rewards.code.outputs import DEFAULT_TOLERANCE, is_same_output
from tamis.rewards.code.shapes import decide
from tamis.rewards.code.shown import show_difference
from tamis.rewards.code.split import asks_own_code
from tamis.rewards.code.task import Judged, Programs, Task
from tamis.rewards.code.tests import Compare
from tamis.sandbox.box import Box
from tamis.sandbox.compare import Comparison, kind
from tamis.sandbox.limits import Limits
from tamis.sandbox.outcomes import GIVEN_UP, JudgeTests, Outcome, ProgramOutcome, Verdict


class Result(msgspec.Struct, frozen=True):
    """What became of one test. `kind` is "passed", "failed", or what ended it (`timeout`, `memory`, ...)."""

    kind: str
    detail: str = ""
    is_weak: bool = False

    @property
    def is_passed(self) -> bool:
        """Whether the test counts as passed."""
        return self.kind == "passed"


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """How tests are run and compared."""

    limits: Limits
    comparison: Comparison
    compare: Compare
    stop_at_failure: bool = False


# Far below what one job carries, at twelve bytes a character; one output alone always fits.
_BATCH_CHARS = 1_000_000
PASSED = Result("passed")
GAVE_AN_OBJECT = Result("failed", "an object of its own, where the reference gives a plain value")
NOT_RUN = Result("failed", "not run, an earlier test failed")


def run_task(box: Box, task: Task, code: str, *, rules: Rules) -> list[Result]:
    """One result for each test of the task, in its order.

    Raises: SandboxError when the sandbox itself failed.
    """
    found: dict[int, Result] = {}
    if task.values:
        calls = [test.call for test in task.values]

        def decided(number: int, outcome: Outcome) -> Outcome:
            shape = task.values[number].shape
            problem = decide(shape, outcome.raw, rules.comparison)
            # the length, the items, the truth of an object are its own code's word: the judge asks for them
            is_open = problem is not None and asks_own_code(shape) and kind(outcome.raw) == "object"
            return Outcome("value", raw=None if is_open else problem is None, detail=problem or "")

        outcomes = box.solve(code, calls, setup=task.setup, limits=rules.limits, settle=decided)
        for test, outcome in zip(task.values, outcomes, strict=True):
            found[test.place] = _of_outcome(outcome)
        ended = zip(task.values, outcomes, strict=True)
        still_open = [t.place for t, one in ended if one.kind == "value" and one.raw is None]
        if still_open and task.fallback is not None:
            judged = _judged(box, task.fallback, code, setup=task.setup, limits=rules.limits)
            found |= {place: judged[place] for place in still_open}
    if task.judged is not None:
        found |= _judged(box, task.judged, code, setup=task.setup, limits=rules.limits)
    if task.programs is not None:
        found |= _programs(box, task.programs, code, rules)
    return [found[place] for place in range(len(task.paths))]


def _of_outcome(outcome: Outcome) -> Result:
    """The result of a call; of a claimed value only the verdict is left (`decided` in `run_task`), None where it is open."""
    if outcome.kind == "value":
        return PASSED if outcome.raw is True else Result("failed", outcome.detail)
    if outcome.kind == "raised":
        return Result("failed", _said("raised", *outcome.types[:1], outcome.detail))
    return Result(outcome.kind, _said(*outcome.types[:1], outcome.detail))


def _judged(
    box: Box, judged: Judged, code: str, *, setup: str, limits: Limits
) -> dict[int, Result]:
    verdicts = box.judge(code, judged.tests, setup=setup, limits=limits)
    return {
        place: _of_verdict(verdict) for place, verdict in zip(judged.places, verdicts, strict=True)
    }


def _of_verdict(verdict: Verdict) -> Result:
    if verdict.kind == "judged":
        kind = "passed" if verdict.passed else "failed"
        return Result(kind, verdict.detail, verdict.weak)
    return Result(verdict.kind, verdict.detail)


def _programs(box: Box, programs: Programs, code: str, rules: Rules) -> dict[int, Result]:
    found: dict[int, Result] = {}
    printed: dict[int, str] = {}
    for place, case in enumerate(programs.cases):
        if rules.stop_at_failure and any(not result.is_passed for result in found.values()):
            found[place] = NOT_RUN
            continue
        n_timeouts = sum(result.kind == "timeout" for result in found.values())
        if n_timeouts >= (rules.limits.max_timeouts or len(programs.cases)):
            found[place] = Result("timeout", GIVEN_UP)
            continue
        ended = box.program(code, case.input.encode(errors="replace"), limits=rules.limits)
        text = _printed(ended)
        if text is None:
            found[place] = _of_program(ended)
        elif programs.checker is not None:
            printed[place] = text
        else:
            tolerance = rules.comparison.tolerance
            is_same = is_same_output(
                text,
                case.output,
                compare=programs.compare or rules.compare,
                tolerance=DEFAULT_TOLERANCE if tolerance is None else tolerance,
            )
            found[place] = (
                PASSED if is_same else Result("failed", show_difference(text, case.output))
            )
    if printed:
        found |= _checked(box, programs, printed, limits=rules.limits)
    return found


def _checked(
    box: Box, programs: Programs, printed: dict[int, str], *, limits: Limits
) -> dict[int, Result]:
    """The verdicts of the task's own checker, which runs in the judge's sandbox."""
    found: dict[int, Result] = {}
    for places in _batches(programs, printed):
        cases = [
            {
                "id": number,
                "input": programs.cases[place].input,
                "output": printed[place],
                "expected": programs.cases[place].output,
            }
            for number, place in enumerate(places)
        ]
        job = {"style": "checker", "code": programs.checker, "cases": cases}
        judged = Judged(JudgeTests(job, len(cases)), places)
        found |= _judged(box, judged, "", setup="", limits=limits)
    return found


def _batches(programs: Programs, printed: dict[int, str]) -> list[tuple[int, ...]]:
    """The places of the cases, as many together as one job carries: long outputs must not overfill it."""
    batches: list[tuple[int, ...]] = []
    room = 0
    for place, output in printed.items():
        case = programs.cases[place]
        n_chars = len(output) + len(case.input) + len(case.output)
        if n_chars > room:
            batches.append(())
            room = _BATCH_CHARS
        room -= n_chars
        batches[-1] += (place,)
    return batches


def _printed(ended: ProgramOutcome) -> str | None:
    """The text of a program that ended well; None for any other end."""
    if ended.kind != "exited" or ended.code != 0:
        return None
    try:
        return ended.stdout.decode()
    except UnicodeDecodeError:
        return None


def _of_program(ended: ProgramOutcome) -> Result:
    if ended.kind != "exited":
        return Result("too_large" if ended.kind == "output" else ended.kind, ended.detail)
    if ended.code == 0:
        return Result("failed", "the output is not UTF-8")
    last = ended.stderr.rstrip().rpartition("\n")[2]
    return Result("failed", _said(f"exit code {ended.code}", last))


def _said(*parts: str) -> str:
    return ": ".join(part for part in parts if part)
