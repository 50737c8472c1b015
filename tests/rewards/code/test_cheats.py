"""Answers that once earned what they had not, escaped their 0, or cost the trainer more than they may."""

from __future__ import annotations

import json

import msgspec
import pytest

from tamis.records import Message, Question, Reference, Score
from tamis.rewards.code import CodeReward

RIGHT = "def f(x):\n    return 'abc' + x\n"


def asserts(*texts: str, **members: object) -> dict[str, object]:
    return {"style": "asserts", "asserts": texts, **members}


def check(body: str) -> dict[str, object]:
    return {"style": "check", "entry_point": "f", "code": f"def check(candidate):\n{body}"}


def score(
    code: str,
    tests: object,
    *,
    solution: str | None = None,
    prompt: str = "Write f.",
    seconds: float = 2,
) -> Score:
    question = Question(
        prompt=[Message(role="user", content=prompt)],
        reference=Reference(tests=json.dumps(tests), solution=solution),
    )
    return CodeReward(time_limit_s=seconds).score(f"```python\n{code}\n```\n", question)


@pytest.mark.slow
def test_a_loop_over_a_generator_that_only_sleeps_comes_to_an_end() -> None:
    code = "import time\ndef f(x):\n    while True:\n        time.sleep(0.05)\n        yield 1\n"
    found = score(code, check("    for n in candidate(3):\n        assert n > 0\n"), seconds=0.1)
    assert found.value == 0.0 and "timeout" in found.flags


def test_a_test_that_no_value_can_pass_fails_and_raises_nothing() -> None:
    for text in ("assert f('x') in 5", "assert f('x') in b'abc'", "assert f('x') not in 2.5"):
        assert score(RIGHT, asserts(text)).value == 0.0


@pytest.mark.parametrize(
    "code",
    [
        "def f(x):\n    raise ValueError('\\ud800\\x1b[31m')",
        "raise ValueError('\\ud800\\x1b[31m')\ndef f(x): pass",
        "def f(x):\n    return '\ud800'",
        "def f(x):\n    raise type('\\x1b[2J', (Exception,), {})",
    ],
    ids=["raised", "load", "answer", "class"],
)
def test_whatever_an_answer_says_its_score_can_be_stored_and_printed(code: str) -> None:
    found = score(code, asserts("assert f('x') == 'abcx'"))
    assert found.value == 0.0
    assert msgspec.json.decode(msgspec.json.encode(found), type=Score) == found
    assert str(found.reason).isprintable()


def test_long_outputs_for_a_checker_are_graded_not_excused() -> None:
    checker = "def check(input, output, expected):\n    return output.strip() == expected\n"
    cases = [{"input": f"{n}", "output": f"{n}"} for n in range(3)]
    tests = {"style": "stdin", "cases": cases, "checker": checker}
    code = "n = input()\nprint(n if n == '1' else chr(1) * 8_000_000)\n"
    found = score(code, tests)
    assert found.value == pytest.approx(1 / 3) and "sandbox_failure" not in found.flags
