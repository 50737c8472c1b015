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


TELLS = asserts("assert f('x').startswith('abc')")
YES = "lambda *given: True"


@pytest.mark.parametrize(
    "code",
    [
        f"from collections import namedtuple\nf = lambda x: namedtuple('N', 'startswith')({YES})",
        "from collections import namedtuple\nf = lambda x: namedtuple('N', 'startswith')(bool)",
        f"class f:\n    def __init__(self, x): pass\n    startswith = {YES}",
    ],
    ids=["named tuple", "builtin in a named tuple", "class in place of the function"],
)
def test_no_object_answers_the_question_in_place_of_a_text(code: str) -> None:
    for tests in (TELLS, check("    r = candidate('x')\n    assert r.startswith('abc')\n")):
        assert score(RIGHT, tests, solution=RIGHT).value == 1.0
        assert score(code, tests, solution=RIGHT).value == 0.0
        assert score(code, tests, prompt=RIGHT).value == 0.0


def test_an_object_of_a_class_of_the_task_answers_by_the_methods_of_the_task() -> None:
    node = "class Node:\n    def __init__(self, n):\n        self.n = n\n    def is_n(self, n):\n        return self.n == n\n"
    prompt = f"```python\n{node}\ndef f(n):\n    pass\n```"
    right, liar = "def f(n):\n    return Node(n)\n", "def f(n):\n    n = Node(0)\n"
    tests = check("    for n in (3, 4):\n        assert candidate(n).is_n(n)\n")
    solution = f"{node}\n{right}"
    assert score(right, tests, prompt=prompt, solution=solution).value == 1.0
    assert score(f"{liar}    n.is_n = {YES}\n    return n", tests, prompt=prompt).value == 0.0


def test_the_end_of_a_loop_that_an_answer_raises_is_an_error() -> None:
    tests = asserts(
        "assert all(map(lambda pair: f(pair[0]) == pair[1], [('x', 'abcx'), ('', 'abc')]))"
    )
    assert score(RIGHT, tests).value == 1.0
    assert score("def f(x):\n    raise StopIteration", tests).value == 0.0


def test_the_end_of_an_iterator_may_be_what_a_test_expects() -> None:
    tests = asserts(
        "steps = iter('a')\nassert f(steps) == 'a'\ntry:\n    f(steps)\nexcept StopIteration:\n    pass\n"
        "else:\n    assert False"
    )
    assert score("def f(steps):\n    return next(steps)", tests).value == 1.0


def test_the_fields_of_a_named_tuple_may_be_named_like_methods() -> None:
    code = "from collections import namedtuple\nf = lambda x: namedtuple('N', 'word count index')(x, 2, 3)"
    tests = asserts("r = f('x')\nassert (r.word, r.count, r.index) == r == ('x', 2, 3)")
    assert score(code, tests).value == 1.0


def test_objects_of_a_class_in_the_prompt_cross_as_values() -> None:
    node = "class Node:\n    def __init__(self, n):\n        self.n = n\n"
    tests = check("    for n in range(3):\n        assert candidate(Node(n)) == n + 1\n")
    found = score(
        "def f(node):\n    return node.n + 1", tests, prompt=f"{node}\ndef f(node):\n    pass\n"
    )
    assert found.value == 1.0 and "weak_tests" not in found.flags


def test_what_an_oracle_of_the_tests_reads_is_not_there_to_be_read() -> None:
    table = asserts(
        "assert good(f('x'), 'x')",
        setup="ANSWERS = {'x': 'abcx'}\ndef good(v, x):\n    return v == ANSWERS[x]\n",
    )
    oracle = asserts(
        "assert f('x') == wanted('x')",
        setup="def _core(x):\n    return 'abc' + x\ndef wanted(x):\n    return _core(x)\n",
    )
    for tests, name in ((table, "ANSWERS.get"), (oracle, "_core")):
        for solution in (None, RIGHT):
            assert score(RIGHT, tests, solution=solution).value == 1.0
            assert score(f"def f(x):\n    return {name}(x)", tests, solution=solution).value == 0.0


def test_what_the_reference_solution_reads_of_the_set_up_is_there_for_all() -> None:
    setup = (
        "def is_odd(n):\n    return n % 2 == 1\ndef all_odd(v):\n    return all(map(is_odd, v))\n"
    )
    solution = "def f(n):\n    return [x for x in range(n) if is_odd(x)]\n"
    tests = asserts("assert all_odd(f(9))", "assert f(3) == [1]", setup=setup)
    assert score(solution, tests, solution=solution).value == 1.0
