"""Maths as written, in LaTeX or plain, cut into tokens by one linear scan.

Spacing, sizes and delimiters' `\\left` and `\\right` say nothing and leave only the gap before a token.
Digits are ASCII digits; every character must belong to a token, or nothing is read.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Literal, NamedTuple

from tamis.rewards.math.tree import (
    MAX_CHARS,
    MAX_DIGITS,
    MAX_EXPONENT,
    MAX_NESTING,
    MAX_TOKENS,
    TooBig,
    Unreadable,
)

Separators = Literal["en", "eu", "in"]
Kind = Literal["num", "name", "cmd", "op", "text"]


class Token(NamedTuple):
    """One token: a number, letters, a command without its backslash, a sign, or the inside of `\\text{}`."""

    kind: Kind
    text: str
    gap: bool


_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-", strict=True))
_SUPERSCRIPT_RUN = re.compile(f"[{''.join(_SUPERSCRIPTS)}]+")
_SUBSCRIPT_RUN = re.compile("[₀-₉]+")
_ROOT_RUN = re.compile(r"√\s*([0-9]+(?:\.[0-9]+)?)")
_SYMBOLS = {
    **dict.fromkeys("\u2212\u2013\u2010\ufe63", "-"),
    **dict.fromkeys("×⋅·∗", "*"),
    "÷": "/",
    "∕": "/",
    "⁄": "/",
    "π": r"\pi ",
    "√": r"\sqrt ",
    "∞": r"\infty ",
    "≈": r"\approx ",
    "≤": r"\le ",
    "≥": r"\ge ",
    "≠": r"\ne ",
    "±": r"\pm ",
    "∓": r"\mp ",
    "∪": r"\cup ",
    "∩": r"\cap ",
    "∈": r"\in ",
    "∅": r"\emptyset ",
    "ℝ": r"\mathbb{R}",
    "°": r"^\circ ",
    "½": r"\frac12 ",
    "⅓": r"\frac13 ",
    "⅔": r"\frac23 ",
    "¼": r"\frac14 ",
    "¾": r"\frac34 ",
    "⅕": r"\frac15 ",
    "⅛": r"\frac18 ",
    "⅜": r"\frac38 ",
    "⅝": r"\frac58 ",
    "⅞": r"\frac78 ",
    "θ": r"\theta ",
    "α": r"\alpha ",
    "β": r"\beta ",
    "λ": r"\lambda ",
    "φ": r"\phi ",
    "’": "'",
    "′": "'",
    "“": '"',
    "”": '"',
    "，": ",",
    "（": "(",
    "）": ")",
    "\u200b": "",
    **dict.fromkeys("\u00a0\u2009\u202f\u2007", "~"),
}
_TRANSLATION = str.maketrans(_SYMBOLS)
_GAPS = {
    "en": (r",|\{,\}|,\\!", r"\."),
    "eu": (r"\.", r"(?:,|\{,\})"),
    "in": (r",|\{,\}|,\\!", r"\."),
}
# Thin and hard spaces group digits everywhere, a plain space or an apostrophe too.
_NEUTRAL = r"\\,|\\ |~|[ ']"
_SPACE = (
    r"(?P<space>(?:\s|~|\\[,;:!>\s]|\\(?:left|right)\s*\.|\\(?:quad|qquad|left|right|[bB]igg?[lrm]?"
    r"|displaystyle|textstyle|limits|nolimits|middle|thinspace|hfill|hspace\{[^{}]{0,20}\})(?![A-Za-z]))+)"
)
_WRAP = (
    r"(?P<wrap>\\(?:text|textbf|textit|textrm|textsf|texttt|textnormal|mbox|hbox|mathrm|mathbf|mathit|mathsf"
    r"|operatorname\*?|bm|boldsymbol|emph|boxed|fbox)\s*\{)"
)
_REST = (
    r"(?P<cmd>\\(?:[A-Za-z]+|[{}%$|\\\#&_]))|(?P<name>[A-Za-z]+)"
    r"|(?P<op>\*\*|<=|>=|!=|==|[-+*/^_=<>!%|(){}\[\],;:'\"&.$€£¥?])"
)
# a number set upright or bold is a number
_SET_NUMBER = re.compile(
    r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|bm|boldsymbol)\s*\{([-+0-9./,%\s]+)\}"
)
_RENAMED = {
    "lbrace": Token("cmd", "{", False),
    "rbrace": Token("cmd", "}", False),
    "lbrack": Token("op", "[", False),
    "rbrack": Token("op", "]", False),
    "colon": Token("op", ":", False),
    "vert": Token("op", "|", False),
}
_KEPT_WRAPS = frozenset({"boxed", "fbox"})
_OPENING, _CLOSING = (
    frozenset({"(", "[", r"\{", r"\langle"}),
    frozenset({")", "]", r"\}", r"\rangle"}),
)
_BRACES = re.compile(r"\\.|[{}]", re.DOTALL)


def _number_pattern(group: str, point: str, *, indian: bool = False) -> str:
    grouped = rf"[1-9][0-9]{{0,2}}(?:(?:{group})[0-9]{{3}})+(?![0-9])"
    if indian:
        grouped = rf"{grouped}|[0-9]{{1,2}}(?:,[0-9]{{2}})*,[0-9]{{3}}(?![0-9])"
    spaced = rf"[0-9]{{1,3}}(?:(?:{_NEUTRAL})[0-9]{{3}})+(?![0-9]|\s*/|[ ,][0-9])"
    whole = rf"(?:{grouped}|{spaced}|[0-9]+)"
    return rf"(?P<num>(?:{whole}(?:{point}[0-9]+|{point}(?![0-9.,]))?|{point}[0-9]+)(?:[eE][+-]?[0-9]{{1,6}}(?![0-9A-Za-z]))?)"


def _master(separators: Separators, *, in_brackets: bool) -> re.Pattern[str]:
    group, point = _GAPS[separators]
    if in_brackets:
        # between brackets a bare comma keeps items apart
        group = r"\{,\}|,\\!" if separators != "eu" else group
    indian = separators == "in" and not in_brackets
    number = _number_pattern(group, point, indian=indian)
    return re.compile(f"{number}|{_SPACE}|{_WRAP}|{_REST}", re.DOTALL)


_MASTERS = {
    (separators, inside): _master(separators, in_brackets=inside)
    for separators in ("en", "eu", "in")
    for inside in (False, True)
}


def cut(text: str, *, separators: Separators = "en") -> list[Token]:
    """The tokens of a text; raises `Unreadable` at what is no token and `TooBig` past the caps."""
    if len(text) > MAX_CHARS:
        raise TooBig(f"longer than {MAX_CHARS} characters")
    plain = _SET_NUMBER.sub(r" \1 ", _plain(text))
    outside, inside = _MASTERS[separators, False], _MASTERS[separators, True]
    tokens: list[Token] = []
    place, depth, braces, gap = 0, 0, 0, False
    while place < len(plain):
        match = (inside if depth > 0 else outside).match(plain, place)
        if match is None:
            raise Unreadable(f"unexpected character {plain[place]!a}")
        place, kind = match.end(), match.lastgroup
        if kind == "space":
            gap = True
            continue
        token, place = _token(match, plain, gap)
        tokens.append(token)
        gap = False
        depth += _turn(token, _OPENING, _CLOSING)
        braces += _turn(token, frozenset("{"), frozenset("}"))
        if depth > MAX_NESTING or braces > MAX_NESTING:
            raise TooBig(f"nested deeper than {MAX_NESTING}")
        if len(tokens) > MAX_TOKENS:
            raise TooBig(f"longer than {MAX_TOKENS} signs")
    return tokens


def _turn(token: Token, opening: frozenset[str], closing: frozenset[str]) -> int:
    if token.kind not in ("op", "cmd"):
        return 0
    text = "\\" + token.text if token.kind == "cmd" else token.text
    return (text in opening) - (text in closing)


def _plain(text: str) -> str:
    if text.isascii():
        return text
    text = _SUPERSCRIPT_RUN.sub(
        lambda run: "^{" + "".join(_SUPERSCRIPTS[c] for c in run[0]) + "}", text
    )
    text = _SUBSCRIPT_RUN.sub(
        lambda run: "_{" + "".join(chr(ord(c) - 0x2080 + 48) for c in run[0]) + "}", text
    )
    return _ROOT_RUN.sub(r"\\sqrt{\1}", text).translate(_TRANSLATION)


def _token(match: re.Match[str], text: str, gap: bool) -> tuple[Token, int]:
    kind, written = match.lastgroup, match[0]
    if kind == "cmd":
        return _RENAMED.get(written[1:], Token("cmd", written[1:], gap)), match.end()
    if kind in ("num", "name", "op"):
        return Token(kind, written, gap), match.end()  # type: ignore[arg-type]
    end = _closing(text, match.end())
    command = written[1:].rstrip("{ \t\n")
    content = text[match.end() : end]
    if command in _KEPT_WRAPS:
        raise Unreadable("a box in the answer")
    bare = content.strip(" \t\n~")
    return Token("text", bare, gap or content != bare), end + 1


def _closing(text: str, start: int) -> int:
    depth = 1
    for brace in _BRACES.finditer(text, start):
        depth += {"{": 1, "}": -1}.get(brace[0], 0)
        if depth == 0:
            return brace.start()
    raise Unreadable("a brace never closes")


_DECIMAL_POINT = {"en": ".", "in": ".", "eu": ","}
_NOT_NUMBER = re.compile(r"[^0-9.,eE+-]")


def number(text: str, *, separators: Separators = "en") -> tuple[Fraction, bool]:
    """The exact value of a number token, and whether it is written as a decimal."""
    bare = _NOT_NUMBER.sub("", text)
    digits, _, exponent = bare.lower().partition("e")
    if separators == "eu":
        digits = digits.replace(".", "").replace(",", ".")
    else:
        digits = digits.replace(",", "")
    if len(digits) > MAX_DIGITS:
        raise TooBig(f"a number of more than {MAX_DIGITS} digits")
    if exponent and abs(int(exponent)) > MAX_EXPONENT:
        raise TooBig(f"an exponent beyond {MAX_EXPONENT}")
    is_decimal = "." in digits.rstrip(".") or bool(exponent)
    if not is_decimal:
        return Fraction(int(digits.rstrip("."))), False
    return Fraction(digits.rstrip(".")) * Fraction(10) ** int(exponent or 0), True
