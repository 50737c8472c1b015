"""Exact values of arithmetic written in prose: tokens, expressions, rounding.

Plain Python on one line of text at a time; `checks/arithmetic.py` decides which lines to read and
what to report. Values are `Fraction`s: nothing is lost to floats.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Literal

import msgspec

Kind = Literal["number", "operator", "open", "close", "equals", "percent", "word", "other"]
PercentReading = Literal["hundredth", "plain", "relative"]

_MAX_DIGITS = 30
_MAX_POWER = 24

_OPERATORS = {
    "+": "+", "＋": "+", "-": "-", "−": "-", "–": "-", "－": "-", "*": "*", "×": "*", "✕": "*",
    "✖": "*", "·": "*", "⋅": "*", "∙": "*", "•": "*", "＊": "*", "x": "*", "X": "*", "\\times": "*", "\\cdot": "*",
    "/": "/", "÷": "/", "／": "/", "∕": "/", "\\div": "/", "^": "^", "**": "^",
    "plus": "+", "minus": "-", "times": "*", "multiplied by": "*", "divided by": "/",
    "加": "+", "加上": "+", "减": "-", "减去": "-", "乘": "*", "乘以": "*", "除以": "/",
}  # fmt: skip
_SUPERSCRIPTS = {"²": 2, "³": 3}
_TOKEN = re.compile(
    r"""
    (?P<number>(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)
  | (?P<fraction>\\[dt]?frac\{\d{1,12}\}\{\d{1,12}\})
  | (?P<equals>(?:is\ equal\ to|equals)(?![A-Za-z])|等于|＝|(?<![=!<>:+\-*/^%|&~≈≠≤≥])=(?![=>~<]|\ ?=)|(?<![=!<>:+\-*/^%|&~≈≠≤≥])=(?=<<))
  | (?P<operator>\*\*|[+＋−–－×✕✖·⋅∙•＊*/÷／∕^-]|\\times(?![a-zA-Z])|\\cdot(?![a-zA-Z])|\\div(?![a-zA-Z])
      |(?:plus|minus|times|multiplied\ by|divided\ by)(?![A-Za-z])|(?<![相增添参])加上?|(?<!相)减去?|(?<!相)乘以?|除以|[xX](?![A-Za-z_]))
  | (?P<superscript>[²³])
  | (?P<percent>[%％])
  | (?P<currency>\\?\$|[€£¥￥₹])
  | (?P<open>[(（\[])
  | (?P<close>[)）\]])
  | (?P<space>[ \t\u00a0\u3000]+)
  | (?P<word>[^\W\d_\u2e80-\u9fff\uac00-\ud7af]\w*|_\w+|\\[A-Za-z]+)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)


class Token(msgspec.Struct, frozen=True):
    """One token of a line. `spaced` tells whether white space stands before it."""

    kind: str
    text: str
    start: int
    end: int
    spaced: bool


def tokens(line: str) -> list[Token]:
    """The tokens of a line; spaces and currency signs before a number are dropped."""
    found: list[Token] = []
    spaced = False
    for match in _TOKEN.finditer(line):
        kind = str(match.lastgroup)
        if kind == "space":
            spaced = True
            continue
        found.append(Token(kind, match.group(), match.start(), match.end(), spaced))
        spaced = False
    return _settle(found)


def _settle(found: list[Token]) -> list[Token]:
    """Mark what is not arithmetic: variables (`2x`), an `x` that is no times sign, lone currency."""
    settled: list[Token] = []
    n = len(found)
    for index, token in enumerate(found):
        before = found[index - 1] if index else None
        after = found[index + 1] if index + 1 < n else None
        kind = token.kind
        if kind == "number":
            kind = _kind_of_number(
                token, before, after, found[index + 2] if index + 2 < n else None
            )
        elif token.text in ("x", "X"):
            kind = "operator" if _is_times(token, before, after) else "word"
        elif kind == "currency":
            if after is not None and not after.spaced and after.kind == "number":
                # the number takes over the sign's place, so that what borders it stays visible
                found[index + 1] = msgspec.structs.replace(after, spaced=token.spaced)
                continue
            kind = "other"
        settled.append(token if kind == token.kind else msgspec.structs.replace(token, kind=kind))
    return settled


def _kind_of_number(
    token: Token, before: Token | None, after: Token | None, next_after: Token | None
) -> str:
    if sum(character.isdigit() for character in token.text) > _MAX_DIGITS:
        return "word"
    if len(token.text) > 2 and token.text[0] == "0" and token.text[1].isdigit():
        # a time or a code: 0900, 007
        return "word"
    if after is not None and not after.spaced and after.kind == "word":
        return "word"
    glued_x = after is not None and not after.spaced and after.text in ("x", "X")
    if glued_x and not _is_times(after, token, next_after):  # type: ignore[arg-type]
        return "word"
    if before is not None and not token.spaced and before.kind == "word":
        return "word"
    return "number"


