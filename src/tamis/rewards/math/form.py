"""Forms: an unevaluated calculation is no answer, and neither is the question's own expression sent back.

For a rational reference the answer must be a number: an integer, decimal, fraction, mixed number, power of a
number, or scientific notation. For another closed reference (`\\frac{\\sqrt{3}}{2}`) it may be any closed form,
but with no function that the reference does not use, and without rational terms or factors left to add or
multiply. A reference that is itself unevaluated allows what it does. References with letters ask for no
form here; what occurs in the prompt is `is_echo`'s.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from fractions import Fraction

from tamis.rewards.math.exact import (
    Undecided,
    Value,
    added,
    approximate,
    as_rational,
    evaluate,
    scaled,
)
from tamis.rewards.math.tree import (
    Both,
    Call,
    Const,
    Div,
    Neg,
    Num,
    Power,
    Product,
    Sum,
    Tree,
    Unreadable,
    Var,
    children,
    holds,
    walk,
)

_MINUS = Fraction(-1)
_FAMILIES = {"ln": "log", "lg": "log"}
_SETTING = re.compile(r"\\(?:left|right|displaystyle|[,;:! ])|[\s$~]|\\[()\[\]]")


def is_closed(tree: Tree) -> bool:
    """Whether a tree has no letters."""
    return not holds(tree, (Var, Both))


def unevaluated(gold: Tree, answer: Tree) -> bool:
    """Whether an answer leaves to be calculated what its closed reference does not."""
    if not is_closed(gold) or gold == answer:
        return False
    if _is_rational(gold):
        return _is_written_number(gold) and not _is_written_number(answer)
    allowed = _calls(gold)
    if any(call not in allowed for call in _calls(answer)):
        return True
    return _has_open_sum(answer) and not _has_open_sum(gold)


def _calls(tree: Tree) -> set[str]:
    return {_FAMILIES.get(t.name, t.name) for t in walk(tree) if isinstance(t, Call)}


def _is_rational(tree: Tree) -> bool:
    try:
        return as_rational(evaluate(tree)) is not None
    except (Undecided, Unreadable):
        return False


def _is_written_number(tree: Tree) -> bool:
    if isinstance(tree, Num):
        return True
    if isinstance(tree, Neg):
        return not isinstance(tree.inner, Neg) and _is_written_number(tree.inner)
    if isinstance(tree, Div):
        return _is_written_number(tree.top) and _is_written_number(tree.bottom)
    if isinstance(tree, Power):
        is_base = _is_signed(tree.base) or isinstance(tree.base, Div)
        is_base = is_base and _is_written_number(tree.base)
        return not tree.is_root and is_base and _is_signed(tree.exponent)
    return isinstance(tree, Product) and _is_scientific(tree)


def _is_signed(tree: Tree) -> bool:
    inner = tree.inner if isinstance(tree, Neg) else tree
    return isinstance(inner, Num)


def _is_scientific(tree: Product) -> bool:
    if len(tree.factors) != 2:
        return False
    digits, power = tree.factors
    is_ten = isinstance(power, Power) and isinstance(power.base, Num) and power.base.value == 10
    return is_ten and _is_signed(digits) and isinstance(power, Power) and _is_signed(power.exponent)


def _has_open_sum(tree: Tree) -> bool:
    """Whether two rational terms are left to add, or two rational factors to multiply."""
    for part in walk(tree):
        if isinstance(part, Sum) and sum(map(_is_rational, part.terms)) > 1:
            return True
        is_product = isinstance(part, Product) and not _is_scientific(part)
        if is_product and sum(map(_is_rational, children(part))) > 1:
            return True
    return False


def is_plain(tree: Tree) -> bool:
    """Whether nothing can be made simpler: a number in lowest terms, a letter, a root without square factors."""
    if isinstance(tree, Num | Const | Var):
        return True
    if isinstance(tree, Neg):
        return is_plain(tree.inner)
    if isinstance(tree, Div):
        if isinstance(tree.top, Num) and isinstance(tree.bottom, Num):
            return math.gcd(int(tree.top.value), int(tree.bottom.value)) == 1
        return is_plain(tree.top) and isinstance(tree.bottom, Num)
    if isinstance(tree, Power):
        return tree.is_root and isinstance(tree.base, Num) and _is_own_root(tree)
    if isinstance(tree, Product):
        n_numbers = sum(isinstance(factor, Num) for factor in tree.factors)
        return n_numbers <= 1 and all(map(is_plain, tree.factors))
    return False


def _is_own_root(tree: Power) -> bool:
    try:
        value = evaluate(tree)
    except (Undecided, Unreadable):
        return False
    return len(value) == 1 and () not in value and set(value.values()) == {1}


def same_parts(one: Tree, two: Tree) -> bool:
    """Whether two trees are made of the same operations and leaves, in whatever order."""
    return _parts(one) == _parts(two)


def _parts(tree: Tree) -> list[str]:
    return sorted(map(_part, walk(tree)))


def _part(tree: Tree) -> str:
    if isinstance(tree, Num):
        # hexadecimal: Python bounds how long a decimal it writes
        return f"{tree.value.numerator:x}/{tree.value.denominator:x}"
    return f"{type(tree).__name__} {getattr(tree, 'name', '')}"


def is_echo(answer: str, *, gold: str, prompt: str) -> bool:
    """Whether an answer's text stands in the prompt as it is, and is not the reference's own text."""
    said, wanted = _unset(answer), _unset(gold)
    if not said or said == wanted:
        return False
    asked = _unset(prompt)
    place = asked.find(said)
    while place >= 0:
        before, after = asked[max(0, place - 1) : place], asked[place + len(said) :][:2]
        if not _continues(before, said[0]) and not _continues(said[-1], after[:1]):
            return True
        place = asked.find(said, place + 1)
    return False


def _unset(text: str) -> str:
    for long, short in (
        (r"\dfrac", r"\frac"),
        (r"\tfrac", r"\frac"),
        (r"\times", "*"),
        (r"\cdot", "*"),
    ):
        text = text.replace(long, short)
    return _SETTING.sub("", text.replace("×", "*").replace("·", "*").replace("\u2212", "-")).rstrip(
        "."
    )


def _continues(one: str, two: str) -> bool:
    """Whether a digit goes on into the next: 12 + 3 does not occur in 112 + 3."""
    return one.isdigit() and two.isdigit()


def is_calculation(sides: Sequence[Tree]) -> bool:
    """Whether all sides of a chain of equations are closed and equal, and the first calculates something."""
    if not all(is_closed(side) for side in sides):
        return False
    if len(sides) == 1:
        return True
    first = sides[0].inner if isinstance(sides[0], Neg) else sides[0]
    if isinstance(first, Num):
        raise Unreadable("a number set equal to a number")
    try:
        values = [evaluate(side) for side in sides]
    except Undecided:
        raise Unreadable("a chain of equations that is not checked") from None
    if any(value != values[0] for value in values[1:]):
        raise Unreadable("an equation that does not hold")
    return True


def are_near(exact: Tree, about: Tree) -> bool:
    """Whether a rounded value is within 5 % of the exact one."""
    try:
        value, near = evaluate(exact), evaluate(about)
        off = approximate(added(value, scaled(near, _MINUS)))
        size = approximate(value)
    except Undecided:
        return False
    return off is not None and size is not None and abs(off) * 20 <= abs(size)


def decimal_in(tree: Tree) -> bool:
    """Whether a decimal is written anywhere in a tree."""
    return any(isinstance(part, Num) and part.is_decimal for part in walk(tree))


def value_of(tree: Tree) -> Value | None:
    """The exact value; None when the exact tier has no form for it. Raises Unreadable for none or too big."""
    try:
        return evaluate(tree)
    except Undecided:
        return None
