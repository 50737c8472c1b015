"""Is what a program printed what it should have printed?

`exact`: equal after the white space at the end of each line and the empty lines at the end are taken
away. `tokens`: the same words, split at white space. `floats`: the same words, but a number beside an
expected number with a point or an exponent may differ by `tolerance * max(1, |expected|)`; an expected
whole number is met by the same number only (`7` by `7.0`). Numbers are finite and in ASCII digits.
"""

from __future__ import annotations

import re
from fractions import Fraction

from tamis.rewards.code.tests import Compare

DEFAULT_TOLERANCE = 1e-6
_NUMBER = re.compile(
    r"[+-]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,3})?\Z"
)
_SPACE = re.compile(r"[ \t\n\r\f\v]+")


def is_same_output(
    printed: str, expected: str, *, compare: Compare = "exact", tolerance: float = DEFAULT_TOLERANCE
) -> bool:
    """Whether the printed text meets the expected one.

    >>> is_same_output("7 \\n\\n", "7"), is_same_output("07", "7", compare="tokens")
    (True, False)
    >>> is_same_output("0.3333333 2", "0.33333333 2", compare="floats")
    True
    """
    if compare == "exact":
        return _lines(printed) == _lines(expected)
    wanted = _tokens(expected)
    # no more of a flood than tells that it is too long
    given = _tokens(printed, at_most=len(wanted) + 2)
    if len(given) != len(wanted):
        return False
    if compare == "tokens":
        return given == wanted
    within = Fraction(tolerance)
    return all(_is_near(one, other, within) for one, other in zip(given, wanted, strict=True))


def _lines(text: str) -> str:
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip(" \t\r\f\v") for line in lines).rstrip("\n")


def _tokens(text: str, *, at_most: int = 0) -> list[str]:
    return [token for token in _SPACE.split(text, maxsplit=at_most) if token]


def _is_near(given: str, wanted: str, tolerance: Fraction) -> bool:
    if given == wanted:
        return True
    if not (_NUMBER.match(given) and _NUMBER.match(wanted)):
        return False
    number, target = Fraction(given), Fraction(wanted)
    if wanted.lstrip("+-").isdigit():
        return number == target
    return abs(number - target) <= tolerance * max(Fraction(1), abs(target))
