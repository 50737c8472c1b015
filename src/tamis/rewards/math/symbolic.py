"""Equality by algebra: trees of ours become sympy expressions node by node; no text is ever parsed here.

Only the worker process imports this file. `decide` refutes by numbers and proves by algebra:

1. Equal trees, or a difference that sympy's constructors cancel: equal.
2. Both sides are evaluated at fixed rational points, to 30 digits; apart at one point where both are
   real and finite: different. Agreement there proves nothing.
3. The difference is expanded, put over one denominator, and simplified: zero proves them equal.
4. Without letters, both sides are evaluated to 120 digits by interval-checked arithmetic (sympy's `evalf`
   gives digits it vouches for); 100 equal digits count as equal. This is the one step that is no proof: its
   error would be two short closed expressions that agree to 100 digits and differ.

Letters are real numbers.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final

import sympy

_POINTS: Final = 6
_DIGITS: Final = 30
_MANY_DIGITS: Final = 120
_MAX_POWER: Final = 64

_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    **{name: getattr(sympy, name) for name in ("sin", "cos", "tan", "cot", "sec", "csc")},
    **{
        name: getattr(sympy, name) for name in ("sinh", "cosh", "tanh", "floor", "sign", "re", "im")
    },
    "arcsin": sympy.asin,
    "arccos": sympy.acos,
    "arctan": sympy.atan,
    "ln": sympy.log,
    "abs": sympy.Abs,
    "ceil": sympy.ceiling,
    "gcd": sympy.gcd,
    "lcm": sympy.lcm,
    "max": sympy.Max,
    "min": sympy.Min,
}


class Refused(ValueError):
    """A tree that is not built: past a cap, or of a kind algebra does not take."""


def build(tree: list[Any]) -> Any:
    """The sympy expression of a tree as `tree.wire` sends it."""
    kind, rest = tree[0], tree[1:]
    if kind == "Num":
        return sympy.Rational(int(rest[0], 16), int(rest[1], 16))
    if kind == "Const":
        return {"pi": sympy.pi, "e": sympy.E, "i": sympy.I}[rest[0]]
    if kind == "Var":
        return sympy.Symbol(rest[0], real=True)
    if kind == "Call":
        return _call(rest[0], [build(each) for each in rest[1:]])
    inner = [build(each) for each in rest]
    if kind == "Neg":
        return -inner[0]
    if kind == "Sum":
        return sympy.Add(*inner)
    if kind == "Product":
        return sympy.Mul(*inner)
    if kind == "Div":
        return inner[0] / inner[1]
    if kind == "Power":
        return _power(inner[0], inner[1])
    if kind == "Root":
        return _root(inner[0], inner[1])
    raise Refused(f"no algebra for {kind}")


def _power(base: Any, exponent: Any) -> Any:
    # a tower of numbers would be multiplied out at once
    if exponent.is_number and base.is_number and not _is_small(exponent, 10_000):
        raise Refused("an exponent beyond the cap")
    return base**exponent


def _root(radicand: Any, exponent: Any) -> Any:
    is_odd = exponent.is_Rational and exponent.q % 2 == 1
    if is_odd and radicand.is_number and radicand.is_negative:
        return -((-radicand) ** exponent)
    return radicand**exponent


def _is_small(number: Any, cap: int) -> bool:
    return not number.is_Rational or bool(abs(number) <= cap)


def _call(name: str, inner: list[Any]) -> Any:
    if name == "log":
        return sympy.log(*inner) if len(inner) == 2 else sympy.log(inner[0])
    if name in ("factorial", "binom"):
        if not all(_is_small(each, 3000) for each in inner):
            raise Refused(f"{name} of a number beyond the cap")
        return sympy.factorial(inner[0]) if name == "factorial" else sympy.binomial(*inner)
    if name not in _FUNCTIONS:
        raise Refused(f"no algebra for {name}")
    return _FUNCTIONS[name](*inner)


def decide(gold: list[Any], answer: list[Any]) -> str:
    """`equal`, `different` or `undecided`."""
    one, two = build(gold), build(answer)
    if one == two:
        return "equal"
    if not _is_finite(one) or not _is_finite(two):
        return "different"
    difference = one - two
    if difference == 0:
        return "equal"
    letters = sorted(one.free_symbols | two.free_symbols, key=str)
    if not letters:
        return _closed(one, two)
    if _are_apart(one, two, letters):
        return "different"
    return "equal" if _vanishes(difference) else "undecided"


def _is_finite(value: Any) -> bool:
    return not value.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo)


def _are_apart(one: Any, two: Any, letters: list[Any]) -> bool:
    """Whether both differ at one of the fixed points where both are finite numbers."""
    chance = random.Random(7)
    for place in range(_POINTS):
        # positive points first: there roots and logarithms are real
        low = 1 if place % 2 == 0 else -97
        point = {letter: sympy.Rational(chance.randint(low, 97), 31) for letter in letters}
        values = [_number(each.subs(point)) for each in (one, two)]
        if values[0] is None or values[1] is None:
            continue
        size = 1 + abs(values[0])
        if abs(values[0] - values[1]) > size * sympy.Float(10) ** (5 - _DIGITS):
            return True
    return False


def _number(value: Any, digits: int = _DIGITS) -> Any | None:
    """A finite number to so many digits, or None."""
    if not _is_finite(value):
        return None
    found = sympy.N(value, digits, maxn=4 * digits)
    if not found.is_number or not _is_finite(found) or found.free_symbols:
        return None
    return found if found.is_comparable or found.as_real_imag()[0].is_comparable else None


def _closed(one: Any, two: Any) -> str:
    values = _number(one, _MANY_DIGITS), _number(two, _MANY_DIGITS)
    if values[0] is None or values[1] is None:
        return "undecided"
    apart = abs(values[0] - values[1])
    close = (1 + abs(values[0])) * sympy.Float(10) ** (20 - _MANY_DIGITS)
    return "equal" if apart < close else "different"


def _vanishes(difference: Any) -> bool:
    if _is_small_enough(difference) and sympy.expand(difference) == 0:
        return True
    steps: tuple[Callable[[Any], Any], ...] = (
        lambda d: sympy.numer(sympy.together(d)).expand(),
        sympy.cancel,
        lambda d: sympy.expand(sympy.expand_trig(d)),
        sympy.trigsimp,
        sympy.expand_log,
        sympy.radsimp,
        lambda d: sympy.factor(d, deep=True),
        sympy.simplify,
    )
    for step in steps:
        if not _is_small_enough(difference):
            return False
        if step(difference) == 0:
            return True
    return False


def _is_small_enough(difference: Any) -> bool:
    """Whether no power is so high that multiplying it out would take for ever."""
    powers = [power.exp for power in difference.atoms(sympy.Pow) if power.exp.is_Integer]
    return all(abs(exponent) <= _MAX_POWER for exponent in powers)
