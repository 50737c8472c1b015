"""From tests as JSON to a task: which tests count, who decides them, what the candidate may see."""

from __future__ import annotations

import json

import pytest

from tamis.records import Message, Question, Reference
from tamis.rewards.code.planning import task_of
from tamis.rewards.code.task import Task

HEAD = 'import math\n\n\ndef helper(x):\n    return x\n\n\ndef f(x):\n    """Add one to x."""\n'


def question(tests: object, *, prompt: str = "Write f.", solution: str | None = None) -> Question:
    text = tests if isinstance(tests, str) else json.dumps(tests)
    return Question(
        prompt=[Message(role="user", content=prompt)],
        reference=Reference(tests=text, solution=solution),
    )


def task(tests: object, *, prompt: str = "Write f.", solution: str | None = None) -> Task:
    found = task_of(question(tests, prompt=prompt, solution=solution))
    assert isinstance(found, Task), found
    return found


def asserts(*texts: str, **members: object) -> dict[str, object]:
    return {"style": "asserts", "asserts": texts, **members}


def calls(found: Task) -> list[str | None]:
    return [test.call.expr for test in found.values]


def job(found: Task) -> dict[str, object]:
    assert found.judged is not None
    return dict(found.judged.tests.job)


@pytest.mark.parametrize(
    ("tests", "reason"),
    [
        ("", "reference.tests: expected tests, got nothing"),
        ("[]", "reference.tests: Expected `object`, got `array`"),
        ("{", "reference.tests: Input data was truncated"),
        ({"style": "instructions"}, "reference.tests: Invalid value 'instructions' - at `$.style`"),
        (asserts(), "reference.tests: expected at least one test, got none"),
        (
            asserts("assert f(1"),
            "reference.tests.asserts[0]: expected Python, got line 1: '(' was never closed",
        ),
        (
            asserts("assert f(1) == 2", timeout=3),
            "reference.tests: Object contains unknown field `timeout`",
        ),
        (
            asserts("assert True"),
            "reference.tests: expected calls of the answer's function, found none",
        ),
        (
            {"style": "check", "entry_point": "f", "code": "def check(g):\n    assert True"},
            "reference.tests.code: expected calls of the candidate, found none",
        ),
        (
            {"style": "calls", "entry_point": "f", "cases": [{"args": [1]}]},
            "reference.tests.cases[0]: expected either `expected` or `expected_source`",
        ),
        (
            {"style": "calls", "entry_point": "f", "cases": [{"args": 1, "expected": 1}]},
            "reference.tests.cases[0].args: expected a list",
        ),
        (
            {
                "style": "calls",
                "entry_point": "f",
                "cases": [{"args_source": "1)+g(", "expected": 1}],
            },
            "reference.tests.cases[0].args_source: expected arguments as Python source",
        ),
        (
            {"style": "calls", "entry_point": "f", "cases": [{"args": [], "expected_source": "x"}]},
            "reference.tests.cases[0].expected_source: expected a Python literal",
        ),
        (
            {"style": "calls", "entry_point": "f()", "cases": [{"args": [], "expected": 1}]},
            "reference.tests.entry_point: expected the name of a function",
        ),
        (
            {"style": "unittest", "code": "x = 1"},
            "reference.tests: expected a test of the answer, got only trivial ones",
        ),
    ],
)
def test_tests_that_cannot_grade_are_refused_with_one_reason(tests: object, reason: str) -> None:
    assert task_of(question(tests)) == reason


def test_a_question_without_reference_has_no_task() -> None:
    assert task_of(Question(prompt=[])) == "reference.tests: expected tests, got nothing"


