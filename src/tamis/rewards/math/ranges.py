"""Sets of real numbers: intervals, inequalities in one letter, their unions and intersections, in normal form."""

from __future__ import annotations

from collections.abc import Sequence as Run
from fractions import Fraction
from functools import cmp_to_key

from tamis.rewards.math.answers import Answer, Interval, Reals, Scalar, Sequence
from tamis.rewards.math.exact import Undecided, added, approximate, evaluate, scaled
from tamis.rewards.math.tree import Both, Const, Neg, Tree, Unreadable, Var, holds

_INFINITY = Const("inf")
_MINUS = Fraction(-1)


def whole_line() -> Reals:
    """All real numbers."""
    return Reals((Interval(None, None),))


def interval(found: Answer | None, *, closed: tuple[bool, bool] | None = None) -> Reals | None:
    """A pair of numbers as an interval, open in parentheses and closed in brackets; None for what is no interval."""
    if isinstance(found, Reals):
        return found
    if not isinstance(found, Sequence) or found.kind not in ("tuple", "bracket"):
        return None
    ends = [item.tree for item in found.items if isinstance(item, Scalar) and item.unit is None]
    if len(ends) != 2 or len(found.items) != 2:
        return None
    low_closed, high_closed = closed or (found.kind == "bracket",) * 2
    low, high = ends
    if low == _INFINITY or high == Neg(_INFINITY):
        return None
    if (low == Neg(_INFINITY) and low_closed) or (high == _INFINITY and high_closed):
        return None
    bottom = None if low == Neg(_INFINITY) else low
    top = None if high == _INFINITY else high
    if bottom is not None and top is not None and _order(bottom, top) == 1:
        return None
    part = Interval(bottom, top, low_closed and bottom is not None, high_closed and top is not None)
    return Reals((part,))


def inequality(trees: Run[Tree], signs: Run[str]) -> Reals | None:
    """The range of a letter between constants, as in `1 < x \\le 3`; None when it is no such range."""
    letters = [place for place, tree in enumerate(trees) if isinstance(tree, Var)]
    if len(letters) != 1 or len(trees) > 3:
        return None
    place = letters[0]
    if any(holds(tree, (Var, Both)) for spot, tree in enumerate(trees) if spot != place):
        return None
    if "!=" in signs:
        if len(trees) != 2:
            return None
        other = trees[1 - place]
        return Reals((Interval(None, other), Interval(other, None)))
    if len({sign[0] for sign in signs}) != 1 or (len(trees) == 3 and place != 1):
        return None
    if signs[0][0] == ">":
        trees, place = trees[::-1], len(trees) - 1 - place
        signs = [sign.replace(">", "<") for sign in signs[::-1]]
    low = trees[place - 1] if place > 0 else None
    high = trees[place + 1] if place + 1 < len(trees) else None
    low_closed = place > 0 and signs[place - 1] == "<="
    high_closed = place < len(signs) and signs[place] == "<="
    if low == Neg(_INFINITY):
        low, low_closed = None, False
    if high == _INFINITY:
        high, high_closed = None, False
    return _kept([Interval(low, high, low_closed, high_closed)])


def joined(sets: Run[Reals]) -> Reals:
    """The union, touching and overlapping parts made one."""
    parts = [part for each in sets for part in each.parts]
    if any(_order(end, end) is None for part in parts for end in (part.low, part.high) if end):
        return Reals(tuple(parts))
    parts.sort(key=cmp_to_key(_by_low))
    merged: list[Interval] = []
    for part in parts:
        if merged and _touches(merged[-1], part):
            merged[-1] = _hull(merged[-1], part)
        else:
            merged.append(part)
    return Reals(tuple(merged))


def meeting(sets: Run[Reals]) -> Reals:
    """The intersection."""
    found = sets[0].parts
    for other in sets[1:]:
        found = tuple(_common(one, two) for one in found for two in other.parts)
        found = _kept(found).parts
    return Reals(found)


def without(one: Reals, other: Reals) -> Reals:
    """The first set without the second."""
    gaps: list[Interval] = []
    low, low_closed = None, False
    parts = joined([other]).parts
    for part in parts:
        if part.low is not None:
            gaps.append(Interval(low, part.low, low_closed, not part.low_closed))
        if part.high is None:
            return meeting([one, Reals(tuple(gaps))])
        low, low_closed = part.high, not part.high_closed
    gaps.append(Interval(low, None, low_closed))
    return meeting([one, Reals(tuple(gaps))])


def _kept(parts: Run[Interval]) -> Reals:
    return Reals(tuple(part for part in parts if not _is_empty(part)))


def _is_empty(part: Interval) -> bool:
    if part.low is None or part.high is None:
        return False
    order = _order(part.low, part.high)
    return order == 1 or (order == 0 and not (part.low_closed and part.high_closed))


def _common(one: Interval, two: Interval) -> Interval:
    low = max((one, two), key=cmp_to_key(_by_low))
    high = min((one, two), key=cmp_to_key(_by_high))
    return Interval(low.low, high.high, low.low_closed, high.high_closed)


def _hull(one: Interval, two: Interval) -> Interval:
    high = max((one, two), key=cmp_to_key(_by_high))
    return Interval(one.low, high.high, one.low_closed, high.high_closed)


def _touches(one: Interval, two: Interval) -> bool:
    """Whether nothing lies between an interval and one that starts no earlier."""
    if one.high is None or two.low is None:
        return True
    order = _known(one.high, two.low)
    return order > 0 or (order == 0 and (one.high_closed or two.low_closed))


def _by_low(one: Interval, two: Interval) -> int:
    if one.low is None or two.low is None:
        return (one.low is not None) - (two.low is not None)
    return _known(one.low, two.low) or two.low_closed - one.low_closed


def _by_high(one: Interval, two: Interval) -> int:
    if one.high is None or two.high is None:
        return (one.high is None) - (two.high is None)
    return _known(one.high, two.high) or one.high_closed - two.high_closed


def _known(one: Tree, two: Tree) -> int:
    order = _order(one, two)
    if order is None:
        raise Unreadable("ends of intervals that cannot be put in order")
    return order


def _order(one: Tree, two: Tree) -> int | None:
    """-1, 0 or 1; None when the ends have letters, or are no real closed numbers."""
    try:
        difference = added(evaluate(one), scaled(evaluate(two), _MINUS))
    except Undecided:
        return None
    if not difference:
        return None if approximate(evaluate(one)) is None else 0
    number = approximate(difference)
    if number is None:
        return None
    return 1 if number > 0 else -1
