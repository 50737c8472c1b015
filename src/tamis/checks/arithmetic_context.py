"""Why an equation that does not hold may still be no mistake: what stands around it."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

from tamis.checks.units import is_compound, may_convert
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
    r"o['’]clock|clock (?:arithmetic|face|time|hour)|(?:on|of|around) (?:a|the) clock|\b\d ?[ap]\.?m\b|mod\(|pmod|错误|错了|不对|不正确|矛盾|模|进制|余数|remainder|\bfloor|\bceil|"
    r"integer division|rounds? |rounded|rounding|四舍五入|取整|向上|向下",
    re.IGNORECASE,
)
_CODE = re.compile(
    r";\s*$|\{\s*$|^\s*\}|==|[-+*/!<>:]=|=>|->|(?:^|\s)(?:def|return|print|var|const|int|float|assert|while)\b|://|&\w+="
)
_REMAINDER_AFTER = re.compile(r"\s*[rR]\s?\d|['′]\d")
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
        or _REMAINDER_AFTER.match(after) is not None
        or is_compound(after)
        or _is_range_or_date(line[left.start : left.end], left)
        or _is_share(left, right)
        or _is_conversion(line, left, right)
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


def _is_conversion(line: str, left: Expression, right: Expression) -> bool:
    """`30 + 30 = 1 hour`, `4 * 25 = $1`: the sides differ by a factor between units."""
    currency = line[max(0, right.start - 1) : right.start] in ("$", "€", "£", "¥", "￥")
    try:
        left_value, right_value = evaluate(left), evaluate(right)
    except NotArithmetic:
        return True
    if left_value == 0 or right_value == 0:
        return False
    ratio = abs(right_value / left_value)
    # `4 * 25 = $1`: cents in dollars
    return may_convert(ratio, line, right.end) or (currency and ratio == Fraction(1, 100))
