"""The role `judge`: each style of test code, run over the link against a candidate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .children import Children, details, frames_of, verdicts


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    started = Children()
    yield started
    started.close()


def _asserts(*tests: str, entry: str = "f", **more: Any) -> dict[str, Any]:
    return {"style": "asserts", "tests": list(tests), "entry": [entry], **more}


def _check(code: str, **more: Any) -> dict[str, Any]:
    return {"style": "check", "code": code, "entry_point": "f", "call": "check", **more}


def _unittest(code: str, **more: Any) -> dict[str, Any]:
    return {"style": "unittest", "code": code, **more}


DOUBLE = "def f(x):\n    return x * 2\n"


def test_each_assert_has_its_own_verdict(children: Children) -> None:
    frames = children.judge(DOUBLE, _asserts("assert f(2) == 4", "assert f(2) == 5", "f(1)"))
    assert [frame for frame in frames if "begin" in frame] == [{"begin": k} for k in range(3)]
    assert verdicts(frames) == {0: True, 1: False, 2: True}
    assert frames[-1] == {"done": True}


def test_skipped_tests_are_neither_run_nor_reported(children: Children) -> None:
    frames = children.judge(DOUBLE, _asserts("1/0", "assert f(1) == 2", skip=[0]))
    assert [*frames] == [
        {"begin": 1},
        {"test": 1, "passed": True, "detail": "", "weak": False},
        {"done": True},
    ]


def test_one_test_does_not_see_what_another_assigned(children: Children) -> None:
    frames = children.judge(
        DOUBLE, _asserts("y = 1", "y", "setting.append(1)", setup="setting = []")
    )
    assert verdicts(frames) == {0: True, 1: False, 2: True}


def test_setup_may_use_the_candidates_names(children: Children) -> None:
    source = "class Node:\n    def __init__(self, v):\n        self.v, self.next = v, None\n"
    source += "def f(node):\n    return node.v + (f(node.next) if node.next else 0)\n"
    setup = "root = Node(1)\nroot.next = Node(2)\nroot.next.next = Node(4)"
    frames = children.judge(
        source, _asserts("assert f(root) == 7", "assert root.next.v == 2", setup=setup)
    )
    assert verdicts(frames) == {0: True, 1: True}


def test_a_setup_that_fails_fails_every_test_and_says_so(children: Children) -> None:
    frames = children.judge(DOUBLE, _asserts("assert True", "pass", setup="1/0"))
    assert verdicts(frames) == {0: False, 1: False}
    assert details(frames)[0] == "setup: ZeroDivisionError: division by zero"


def test_a_test_that_is_no_python_is_unsupported(children: Children) -> None:
    frames = children.judge(DOUBLE, _asserts("assert f(1) ==", "assert f(1) == 2"))
    assert verdicts(frames) == {0: False, 1: True}
    assert details(frames)[0].startswith("unsupported: ")


def test_leaving_the_process_in_a_test_does_not_pass_it(children: Children) -> None:
    source = "import sys\ndef f(x):\n    sys.exit(0)\n"
    frames = children.judge(source, _asserts("f(1)", "import sys; sys.exit(0)", "assert 1"))
    assert verdicts(frames) == {0: False, 1: False, 2: True}


def test_a_candidate_that_dies_leaves_the_test_without_a_verdict(children: Children) -> None:
    source = "import os\ndef f(x):\n    os._exit(0)\n"
    frames = children.judge(source, _asserts("assert 1", "f(1)", "assert 1"))
    assert verdicts(frames) == {0: True}
    assert frames[-1] == {"begin": 1}


def test_a_candidate_that_does_not_load_leaves_nothing_begun(children: Children) -> None:
    frames = children.judge("1/0", _asserts("assert f(1)", "assert f(2)"))
    assert frames == []


# --- names -------------------------------------------------------------------------------------


def test_a_candidates_name_never_stands_in_for_a_builtin_or_for_the_tasks_own(
    children: Children,
) -> None:
    source = (
        "abs = sorted = len = lambda *a: 0\ndef helper(x):\n    return 0\n"
        "math = None\ndef f(x):\n    return 7\n"
    )
    tests = ("assert abs(f(1) - 1) < 1", "assert len([1]) == 1", "assert helper(3) == 9")
    more = {"reference_code": "def helper(x):\n    return x * x\ndef f(x):\n    return 1\n"}
    frames = children.judge(source, _asserts(*tests, "assert math.pi > 3", **more))
    assert verdicts(frames) == {0: False, 1: True, 2: True, 3: True}


def test_the_entry_point_is_the_candidates_even_where_the_task_defines_it(
    children: Children,
) -> None:
    frames = children.judge(
        DOUBLE, _asserts("assert f(1) == 2", reference_code="def f(x): return 9")
    )
    assert verdicts(frames) == {0: True}


def test_an_entry_point_named_like_a_builtin_is_the_candidates(children: Children) -> None:
    source = "def sum(a, b):\n    return a * b\n"
    assert verdicts(children.judge(source, _asserts("assert sum(3, 4) == 12", entry="sum"))) == {
        0: True
    }


def test_a_name_nobody_defines_is_a_name_error(children: Children) -> None:
    frames = children.judge(DOUBLE, _asserts("assert g(1) == 2"))
    assert details(frames) == {0: "NameError: name 'g' is not defined"}


def test_reference_code_that_is_not_needed_is_not_run(children: Children) -> None:
    frames = children.judge(DOUBLE, _asserts("assert f(1) == 2", reference_code="1/0"))
    assert verdicts(frames) == {0: True}


# --- check -------------------------------------------------------------------------------------


def test_each_assert_of_a_check_is_a_test_and_a_failing_one_does_not_stop_the_rest(
    children: Children,
) -> None:
    code = (
        "def check(candidate):\n    assert candidate(1) == 2\n    assert candidate(1) == 3\n"
        "    assert candidate(None) == 1\n    assert True, 'trivial'\n    assert candidate(2) == 4\n"
    )
    frames = children.judge(DOUBLE, _check(code))
    assert verdicts(frames) == {0: True, 1: False, 2: False, 3: True}
    assert details(frames)[1] == "line 3: assertion failed"
    assert details(frames)[2].startswith("line 4: TypeError")


def test_an_assert_in_a_loop_passes_only_if_all_its_rounds_do(children: Children) -> None:
    code = (
        "def check(candidate):\n    for n in range(5):\n        assert candidate(n) == 2 * n\n"
        "        assert candidate(n) != 6\n        if n > 7:\n            assert candidate(n)\n"
    )
    assert verdicts(children.judge(DOUBLE, _check(code))) == {0: True, 1: False, 2: False}


def test_an_exception_outside_asserts_fails_what_has_not_run(children: Children) -> None:
    code = (
        "def check(candidate):\n    assert candidate(1) == 2\n    x = candidate(None)\n"
        "    assert candidate(2) == 4\n"
    )
    frames = children.judge(DOUBLE, _check(code))
    assert verdicts(frames) == {0: True, 1: False}
    assert details(frames)[1].startswith("TypeError")


def test_what_follows_the_last_assert_is_one_more_test(children: Children) -> None:
    code = "def check(candidate):\n    assert candidate(1) == 2\n    candidate({})\n"
    assert verdicts(children.judge(DOUBLE, _check(code))) == {0: True, 1: False}


def test_an_assert_false_that_must_not_be_reached_counts_by_the_end_of_the_check(
    children: Children,
) -> None:
    code = (
        "def check(candidate):\n    assert candidate(1) == 2\n    try:\n        candidate({})\n"
        "        assert False\n    except TypeError:\n        pass\n"
    )
    assert verdicts(children.judge(DOUBLE, _check(code))) == {0: True, 1: True}
    lenient = "def f(x):\n    return 2\n"
    assert verdicts(children.judge(lenient, _check(code))) == {0: True, 1: False}


def test_a_check_without_asserts_is_one_test(children: Children) -> None:
    code = "def check(candidate):\n    if candidate(2) != 4:\n        raise ValueError('wrong')\n"
    assert verdicts(children.judge(DOUBLE, _check(code))) == {0: True}
    assert details(children.judge("def f(x): pass", _check(code))) == {0: "ValueError: wrong"}


def test_a_missing_entry_point_fails_every_assert(children: Children) -> None:
    frames = children.judge("g = 1", _check("def check(f):\n    assert f(1)\n    assert f(2)\n"))
    assert verdicts(frames) == {0: False, 1: False}
    assert details(frames)[0] == "NameError: the candidate does not define f"


def test_a_method_of_a_class_can_be_the_entry_point(children: Children) -> None:
    source = "class Solution:\n    def double(self, xs):\n        return [2 * x for x in xs]\n"
    code = "def check(candidate):\n    assert candidate(xs=[1, 2]) == [2, 4]\n    assert candidate([]) == [1]\n"
    frames = children.judge(source, _check(code, entry_point="Solution().double"))
    assert verdicts(frames) == {0: True, 1: False}
    assert not any(frame.get("weak") for frame in frames)


def test_helpers_and_repeated_asserts_of_a_check_are_counted_once(children: Children) -> None:
    code = (
        "def same(a, b):\n    assert a == b\n\ndef check(candidate):\n    same(candidate(1), 2)\n"
        "    same(candidate(2), 4)\n    assert candidate(3) == 6\n"
    )
    assert verdicts(children.judge(DOUBLE, _check(code))) == {0: True, 1: True}
    assert verdicts(children.judge("def f(x): return 2 if x == 1 else 6", _check(code))) == {
        0: False,
        1: True,
    }


def test_a_skipped_assert_of_a_check_is_not_evaluated(children: Children) -> None:
    code = "def check(f):\n    assert f(1) == 2\n    assert f(1 / 0)\n    assert f(2) == 4\n"
    frames = children.judge(DOUBLE, _check(code, skip=[0, 1]))
    assert verdicts(frames) == {2: True}


def test_test_code_at_the_top_level_is_a_check_without_a_call(children: Children) -> None:
    code = (
        "import math\nassert f(1) == 2\nfor n in range(3):\n    assert math.isclose(f(n), 2 * n)\n"
    )
    assert verdicts(children.judge(DOUBLE, _check(code, call=None))) == {0: True, 1: True}


# --- unittest ----------------------------------------------------------------------------------

_UNITTEST = """
import unittest
from solution import f
import solution

