"""Why an equation that does not hold may still be no mistake: what stands around it."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

from tamis.kernels.arithmetic import NotArithmetic, evaluate

if TYPE_CHECKING:
    from tamis.kernels.arithmetic import Expression

# said to be inexact, wrong, or asked about: within this many characters of the equation
_NEAR_CHARS = 32
_NEAR = re.compile(
    r"≈|~|\babout\b|approximat|roughly|\bapprox\b|around|nearly|almost|\bnot\b|n['’]t\b|≠|约|大约|近似|左右|不是|并非|不等于",
    re.IGNORECASE,
)
_IN_LINE = re.compile(
    r"wrong|incorrect|mistake|\berror|\bfalse\b|instead of|contradict|\bmod\b|modul|\bbase\b|binary|\bhex|octal|"
    r"clock|\b\d ?[ap]\.?m\b|mod\(|pmod|错误|错了|不对|不正确|矛盾|模|进制|余数|remainder|\bfloor|\bceil|"
    r"integer division|rounds? |rounded|rounding|四舍五入|取整|向上|向下",
    re.IGNORECASE,
)
_CODE = re.compile(
    r";\s*$|\{\s*$|^\s*\}|==|[-+*/!<>:]=|=>|->|(?:^|\s)(?:def|return|print|var|const|int|float|assert|while)\b|://|&\w+="
)
_UNIT_AFTER = re.compile(
    r"\s*[*_]*\s*(?:hours?|hrs?|days?|weeks?|months?|years?|minutes?|mins?|seconds?|secs?|decades?|dozens?|met(?:er|re)s?"
    r"|kilomet|centimet|millimet|[kcm]?m\b|km|feet|foot|ft|inch(?:es)?|yards?|miles?|pounds?|lbs?|ounces?|oz|gallons?"
    r"|quarts?|pints?|cups?|dollars?|cents?|grams?|kilograms?|kg|g\b|lit(?:er|re)s?|[mk]?l\b|percent|per cent|tons?"
    r"|quarters?|dimes?|nickels?|penn(?:y|ies)|pairs?|小时|天|周|星期|月|年|分钟|秒|米|千米|公里|厘米|毫米|元|角|分|克|千克|公斤|升|毫升|斤|吨)",
    re.IGNORECASE,
)
# how many of one unit make another
_CONVERSIONS = tuple(
    Fraction(n)
    for n in (2, 3, 4, 5, 7, 8, 10, 12, 14, 16, 20, 24, 25, 28, 30, 31, 36, 50, 52, 60, 100, 128, 144, 168,
              360, 365, 366, 500, 1000, 1440, 1760, 3600, 5280, 10000, 86400, 1000000)
)  # fmt: skip
_COMPOUND_AFTER = re.compile(
    r"\s*[A-Za-z]+\.?,?\s*(?:and\s+)?\$?\d|\s*(?:小时|分钟|元|米|天|年|角)\s*零?\d|\s*[rR]\s?\d|['′]\d"
)
_DATE = re.compile(r"(?:\d{4}([-/])\d{1,2}\1\d{1,2}|\d{1,2}([-/])\d{1,2}\2(?:\d{4}|\d{2}))")


def is_excused(line: str, left: Expression, right: Expression, *, is_annotation: bool) -> bool:
    """Whether a mismatch is likely meant otherwise; annotations are calculators and never are."""
    if is_annotation:
        return False
    before, after = line[: left.start], line[right.end :]
    near = before[-_NEAR_CHARS:] + " " + line[left.end : right.start] + " " + after[:_NEAR_CHARS]
    return (
        after.lstrip("*_ )$").startswith(("?", "？"))
        or _NEAR.search(near) is not None
        or _IN_LINE.search(line) is not None
        or _CODE.search(line) is not None
        or _COMPOUND_AFTER.match(after) is not None
        or _is_range_or_date(line[left.start : left.end], left)
        or _is_share(left, right)
        or _is_conversion(line, left, right, after)
    )


def _is_range_or_date(written: str, left: Expression) -> bool:
    if _DATE.fullmatch(written):
        return True
    # `10-20 = B`: two numbers joined tightly, the smaller first
    match = re.fullmatch(r"(\d+)[-–](\d+)", written)
    return match is not None and int(match[1]) <= int(match[2])


def _is_share(left: Expression, right: Expression) -> bool:
    """`3/4 = 75 pupils`: a part of a whole named, not a quotient worked out."""
    value = evaluate(left)
    written = [token.kind for token in left.tokens]
    is_bare = written in (["number", "operator", "number"], ["fraction"]) and 0 < value < 1
    try:
        return is_bare and "/" in "".join(t.text for t in left.tokens) and evaluate(right) >= 1
    except NotArithmetic:
        return False


def _is_conversion(line: str, left: Expression, right: Expression, after: str) -> bool:
    """`30 + 30 = 1 hour`, `4 * 25 = $1`: the sides differ by a factor between units."""
    has_unit = _UNIT_AFTER.match(after) is not None
    currency = line[max(0, right.start - 1) : right.start] in ("$", "€", "£", "¥", "￥")
    try:
        left_value, right_value = evaluate(left), evaluate(right)
    except NotArithmetic:
        return True
    if left_value == 0 or right_value == 0:
        return False
    ratio = abs(left_value / right_value)
    ratio = ratio if ratio >= 1 else 1 / ratio
    return (has_unit and ratio in _CONVERSIONS) or (currency and ratio == 100)
