"""Counting tests in their source: the same on the trusted side and in the judge."""

from __future__ import annotations

import ast
import unittest
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.sandbox.asserts import (
    BEGIN,
    RAISED,
    SEEN,
    defined_names,
    find_check_tests,
    find_unittest_tests,
    free_names,
    instrument,
    is_trivial,
    n_tests,
)


@pytest.mark.parametrize(
    ("code", "n"),
    [
        ("def check(f):\n    assert f(1)\n    assert f(2), 'why'\n", 2),
        ("def check(f):\n    assert True\n    assert f(2)\n    assert len('a') == 1\n", 1),
        ("def check(f):\n    for x in (1, 2):\n        assert f(x)\n", 1),
        ("def check(f):\n    with open(1): assert f(1)\n    if 1: assert f(1)\n    else: assert f(2)\n", 3),
        ("def same(a, b):\n    assert a == b\ndef check(f):\n    same(f(1), 2)\n", 2),  # and what follows
        ("def check(f):\n    f(1)\n", 1),  # only the end
        ("pass", 1),
        ("def check(f):\n    assert f(1)\n    assert False\n", 2),  # and the end
        ("def check(f):\n    assert f(1)\n    if f(2): raise ValueError\n", 2),
        ("def check(f):\n    assert f(1)\n    try:\n        assert f(2)\n    except TypeError: pass\n", 2),
        ("def check(f):\n    try:\n        assert f(2)\n    finally: f(3)\n    assert f(4)\n", 2),
        ("def check(f):\n    assert f(1)\n    'a remark'\n    pass\n", 1),
        ("def check(f):\n    f(0)\n    assert f(1)\n", 1),
    ],
)  # fmt: skip
def test_the_tests_of_a_check_are_its_asserts_and_its_end_where_that_can_fail(
    code: str, n: int
) -> None:
    assert n_tests(code, style="check") == n


@pytest.mark.parametrize("text", ["True", "1 == 1", "len('ab') > 1", "(lambda: 3)()", "not None"])
def test_a_condition_without_names_is_trivial(text: str) -> None:
    assert is_trivial(ast.parse(text, mode="eval").body)


@pytest.mark.parametrize("text", ["x", "f(1) == 1", "math.pi > 3", "[n for n in xs]"])
def test_a_condition_with_a_name_is_not_trivial(text: str) -> None:
    assert not is_trivial(ast.parse(text, mode="eval").body)


def test_asserts_that_may_run_again_are_known() -> None:
    code = (
        "assert f(0)\ndef check(f):\n    assert f(1)\n    for x in f(2):\n        assert x\n"
        "    def inner():\n        assert f(3)\n    with f(4):\n        assert f(5)\n"
        "def other():\n    assert f(6)\n"
    )
    assert find_check_tests(ast.parse(code)).repeated == {2, 3, 5}
    again = find_check_tests(ast.parse(code + "check(1)\n"))
    assert again.repeated == set(range(6))


def test_test_methods_come_in_the_order_of_unittests_loader() -> None:
    code = """
import unittest
from unittest import TestCase
class B(TestCase):
    def test_2(self): pass
    def test_1(self): pass
    def helper(self): pass
class A(B):
    async def test_3(self): pass
    def testCamel(self): pass
class Mixin:
    def test_mixed(self): pass
class C(Mixin, unittest.TestCase): pass
if True:
    class D(unittest.IsolatedAsyncioTestCase):
        def test_d(self): pass
class Plain:
    def test_no(self): pass
"""
    module = ModuleType("tests")
    exec(code, vars(module))
    found = find_unittest_tests(ast.parse(code))
    assert found == _loaded(unittest.defaultTestLoader.loadTestsFromModule(module))
    assert n_tests(code, style="unittest") == len(found) == 8


def _loaded(suite: Any) -> list[tuple[str, str]]:
    if isinstance(suite, unittest.TestCase):
        return [(type(suite).__name__, suite._testMethodName)]
    # the loader finds imported classes, too: those hold no tests
    return [found for part in suite for found in _loaded(part)]


def test_classes_that_inherit_in_a_circle_do_not_hang() -> None:
    assert find_unittest_tests(ast.parse("class A(B): pass\nclass B(A): pass")) == []


def test_free_names_are_those_read_and_defined_by_no_code_of_the_scope() -> None:
    first = ast.parse("import math as m\nfrom os import path\nx: int = 1\nfor i in y: z = i\n")
    second = ast.parse("def g(a): return h(a, x, m, path, len)\nclass C(Base): n = k\n")
    # local variables are read, too
    assert free_names([first, second]) == {"y", "h", "a", "len", "Base", "k", "int"}


def test_defined_names_are_those_of_the_top_level() -> None:
    code = "try:\n    import a.b\nexcept E as e:\n    c = 1\nwith f() as d:\n    pass\ndef g():\n    h = 1\n(i := 2)\n"
    assert set(defined_names(ast.parse(code))) == {"a", "e", "c", "d", "g", "i"}


_lines = st.lists(
    st.sampled_from(
        [
            "assert f(1)", "assert True", "assert g[0]", "f(2)", "x = f(3)", "raise E",
            "for a in b:\n    assert f(a)", "if x:\n    assert y\nelse:\n    assert z",
            "def h():\n    assert f(9)", "try:\n    assert q\nexcept E:\n    assert r",
            "with f(1):\n    assert w",
        ]
    ),
    max_size=6,
)  # fmt: skip


@given(_lines)
def test_instrumented_code_reports_each_counted_assert_once_and_is_python(lines: list[str]) -> None:
    tree = ast.parse("\n".join(lines))
    tests = find_check_tests(tree)
    changed = instrument(tree, tests)
    compile(changed, "check.py", "exec")
    begun = [
        node.args[0].value  # type: ignore[attr-defined]
        for node in ast.walk(changed)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == BEGIN
    ]
    assert sorted(begun) == list(range(len(tests.asserts)))
    assert tests.n_tests >= 1


def test_reports_take_truth_and_exceptions_of_the_condition() -> None:
    told: list[Any] = []
    scope = {
        "f": lambda x: 1 // x,
        BEGIN: lambda k: told.append(k) or k != 1,
        SEEN: lambda k, truth: told.append(truth),
        RAISED: lambda k, error: told.append(type(error)),
    }
    tree = ast.parse(
        "assert f(1)\nassert f(0)\nassert f(2)\nassert f(0)\nassert (y := f(1)) == 1\nassert y"
    )
    exec(compile(instrument(tree, find_check_tests(tree)), "check.py", "exec"), scope)
    assert told == [0, True, 1, 2, False, 3, ZeroDivisionError, 4, True, 5, True]
