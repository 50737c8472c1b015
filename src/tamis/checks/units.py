"""Units that convert into each other: why `30 + 30 = 1 hour` is no mistake, but `5 × 13 = 650 dollars` is."""

from __future__ import annotations

import re
from collections import defaultdict
from fractions import Fraction

# one of the first is this many of the second
_PAIRS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("minute", "second", (60,)),
    ("hour", "minute", (60,)),
    ("hour", "second", (3600,)),
    ("day", "hour", (24,)),
    ("day", "minute", (1440,)),
    ("day", "second", (86400,)),
    ("week", "day", (7, 5)),
    ("week", "hour", (168,)),
    ("month", "day", (28, 29, 30, 31)),
    ("month", "week", (4,)),
    ("year", "month", (12,)),
    ("year", "week", (52, 50)),
    ("year", "day", (360, 365, 366)),
    ("decade", "year", (10,)),
    ("centimetre", "millimetre", (10,)),
    ("metre", "centimetre", (100,)),
    ("metre", "millimetre", (1000,)),
    ("kilometre", "metre", (1000,)),
    ("foot", "inch", (12,)),
    ("yard", "foot", (3,)),
    ("yard", "inch", (36,)),
    ("mile", "foot", (5280,)),
    ("mile", "yard", (1760,)),
    ("kilogram", "gram", (1000,)),
    ("ton", "kilogram", (1000,)),
    ("ton", "pound", (2000,)),
    ("pound", "ounce", (16,)),
    ("kilogram", "jin", (2,)),
    ("jin", "gram", (500,)),
    ("litre", "millilitre", (1000,)),
    ("gallon", "quart", (4,)),
    ("gallon", "pint", (8,)),
    ("gallon", "cup", (16,)),
    ("gallon", "ounce", (128,)),
    ("quart", "pint", (2,)),
    ("quart", "cup", (4,)),
    ("quart", "ounce", (32,)),
    ("pint", "cup", (2,)),
    ("pint", "ounce", (16,)),
    ("cup", "ounce", (8,)),
    ("dollar", "cent", (100,)),
    ("dollar", "quarter", (4,)),
    ("dollar", "dime", (10,)),
    ("dollar", "nickel", (20,)),
    ("quarter", "cent", (25,)),
    ("dime", "cent", (10,)),
    ("nickel", "cent", (5,)),
    ("yuan", "jiao", (10,)),
    ("yuan", "fen", (100,)),
    ("jiao", "fen", (10,)),
    ("dozen", "piece", (12,)),
    ("pair", "piece", (2,)),
    ("whole", "percent", (100,)),
)
_SPELLINGS = {
    "second": "seconds?|secs?|秒",
    "minute": "minutes?|mins?|分钟",
    "hour": "hours?|hrs?|小时",
    "day": "days?|天",
    "week": "weeks?|周|星期",
    "month": "months?|个?月",
    "year": "years?|年",
    "decade": "decades?",
    "millimetre": "millimet(?:er|re)s?|mm|毫米",
    "centimetre": "centimet(?:er|re)s?|cm|厘米",
    "metre": "met(?:er|re)s?|m|米",
    "kilometre": "kilomet(?:er|re)s?|km|千米|公里",
    "inch": "inch(?:es)?",
    "foot": "feet|foot|ft",
    "yard": "yards?",
    "mile": "miles?",
    "gram": "grams?|g|克",
    "kilogram": "kilograms?|kg|千克|公斤",
    "jin": "斤",
    "ton": "tons?|tonnes?|吨",
    "ounce": "ounces?|oz",
    "pound": "pounds?|lbs?",
    "millilitre": "millilit(?:er|re)s?|ml|毫升",
    "litre": "lit(?:er|re)s?|l|升",
    "cup": "cups?",
    "pint": "pints?",
    "quart": "quarts?",
    "gallon": "gallons?",
    "cent": "cents?|penn(?:y|ies)",
    "nickel": "nickels?",
    "dime": "dimes?",
    "quarter": "quarters?",
    "dollar": "dollars?",
    "fen": "分(?!钟)",
    "jiao": "角",
    "yuan": "元",
    "dozen": "dozens?",
    "pair": "pairs?",
    "percent": "percent|per cent",
}
_UNIT = re.compile(
    r"\s*[*_]*\s*(?:"
    + "|".join(f"(?P<{name}>{said})" for name, said in _SPELLINGS.items())
    + r")(?![A-Za-z])",
    re.IGNORECASE,
)
_AND_NUMBER = re.compile(r"\.?,?\s*(?:and\s+|零)?\$?\d")


def _factors() -> dict[str, frozenset[Fraction]]:
    """For each unit, how many of it one of another unit is."""
    found: dict[str, set[Fraction]] = defaultdict(set)
    for larger, smaller, counts in _PAIRS:
        for count in counts:
            found[smaller].add(Fraction(count))
            found[larger].add(Fraction(1, count))
    return {unit: frozenset(factors) for unit, factors in found.items()}


_FACTORS = _factors()
_SLIPS = (Fraction(10), Fraction(1, 10))
_OF_TEN = {
    unit: [b if a == unit else a for a, b, counts in _PAIRS if unit in (a, b) and 10 in counts]
    for unit in _FACTORS
}


def is_compound(after: str) -> bool:
    """Whether a result goes on in a smaller unit: the text behind it is a unit and a number.

    >>> is_compound(" hours 30 minutes"), is_compound(" feet and 2 inches"), is_compound(" and 30 more")
    (True, True, False)
    """
    match = _UNIT.match(after)
    return match is not None and _AND_NUMBER.match(after, match.end()) is not None


def may_convert(ratio: Fraction, line: str, end: int) -> bool:
    """Whether a result that is `ratio` times the value before it may be the same in another unit.

    end: where the result ends in the line; its unit may stand behind it. Ten times as much is also what a
    slip of the pen gives: then the other unit must be named in the line.

    >>> may_convert(Fraction(1, 60), "30 + 30 = 1 hour", 11), may_convert(Fraction(10), "2 + 3 = 50 元", 10)
    (True, False)
    """
    match = _UNIT.match(line, end)
    if match is None:
        return False
    unit = str(match.lastgroup)
    if ratio not in _FACTORS[unit]:
        return False
    return ratio not in _SLIPS or any(
        re.search(_SPELLINGS[other], line, re.IGNORECASE) for other in _OF_TEN[unit]
    )
