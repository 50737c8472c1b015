"""Gold lint of code questions, in the real sandbox."""

from __future__ import annotations

import asyncio
import json

import pytest

from tamis.errors import RewardError
from tamis.records import Finding, Message, Question, Reference
from tamis.rewards.code import CodeReward
from tamis.rewards.code.lint import RULES, lint
from tamis.rewards.gold import lint_questions
from tamis.rewards.numeric import NumericReward

SOUND = ["assert f(1) == 2", "assert f(5) == 6", "assert f(-1) == 0"]
SOLUTION = "def f(x):\n    return x + 1\n"


def findings(
    tests: object, *, solution: str | None = SOLUTION, prompt: str = "Write f(x)."
) -> list[Finding]:
    question = Question(
        prompt=[Message(role="user", content=prompt)],
        reference=Reference(tests=json.dumps(tests), solution=solution),
    )
    [found] = asyncio.run(lint(CodeReward(time_limit_s=2), [question]))
    return found


def asserts(*texts: str, **members: object) -> dict[str, object]:
    return {"style": "asserts", "asserts": texts, **members}


def told(found: list[Finding]) -> list[tuple[str, str]]:
    return [(one.rule, one.path) for one in found]


def test_a_sound_question_has_no_findings() -> None:
    assert findings(asserts(*SOUND)) == []


def test_a_reference_that_fails_a_test_is_an_error_at_that_test() -> None:
    [found] = findings(asserts(*SOUND, "assert f(7) == 9"))
    assert (found.rule, found.severity, found.path) == (
        "code/reference-fails",
        "error",
        "reference.tests.asserts[3]",
    )
    assert found.message == "the reference fails: expected == 9, got 8"


def test_a_reference_that_passes_by_chance_is_flaky() -> None:
    chance = "import os\ndef f(x):\n    return x + 1 + os.urandom(1)[0] % 2\n"
    texts = [f"assert f({n}) == {n + 1}" for n in range(12)]
    rules = {one.rule for one in findings(asserts(*texts), solution=chance)}
    assert "code/flaky" in rules


def test_without_a_solution_nothing_is_proven() -> None:
    assert told(findings(asserts(*SOUND), solution=None)) == [
        ("code/no-solution", "reference.solution")
    ]


def test_tests_that_a_stub_passes_are_an_error() -> None:
    [found] = findings(asserts("assert f(1) is not None", "assert isinstance(f(2), int)"))
    assert found.rule == "code/stub-passes"
    assert found.message == "these pass every test: always 0, always True, identity"


def test_tests_that_mostly_reward_a_stub_are_a_warning() -> None:
    even = "def f(x):\n    return x % 2 == 0\n"
    [found] = findings(asserts("assert f(2)", "assert f(4)", "assert not f(3)"), solution=even)
    assert (found.rule, found.message) == ("code/stub-earns", "always True passes 2 of 3 tests")


def test_trivial_and_repeated_tests_are_named() -> None:
    found = findings(asserts("assert True", *SOUND, "assert f(1)  ==  2"))
    assert told(found) == [
        ("code/trivial-test", "reference.tests.asserts[0]"),
        ("code/duplicate-test", "reference.tests.asserts[4]"),
    ]
    assert found[1].message == "the same as asserts[1]"


def test_tests_that_need_the_code_itself_are_refused_here() -> None:
    text = "import inspect\nassert 'for' not in inspect.getsource(f)"
    assert ("code/unsupported-test", "reference.tests.asserts[3]") in told(
        findings(asserts(*SOUND, text))
    )


def test_tests_that_ask_the_answers_own_objects_are_weak() -> None:
    point = (
        "class P:\n    def __init__(self, x): self.x = x\n"
        "    def __eq__(self, other): return self.x == other.x\n"
        "def f(x):\n    return P(x)\n"
    )
    found = findings(asserts("assert f(1).x == 1", "assert f(1) == f(1)"), solution=point)
    assert ("code/weak-test", "reference.tests.asserts[1]") in told(found)


def test_a_name_that_the_prompt_never_says_is_a_warning() -> None:
    found = findings(asserts(*SOUND), prompt="Add one to a number.")
    assert told(found) == [("code/entry-point-unnamed", "prompt")]


def test_tests_shown_in_the_prompt_are_counted() -> None:
    prompt = 'def f(x):\n    """Add one.\n    >>> f( 1 )\n    2\n    """\n'
    [found] = findings(asserts(*SOUND), prompt=prompt)
    assert (found.rule, found.severity, found.message) == (
        "code/tests-shown",
        "info",
        "1 of 3 tests are shown",
    )
    shown = findings(asserts(*SOUND), prompt="Write f.\n" + "\n".join(SOUND))
    assert shown[0].message == "3 of 3 tests are shown"


def test_a_program_is_linted_with_stub_programs() -> None:
    echo = {"style": "stdin", "cases": [{"input": "7\n", "output": "7\n"}]}
    [found] = findings(echo, solution="print(input())\n", prompt="Print the input.")
    assert (found.rule, found.message) == (
        "code/stub-passes",
        "these pass every test: echo of the input",
    )


def test_a_class_under_test_is_stubbed_as_a_class() -> None:
    solution = "class Gauge:\n    def double(self, x): return 2 * x\n"
    tests = asserts("assert Gauge().double(4) == 8", "assert Gauge().double(5) == 10")
    assert findings(tests, solution=solution, prompt="Write Gauge.") == []


def test_a_test_that_opposite_answers_pass_tells_nothing() -> None:
    found = findings(asserts(*SOUND, "assert f(2) == f(2)"))
    assert told(found) == [("code/tells-nothing", "reference.tests.asserts[3]")]
    assert found[0].message == "passed by always None and by always True"


def test_each_rule_is_its_own_and_is_explained() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert all(rule.summary and rule.fix and rule.id.startswith("code/") for rule in RULES)


def test_gold_lint_finds_the_lint_of_code_by_the_reward_of_the_question() -> None:
    from tamis.records import RewardSpec

    question = Question(
        prompt=[Message(role="user", content="Write f.")],
        reward=RewardSpec(name="code"),
        reference=Reference(tests=json.dumps(asserts(*SOUND))),
    )
    [found] = asyncio.run(lint_questions([question]))
    assert told(found) == [("code/no-solution", "reference.solution")]


def test_the_lint_refuses_another_reward() -> None:
    with pytest.raises(RewardError, match="expected code"):
        asyncio.run(lint(NumericReward(), []))
