"""Gold lint of code questions: do the tests accept the reference, every time, and refuse stubs?"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from tamis.errors import RewardError
from tamis.records import Finding, Question, Rule
from tamis.rewards.answers import whole_prompt
from tamis.rewards.base import Reward
from tamis.rewards.code.planning import task_of
from tamis.rewards.code.reward import CodeReward, n_lanes
from tamis.rewards.code.running import Result, run_task
from tamis.rewards.code.stubs import FALSE_STUBS, TRUE_STUBS, stubs_for
from tamis.rewards.code.task import Task
from tamis.rewards.gold import finding
from tamis.rewards.threads import in_threads

NO_SOLUTION = Rule(
    id="code/no-solution",
    severity="warning",
    dimension="completeness",
    summary="there is no reference solution, so nothing proves that the tests can be passed",
    fix="add a solution that passes the tests",
    good='{"solution": "def f(x): return x + 1", "tests": ...}',
    bad='{"tests": ...}',
)
REFERENCE_FAILS = Rule(
    id="code/reference-fails",
    severity="error",
    dimension="correctness",
    summary="the reference solution does not pass its own tests",
    fix="find out whether the solution or the test is wrong, and correct it",
    good="def f(x): return x + 1    assert f(1) == 2",
    bad="def f(x): return x + 1    assert f(1) == 3",
)
FLAKY = Rule(
    id="code/flaky",
    severity="error",
    dimension="correctness",
    summary="the reference solution passes its tests only sometimes",
    fix="take time, chance and unordered output out of the test, or drop it",
    good="assert sorted(f([1, 2])) == [1, 2]",
    bad="assert random.choice(f([1, 2])) == 1",
)
UNSUPPORTED = Rule(
    id="code/unsupported-test",
    severity="error",
    dimension="correctness",
    summary="the test needs the answer's code in its own process, where it could be cheated",
    fix="rewrite the test with plain values: no getsource, no patching, no subclass of the answer's class",
    good="assert f(2) == 4",
    bad="assert 'for' not in inspect.getsource(f)",
)
STUB_PASSES = Rule(
    id="code/stub-passes",
    severity="error",
    dimension="correctness",
    summary="code that solves nothing passes all tests",
    fix="add tests that tell the solution from the stub, or drop the question",
    good="assert f([1, 2]) == 3",
    bad="assert f([1, 2]) is not None",
)
STUB_EARNS = Rule(
    id="code/stub-earns",
    severity="warning",
    dimension="difficulty",
    summary="code that solves nothing passes more than half of the tests",
    fix='add tests with other results, or grade with `{"score": "all"}`',
    good="assert is_even(2); assert not is_even(3)",
    bad="assert is_even(2); assert is_even(4); assert not is_even(3)",
)
TELLS_NOTHING = Rule(
    id="code/tells-nothing",
    severity="warning",
    dimension="correctness",
    summary="the test is passed by answers that cannot all be right",
    fix="compare with the right result, worked out beforehand",
    good="assert f([2, 1]) == [1, 2]",
    bad="assert f([2, 1]) == f([2, 1])",
)
TRIVIAL = Rule(
    id="code/trivial-test",
    severity="warning",
    dimension="correctness",
    summary="the test never calls the answer's code; it is not counted",
    fix="remove it, or make it call the code",
    good="assert f(1) == 2",
    bad="assert True",
)
DUPLICATE = Rule(
    id="code/duplicate-test",
    severity="warning",
    dimension="diversity",
    summary="the same test stands there twice and counts twice",
    fix="remove one of both",
    good="assert f(1) == 2; assert f(5) == 6",
    bad="assert f(1) == 2; assert f(1) == 2",
)
WEAK = Rule(
    id="code/weak-test",
    severity="warning",
    dimension="correctness",
    summary="the test asks the answer's own objects whether they are equal, so they can lie",
    fix="compare plain values: attributes, str(...) or a tuple of them",
    good="assert f(1).x == 2",
    bad="assert f(1) == f(2)",
)
UNNAMED = Rule(
    id="code/entry-point-unnamed",
    severity="warning",
    dimension="completeness",
    summary="the prompt never says the name that the tests call, so right answers fail by their name",
    fix="name the function in the prompt",
    good="Write a function `similar_elements` ...",
    bad="Write a function to find ...",
)
TESTS_SHOWN = Rule(
    id="code/tests-shown",
    severity="info",
    dimension="difficulty",
    summary="the prompt shows tests with their results: an answer may list them instead of solving the task",
    fix="keep at least some tests out of the prompt",
    good="Write f(x) that adds one.",
    bad="Write f(x) that adds one. f(1) is 2, f(5) is 6.",
)
RULES: tuple[Rule, ...] = (
    *(NO_SOLUTION, REFERENCE_FAILS, FLAKY, UNSUPPORTED, STUB_PASSES, STUB_EARNS),
    *(TELLS_NOTHING, TRIVIAL, DUPLICATE, WEAK, UNNAMED, TESTS_SHOWN),
)

_SOLUTION, _TESTS = "reference.solution", "reference.tests"
# Behind the call, a result that the prompt shows stands close by.
_NEAR_CHARS = 60
_SHOWN = 200


async def lint(
    reward: Reward, questions: Sequence[Question], *, n_repeats: int = 3
) -> list[list[Finding]]:
    """The findings in each question; its reference is run `n_repeats` times, each stub once.

    Raises: SandboxError when the code cannot be run here.
    """
    if not isinstance(reward, CodeReward):
        raise RewardError(f"reward `{reward.name}`: expected code, for which this lint is made")
    thorough = reward.thorough()
    work = [(thorough, question, n_repeats) for question in questions]
    return await in_threads(_lint_one, work, n_threads=n_lanes(reward.lanes))


def _lint_one(reward: CodeReward, question: Question, n_repeats: int) -> list[Finding]:
    task = task_of(question)
    if isinstance(task, str):
        return []  # `gold/ungradable` says so
    box, rules = reward.open_box(), reward.rules()

    def run(code: str) -> list[Result]:
        return run_task(box, task, code, rules=rules)

    return [
        *(
            finding(TRIVIAL, f"{_TESTS}.{path}", "never calls the answer's code")
            for path in task.dropped
        ),
        *_duplicates(task),
        *_unnamed(task, question),
        *_tests_shown(task, question),
        *_reference(task, run, n_repeats),
        *_stubs(task, run),
    ]


def _reference(task: Task, run: Callable[[str], list[Result]], n_repeats: int) -> list[Finding]:
    if task.reference is None:
        return [finding(NO_SOLUTION, _SOLUTION, "there is no reference solution")]
    runs = [run(task.reference) for _ in range(max(1, n_repeats))]
    found: list[Finding] = []
    for path, results in zip(task.paths, zip(*runs, strict=True), strict=True):
        failed = [result for result in results if not result.is_passed]
        place = f"{_TESTS}.{path}"
        if failed and failed[0].detail.startswith("unsupported: "):
            found.append(finding(UNSUPPORTED, place, failed[0].detail[:_SHOWN]))
        elif 0 < len(failed) < len(results):
            told = f"the reference fails {len(failed)} of {len(results)} times: {_why(failed[0])}"
            found.append(finding(FLAKY, place, told))
        elif failed:
            told = f"the reference fails: {_why(failed[0])}"
            found.append(finding(REFERENCE_FAILS, place, told))
        elif any(result.is_weak for result in results):
            found.append(finding(WEAK, place, "the code's own objects were asked"))
    return found


def _why(result: Result) -> str:
    kind = "" if result.kind == "failed" else result.kind
    return ": ".join(part for part in (kind, result.detail) if part)[:_SHOWN]


def _stubs(task: Task, run: Callable[[str], list[Result]]) -> list[Finding]:
    """The stubs that pass everything; else tests that tell nothing, and the stub that earns the most."""
    passed = {
        name: [result.is_passed for result in run(code)] for name, code in stubs_for(task).items()
    }
    if not passed:
        return []
    passing = [name for name, verdicts in passed.items() if all(verdicts)]
    if passing:
        return [finding(STUB_PASSES, _TESTS, f"these pass every test: {', '.join(passing)}")]
    found = [
        finding(TELLS_NOTHING, f"{_TESTS}.{path}", f"passed by {one} and by {other}")
        for at, path in enumerate(task.paths)
        for one, other in _opposites(passed, at)
    ]
    best = max(passed, key=lambda name: sum(passed[name]))
    n_passed = sum(passed[best])
    if n_passed * 2 > len(task.paths):
        told = f"{best} passes {n_passed} of {len(task.paths)} tests"
        found.append(finding(STUB_EARNS, _TESTS, told))
    return found


def _opposites(passed: dict[str, list[bool]], at: int) -> list[tuple[str, str]]:
    """A false and a true value that both pass this test; no right answer is both. None or one pair."""
    false = next((name for name in FALSE_STUBS if name in passed and passed[name][at]), None)
    true = next((name for name in TRUE_STUBS if name in passed and passed[name][at]), None)
    return [] if false is None or true is None else [(false, true)]


def _duplicates(task: Task) -> list[Finding]:
    seen: dict[object, str] = {}
    found: list[Finding] = []
    for path, content in _contents(task):
        if content in seen:
            told = f"the same as {seen[content]}"
            found.append(finding(DUPLICATE, f"{_TESTS}.{path}", told))
        seen.setdefault(content, path)
    return found


def _contents(task: Task) -> list[tuple[str, object]]:
    """What each test does, as far as it can be told without running it."""
    found: list[tuple[str, object]] = [
        (task.paths[test.place], (repr(test.call), repr(test.shape))) for test in task.values
    ]
    if task.programs is not None:
        cases = zip(task.paths, task.programs.cases, strict=True)
        found += [(path, (case.input, case.output)) for path, case in cases]
    if task.judged is not None:
        texts = task.judged.tests.job.get("tests")
        judged = zip(task.judged.places, texts if isinstance(texts, list) else (), strict=False)
        found += [(task.paths[place], text) for place, text in judged]
    return sorted(found, key=lambda each: task.paths.index(each[0]))


def _unnamed(task: Task, question: Question) -> list[Finding]:
    asked = whole_prompt(question)
    if task.entry_point is None or re.search(rf"\b{re.escape(task.entry_point)}\b", asked):
        return []
    return [finding(UNNAMED, "prompt", f"the tests call `{task.entry_point}`")]


def _tests_shown(task: Task, question: Question) -> list[Finding]:
    asked = _squeezed(whole_prompt(question))
    shown = 0
    for test in task.values:
        at = asked.find(_squeezed(test.call.expr)) if test.call.expr else -1
        if at >= 0:
            result = _squeezed(repr(test.shape.expected))
            end = at + len(_squeezed(test.call.expr or ""))
            shown += result in asked[end : end + len(result) + _NEAR_CHARS]
    for case in task.programs.cases if task.programs else ():
        given, result = _squeezed(case.input), _squeezed(case.output)
        shown += len(given) > 3 and given in asked and result in asked
    if not shown:
        return []
    return [finding(TESTS_SHOWN, "prompt", f"{shown} of {len(task.paths)} tests are shown")]


def _squeezed(text: str) -> str:
    return "".join(text.split()).replace('"', "'")
