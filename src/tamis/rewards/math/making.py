"""Trees of functions, roots and single letters, as their names say."""

from __future__ import annotations

from fractions import Fraction

from tamis.rewards.math.names import TWO_ARGUMENTS
from tamis.rewards.math.tree import (
    Call,
    Const,
    Div,
    Neg,
    Num,
    Power,
    Product,
    Tree,
    Unreadable,
    Var,
)


def made(name: str, inner: tuple[Tree, ...]) -> Tree:
    """The function of a name; roots, `exp` and `lg` in their plainer forms."""
    if name in ("sqrt", "cbrt"):
        return root_of(inner[0], Num(Fraction(2 if name == "sqrt" else 3)))
    if name == "exp":
        return Power(Const("e"), inner[0])
    if name == "lg":
        return Call("log", (inner[0], Num(Fraction(10))))
    if name in TWO_ARGUMENTS and len(inner) != 2:
        raise Unreadable(f"{name} of {len(inner)}")
    return Call(name, inner)


def root_of(radicand: Tree, degree: Tree) -> Tree:
    """The root of a degree."""
    return Power(radicand, Div(Num(Fraction(1)), degree), is_root=True)


def inverse(name: str, power: Neg) -> str:
    """`\\tan^{-1}` is the arcus tangent; other negative powers of functions are left to brackets."""
    if power.inner != Num(Fraction(1)) or name not in ("sin", "cos", "tan"):
        raise Unreadable("an inverse function written as a power")
    return f"arc{name}"


def in_radians(degrees: Tree) -> Tree:
    """An angle in degrees as a number."""
    return Div(Product((degrees, Const("pi"))), Num(Fraction(180)))


def constant_or_variable(letter: str) -> Tree:
    """`e` and `i` are the numbers, every other letter is a variable."""
    return Const(letter) if letter in ("e", "i") else Var(letter)


def letter(text: str) -> str | None:
    """The letter a text is, or None."""
    text = text.strip()
    return text if len(text) == 1 and text.isascii() and text.isalpha() else None