@pytest.mark.parametrize("depth", [90, 400, 900, 3000])
def test_tests_nested_beyond_reason_are_refused_not_raised(depth: int) -> None:
    deep = "+".join("1" * depth)
    code = f"def check(g):\n    assert g({deep}) == {deep}\n"
    for tests in (
        {"style": "check", "entry_point": "f", "code": code},
        asserts(f"assert f({deep}) == {deep}"),
        asserts(f"assert {'not ' * depth} f(1)"),
    ):
        found = task_of(question(tests))
        assert isinstance(found, Task) or found.startswith("reference.tests")


def test_asserts_without_a_call_of_the_answer_do_not_count() -> None:
    found = task(asserts("assert True", "assert f(1) == 2", "assert len('ab') == 2"))
    assert (found.paths, found.dropped) == (("asserts[1]",), ("asserts[0]", "asserts[2]"))


def test_the_entry_point_is_read_off_the_tests() -> None:
    assert task(asserts("assert set(f([1])) == {1}")).entry_point == "f"
    pairs = asserts("assert longest([Pair(1, 2), Pair(3, 4)], 4) == 3")
    solution = "class Pair: pass\ndef longest(a, n): return 3"
    assert task(pairs, solution=solution).entry_point == "longest"
    checked = asserts("assert valid(f(2))", "assert valid(f(3))")
    assert task(checked, prompt="Write f(n).").entry_point == "f"
    assert (
        task(asserts("assert sum(1, 2) == 3"), solution="def sum(a, b): ...").entry_point == "sum"
    )
    assert task(asserts("assert g(f(1))", entry_point="f")).entry_point == "f"
    assert task(asserts("assert math.isclose(solution(1), 2)")).entry_point == "solution"
    imported = asserts("assert f(1) == 2", imports=["from solution import f", "import math"])
    assert (task(imported).entry_point, task(imported).setup.strip()) == ("f", "import math")


def test_what_is_expected_stays_out_of_what_the_candidate_gets() -> None:
    found = task(asserts("assert f(['q']) == 'a secret'", "assert sorted(f(5)) == [1234567]"))
    shown = json.dumps([calls(found), found.setup])
    assert "secret" not in shown and "1234567" not in shown
    assert found.judged is None


def test_set_up_for_arguments_is_shown_and_set_up_for_results_is_not() -> None:
    setup = (
        "class Node:\n    pass\nroot = Node()\nwanted = [7, 8]\ndef best():\n    return wanted\n"
    )
    found = task(
        asserts(
            "assert f(root) == 3", "assert f(root) == wanted", "assert f(best()) == 3", setup=setup
        )
    )
    assert calls(found) == ["f(root)"]
    assert found.setup.strip() == "class Node:\n    pass\nroot = Node()"
    assert job(found)["tests"] == ["assert f(root) == wanted", "assert f(best()) == 3"]
    assert "wanted = [7, 8]" in str(job(found)["setup"])


def test_values_used_by_a_test_of_several_statements_are_not_shown() -> None:
    found = task(
        asserts("for k, v in table.items():\n    assert f(k) == v", setup="table = {1: 2}")
    )
    assert found.setup.strip() == "" and found.values == ()


def test_imports_of_the_tests_are_shown() -> None:
    found = task(asserts("assert math.isclose(f(math.pi), 1.5)", imports=["import math"]))
    assert (calls(found), found.setup.strip()) == (["f(math.pi)"], "import math")


def test_a_check_of_plain_asserts_is_decided_without_a_judge() -> None:
    code = (
        "METADATA = {'author': 'x'}\n\ndef check(candidate):\n    import math\n    assert True, 'ok'\n"
        "    assert candidate(1) == 2\n    assert candidate(candidate(math.floor(2.5))) == 4, 'msg'\n"
    )
    found = task({"style": "check", "entry_point": "f", "code": code}, prompt=HEAD)
    assert calls(found) == ["f(1)", "f(f(math.floor(2.5)))"]
    assert found.paths == ("code:6", "code:7") and found.judged is None
    assert "METADATA" not in found.setup


