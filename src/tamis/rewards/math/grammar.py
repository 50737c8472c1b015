"""One expression, read by recursive descent from tokens to a tree; the nesting is capped.

    expression = ["+"|"-"|"±"] term { ("+"|"-"|"±"|"∓") term }
    term       = factor { ("*"|"/"|nothing) factor }      nothing between two factors is a product
    factor     = ["-"] base [ "^" exponent ] { "!" }
    base       = number | name | constant | "(" expression ")" | "|" expression "|" | frac | root | call

Two numbers side by side are no product: `7 8` is unreadable, `1 1/2` and `1\\frac12` are mixed numbers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from tamis.rewards.math import units
from tamis.rewards.math.making import (
    constant_or_variable,
    in_radians,
    inverse,
    letter,
    made,
    root_of,
)
from tamis.rewards.math.names import (
    ASKING,
    BRACKETS,
    CONSTANTS,
    FRACS,
    FUNCTIONS,
    GREEK,
    TIMES,
    TWO_ARGUMENTS,
)
from tamis.rewards.math.stream import Stream
from tamis.rewards.math.tokens import Separators, Token, number
from tamis.rewards.math.tree import (
    MAX_NESTING,
    Both,
    Call,
    Const,
    Div,
    Neg,
    Num,
    Power,
    Product,
    Sum,
    TooBig,
    Tree,
    Unevaluated,
    Unreadable,
    Var,
)

_WORD = re.compile(r"[A-Za-z]+")
# names of functions that are units behind a value
_UNITS_TOO = frozenset({"min", "sec"})


class Grammar(Stream):
    """Reads expressions from tokens, left to right."""

    def __init__(self, tokens: Sequence[Token], *, separators: Separators = "en") -> None:
        super().__init__(tokens)
        self._separators = separators
        self._depth = 0
        self._bars = 0
        self._calls = 0

    def expression(self) -> Tree:
        """A sum of terms."""
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise TooBig(f"nested deeper than {MAX_NESTING}")
        terms = [self._signed_term()]
        while self.peek() in ("+", "-", r"\pm", r"\mp") and self.kind() in ("op", "cmd"):
            if self.peek(1) in ("+", "-"):
                raise Unreadable("two signs in a row")
            terms.append(self._signed_term())
        self._depth -= 1
        return terms[0] if len(terms) == 1 else Sum(tuple(terms))

    def _signed_term(self) -> Tree:
        if self.take(r"\pm"):
            return Both(self._term())
        if self.take(r"\mp"):
            return Both(self._term(), flipped=True)
        if self.take("-"):
            if self.peek() in ("+", "-"):
                raise Unreadable("two signs in a row")
            return Neg(self._term())
        self.take("+")
        return self._term()

    def _term(self) -> Tree:
        factors = [self._factor()]
        while True:
            if self._takes_times():
                factors.append(self._factor())
            elif self.take("/", r"\div"):
                below = self._factor()
                above = factors[0] if len(factors) == 1 else Product(tuple(factors))
                factors = [Div(above, below)]
            elif self._starts_factor():
                factors.append(self._beside(factors))
            else:
                return factors[0] if len(factors) == 1 else Product(tuple(factors))

    def _takes_times(self) -> bool:
        if self.kind() == "cmd" and self.tokens[self.place].text in TIMES:
            self.place += 1
            return True
        if self.kind() == "name" and self.peek() in ("x", "X") and self._is_cross():
            self.place += 1
            return True
        return self.take("*")

    def _is_cross(self) -> bool:
        """`3 x 10^5`: an x between two numbers is a times sign."""
        before = self.place > 0 and self.tokens[self.place - 1].kind == "num"
        return before and self.kind(1) == "num"

    def _beside(self, factors: list[Tree]) -> Tree:
        """The next factor of a product without a sign; a number behind a number is a mixed number or nothing."""
        last_is_number = self.tokens[self.place - 1].kind == "num"
        if self.kind() == "num" and self.tokens[self.place - 1].text in ("!", ")", "}"):
            return self._factor()
        if self.kind() == "num":
            if not last_is_number or len(factors) != 1:
                raise Unreadable("two numbers side by side")
            return self._mixed(factors, self._plain_fraction())
        if last_is_number and len(factors) == 1 and self.peek()[1:] in FRACS:
            part = self._factor()
            if isinstance(part, Div) and isinstance(part.top, Num) and isinstance(part.bottom, Num):
                return self._mixed(factors, part)
            return part
        return self._factor()

    def _plain_fraction(self) -> Div:
        top = self._number()
        if not self.take("/") or self.kind() != "num":
            raise Unreadable("two numbers side by side")
        return Div(top, self._number())

    def _mixed(self, factors: list[Tree], part: Div) -> Tree:
        whole = factors.pop()
        top, bottom = part.top, part.bottom
        if not (isinstance(whole, Num) and isinstance(top, Num) and isinstance(bottom, Num)):
            raise Unreadable("a fraction beside a number that is not whole")
        proper = whole.value.denominator == 1 and 0 <= top.value < bottom.value
        if not proper or whole.is_decimal or top.is_decimal or bottom.is_decimal:
            raise Unreadable("a number beside a fraction that is not below 1")
        return Num(whole.value + top.value / bottom.value)

    def _starts_factor(self) -> bool:
        kind, text = self.kind(), self.peek()
        if kind in ("num", "name"):
            return kind == "num" or not self.starts_unit()
        if kind == "text":
            return not self.starts_unit() and letter(text) is not None
        if kind == "cmd":
            name = text[1:]
            known = name in FRACS or name in FUNCTIONS or name in CONSTANTS or name in GREEK
            return known or name in ("sqrt", "{", "lfloor", "lceil", "lvert", "mathbb", "overline")
        if text == "|":
            return not self._bars
        return text in ("(", "[", "{")

    def starts_unit(self) -> bool:
        """Whether what comes now is a unit behind a value, not one more factor."""
        if self.place == 0 or self.kind() not in ("name", "text"):
            return False
        token, before = self.tokens[self.place], self.tokens[self.place - 1]
        text = token.text.strip()
        if token.kind == "text":
            return letter(text) is None or text in units.SHORT
        is_name = text in FUNCTIONS or text in CONSTANTS
        if is_name and (text not in _UNITS_TOO or self.peek(1) in ("(", "{")):
            return False
        if len(text) == 1:
            alone = self.kind(1) in ("", "op") and self.peek(1) in ("", "/", "^", ",", ";", ".")
            return token.gap and before.kind == "num" and text in units.SHORT and alone
        return units.is_known(text) or (token.gap and len(text) > 2)

    def _factor(self) -> Tree:
        if self.take("-"):
            return Neg(self._factor())
        base = self._base()
        while True:
            if self._calls and self.at_degree():
                self.step_over_degree()
                base = in_radians(base)
            elif self.kind() == "op" and self.peek() in ("^", "**") and not self.at_degree():
                self.place += 1
                base = Power(base, self._exponent())
            elif self.kind() == "op" and self.peek() == "!" and self.peek(1) != "=":
                self.place += 1
                base = Call("factorial", (base,))
            else:
                return base

    def _exponent(self) -> Tree:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise TooBig(f"nested deeper than {MAX_NESTING}")
        if self.peek() == "{":
            found = self._group("{")
        elif self.take("-"):
            found = Neg(self._base())
        else:
            found = self._base()
        if self.peek() in ("^", "**") and self.kind() == "op":
            self.place += 1
            found = Power(found, self._exponent())
        self._depth -= 1
        return found

    def _base(self) -> Tree:
        kind, text = self.kind(), self.peek()
        if kind == "num":
            return self._number()
        if kind in ("name", "text"):
            return self._named()
        if kind == "cmd":
            return self._command(text[1:])
        if text in ("(", "[", "{"):
            return self._group(text)
        if text == "|" and not self._bars:
            return self._between_bars("|")
        raise Unreadable(f"expected a value, got `{text or 'the end'}`")

    def _number(self) -> Num:
        written = self.tokens[self.place].text
        self.place += 1
        if (
            self.peek() in (r"\overline", r"\bar")
            and written[-1] in "0123456789."
            and "." in written
        ):
            return self._repeating(written)
        value, is_decimal = number(written, separators=self._separators)
        return Num(value, is_decimal)

    def _repeating(self, written: str) -> Num:
        """`0.1\\overline{6}`, exactly."""
        self.place += 1
        self.expect("{")
        again = self.peek()
        if self.kind() != "num" or not again.isascii() or not again.isdigit():
            raise Unreadable("a bar over what is no run of digits")
        self.place += 1
        self.expect("}")
        start, _ = number(written, separators=self._separators)
        n_places = len(written.partition(".")[2])
        value, _ = number(again)
        return Num(start + value / ((10 ** len(again) - 1) * Fraction(10) ** n_places))

    def _group(self, opening: str) -> Tree:
        self.expect(opening)
        bars, self._bars = self._bars, 0
        inner = self.group() if opening == "{" else self.expression()
        self._bars = bars
        self.expect(BRACKETS[opening])
        return inner

    def group(self) -> Tree:
        """What TeX's braces hold: a sum, or one above another, as in `{3 \\over 8}` and `{12 \\choose 4}`."""
        above = self.expression()
        if self.take(r"\over"):
            return Div(above, self.expression())
        return Call("binom", (above, self.expression())) if self.take(r"\choose") else above

    def _between_bars(self, bar: str) -> Tree:
        self.expect(bar)
        self._bars += 1
        inner = self.expression()
        self._bars -= 1
        self.expect(r"\rvert" if bar == r"\lvert" else bar)
        return Call("abs", (inner,))

    def _command(self, name: str) -> Tree:
        if name in ASKING:
            raise Unevaluated(f"\\{name} is not calculated")
        self.place += 1
        if name in FRACS:
            return Div(self._argument(), self._argument())
        if name in ("binom", "dbinom", "tbinom"):
            return Call("binom", (self._argument(), self._argument()))
        if name == "sqrt":
            return self._root()
        if name in CONSTANTS:
            return Const(CONSTANTS[name])
        if name in GREEK:
            return self._subscripted(name)
        if name in FUNCTIONS:
            return self._call(FUNCTIONS[name])
        self.place -= 1
        if name in ("lfloor", "lceil"):
            return Call({"lfloor": "floor", "lceil": "ceil"}[name], (self._group(f"\\{name}"),))
        if name == "lvert":
            return self._between_bars(r"\lvert")
        if name in ("dots", "ldots", "cdots"):
            raise Unreadable("an ellipsis")
        raise Unreadable(f"unexpected `\\{name}`")

    def _argument(self) -> Tree:
        """What a macro takes: a group, or one digit, letter or command."""
        if self.peek() == "{":
            return self._group("{")
        if self.kind() != "num":
            return self._base()
        written = self.tokens[self.place].text
        if not written[0].isdigit():
            raise Unreadable("expected a digit")
        self.replace_next(written[1:])
        return Num(Fraction(int(written[0])))

    def _root(self) -> Tree:
        degree: Tree = Num(Fraction(2))
        if self.take("["):
            degree = self.expression()
            self.expect("]")
        radicand = self._group("(") if self.peek() == "(" else self._argument()
        return root_of(radicand, degree)

    def _named(self) -> Tree:
        token = self.tokens[self.place]
        text = token.text.strip()
        if text in FUNCTIONS and len(text) > 1:
            self.place += 1
            return self._call(FUNCTIONS[text])
        self.place += 1
        if text in CONSTANTS:
            return Const(CONSTANTS[text])
        if len(text) > 3 or not _WORD.fullmatch(text):
            raise Unreadable(f"a word, `{text[:20]}`")
        if len(text) == 1:
            return self._letter_or_constant(text)
        letters = [constant_or_variable(letter) for letter in text[:-1]]
        return Product((*letters, self._letter_or_constant(text[-1])))

    def _letter_or_constant(self, letter: str) -> Tree:
        if letter in ("e", "i") and self.peek() != "_":
            return Const(letter)
        return self._subscripted(letter)

    def _subscripted(self, name: str) -> Tree:
        if self.kind() != "op" or self.peek() != "_":
            return Var(name)
        self.place += 1
        if not self.take("{"):
            index = self.peek()
            self.place += 1
            return Var(f"{name}_{index}")
        parts = []
        while self.place < len(self.tokens) and self.peek() != "}":
            parts.append(self.peek())
            self.place += 1
        self.expect("}")
        return Var(f"{name}_{''.join(parts)}")

    def _call(self, name: str) -> Tree:
        base: Tree | None = None
        power: Tree | None = None
        if name == "log" and self.kind() == "op" and self.take("_"):
            base = self._argument()
        if self.kind() == "op" and self.take("^"):
            power = self._exponent()
            if isinstance(power, Neg):
                name, power = inverse(name, power), None
        # within a function, degrees are a number: outside they are the unit of the answer
        self._calls += 1
        inner = self._arguments(name)
        self._calls -= 1
        call = made(name, inner if base is None else (*inner, base))
        return call if power is None else Power(call, power)

    def _arguments(self, name: str) -> tuple[Tree, ...]:
        if self.peek() not in ("(", "{", "["):
            return (self._bare_argument(),)
        opening = self.peek()
        self.place += 1
        found = [self.expression()]
        while name in TWO_ARGUMENTS and self.take(","):
            found.append(self.expression())
        self.expect(BRACKETS[opening])
        return tuple(found)

    def _bare_argument(self) -> Tree:
        """`\\sin 2x`: factors without a bracket, up to the next sign or function."""
        factors = [self._factor()]
        while (
            self._starts_factor()
            and self.peek().strip("\\") not in FUNCTIONS
            and self.peek() != "("
        ):
            factors.append(self._factor())
        return factors[0] if len(factors) == 1 else Product(tuple(factors))
