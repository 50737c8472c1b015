"""Expressions as small typed trees, as they were written: nothing is calculated here.

A tree keeps the form (`2+5` is a `Sum` of two numbers) because an unevaluated form may be no answer
(`form.py`); what it is worth is `exact.py`'s to say. Trees are bounded where they are made.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import msgspec

MAX_CHARS = 4096
MAX_NESTING = 64
MAX_DIGITS = 256
MAX_EXPONENT = 10_000
MAX_TOKENS = 1000


class Unreadable(ValueError):
    """A text is not an answer of a kind we read; the message says why, in words for a score's reason."""


class TooBig(Unreadable):
    """A text or a value is past the caps; no honest answer is."""


class Unevaluated(Unreadable):
    """A text holds an operator that asks for a calculation: an integral, a sum, a limit."""


class Num(msgspec.Struct, frozen=True):
    """A number as written; `is_decimal` when it has a decimal point or an exponent."""

    value: Fraction
    is_decimal: bool = False


class Const(msgspec.Struct, frozen=True):
    """`pi`, `e`, `i` or `inf`."""

    name: str


class Var(msgspec.Struct, frozen=True):
    """A letter with its subscript, like `x` or `a_1`."""

    name: str


class Neg(msgspec.Struct, frozen=True):
    """Minus a tree."""

    inner: Tree


class Sum(msgspec.Struct, frozen=True):
    """Two or more terms."""

    terms: tuple[Tree, ...]


class Product(msgspec.Struct, frozen=True):
    """Two or more factors."""

    factors: tuple[Tree, ...]


class Div(msgspec.Struct, frozen=True):
    """A quotient, however it was written."""

    top: Tree
    bottom: Tree


class Power(msgspec.Struct, frozen=True):
    """A power; a root is one with exponent 1/n and `is_root`."""

    base: Tree
    exponent: Tree
    is_root: bool = False


class Call(msgspec.Struct, frozen=True):
    """A known function of one or two trees; `log` has the base as its second."""

    name: str
    inner: tuple[Tree, ...]


class Both(msgspec.Struct, frozen=True):
    """Plus or minus a tree: two values at once; `flipped` for minus or plus."""

    inner: Tree
    flipped: bool = False


Tree = Num | Const | Var | Neg | Sum | Product | Div | Power | Call | Both


def children(tree: Tree) -> tuple[Tree, ...]:
    """The trees directly inside a tree."""
    if isinstance(tree, Num | Const | Var):
        return ()
    if isinstance(tree, Sum):
        return tree.terms
    if isinstance(tree, Product):
        return tree.factors
    if isinstance(tree, Div):
        return (tree.top, tree.bottom)
    if isinstance(tree, Power):
        return (tree.base, tree.exponent)
    return (tree.inner,) if isinstance(tree, Neg | Both) else tree.inner


def walk(tree: Tree) -> Iterator[Tree]:
    """A tree and every tree inside it."""
    yield tree
    for inner in children(tree):
        yield from walk(inner)


def holds(tree: Tree, kind: type | tuple[type, ...]) -> bool:
    """Whether a tree of some kind stands anywhere in a tree."""
    return any(isinstance(inner, kind) for inner in walk(tree))


def choose_sign(tree: Tree, *, upper: bool) -> Tree:
    """The tree with every plus-or-minus decided: all upper signs, or all lower ones."""
    if isinstance(tree, Both):
        inner = choose_sign(tree.inner, upper=upper)
        return inner if upper != tree.flipped else Neg(inner)
    if isinstance(tree, Neg):
        return Neg(choose_sign(tree.inner, upper=upper))
    if isinstance(tree, Num | Const | Var):
        return tree
    if isinstance(tree, Power):
        base, exponent = (choose_sign(each, upper=upper) for each in children(tree))
        return Power(base, exponent, tree.is_root)
    inner_trees = tuple(choose_sign(inner, upper=upper) for inner in children(tree))
    if isinstance(tree, Sum):
        return Sum(inner_trees)
    if isinstance(tree, Product):
        return Product(inner_trees)
    if isinstance(tree, Div):
        return Div(*inner_trees)
    return Call(tree.name, inner_trees)


def wire(tree: Tree) -> list[object]:
    """The tree as plain JSON lists, for the symbolic worker."""
    if isinstance(tree, Num):
        # hexadecimal: JSON readers bound long decimals
        return ["Num", hex(tree.value.numerator), hex(tree.value.denominator)]
    if isinstance(tree, Const | Var):
        return [type(tree).__name__, tree.name]
    name = tree.name if isinstance(tree, Call) else type(tree).__name__
    kind = "Call" if isinstance(tree, Call) else name
    if isinstance(tree, Power) and tree.is_root:
        kind = "Root"
    inner = [wire(each) for each in children(tree)]
    return [kind, name, *inner] if kind == "Call" else [kind, *inner]
