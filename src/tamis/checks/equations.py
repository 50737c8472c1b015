"""Finding the equations of a text that do not hold: lines, sides, borders, readings."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import TYPE_CHECKING

import msgspec

from tamis.checks.arithmetic_context import is_excused
from tamis.checks.equation_sides import left_side, right_side
from tamis.kernels.arithmetic import (
    Expression,
    NotArithmetic,
    PercentReading,
    evaluate,
    is_plainly_right,
    is_rounded,
    read_number,
    tokens,
    with_quotients_grouped,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_EQUALS = re.compile(r"=|＝|等于|equals|is equal to")
# an operand on both sides; without it there is nothing to compare
_COMPARES = re.compile(
    r"[\d)）%％}\]²³]\s*(?:\*\*)?\s*(?:=|＝|等于|equals|is equal to)\s*[$€£¥￥₹\\(（\[*−–+\-.\d]"
)
_FENCE = re.compile(r"^[ \t]{0,3}(```|~~~)", re.MULTILINE)
_ANNOTATION = re.compile(r"[$€£¥￥]?<<([^<>\n]{1,200})>>")
_NUMBER = r"-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|-?\.\d+"
_COPIED = re.compile(
    rf"(?P<annotation><<[^<>\n]{{1,200}}=\s*(?P<value>{_NUMBER})\s*>>)\s?[$€£¥￥]?(?P<shown>{_NUMBER})"
    r"(?![\d%/]|[.,: ]\d|\s*[-+*/x×÷^=])"
)
_INLINE_CODE = re.compile(r"`[^`\n]+`")
_MAX_LINE_CHARS = 4000


class Equation(msgspec.Struct, frozen=True):
    """Two neighbouring sides of an `=` in a text: offsets in the text, and the value of the left.

    `is_floor` tells that the right side is the left side's value with its fraction dropped.
    """

    start: int
    end: int
    left: str
    right: str
    value: Fraction
    is_floor: bool


def wrong_equations(text: str) -> list[Equation]:
    """The equations of a text that do not hold, in the order of the text.

    >>> [(e.left, e.right) for e in wrong_equations("He has 5 + 3 = 9 pens, that is 9 - 2 = 7 more.")]
    [('5 + 3', '9')]
    """
    wrong: list[Equation] = []
    for offset, line in _prose_lines(text):
        here: list[Equation] = []
        for match in _ANNOTATION.finditer(line):
            inner = _wrong_in_line(match.group(1), is_annotation=True)
            here += [_moved(equation, match.start(1)) for equation in inner]
        outer = _ANNOTATION.sub(_blank, line)
        here += _wrong_in_line(outer, is_annotation=False)
        ends = {equation.end for equation in here}
        here += [equation for equation in _miscopied(line) if equation.end not in ends]
        wrong += [_moved(equation, offset) for equation in here]
    return sorted(wrong, key=lambda equation: equation.start)


def _miscopied(line: str) -> Iterator[Equation]:
    """Results that differ from the annotation right before them: `<<5*25=125>>132 pens`."""
    for match in _COPIED.finditer(line):
        value, shown = read_number(match.group("value")), read_number(match.group("shown"))
        decimals = len(match.group("shown").partition(".")[2])
        if not is_rounded(value, shown, decimals):
            yield Equation(
                start=match.start("value"),
                end=match.end("shown"),
                left=match.group("annotation"),
                right=match.group("shown"),
                value=value,
                is_floor=_is_floor(value, shown, decimals),
            )


def _is_floor(value: Fraction, shown: Fraction, decimals: int) -> bool:
    """Whether a whole number shown is the value without its fraction."""
    return decimals == 0 and value > 1 and math.floor(value) == shown


def _prose_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with an equals sign outside fenced code, with their offset; inline code blanked."""
    fences = [match.start() for match in _FENCE.finditer(text)]
    offset, fence = 0, 0
    for line in text.splitlines(keepends=True):
        while fence < len(fences) and fences[fence] <= offset:
            fence += 1
        if fence % 2 == 0 and len(line) <= _MAX_LINE_CHARS and _EQUALS.search(line):
            yield offset, _INLINE_CODE.sub(_blank, line.rstrip("\r\n"))
        offset += len(line)


def _blank(match: re.Match[str]) -> str:
    return " " * len(match.group())


def _moved(equation: Equation, by: int) -> Equation:
    return msgspec.structs.replace(equation, start=equation.start + by, end=equation.end + by)


def _wrong_in_line(line: str, *, is_annotation: bool) -> list[Equation]:
    n_equals = sum(1 for _ in _EQUALS.finditer(line))
    if not _COMPARES.search(line) or is_plainly_right(line, n_equals):
        return []
    found = tokens(line)
    wrong = []
    for index, token in enumerate(found):
        if token.kind != "equals":
            continue
        left = left_side(line, found, index)
        right = right_side(line, found, index) if left is not None else None
        if left is None or right is None or left.n_operators == 0:
            continue
        value = _wrong_value(left, right)
        if value is None or is_excused(line, left, right, is_annotation=is_annotation):
            continue
        wrong.append(
            Equation(
                start=left.start,
                end=right.end,
                left=line[left.start : left.end],
                right=line[right.start : right.end],
                value=value,
                is_floor=right.single is not None
                and _is_floor(value, right.single.value, right.single.decimals),
            )
        )
    return wrong


def _wrong_value(left: Expression, right: Expression) -> Fraction | None:
    """The value of the left side when no reading of the equation holds, else None."""
    has_percent = any(token.kind == "percent" for token in (*left.tokens, *right.tokens))
    left_readings: tuple[PercentReading, ...] = ("hundredth",)
    if has_percent:
        left_readings = ("hundredth", "plain", "relative")
    value: Fraction | None = None
    for reading in left_readings:
        try:
            value_here = evaluate(left, reading)
            if _holds(value_here, right, has_percent=has_percent):
                return None
            grouped = with_quotients_grouped(left)
            if grouped is not None and _holds(
                evaluate(grouped, reading), right, has_percent=has_percent
            ):
                return None
        except NotArithmetic:
            return None
        value = value_here if value is None else value
    return value


def _holds(value: Fraction, right: Expression, *, has_percent: bool) -> bool:
    if right.single is not None:
        shown, decimals = right.single.value, right.single.decimals
        if is_rounded(value, shown, decimals):
            return True
        return right.single.percent and is_rounded(value * 100, shown, decimals)
    # `5 * 3 = 15 + 2 = 17`: running on behind a result is sloppy, but its arithmetic is right
    head = next(token for token in right.tokens if token.kind in ("number", "fraction", "open"))
    if head.kind == "number" and head is right.tokens[0]:
        decimals = len(head.text.partition(".")[2])
        if is_rounded(value, read_number(head.text), decimals):
            return True
    readings: tuple[PercentReading, ...] = ("hundredth", "plain") if has_percent else ("hundredth",)
    for reading in readings:
        other = evaluate(right, reading)
        is_inexact = any("." in token.text for token in right.tokens) or value.denominator != 1
        if other == value or (is_inexact and abs(other - value) <= abs(value) / 200):
            return True
    return False