@pytest.mark.parametrize(
    "body",
    [
        "    for n in range(3):\n        assert candidate(n) == n + 1\n",
        "    x = 2\n    assert candidate(x) == 3\n",
        "    assert candidate(1) == 2\n    assert candidate(2) == helper(2)\n",
        "    assert candidate(1) == 2\n    assert METADATA\n",
        "    assert candidate(lambda candidate: candidate) == 2\n",
    ],
)
def test_any_other_check_goes_to_the_judge_whole(body: str) -> None:
    code = f"METADATA = {{}}\ndef check(candidate):\n{body}"
    found = task(
        {"style": "check", "entry_point": "f", "code": code},
        prompt=HEAD,
        solution="    return x + 1\n",
    )
    assert found.values == () and job(found)["code"] == code
    assert str(job(found)["reference_code"]).endswith(HEAD + "    return x + 1\n")


def test_what_stands_around_the_head_in_the_prompt_is_given() -> None:
    tests = {"style": "calls", "entry_point": "f", "cases": [{"args": [1], "expected": 2}]}
    found = task(tests, prompt=HEAD).setup
    assert "import math" in found and "def helper(x):" in found and "def f(x)" not in found
    fenced = f"Complete this:\n```python\n{HEAD}```\nThanks."
    assert task(tests, prompt=fenced).prompt == HEAD
    assert task(tests, prompt="Write f.").setup.strip() == ""


def test_set_up_never_calls_code_that_is_not_there_yet() -> None:
    setup = "start = 1\nfirst = f(0)\nassert f(1) == 2\nassert start == 1"
    found = task(asserts("assert f(start) == 2", "assert f(first) == 3", setup=setup))
    assert (calls(found), found.setup.strip()) == (["f(start)"], "start = 1")
    table = {
        "style": "calls",
        "entry_point": "f",
        "setup": setup,
        "cases": [{"args": [], "expected": 1}],
    }
    assert task(table).setup.strip() == "start = 1"


def test_calls_are_values_or_source() -> None:
    cases = [
        {"args": [[1], 10**30], "kwargs": {"key": None}, "expected": {"a": 1.5}},
        {"args_source": "(1, 2), key=len", "expected_source": "{1, 2}"},
        {"args": [], "expected": None},
    ]
    found = task({"style": "calls", "entry_point": "f", "cases": cases})
    first, second, third = found.values
    assert first.call.args == (["list", [1]], ["int", f"{10**30:x}"]) and first.call.kwargs == {
        "key": None
    }
    assert first.shape.expected == {"a": 1.5}
    assert (second.call.expr, second.shape.expected) == ("f((1, 2), key=len)", {1, 2})
    assert third.shape.expected is None


def test_calls_of_a_method_are_made_on_a_fresh_object() -> None:
    cases = [
        {"args": [[1, 2], "a"], "kwargs": {"k": None}, "expected": 3},
        {"args_source": "4", "expected": 5},
    ]
    found = task({"style": "calls", "entry_point": "Solution().add", "cases": cases})
    assert found.entry_point == "Solution"
    assert calls(found) == ["Solution().add([1, 2], 'a', **{'k': None})", "Solution().add(4)"]


def test_unittest_methods_are_tests_and_the_import_names_the_entry_point() -> None:
    code = (
        "import unittest\nfrom solution import f\n\nclass TestF(unittest.TestCase):\n"
        "    def test_b(self):\n        self.assertEqual(f(1), 2)\n    def test_a(self):\n        f(0)\n"
    )
    found = task({"style": "unittest", "code": code})
    assert (found.entry_point, found.paths) == ("f", ("code:TestF.test_a", "code:TestF.test_b"))


def test_programs_have_a_place_for_each_case() -> None:
    found = task(
        {"style": "stdin", "cases": [{"input": "1", "output": "2"}] * 2, "compare": "tokens"}
    )
    assert found.programs is not None and found.programs.compare == "tokens"
    assert (found.paths, found.entry_point) == (("cases[0]", "cases[1]"), None)
