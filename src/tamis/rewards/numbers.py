"""Numbers as people and models write them, read exactly; never `eval`, never a float.

A number is an optional sign, ASCII digits with or without thousands separators, an optional decimal
part and exponent; a fraction `a/b` or `\\frac{a}{b}`; a mixed number `1 1/2`; with an optional currency
sign before and unit behind. What is not wholly one of these is not a number: `3*5`, `7, 8`, `x < 7`.
"""

from __future__ import annotations

import re
from fractions import Fraction

import msgspec

# Longer candidates are no final answers; the caps keep exact arithmetic cheap.
MAX_CHARS = 200
MAX_DIGITS = 256
MAX_EXPONENT = 1000

_SIGN = r"[+\-\u2212]?"
_GROUPED = r"[0-9]{1,3}(?:(?:,|\{,\}|\\,|,\\!)[0-9]{3})+"
_DECIMAL = rf"(?:(?:{_GROUPED}|[0-9]+)(?:\.[0-9]*)?|\.[0-9]+)"
_CURRENCY = r"(?:\\?\$|€|£|¥|US\$|USD )"
# The look-ahead refuses what only begins like a number: 1_0, 1.2.3, 7:30, 1,23.
_END = r"(?![0-9_]|[.:,][0-9])"
_PLAIN = rf"(?P<plain>{_DECIMAL}(?:[eE][+\-]?[0-9]{{1,6}})?)"
_MIXED = r"(?P<whole>[0-9]+)\s+(?P<part>[0-9]+)\s*/\s*(?P<of>[0-9]+)"
_RATIO = rf"(?P<over>{_DECIMAL})\s*/\s*(?P<under>{_DECIMAL})"
_LATEX = (
    r"\\[dt]?frac(?:\{\s*(?P<ltop>[+\-\u2212]?[0-9.,]+)\s*\}\{\s*(?P<lunder>[0-9.,]+)\s*\}"
    r"|(?P<top1>[0-9])(?P<under1>[0-9]))"
)
NUMBER = re.compile(
    rf"(?P<sign1>{_SIGN})\s?(?P<currency>{_CURRENCY}?)\s?(?P<sign2>{_SIGN})"
    rf"(?:{_LATEX}|(?:{_MIXED}|{_RATIO}|{_PLAIN}){_END})"
)
_UNIT_LETTERS = r"[A-Za-z\u00b0\u00b5\u4e00-\u9fff]"
_UNIT_WORD = rf"(?!(?:or|and|to|either)\b){_UNIT_LETTERS}+(?:\^?\{{?[23]\}}?|[\u00b2\u00b3])?"
_UNIT = re.compile(
    r"\s*(?:\\[;,! ]|~)*(?:(?P<percent>\\?%)|(?:\\(?:text|mathrm|textrm)\{)?\s*"
    rf"(?P<word>{_UNIT_WORD}(?:[ ./-]{{1,3}}{_UNIT_WORD})*)?\s*\.?\}}?)\s*"
)
_WRAPS = (("$", "$"), ("\\(", "\\)"), ("\\[", "\\]"), ("**", "**"), ("`", "`"), ("*", "*"))
_SIDE_OPERATORS = re.compile(r"[+*/×÷·x\u2212-]|\\times|\\cdot|\\div")
_ALIASES = {
    "$": "dollar",
    "\\$": "dollar",
    "us$": "dollar",
    "usd": "dollar",
    "€": "euro",
    "£": "pound",
    "¥": "yuan",
    "元": "yuan",
    "%": "percent",
    "\\%": "percent",
}


class Number(msgspec.Struct, frozen=True):
    """An exact value and the unit written with it, in one spelling, or None."""

    value: Fraction
    unit: str | None = None


def read_number(text: str) -> Number | None:
    """The number a text is, all of it; None when it is anything else.

    An equation counts as its right side when its left side is one variable or a calculation
    (`x = 7`, `3 + 4 = 7`), not when that is a number of its own (`3 = 7`).

    >>> read_number("$1,234.50")
    Number(value=Fraction(2469, 2), unit='dollar')
    >>> read_number("7 or 8") is None
    True
    """
    bare = _unwrapped(text)
    if not bare or len(bare) > MAX_CHARS:
        return None
    if "=" in bare:
        left, right = bare.split("=", 1)
        if "=" in right or not _is_left_side(left):
            return None
        bare = _unwrapped(right)
    match = NUMBER.match(bare)
    if match is None:
        return None
    rest = _UNIT.fullmatch(bare, match.end())
    if rest is None:
        return None
    value = number_value(match)
    return None if value is None else Number(value, written_unit(match, rest))


def number_value(match: re.Match[str]) -> Fraction | None:
    """The exact value of a `NUMBER` match; None past the caps, over zero, or with two signs."""
    found = match.groupdict()
    if found["sign1"] and found["sign2"]:
        return None
    value = _magnitude(found)
    if value is None:
        return None
    return -value if (found["sign1"] or found["sign2"]) in ("-", "\u2212") else value


def written_unit(number: re.Match[str], rest: re.Match[str]) -> str | None:
    """The unit before or behind a number, in lower case, singular and without currency signs."""
    word = number["currency"] or rest["percent"] or rest["word"]
    if not word:
        return None
    plain = word.strip(" .}").lower()
    return _ALIASES.get(plain, plain.removesuffix("s")) or None


def _magnitude(found: dict[str, str | None]) -> Fraction | None:
    if (plain := found["plain"]) is not None:
        return _decimal(plain)
    if (whole := found["whole"]) is not None:
        part = _quotient(found["part"], found["of"])
        start = _decimal(whole)
        return None if part is None or start is None else start + part
    if found["over"] is not None:
        return _quotient(found["over"], found["under"])
    if found["top1"] is not None:
        return _quotient(found["top1"], found["under1"])
    return _quotient(found["ltop"], found["lunder"])


def _quotient(over: str | None, under: str | None) -> Fraction | None:
    top, bottom = _decimal(over or ""), _decimal(under or "")
    return None if top is None or not bottom else top / bottom


def _decimal(text: str) -> Fraction | None:
    bare = re.sub(r"\{,\}|\\,|,\\!|,", "", text).replace("\u2212", "-").rstrip(".")
    digits, _, exponent = bare.lower().partition("e")
    if len(digits) > MAX_DIGITS or (exponent and abs(int(exponent)) > MAX_EXPONENT):
        return None
    if re.fullmatch(r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)", digits) is None:
        return None
    return Fraction(digits) * Fraction(10) ** int(exponent or 0)


def _is_left_side(left: str) -> bool:
    bare = left.strip()
    if re.fullmatch(r"[A-Za-z]", bare):
        return True
    if read_number(bare) is not None:
        return False
    return _SIDE_OPERATORS.search(bare) is not None and re.search(r"[<>≤≥]", bare) is None


def _unwrapped(text: str) -> str:
    bare = text.strip().rstrip(".。").strip()
    for _ in range(4):
        for opening, closing in _WRAPS:
            whole = len(bare) > len(opening) + len(closing)
            if whole and bare.startswith(opening) and bare.endswith(closing):
                bare = bare[len(opening) : -len(closing)].strip().rstrip(".。").strip()
    return bare
