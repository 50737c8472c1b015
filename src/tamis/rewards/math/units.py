"""Units behind or before a value: a table with exact factors, and words we do not know as they are.

A unit is a factor and a dimension. `m` and `cm` share a dimension, so 1 m = 100 cm; `m` and `kg` do not, so
they contradict each other. A word that is not in the table (apples) is a dimension of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

import msgspec

_F = Fraction
# name: factor, dimension; other spellings behind it
_TABLE: tuple[tuple[Fraction, str, str], ...] = (
    (_F(1), "length", "m meter metre"),
    (_F(1, 1000), "length", "mm millimeter millimetre"),
    (_F(1, 100), "length", "cm centimeter centimetre"),
    (_F(1, 10), "length", "dm decimeter decimetre"),
    (_F(1000), "length", "km kilometer kilometre"),
    (_F(1, 10**9), "length", "nm nanometer nanometre"),
    (_F(254, 10000), "length", "in inch inches"),
    (_F(3048, 10000), "length", "ft foot feet"),
    (_F(9144, 10000), "length", "yd yard"),
    (_F(1609344, 1000), "length", "mi mile"),
    (_F(1, 1000), "mass", "g gram gramme"),
    (_F(1, 10**6), "mass", "mg milligram"),
    (_F(1), "mass", "kg kilogram kilo"),
    (_F(1000), "mass", "tonne"),
    (_F(45359237, 10**8), "mass", "lb lbs"),
    (_F(45359237, 16 * 10**8), "mass", "oz ounce"),
    (_F(1), "time", "s sec second"),
    (_F(1, 1000), "time", "ms millisecond"),
    (_F(60), "time", "min minute"),
    (_F(3600), "time", "h hr hour"),
    (_F(86400), "time", "day"),
    (_F(604800), "time", "week"),
    (_F(1), "month", "month"),
    (_F(12), "month", "year yr"),
    (_F(1, 1000), "volume", "L l liter litre"),
    (_F(1, 10**6), "volume", "mL ml milliliter millilitre"),
    (_F(1), "dollar", "dollar usd"),
    (_F(1, 100), "dollar", "cent"),
    (_F(1), "euro", "euro eur"),
    (_F(1), "sterling", "gbp"),
    (_F(1), "pound", "pound"),
    (_F(1), "yuan", "yuan rmb cny"),
    (_F(1), "yen", "yen jpy"),
    (_F(1), "rupee", "rupee inr"),
    (_F(1), "percent", "percent pct"),
    (_F(1), "degree", "degree deg"),
    (_F(1), "radian", "radian rad"),
    (_F(1), "celsius", "celsius"),
    (_F(1), "fahrenheit", "fahrenheit"),
    (_F(1), "kelvin", "K kelvin"),
    (_F(1), "force", "N newton"),
    (_F(1), "energy", "J joule"),
    (_F(1000), "energy", "kJ kilojoule"),
    (_F(1), "power", "W watt"),
    (_F(1000), "power", "kW kilowatt"),
    (_F(1), "voltage", "V volt"),
    (_F(1), "current", "A amp ampere"),
    (_F(1), "resistance", "ohm"),
    (_F(1), "frequency", "Hz hertz"),
    (_F(1), "pressure", "Pa pascal"),
    (_F(1), "amount", "mol mole"),
)
_SPEEDS = {
    "mph": ("mile", "hour"),
    "kph": ("km", "hour"),
    "kmh": ("km", "hour"),
    "bpm": ("beat", "min"),
}
_SIGNS = {"$": "dollar", "€": "euro", "£": "gbp", "¥": "yen", "%": "percent"}
_POWERS = {"square": 2, "sq": 2, "cubic": 3, "cu": 3, "squared": 2, "cubed": 3}
_SILENT = frozenset(
    {"of", "the", "a", "an", "in", "total", "altogether", "each", "about", "only", "old"}
)
_WORD = re.compile(r"[A-Za-z\u00b5\u03bc\u4e00-\u9fff]+")

Dimension = tuple[tuple[str, int], ...]


class Unit(msgspec.Struct, frozen=True):
    """How many base units one is, and of which dimension; `words` are those the table does not know."""

    factor: Fraction
    dimension: Dimension
    words: frozenset[str] = frozenset()


def _names() -> dict[str, tuple[Fraction, str]]:
    names: dict[str, tuple[Fraction, str]] = {}
    for factor, dimension, spellings in _TABLE:
        for spelling in spellings.split():
            names[spelling] = (factor, dimension)
            if len(spelling) > 2:
                names[spelling + "s"] = (factor, dimension)
    return names


_NAMES = _names()
SHORT = frozenset(name for name in _NAMES if len(name) == 1)


def is_known(word: str) -> bool:
    """Whether a word is in the table, whatever its case when it is longer than two letters."""
    return _find(word) is not None


def _find(word: str) -> tuple[Fraction, str] | None:
    found = _NAMES.get(word)
    if found is None and len(word) > 2:
        found = _NAMES.get(word.lower())
    return found


@lru_cache(maxsize=4096)
def sign(written: str) -> Unit | None:
    """The unit a currency sign or a percent sign stands for."""
    name = _SIGNS.get(written.lstrip("\\").removeprefix("US"))
    return None if name is None else _single(name, 1)


def _single(word: str, exponent: int) -> Unit:
    found = _find(word)
    if word.lower() in _SPEEDS:
        above, below = _SPEEDS[word.lower()]
        return _times(_single(above, exponent), _single(below, -exponent))
    if found is None:
        plain = _singular(word.lower())
        return Unit(Fraction(1), (), frozenset({plain if exponent == 1 else f"{plain}^{exponent}"}))
    factor, dimension = found
    if dimension == "volume":
        return Unit(factor**exponent, (("length", 3 * exponent),))
    return Unit(factor**exponent, ((dimension, exponent),))


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word


def _times(one: Unit, other: Unit) -> Unit:
    exponents = dict(one.dimension)
    for name, exponent in other.dimension:
        exponents[name] = exponents.get(name, 0) + exponent
    dimension = tuple(sorted((name, e) for name, e in exponents.items() if e))
    return Unit(one.factor * other.factor, dimension, one.words | other.words)


def read_unit(parts: Sequence[str]) -> Unit | None:
    """The unit in words, powers and strokes, like `["km", "/", "h"]` or `["cm", "^", "2"]`; None when it is none.

    >>> read_unit(["cm", "^", "2"])
    Unit(factor=Fraction(1, 10000), dimension=(('length', 2),), words=frozenset())
    """
    words = [word for part in parts for word in _split(part)]
    if not words or len(words) > 12:
        return None
    total = Unit(Fraction(1), ())
    place, below, power = 0, False, 1
    while place < len(words):
        word = words[place]
        place += 1
        if word in ("/", "per"):
            below = True
        elif word.lower() in _POWERS:
            power = _POWERS[word.lower()]
            if place == len(words) and total.dimension:
                total = Unit(total.factor**power, tuple((n, e * power) for n, e in total.dimension))
        elif word in _SIGNS:
            total = _times(total, _single(_SIGNS[word], -1 if below else 1))
        elif _WORD.fullmatch(word) is None:
            return None
        else:
            exponent, place = _exponent(words, place)
            if exponent is None:
                return None
            if not _is_silent(words, place, word):
                total = _times(total, _single(word, exponent * power * (-1 if below else 1)))
            below, power = False, 1
    return total if total.dimension or total.words else None


def _is_silent(words: Sequence[str], place: int, word: str) -> bool:
    """Small words of a sentence are no unit; `in` is one unless a word follows."""
    if word.lower() not in _SILENT:
        return False
    return word != "in" or (place < len(words) and words[place][0].isalpha())


def _exponent(words: Sequence[str], place: int) -> tuple[int | None, int]:
    if place < len(words) and words[place] in ("squared", "cubed"):
        return _POWERS[words[place]], place + 1
    if place >= len(words) or words[place] != "^":
        return 1, place
    written = words[place + 1] if place + 1 < len(words) else ""
    sign_ = -1 if written == "-" else 1
    if sign_ < 0:
        place += 1
        written = words[place + 1] if place + 1 < len(words) else ""
    if written not in ("1", "2", "3", "4"):
        return None, place
    return sign_ * int(written), place + 2


def _split(part: str) -> list[str]:
    return re.findall(
        r"[A-Za-z\u00b5\u03bc\u4e00-\u9fff]+|[0-9]+|[^\sA-Za-z0-9.{}\\-]|-(?=[0-9])", part
    )


def agree(gold: Unit | None, answer: Unit | None) -> bool:
    """Whether two units do not contradict each other; one that is left out never does.

    Of words that the table does not know, one side may say more than the other (apples, red apples).
    """
    if gold is None or answer is None:
        return True
    if gold.dimension != answer.dimension:
        return False
    if not gold.words or not answer.words:
        return gold.words == answer.words or bool(gold.dimension)
    return gold.words <= answer.words or answer.words <= gold.words


def ratio(gold: Unit | None, answer: Unit | None) -> Fraction:
    """How many of the gold's units one of the answer's is; 1 when either has none."""
    if gold is None or answer is None:
        return Fraction(1)
    return answer.factor / gold.factor
