"""Asserts in two parts: what the candidate learns, and what is decided without it."""

from __future__ import annotations

import ast
import math
from collections import deque
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.rewards.code.expected import NotLiteralError, expected_value
from tamis.rewards.code.split import Shape, one_assert, split_assert


def value(text: str) -> object:
    return expected_value(ast.parse(text, mode="eval").body)


def split(text: str, *, entry: str = "f") -> tuple[str, Shape] | None:
    test = one_assert(text)
    assert test is not None
    found = split_assert(test, entry_point=entry, shadowed=frozenset())
    return None if found is None else (found.call, found.shape)


@pytest.mark.parametrize(
    ("text", "call", "shape"),
    [
        ("assert f(1, 2) == 3", "f(1, 2)", Shape("==", 3)),
        ("assert 3 == f(1, b=2), 'wrong'", "f(1, b=2)", Shape("==", 3)),
        ("assert f(x=[1]) != {'a': (1, -2)}", "f(x=[1])", Shape("!=", {"a": (1, -2)})),
        ("assert f() is None", "f()", Shape("is", None)),
        ("assert f() is not True", "f()", Shape("is not", True)),
        ("assert f('x')", "f('x')", Shape("truth")),
        ("assert not f('x')", "f('x')", Shape("truth", is_negated=True)),
        ("assert not f(1) == 2", "f(1)", Shape("==", 2, is_negated=True)),
        ("assert abs(f(2) - 0.5) < 1e-6", "f(2)", Shape("<", 1e-6, "distance", 0.5)),
        ("assert abs(0.5 - f(2)) <= 1e-6", "f(2)", Shape("<=", 1e-6, "distance", 0.5)),
        ("assert 1e-6 > abs(f(2) - 0.5)", "f(2)", Shape("<", 1e-6, "distance", 0.5)),
        ("assert math.isclose(f(2), 0.5)", "f(2)", Shape("isclose", 0.5)),
        (
            "assert math.isclose(0.5, f(2), abs_tol=1e-3)",
            "f(2)",
            Shape("isclose", 0.5, abs_tol=1e-3),
        ),
        ("assert round(f(2), 2) == 0.33", "f(2)", Shape("==", 0.33, "round", 2)),
        ("assert sorted(f(2)) == [1, 2]", "f(2)", Shape("==", [1, 2], "sorted")),
        ("assert sorted(f(2), reverse=True) == [1]", "f(2)", Shape("==", [1], "sorted_down")),
        ("assert set(f(2)) == set((4, 5))", "f(2)", Shape("==", {4, 5}, "set")),
        ("assert len(f(2)) > 3", "f(2)", Shape(">", 3, "len")),
        ("assert 3 < len(f(2))", "f(2)", Shape(">", 3, "len")),
        ("assert list(f(2)) == []", "f(2)", Shape("==", [], "list")),
        ("assert f(2) in (1, 2)", "f(2)", Shape("in", (1, 2))),
        ("assert 2 in f(2)", "f(2)", Shape("holds", 2)),
        ("assert isinstance(f(2), (int, float))", "f(2)", Shape("isinstance", ("int", "float"))),
        ("assert f(f(2)) == 3", "f(f(2))", Shape("==", 3)),
        ("assert f(2)[0].strip() == 'a'", "f(2)[0].strip()", Shape("==", "a")),
        ("assert Solution().f([2]) == 3", "Solution().f([2])", Shape("==", 3)),
    ],
)
def test_common_asserts_are_split(text: str, call: str, shape: Shape) -> None:
    assert split(text, entry="Solution" if "Solution" in text else "f") == (call, shape)


def test_arguments_keep_their_meaning_as_source() -> None:
    found = split("assert f((x for x in [1]), key=lambda n: -n, *[2], **{'a': g}) == 3")
    assert found is not None
    assert found[0] == "f((x for x in [1]), *[2], key=lambda n: -n, **{'a': g})"


@pytest.mark.parametrize(
    "text",
    [
        "assert f(1) == f(2)",
        "assert f(1) == g(2)",
        "assert f(1) == expected",
        "assert f(1) == 1 and f(2) == 2",
        "assert 1 < f(1) < 3",
        "assert f(1) + 1 == 2",
        "assert all(f(1))",
        "assert len(set(f(1))) == 2",
        "assert f(1).equals([1])",
        "assert f(1).startswith('a')",
        "assert (y := f(1)) == 2",
        "assert f((y := 1)) == 2",
        "assert f == 3",
        "assert f(1) == [x for x in (1, 2)]",
        "assert f(1) == 10 ** 10 ** 10",
        "assert f(1) is 3",
        "assert f(1) < 'a'",
        "assert abs(f(1) - f(2)) < 1",
        "assert isinstance(f(1), Iterable)",
        "assert sorted(f(1), key=len) == [1]",
        "assert math.isclose(f(1), 0.5, **tolerance)",
        "assert type(f(1)) == int",
    ],
)
def test_any_other_assert_is_for_the_judge(text: str) -> None:
    assert split(text) is None


def test_a_test_that_redefines_a_builtin_is_for_the_judge() -> None:
    test = one_assert("assert sorted(f(1)) == [1]")
    assert test is not None
    assert split_assert(test, entry_point="f", shadowed={"sorted"}) is None


def test_texts_with_more_than_one_assert_are_not_one_assert() -> None:
    assert one_assert("x = 1\nassert f(x) == 1") is None
    assert one_assert("assert (") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-3", -3),
        ("1 / 3", 1 / 3),
        ("10**9 + 7", 10**9 + 7),
        ("2 ** 0.5", 2**0.5),
        ("[0] * 3", [0, 0, 0]),
        ("set()", set()),
        ("frozenset([1])", frozenset({1})),
        ("float('-inf')", -math.inf),
        ("math.pi", math.pi),
        ("Decimal('1.10')", Decimal("1.10")),
        ("fractions.Fraction(1, 3)", Fraction(1, 3)),
        ("deque([1], maxlen=2)", deque([1], maxlen=2)),
        ("Counter('aab')", {"a": 2, "b": 1}),
        ("defaultdict(list, {1: [2]})", {1: [2]}),
        ("OrderedDict([(1, 2)])", {1: 2}),
        ("list(range(3))", [0, 1, 2]),
        ("1 + 2j", 1 + 2j),
        ("...", ...),
        ("b'a' + b'b'", b"ab"),
        ("not True", False),
    ],
)
def test_what_is_expected_is_worked_out_without_running_it(text: str, expected: object) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "open('/etc/passwd')",
        "__import__('os')",
        "(1).__class__",
        "[x for x in ()]",
        "10 ** 10 ** 10",
        "2 ** -10 ** 9 ** 9",
        "1 << 10 ** 9",
        "'a' * 10 ** 9",
        "[[0] * 99999] * 10 ** 6",
        "range(10 ** 12)",
        "bytes(10 ** 10)",
        "int(Decimal('1e999999999'))",
        "Fraction('1e999999999')",
        "Decimal('9' * 5000)",
        "'%1000000000d' % 3",
        "1 / 0",
        "{[]}",
        "{**{}}",
        "dict(**{})",
        "f'{1}'",
        "lambda: 1",
        "math.os",
        "set.mro",
        "'a'.upper()",
    ],
)
def test_nothing_else_is_worked_out(text: str) -> None:
    with pytest.raises(NotLiteralError):
        value(text)


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(plain, plain)
def test_any_literal_argument_and_result_split_into_themselves(
    argument: object, result: object
) -> None:
    found = split(f"assert f({argument!r}) == {result!r}")
    assert found is not None
    assert found[1] == Shape("==", result)
