"""Decide a split assert from the claimed value alone, in the trusted process."""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tamis.rewards.code.shown import show_mismatch
from tamis.rewards.code.split import Shape
from tamis.sandbox.claims import NUMBER_DIGITS
from tamis.sandbox.compare import (
    Comparison,
    NotComparable,
    as_list_equal,
    as_tuple_equal,
    compared,
    contained,
    contains,
    distance,
    holds,
    is_close,
    is_false,
    is_none,
    is_true,
    kind,
    length,
    number,
    set_equal,
    sorted_equal,
    truth,
)
from tamis.sandbox.frames import WireError
from tamis.sandbox.values import encode

Answer = bool | NotComparable

_NEGATIVE = frozenset({"!=", "is not", "not in", "lacks"})
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NUMERIC_WRAPS = frozenset({"len", "abs", "round", "distance"})
_INSTANCES = {"bool": ("bool", "int"), "none": ()}


def decide(shape: Shape, raw: object, comparison: Comparison) -> str | None:
    """None when the claim passes the test, else a few words why not: what was expected, what came.

    >>> decide(Shape("==", [1, 2], "sorted"), ["list", [2, 1]], Comparison())
    >>> decide(Shape("==", 3), 5, Comparison())
    'expected == 3, got 5'
    >>> decide(Shape("==", 3, "len"), 5, Comparison())
    'a value of kind int has no length'
    """
    answer = _answer(shape, raw, comparison)
    if holds(answer, negated=shape.is_negated != (shape.relation in _NEGATIVE)):
        return None
    return answer.reason if isinstance(answer, NotComparable) else show_mismatch(shape, raw)


def _answer(shape: Shape, raw: object, comparison: Comparison) -> Answer:
    """The answer to the positive form of the relation."""
    expected: Any = shape.expected
    if shape.relation == "truth":
        return truth(raw)
    if shape.relation == "isclose":
        return is_close(raw, expected, rel_tol=shape.rel_tol, abs_tol=shape.abs_tol)
    if shape.relation == "isinstance":
        return _is_instance(raw, expected)
    if shape.relation in ("in", "not in"):
        return contained(raw, expected, comparison)
    if shape.relation in ("holds", "lacks"):
        return contains(raw, expected, comparison)
    if shape.relation in ("is", "is not"):
        if expected is None:
            return is_none(raw)
        return is_true(raw) if expected else is_false(raw)
    if shape.relation in _ORDERS:
        return _ordered(_ORDERS[shape.relation], _measured(shape, raw), expected)
    return _equal(shape, raw, comparison)


def _equal(shape: Shape, raw: object, comparison: Comparison) -> Answer:
    expected = shape.expected
    if shape.wrap in ("sorted", "sorted_down"):
        return sorted_equal(expected, raw, comparison, reverse=shape.wrap == "sorted_down")
    if shape.wrap in ("set", "frozenset"):
        return set_equal(expected, raw, comparison)
    if shape.wrap == "list":
        return as_list_equal(expected, raw, comparison)
    if shape.wrap == "tuple":
        return as_tuple_equal(expected, raw, comparison)
    if shape.wrap in _NUMERIC_WRAPS:
        measured = _measured(shape, raw)
        if isinstance(measured, NotComparable):
            return measured
        try:
            return compared(expected, encode(measured), comparison)
        except WireError as error:  # a number larger than what one frame may carry
            return NotComparable(str(error))
    return compared(expected, raw, comparison)


def _measured(shape: Shape, raw: object) -> Any:
    """The number that is compared: the claim itself, its length, its distance, its rounded value."""
    if shape.wrap == "len":
        return length(raw)
    if shape.wrap == "abs":
        return distance(raw, 0)
    if shape.wrap == "distance":
        return distance(raw, shape.number or 0)
    claimed = number(raw)
    if claimed is None:
        return NotComparable("the value is not a number", raises="TypeError")
    return _rounded(claimed, shape.number) if shape.wrap == "round" else claimed


def _rounded(
    claimed: int | float | complex | Decimal | Fraction, digits: int | float | None
) -> Any:
    if isinstance(claimed, complex) or isinstance(digits, float):
        return NotComparable("the value cannot be rounded", raises="TypeError")
    if isinstance(claimed, Decimal) and claimed.is_finite() and claimed.adjusted() > NUMBER_DIGITS:
        # as a whole number it would fill the memory
        return NotComparable("the number is too large to be rounded")
    try:
        return round(claimed) if digits is None else round(claimed, digits)
    except (ArithmeticError, ValueError) as error:
        return NotComparable("the number cannot be rounded", raises=type(error).__name__)


def _ordered(order: Callable[[Any, Any], bool], measured: Any, expected: Any) -> Answer:
    if isinstance(measured, NotComparable):
        return measured
    try:
        return bool(order(measured, expected))
    except (TypeError, ArithmeticError) as error:
        return NotComparable("the value has no order", raises=type(error).__name__)


def _is_instance(raw: object, names: tuple[str, ...]) -> Answer:
    claimed = kind(raw)
    if isinstance(claimed, NotComparable):
        return claimed
    return not set(_INSTANCES.get(claimed, (claimed,))).isdisjoint(names)