class TestB(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.base = 10

    def setUp(self):
        self.x = 2

    def test_b(self):
        self.assertEqual(f(self.x) + self.base, 14)

    def test_a(self):
        with self.assertRaises(TypeError):
            solution.f({})

    @unittest.skip('later')
    def test_skipped(self):
        pass

    @unittest.expectedFailure
    def test_expected(self):
        self.assertEqual(f(1), 3)

    def test_sub(self):
        for n in range(3):
            with self.subTest(n=n):
                self.assertNotEqual(f(n), 2)

    def test_wrong(self):
        self.assertEqual(f(1), 3)

class TestA(TestB):
    def test_b(self):
        self.assertIn(f(1), [1, 2])

if __name__ == '__main__':
    unittest.main()
"""


def test_each_test_method_is_a_test_in_the_order_of_the_loader(children: Children) -> None:
    frames = children.judge(DOUBLE, _unittest(_UNITTEST))
    # TestA: a, b, expected, skipped, sub, wrong; then TestB the same
    wanted = [True, True, False, False, False, False] * 2
    assert verdicts(frames) == dict(enumerate(wanted))
    assert details(frames)[3] == "skipped: later"
    assert details(frames)[5] == "AssertionError: 2 != 3"


def test_a_class_fixture_that_fails_fails_its_tests_only(children: Children) -> None:
    code = (
        "import unittest\nclass A(unittest.TestCase):\n    @classmethod\n    def setUpClass(cls):\n"
        "        raise ValueError('no base')\n    def test_x(self): pass\n"
        "class B(unittest.TestCase):\n    def test_y(self): pass\n"
    )
    frames = children.judge(DOUBLE, _unittest(code))
    assert verdicts(frames) == {0: False, 1: True}
    assert "no base" in details(frames)[0]


def test_a_candidate_that_dies_ends_the_run_of_unittest(children: Children) -> None:
    source = "import os\ndef f(x):\n    os._exit(0)\n"
    code = (
        "import unittest\nfrom solution import f\nclass A(unittest.TestCase):\n"
        "    def test_a(self): pass\n    def test_b(self): f(1)\n    def test_c(self): pass\n"
    )
    frames = children.judge(source, _unittest(code))
    assert verdicts(frames) == {0: True}
    assert frames[-1] == {"begin": 1}


def test_a_star_import_brings_the_candidates_names_but_no_shadows(children: Children) -> None:
    source = "def len(x):\n    return 9\ndef sqrt(x):\n    return 9\ndef f(x):\n    return 2\n"
    code = (
        "import unittest\nfrom math import sqrt\nfrom solution import *\n"
        "class A(unittest.TestCase):\n    def test_a(self):\n"
        "        self.assertEqual((f(1), len('ab'), sqrt(4)), (2, 2, 2))\n"
    )
    assert verdicts(children.judge(source, _unittest(code))) == {0: True}


# --- checker -----------------------------------------------------------------------------------


def test_a_checker_decides_about_the_output_of_programs(children: Children) -> None:
    code = "def check(input, output, expected):\n    return sorted(output.split()) == sorted(expected.split())"
    cases = [
        {"id": 0, "input": "", "output": "2 1", "expected": "1 2"},
        {"id": 1, "input": "", "output": "2", "expected": "1 2"},
        {"id": 2, "input": "", "output": None, "expected": ""},
    ]
    with children.start(
        {"role": "judge", "style": "checker", "code": code, "cases": cases}
    ) as ended:
        frames = frames_of(ended)
    assert verdicts(frames) == {0: True, 1: False, 2: False}
