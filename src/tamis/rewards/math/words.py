"""Answers in words: multiple choice, yes and no, dates, times of day, and plain text."""

from __future__ import annotations

import re
from typing import Literal

from tamis.rewards.math.answers import Answer, Based, Choice, Clock, Date, Text, Truth

DateOrder = Literal["mdy", "dmy"]

_MONTHS = {
    name: place
    for place, names in enumerate(
        (
            "january jan|february feb|march mar|april apr|may|june jun|july jul|august aug"
            "|september sep sept|october oct|november nov|december dec"
        ).split("|"),
        start=1,
    )
    for name in names.split()
}
_TRUTHS = {"yes": True, "true": True, "no": False, "false": False, "是": True, "否": False}
_CHOICE = re.compile(
    r"(?:(?:option|choice|answer)\s+)?(?:\((?P<round>[A-Ja-j])\)|\[(?P<square>[A-J])\]|(?P<bare>[A-J]))"
    r"(?P<mark>[.):]?)(?:\s*(?P<says>\S.*))?",
    re.IGNORECASE | re.DOTALL,
)
_ANOTHER_CHOICE = re.compile(r"\([A-Ja-j]\)|(?:\bor\b|\band\b|[,;/&|])\s*\(?[A-Ja-j]\b\)?")
_ISO = re.compile(r"([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})")
_SLASHED = re.compile(r"([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]([0-9]{4})")
_WEEKDAY = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,?\s+)?"
_MONTH_FIRST = re.compile(
    rf"{_WEEKDAY}([a-z]{{3,9}})\.?\s+([0-9]{{1,2}})(?:st|nd|rd|th)?(?:,?\s+([0-9]{{4}}))?"
)
_DAY_FIRST = re.compile(
    rf"{_WEEKDAY}(?:the\s+)?([0-9]{{1,2}})(?:st|nd|rd|th)?(?:\s+of)?\s+([a-z]{{3,9}})\.?(?:,?\s+([0-9]{{4}}))?"
)
_MONTH_YEAR = re.compile(r"([a-z]{3,9})\.?,?\s+([0-9]{4})")
_CLOCK = re.compile(
    r"([0-9]{1,2})(?::([0-9]{2}))?(?::([0-9]{2}))?\s*(?:(a|p)\.?\s?m\.?|(o'clock))?", re.IGNORECASE
)
_BASED = re.compile(r"\(?([0-9A-Za-z]{1,64})\)?_\{?\s*([0-9]{1,2}|[a-z]{3,7})\s*\}?")
_BASES = {
    name: str(base)
    for base, name in enumerate("two three four five six seven eight nine ten".split(), start=2)
} | {"twelve": "12", "sixteen": "16", "hex": "16"}
_TEXT_MACRO = re.compile(r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mbox)\s*\{([^{}]*)\}")
_SPACES = re.compile(r"(?:\s|\\[,;:! ]|~)+")
_HAS_WORD = re.compile(
    r"[A-Za-z\u00c0-\u024f\u0370-\u03ff\u0400-\u04ff\u3040-\u30ff\u4e00-\u9fff]{2,}"
)


def bare(text: str) -> str:
    """The text without `\\text{}` around its words, with single spaces."""
    for _ in range(3):
        if "\\" not in text:
            break
        text = _TEXT_MACRO.sub(r"\1", text)
    return _SPACES.sub(" ", text).strip()


def read_words(text: str, *, dates: DateOrder | None = None) -> Answer | None:
    """A choice, a truth, a date or a time of day; None when the text is none of these."""
    plain = bare(text)
    if len(plain) > 200 or not plain:
        return None
    truth = _TRUTHS.get(plain.rstrip(".!").lower())
    if truth is not None:
        return Truth(truth)
    return _choice(plain) or read_date(plain, order=dates) or _clock(plain)


def _choice(plain: str) -> Choice | None:
    match = _CHOICE.fullmatch(plain)
    if match is None:
        return None
    letter, says = match["round"] or match["square"] or match["bare"], match["says"] or ""
    marked = (
        match["round"]
        or match["square"]
        or match["mark"]
        or plain[:1] not in "ABCDEFGHIJabcdefghij"
    )
    if not marked and (says or letter.islower()):
        return None
    if says and _ANOTHER_CHOICE.search(says):
        return None
    if says and not match["mark"] and not match["round"]:
        return None
    if says and match["mark"] == ")" and not match["round"] and "(" in says:
        return None
    return Choice(letter.upper(), says)


def read_date(plain: str, *, order: DateOrder | None = None) -> Date | None:
    """A date; figures alone need year first, or the declared order."""
    if (iso := _ISO.fullmatch(plain)) is not None:
        return _valid(int(iso[1]), int(iso[2]), int(iso[3]))
    if order is not None and (slashed := _SLASHED.fullmatch(plain)) is not None:
        one, two = int(slashed[1]), int(slashed[2])
        month, day = (one, two) if order == "mdy" else (two, one)
        return _valid(int(slashed[3]), month, day)
    lower = plain.lower()
    if (named := _MONTH_FIRST.fullmatch(lower)) is not None:
        return _valid(_year(named[3]), _MONTHS.get(named[1]), int(named[2]))
    if (named := _DAY_FIRST.fullmatch(lower)) is not None:
        return _valid(_year(named[3]), _MONTHS.get(named[2]), int(named[1]))
    if (named := _MONTH_YEAR.fullmatch(lower)) is not None:
        return _valid(int(named[2]), _MONTHS.get(named[1]), None)
    return None


def _year(written: str | None) -> int | None:
    return None if written is None else int(written)


def _valid(year: int | None, month: int | None, day: int | None) -> Date | None:
    if month is None or not 1 <= month <= 12 or (day is not None and not 1 <= day <= 31):
        return None
    return Date(year, month, day)


def _clock(plain: str) -> Clock | None:
    match = _CLOCK.fullmatch(plain)
    if match is None or (match[2] is None and match[4] is None and match[5] is None):
        return None
    hour, minute, second = int(match[1]), int(match[2] or 0), int(match[3] or 0)
    if minute > 59 or second > 59 or hour > 24:
        return None
    if match[4]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if match[4].lower() == "p" else 0)
    return Clock(hour * 3600 + minute * 60 + second, match[4] is not None)


def read_based(text: str) -> Based | None:
    """Digits with their base, like `1011_2` or `(FF)_{16}`; letters alone are digits in base 16 only."""
    match = _BASED.fullmatch(bare(text)) if "_" in text else None
    if match is None:
        return None
    written = _BASES.get(match[2], match[2])
    if not written.isdigit():
        return None
    digits, base = match[1].upper(), int(written)
    is_letters = not any(digit.isdigit() for digit in digits)
    if not 2 <= base <= 36 or any(int(digit, 36) >= base for digit in digits):
        return None
    return (
        None
        if is_letters and (base != 16 or len(digits) < 2)
        else Based(digits.lstrip("0") or "0", base)
    )


def is_wordy(text: str) -> bool:
    """Whether a text holds a word of two letters or more."""
    return _HAS_WORD.search(bare(text)) is not None


def as_text(text: str) -> Text:
    """The text in one spelling."""
    plain = bare(text).strip(" .!\"'`*$").lower()
    return Text(plain.removeprefix("the ").removeprefix("a ").removeprefix("an "))
