"""Equations and inequalities that define a relation between letters, equal up to a factor."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from tamis.rewards.math.answers import Relation
from tamis.rewards.math.exact import (
    Mono,
    Undecided,
    Value,
    added,
    approximate,
    evaluate,
    scaled,
    times,
)


def same_relation(one: Relation, two: Relation) -> Literal["equal", "different", "undecided"]:
    """Whether both say the same: the difference of the sides is the same up to a constant factor.

    The factor is not zero, and positive where the relation has a direction. A relation that is no
    polynomial is the same only when it is written the same.
    """
    if one == two:
        return "equal"
    if one.kind != two.kind:
        return "different"
    try:
        first, second = _difference(one), _difference(two)
        if not first or not second:
            return "different"
        return _proportional(first, second, is_directed=one.kind in ("<", "<="))
    except Undecided:
        return "undecided"


def _difference(relation: Relation) -> Value:
    found = added(evaluate(relation.left), scaled(evaluate(relation.right), Fraction(-1)))
    return _without_denominators(found) if relation.kind == "=" else found


def _without_denominators(value: Value) -> Value:
    """`y = 6 / x` as `xy - 6 = 0`, where the latter has no solution at x = 0 that the former lacks."""
    lowest: dict[Mono, Fraction] = {}
    for mono in value:
        for base, exponent in mono:
            if base[0] == 2 and exponent < 0:
                lowest[((base, Fraction(1)),)] = min(
                    lowest.get(((base, Fraction(1)),), exponent), exponent
                )
    for letter, exponent in lowest.items():
        value = times(value, {((letter[0][0], -exponent),): Fraction(1)})
        left = [mono for mono in value if letter[0][0] not in dict(mono)]
        if len(left) != 1 or _letters(left[0]):
            raise Undecided
    return value


def _proportional(
    one: Value, two: Value, *, is_directed: bool
) -> Literal["equal", "different", "undecided"]:
    letters = _letters(next(iter(one)))
    first, second = _coefficient(one, letters), _coefficient(two, letters)
    if not second or times(one, second) != times(two, first):
        return "different"
    if is_directed:
        sizes = approximate(first), approximate(second)
        if sizes[0] is None or sizes[1] is None:
            return "undecided"
        return "equal" if (sizes[0] > 0) == (sizes[1] > 0) else "different"
    return "equal"


def _letters(mono: Mono) -> Mono:
    return tuple(pair for pair in mono if pair[0][0] == 2)


def _coefficient(value: Value, letters: Mono) -> Value:
    """What stands before one product of letters."""
    return {
        tuple(pair for pair in mono if pair[0][0] != 2): c
        for mono, c in value.items()
        if _letters(mono) == letters
    }