def _is_times(token: Token, before: Token | None, after: Token | None) -> bool:
    """Whether an `x` stands between two operands like a times sign: `3 x 4`, `3x4`, never `0x10`."""
    if before is None or after is None or before.kind not in ("number", "close", "percent"):
        return False
    if after.kind not in ("number", "open", "currency"):
        return False
    if not token.spaced and not after.spaced and before.text == "0":
        return False
    return token.spaced == after.spaced


class Number(msgspec.Struct, frozen=True):
    """A number as written: its value and how many digits stand behind the point."""

    value: Fraction
    decimals: int
    percent: bool


class Expression(msgspec.Struct, frozen=True):
    """Tokens of a whole expression with its place in the line.

    `single` is the number when it is nothing else; `n_operators` counts the binary ones.
    """

    tokens: tuple[Token, ...]
    single: Number | None
    n_operators: int

    @property
    def start(self) -> int:
        """Character offset in the line."""
        return self.tokens[0].start

    @property
    def end(self) -> int:
        """Character offset behind the last character."""
        return self.tokens[-1].end


def read_number(text: str) -> Fraction:
    """The exact value of a number token.

    >>> read_number("1,234.50")
    Fraction(2469, 2)
    """
    return Fraction(text.replace(",", ""))


class NotArithmetic(ValueError):
    """The tokens are not an expression we can value; the caller lets them go."""


class _Parser:
    """Recursive descent over the tokens of one expression, under one reading of percent signs."""

    def __init__(self, found: tuple[Token, ...], percent: PercentReading) -> None:
        self._found = found
        self._at = 0
        self._percent = percent
        self.n_operators = 0

    def value(self) -> Fraction:
        """The value of all tokens, or NotArithmetic."""
        value = self._sum()
        if self._at != len(self._found):
            raise NotArithmetic
        return value

    def _peek(self) -> Token | None:
        return self._found[self._at] if self._at < len(self._found) else None

    def _operator(self, *signs: str) -> str | None:
        token = self._peek()
        if token is not None and token.kind == "operator" and _OPERATORS[token.text] in signs:
            self._at += 1
            return _OPERATORS[token.text]
        return None

    def _sum(self) -> Fraction:
        value, _ = self._product()
        while sign := self._operator("+", "-"):
            self.n_operators += 1
            term, is_percent = self._product()
            if is_percent and self._percent == "relative":
                term = value * term
            value = value + term if sign == "+" else value - term
        return value

    def _product(self) -> tuple[Fraction, bool]:
        value, is_percent = self._power()
        while True:
            token = self._peek()
            if token is not None and (token.kind == "open" or token.text.lower() == "of"):
                # `2(3 + 4)`, `20% of 50`
                self._at += token.kind != "open"
                factor, sign = self._power()[0], "*"
            else:
                found = self._operator("*", "/")
                if found is None:
                    return value, is_percent
                factor, sign = self._power()[0], found
            self.n_operators += 1
            is_percent = False
            if sign == "/" and factor == 0:
                raise NotArithmetic
            value = value * factor if sign == "*" else value / factor

    def _power(self) -> tuple[Fraction, bool]:
        if sign := self._operator("-", "+"):
            value, is_percent = self._power()
            return (-value if sign == "-" else value), is_percent
        value, is_percent = self._atom()
        token = self._peek()
        if token is not None and token.kind == "superscript":
            self._at += 1
            self.n_operators += 1
            return _raise(value, Fraction(_SUPERSCRIPTS[token.text])), False
        if self._operator("^"):
            self.n_operators += 1
            exponent, _ = self._power()
            return _raise(value, exponent), False
        return value, is_percent

    def _atom(self) -> tuple[Fraction, bool]:
        token = self._peek()
        if token is None:
            raise NotArithmetic
        self._at += 1
        if token.kind == "open":
            value = self._sum()
            closing = self._peek()
            if closing is None or closing.kind != "close":
                raise NotArithmetic
            self._at += 1
        elif token.kind == "number":
            value = read_number(token.text)
        elif token.kind == "fraction":
            above, below = re.findall(r"\d+", token.text)
            if int(below) == 0:
                raise NotArithmetic
            self.n_operators += 1
            value = Fraction(int(above), int(below))
        else:
            raise NotArithmetic
        following = self._peek()
        if following is not None and following.kind == "percent":
            self._at += 1
            return (value if self._percent == "plain" else value / 100), True
        return value, False


