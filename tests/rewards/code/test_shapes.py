"""Split asserts decided from a claim: as Python decides them, and never by the claim's own word."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from tamis.rewards.code.shapes import decide
from tamis.rewards.code.split import one_assert, split_assert
from tamis.sandbox.compare import Comparison
from tamis.sandbox.values import encode

PYTHON = Comparison()
ASSERTS = [
    *("f() == 3", "3 == f()", "f() != 3", "not f() == 3", "f()", "not f()", "f() is None"),
    *("f() is not None", "f() is True", "f() is not False", "f() < 3", "2.5 <= f()", "f() > -1"),
    *("len(f()) == 2", "len(f()) > 1", "set(f()) == {1, 2}", "sorted(f()) == [1, 2]"),
    *("sorted(f(), reverse=True) == [2, 1]", "list(f()) == [1, 2]", "tuple(f()) == (2, 1)"),
    *("abs(f()) == 3", "abs(f() - 2) < 1.5", "abs(2 - f()) <= 1", "round(f(), 1) == 0.3"),
    *("round(f()) == 3", "f() in (1, 2, 'ab')", "f() not in [3]", "f() in 'abc'", "1 in f()"),
    *("'a' not in f()", "math.isclose(f(), 0.3)", "math.isclose(3, f(), abs_tol=1)"),
    *("isinstance(f(), int)", "isinstance(f(), (str, list))", "not isinstance(f(), bool)"),
    *("f() == {1: (2, [3])}", "f() == [1, 2]", "f() == 'ab'", "bool(f())", "f() == 1/3"),
]
VALUES: list[object] = [
    *(0, 1, 2, 3, -3, True, False, None, 0.3, 0.1 + 0.2, 3.0, 1 / 3, float("nan"), float("inf")),
    *("", "a", "ab", "abc", [1, 2], [2, 1], (1, 2), (2, 1), {1, 2}, {2, 1, 3}, {1: (2, [3])}, []),
    *(10**30, 3 + 0j, range(1, 3), {"a": 1}, [[1]], ["a", 1], ..., 2.5, -1),
]


def in_python(text: str, value: object) -> bool:
    import math

    try:
        return bool(eval(text, {"f": lambda: value, "math": math}))  # our own texts
    except (TypeError, ValueError, OverflowError):
        return False


def outside(text: str, raw: object, comparison: Comparison = PYTHON) -> bool:
    test = one_assert(f"assert {text}")
    assert test is not None
    found = split_assert(test, entry_point="f", shadowed=frozenset())
    assert found is not None, ast.unparse(test)
    return decide(found.shape, raw, comparison) is None


@pytest.mark.parametrize("text", ASSERTS)
def test_each_shape_is_decided_as_python_does(text: str) -> None:
    wrong = [v for v in VALUES if outside(text, encode(v)) != in_python(text, v)]
    assert wrong == []


LIAR: list[Any] = ["object", "Liar", None]


@pytest.mark.parametrize("text", [text for text in ASSERTS if "is not" not in text])
def test_an_object_of_the_candidate_passes_nothing_that_python_asks_it(text: str) -> None:
    assert outside(text, LIAR) == (text == "not isinstance(f(), bool)")


@pytest.mark.parametrize(
    "raw",
    [
        ["list"],
        ["int", "zz"],
        ["set", 3],
        {},
        ["", []],
        ["decimal", "1e9999999999"],
        ["dict", [[1]]],
    ],
)
@pytest.mark.parametrize("text", [text for text in ASSERTS if " == " in text and "not" not in text])
def test_malformed_claims_equal_nothing(text: str, raw: object) -> None:
    assert not outside(text, raw)


def test_the_options_reach_equality() -> None:
    third = encode(0.33333333)
    assert not outside("f() == 1/3", third)
    assert outside("f() == 1/3", third, Comparison(tolerance=1e-6))
    assert outside("f() == [float('nan')]", encode([float("nan")]), Comparison(nan_equal=True))
    assert outside("f() == 1", True)
    assert not outside("f() == 1", True, Comparison(strict_types=True))


def test_a_number_too_large_to_be_rounded_costs_nothing() -> None:
    assert outside("not round(f()) == 3", ["decimal", "1E+999999999"]) is False
