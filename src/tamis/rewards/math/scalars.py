"""One value against another: units, percent signs and angles first, then exact values, then algebra."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Literal

import msgspec

from tamis.rewards.math import units
from tamis.rewards.math.answers import Answer, Scalar
from tamis.rewards.math.exact import Value, added, approximate, has_letters, scaled
from tamis.rewards.math.form import decimal_in, unevaluated, value_of
from tamis.rewards.math.tree import Const, Div, Num, Product, Tree, Var, walk

Verdict = Literal["equal", "different", "undecided"]
PercentPolicy = Literal["unit", "value"]
UnitPolicy = Literal["optional", "required", "ignored"]
Decide = Callable[[Tree, Tree], tuple[Verdict, str]]


_PI = Const("pi")
NOT_CARRIED_OUT = "the calculation is not carried out"
_PERCENT = units.sign("%")


class Judgement(msgspec.Struct, frozen=True):
    """A verdict and the rule that made it, in words for a score's reason."""

    verdict: Verdict
    rule: str


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What a question declares about equality; `decide` is the symbolic tier, or None."""

    percent: PercentPolicy = "unit"
    units: UnitPolicy = "optional"
    tolerance: float = 1e-9
    significant_digits: int | None = None
    ordered: bool = False
    choices: Mapping[str, Answer] = {}
    decide: Decide | None = None


def different(rule: str) -> Judgement:
    """The verdict `different` by a rule."""
    return Judgement("different", rule)


def compare_scalars(gold: Scalar, answer: Scalar, rules: Rules) -> Judgement:
    """Whether one value with its unit is right when the other is the reference."""
    gold, answer = _with_short_unit(gold, answer), _with_short_unit(answer, gold)
    gold, answer = _percents(gold, rules), _percents(answer, rules)
    factor = Fraction(1)
    if rules.units != "ignored":
        if not units.agree(gold.unit, answer.unit):
            return different("the unit differs")
        if rules.units == "required" and gold.unit is not None and answer.unit is None:
            return different("the unit is missing")
        factor = units.ratio(gold.unit, answer.unit)
    open_form = unevaluated(gold.tree, answer.tree) and gold == _in_radians(gold, answer)
    gold, answer = _in_radians(gold, answer), _in_radians(answer, gold)
    if factor == 1 and gold.tree == answer.tree:
        return Judgement("equal", "the same expression")
    wanted, found = value_of(gold.tree), value_of(answer.tree)
    if wanted is not None and found is not None:
        judgement = _values(wanted, scaled(found, factor), gold.tree, rules)
        is_open = open_form and judgement.verdict == "equal"
        return different(NOT_CARRIED_OUT) if is_open else judgement
    if open_form:
        return different(NOT_CARRIED_OUT)
    other = answer.tree if factor == 1 else Product((Num(factor), answer.tree))
    return _decided(gold.tree, other, rules)


def _with_short_unit(scalar: Scalar, other: Scalar) -> Scalar:
    """`5m` is five metres beside a value with a unit; alone it is a product."""
    parts = scalar.tree.factors if isinstance(scalar.tree, Product) else ()
    if other.unit is None or scalar.unit is not None or len(parts) != 2:
        return scalar
    number, letter = parts
    is_short = isinstance(letter, Var) and letter.name in units.SHORT
    if not isinstance(number, Num) or not isinstance(letter, Var) or not is_short:
        return scalar
    return Scalar(number, units.read_unit([letter.name]))


def _percents(scalar: Scalar, rules: Rules) -> Scalar:
    if rules.percent == "unit" or scalar.unit != _PERCENT:
        return scalar
    return Scalar(Div(scalar.tree, Num(Fraction(100))))


def _in_radians(angle: Scalar, other: Scalar) -> Scalar:
    """An angle in degrees, beside one without unit that is told in pi."""
    in_degrees = angle.unit is not None and angle.unit.dimension == (("degree", 1),)
    if not in_degrees or other.unit is not None or not _holds(other.tree, _PI):
        return angle
    return Scalar(Product((angle.tree, Div(_PI, Num(Fraction(180))))))


def holds_infinity(tree: Tree) -> bool:
    """Whether infinity stands anywhere in a tree."""
    return _holds(tree, Const("inf"))


def _holds(tree: Tree, constant: Const) -> bool:
    return any(part == constant for part in walk(tree))


def _values(wanted: Value, found: Value, gold: Tree, rules: Rules) -> Judgement:
    if wanted == found:
        return Judgement("equal", "the same value")
    if has_letters(wanted) or has_letters(found) or not decimal_in(gold):
        return different("the value differs")
    allowed = _tolerated(wanted, rules)
    off = approximate(added(found, scaled(wanted, Fraction(-1))))
    if allowed is None or off is None or abs(off) > allowed:
        return different("the value differs")
    return Judgement("equal", "within the declared tolerance")


def _tolerated(wanted: Value, rules: Rules) -> Decimal | None:
    """How far an answer may be from a decimal reference."""
    size = approximate(wanted)
    if size is None or not size:
        return Decimal(0)
    if rules.significant_digits is not None:
        return Decimal(5).scaleb(size.adjusted() - rules.significant_digits)
    return abs(size) * Decimal(rules.tolerance)


def _decided(gold: Tree, answer: Tree, rules: Rules) -> Judgement:
    if rules.decide is None:
        return Judgement("undecided", "no rule decides without algebra")
    verdict, why = rules.decide(gold, answer)
    told = {"equal": "equal by algebra", "different": "the value differs"}
    return Judgement(
        verdict, told.get(verdict) or ": ".join(filter(None, ("not proved equal", why)))
    )