def _raise(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1 or abs(exponent) > _MAX_POWER or abs(base) > 10**6:
        raise NotArithmetic
    if base == 0 and exponent <= 0:
        raise NotArithmetic
    return base ** int(exponent)


def evaluate(expression: Expression, percent: PercentReading = "hundredth") -> Fraction:
    """The exact value of an expression under one reading of its percent signs."""
    return _Parser(expression.tokens, percent).value()


def as_expression(found: tuple[Token, ...]) -> Expression | None:
    """The tokens as one expression, or None when they are not one."""
    if not found:
        return None
    parser = _Parser(found, "hundredth")
    try:
        parser.value()
    except NotArithmetic:
        return None
    return Expression(tokens=found, single=_single(found), n_operators=parser.n_operators)


def with_quotients_grouped(expression: Expression) -> Expression | None:
    """The expression with `a / b / c` read as `a / (b / c)`, as in `25 / 1/3`; None without one."""
    found = list(expression.tokens)
    grouped = False
    index = 0
    while index + 3 < len(found):
        signs = found[index], found[index + 2]
        numbers = found[index + 1], found[index + 3]
        if all(t.kind == "operator" and _OPERATORS[t.text] == "/" for t in signs) and all(
            t.kind == "number" for t in numbers
        ):
            opening = msgspec.structs.replace(numbers[0], kind="open")
            closing = msgspec.structs.replace(numbers[1], kind="close")
            found[index + 1 : index + 4] = [opening, numbers[0], signs[1], numbers[1], closing]
            grouped = True
            index += 5
        index += 1
    return as_expression(tuple(found)) if grouped else None


def _single(found: tuple[Token, ...]) -> Number | None:
    rest = [t for t in found if not (t.kind == "operator" and _OPERATORS[t.text] in "+-")]
    if len(found) - len(rest) > 1 or not rest or rest[0].kind != "number":
        return None
    if len(rest) > 2 or (len(rest) == 2 and rest[1].kind != "percent"):
        return None
    sign = -1 if len(rest) < len(found) and _OPERATORS[found[0].text] == "-" else 1
    text = rest[0].text
    decimals = len(text.partition(".")[2])
    return Number(sign * read_number(text), decimals, len(rest) == 2)


def is_rounded(exact: Fraction, shown: Fraction, decimals: int) -> bool:
    """Whether a number shown with so many decimals is the exact value, rounded or cut off.

    With decimals, less than one unit of the last digit may be missing (1/3 = 0.33, 2/3 = 0.66);
    a whole number may stand only for the nearest whole number, halves going up or to even.

    >>> is_rounded(Fraction(2, 3), Fraction("0.67"), 2), is_rounded(Fraction(2, 3), Fraction("0.65"), 2)
    (True, False)
    """
    gap = abs(exact - shown)
    if gap == 0:
        return True
    if decimals:
        # a float printed in full: 0.30000000000000004
        return gap < Fraction(1, 10**decimals) or gap <= abs(exact) / 10**12
    if exact.denominator == 1:
        return False
    return gap < Fraction(1, 2) or (
        gap == Fraction(1, 2) and (abs(shown) > abs(exact) or shown % 2 == 0)
    )


_PLAIN_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+"
_PLAIN = re.compile(
    # a clear start: the line's, or behind a word that is no operator
    r"(?:^|(?<=[A-WYZa-wyz:;(>] )(?<!plus )(?<!minus )(?<!times )(?<!of )(?<!by ))\$?"
    rf"(?P<left>(?:{_PLAIN_NUMBER})(?: ?[-+*/×÷] ?\$?(?:{_PLAIN_NUMBER}))+)\s*=\s*\$?(?P<right>{_PLAIN_NUMBER})"
    # a clear end: nothing that could continue
    r"(?![\d%]|[.,]\d|\s*[-+*/xX×÷^(=%!])"
)
_PLAIN_PART = re.compile(rf"{_PLAIN_NUMBER}|[-+*/×÷]")


def is_plainly_right(line: str, n_equals: int) -> bool:
    """Whether all of so many equals signs of a line stand in simple equations that hold.

    A fast way past the many that do, on floats; a False says nothing.

    >>> is_plainly_right("He has 5 + 3 = 8 pens", 1), is_plainly_right("2 * 5 + 3 = 8", 1)
    (True, False)
    """
    n_right = 0
    for match in _PLAIN.finditer(line):
        left = _quick_value(match.group("left"))
        right = float(match.group("right").replace(",", ""))
        if left is None or not abs(left - right) <= 1e-12 * max(1.0, right) <= 0.1:
            return False
        n_right += 1
    return n_right == n_equals


def _quick_value(written: str) -> float | None:
    """The value of a sum of products without brackets, as a float; None for a division by zero."""
    parts = _PLAIN_PART.findall(written)
    total, product = 0.0, float(parts[0].replace(",", ""))
    for sign, number in zip(parts[1::2], parts[2::2], strict=True):
        value = float(number.replace(",", ""))
        if sign in "*×":
            product *= value
        elif sign in "/÷":
            if value == 0:
                return None
            product /= value
        else:
            total += product
            product = value if sign == "+" else -value
    return total + product
