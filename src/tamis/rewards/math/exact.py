"""What an expression is worth, exactly: a sum of rational multiples of products of roots, pi, e, i and letters.

A `Value` maps each product (a `Mono`) to its rational coefficient, zero ones left out. Roots are kept as
powers of primes with exponents between 0 and 1, so that equal numbers built from rationals, roots, i and pi
have equal Values: products of such powers of primes are linearly independent over the rationals, and pi is
transcendental over them. That holds with e instead of pi too; with both, no relation between them is known.
Letters have whole exponents only, so a Value in letters is a polynomial (or has whole negative powers),
and polynomials are equal exactly when their Values are.
"""

from __future__ import annotations

import math
from decimal import Context, Decimal
from fractions import Fraction

from tamis.rewards.math.tree import (
    MAX_EXPONENT,
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
    Unreadable,
    Var,
    walk,
)

Mono = tuple[tuple[tuple[int, int | str], Fraction], ...]
Value = dict[Mono, Fraction]

_MAX_BITS = 34_000
# powers of numbers and functions in one expression: each may cost up to a millisecond
_MAX_HEAVY = 32
_MAX_TERMS = 128
_TRIAL = 2000
_Base = tuple[int, int | str]
_ONE: Mono = ()
_I: _Base = (1, "i")
_PI: _Base = (1, "pi")
_E: _Base = (1, "e")
_DIGITS = Context(prec=60, Emax=999_999, Emin=-999_999, traps=[])
_PI_DIGITS = Decimal(
    "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803"
)
_E_DIGITS = Decimal(
    "2.71828182845904523536028747135266249775724709369995957496696762772407663035354759457138"
)


class Undecided(Exception):
    """The exact tier has no form for this value; the symbolic tier may."""


class Undefined(Unreadable):
    """A value that does not exist, like one over zero."""


def rational(value: Fraction | int) -> Value:
    """A rational number as a Value."""
    return {_ONE: Fraction(value)} if value else {}


def as_rational(value: Value) -> Fraction | None:
    """The rational number a Value is, or None."""
    if not value:
        return Fraction(0)
    return value[_ONE] if len(value) == 1 and _ONE in value else None


def has_letters(value: Value) -> bool:
    """Whether the value depends on a letter."""
    return any(base[0] == 2 for mono in value for base, _ in mono)


def evaluate(tree: Tree) -> Value:
    """The exact value of a tree; raises Undecided, Undefined, or TooBig past the caps."""
    n_heavy = sum(isinstance(part, Call) or _is_number_power(part) for part in walk(tree))
    if n_heavy > _MAX_HEAVY:
        raise Undecided
    return _value(tree)


def _is_number_power(tree: Tree) -> bool:
    return isinstance(tree, Power) and not isinstance(tree.base, Var)


def _value(tree: Tree) -> Value:
    if isinstance(tree, Num):
        return rational(tree.value)
    if isinstance(tree, Neg):
        return scaled(_value(tree.inner), Fraction(-1))
    if isinstance(tree, Sum):
        total: Value = {}
        for term in tree.terms:
            total = added(total, _value(term))
        return total
    if isinstance(tree, Product):
        product = rational(1)
        for factor in tree.factors:
            product = times(product, _value(factor))
        return product
    if isinstance(tree, Div):
        return times(_value(tree.top), inverse(_value(tree.bottom)))
    if isinstance(tree, Power):
        return _power(tree)
    return _name_or_call(tree)


def _name_or_call(tree: Const | Var | Call | Both) -> Value:
    if isinstance(tree, Const):
        if tree.name == "inf":
            raise Undefined("infinity is no number")
        return {(((1, tree.name), Fraction(1)),): Fraction(1)}
    if isinstance(tree, Var):
        return {(((2, tree.name), Fraction(1)),): Fraction(1)}
    if isinstance(tree, Both):
        raise Undecided
    return _call(tree)


def added(one: Value, other: Value) -> Value:
    """The sum."""
    total = dict(one)
    for mono, coefficient in other.items():
        new = total.get(mono, Fraction(0)) + coefficient
        if new:
            total[mono] = _checked(new)
        else:
            total.pop(mono, None)
    if len(total) > _MAX_TERMS:
        raise Undecided
    return total


def scaled(value: Value, factor: Fraction) -> Value:
    """A rational multiple."""
    return {mono: _checked(c * factor) for mono, c in value.items()} if factor else {}


def times(one: Value, other: Value) -> Value:
    """The product."""
    if len(one) * len(other) > _MAX_TERMS * 8:
        raise Undecided
    total: Value = {}
    for mono1, c1 in one.items():
        for mono2, c2 in other.items():
            mono, factor = _merged(mono1, mono2)
            total = added(total, {mono: _checked(c1 * c2 * factor)})
    return total


def _checked(number: Fraction) -> Fraction:
    if number.numerator.bit_length() > _MAX_BITS or number.denominator.bit_length() > _MAX_BITS:
        raise TooBig("a number of more than 10,000 digits")
    return number


def _merged(one: Mono, other: Mono) -> tuple[Mono, Fraction]:
    if not one or not other:
        return one or other, Fraction(1)
    exponents = dict(one)
    for base, exponent in other:
        exponents[base] = exponents.get(base, Fraction(0)) + exponent
    return _normal(exponents)


def _normal(exponents: dict[tuple[int, int | str], Fraction]) -> tuple[Mono, Fraction]:
    """The product in normal form, and the rational factor that came out of it."""
    factor = Fraction(1)
    kept: dict[tuple[int, int | str], Fraction] = {}
    for base, exponent in exponents.items():
        left = exponent
        if base == _I:
            turns = int(exponent) % 4
            factor *= -1 if turns in (2, 3) else 1
            left = Fraction(turns % 2)
        elif base[0] == 0 and (whole := math.floor(exponent)):
            factor *= _whole_power(Fraction(int(base[1])), whole)
            left -= whole
        if left:
            kept[base] = left
    return tuple(sorted(kept.items(), key=lambda pair: (pair[0][0], pair[0][1]))), factor


def inverse(value: Value) -> Value:
    """One over a value: of one product directly, of sums by conjugates of square roots and i."""
    if not value:
        raise Undefined("a division by zero")
    if len(value) == 1:
        ((mono, coefficient),) = value.items()
        flipped, factor = _normal({base: -exponent for base, exponent in mono})
        return {flipped: _checked(factor / coefficient)}
    # each step removes one root for good, so this ends
    other = _conjugate(value, _square_root_in(value))
    return times(other, inverse(times(value, other)))


def _square_root_in(value: Value) -> tuple[int, int | str]:
    """A square root or i that a conjugate removes; Undecided when anything else stands in the sum."""
    found: tuple[int, int | str] | None = None
    for mono in value:
        for base, exponent in mono:
            if base != _I and (base[0] != 0 or exponent != Fraction(1, 2)):
                raise Undecided
            found = base
    if found is None or len(value) > 8:
        raise Undecided
    return found


def _conjugate(value: Value, base: tuple[int, int | str]) -> Value:
    return {mono: -c if any(b == base for b, _ in mono) else c for mono, c in value.items()}


def _power(tree: Power) -> Value:
    exponent = as_rational(_value(tree.exponent))
    if exponent is None:
        raise Undecided
    if abs(exponent.numerator) > MAX_EXPONENT or exponent.denominator > MAX_EXPONENT:
        raise TooBig(f"an exponent beyond {MAX_EXPONENT}")
    base = _value(tree.base)
    if exponent.denominator == 1:
        return power(base, exponent.numerator)
    return _root(base, exponent)


def power(base: Value, exponent: int) -> Value:
    """A whole power."""
    if exponent < 0:
        return power(inverse(base), -exponent)
    if exponent == 0:
        if not base:
            raise Undefined("zero to the power of zero")
        return rational(1)
    if len(base) == 1:
        ((mono, coefficient),) = base.items()
        raised, factor = _normal({b: e * exponent for b, e in mono})
        return {raised: _checked(_whole_power(coefficient, exponent) * factor)}
    if exponent > 16:
        raise Undecided
    result = base
    for _ in range(exponent - 1):
        result = times(result, base)
    return result


def _whole_power(number: Fraction, exponent: int) -> Fraction:
    bits = max(number.numerator.bit_length(), number.denominator.bit_length())
    if (bits - 1) * abs(exponent) > _MAX_BITS:
        raise TooBig("a number of more than 10,000 digits")
    return number**exponent


def _root(base: Value, exponent: Fraction) -> Value:
    """A positive product to a broken power; a negative number under an even or odd root."""
    if not base:
        if exponent < 0:
            raise Undefined("a division by zero")
        return {}
    if len(base) != 1:
        raise Undecided
    ((mono, coefficient),) = base.items()
    if any(kind[0] == 2 or kind == _I for kind, _ in mono):
        raise Undecided
    exponents = {kind: e * exponent for kind, e in mono}
    sign = Fraction(1)
    if coefficient < 0:
        if exponent.denominator == 2:
            exponents[_I] = Fraction(exponent.numerator)
        elif exponent.denominator % 2:
            sign = Fraction(-1 if exponent.numerator % 2 else 1)
        else:
            raise Undecided
    for prime, e in _primes(abs(coefficient)).items():
        exponents[0, prime] = exponents.get((0, prime), Fraction(0)) + e * exponent
    normal, factor = _normal(exponents)
    return {normal: _checked(factor * sign)}


def _primes(number: Fraction) -> dict[int, int]:
    found = _prime_factors(number.numerator)
    for prime, exponent in _prime_factors(number.denominator).items():
        found[prime] = found.get(prime, 0) - exponent
    return found


def _prime_factors(number: int) -> dict[int, int]:
    """Factors by trial division; Undecided when a large one is left that may be composite."""
    if number.bit_length() > 2048:
        raise Undecided
    found: dict[int, int] = {}
    divisor = 2
    while divisor < _TRIAL and divisor * divisor <= number:
        while number % divisor == 0:
            found[divisor] = found.get(divisor, 0) + 1
            number //= divisor
        divisor += 1 if divisor == 2 else 2
    if number == 1:
        return found
    for degree in (2, 3):
        root = _whole_root(number, degree)
        if root is not None and root < _TRIAL**2:
            found[root] = found.get(root, 0) + degree
            return found
    if number >= _TRIAL**2:
        raise Undecided
    found[number] = found.get(number, 0) + 1
    return found


def _whole_root(number: int, degree: int) -> int | None:
    root = math.isqrt(number) if degree == 2 else round(number ** (1 / 3)) if number < 10**30 else 0
    return root if root**degree == number else None


def _call(tree: Call) -> Value:
    whole = [as_rational(_value(inner)) for inner in tree.inner]
    if tree.name == "abs" and whole[0] is not None:
        return rational(abs(whole[0]))
    if any(number is None for number in whole):
        raise Undecided
    numbers = [number for number in whole if number is not None]
    if tree.name in ("floor", "ceil"):
        return rational(math.floor(numbers[0]) if tree.name == "floor" else math.ceil(numbers[0]))
    if tree.name in ("max", "min"):
        return rational(max(numbers) if tree.name == "max" else min(numbers))
    if any(number.denominator != 1 for number in numbers):
        raise Undecided
    return _of_whole(tree.name, [int(number) for number in numbers])


def _of_whole(name: str, numbers: list[int]) -> Value:
    if name == "factorial":
        if numbers[0] < 0:
            raise Undefined("the factorial of a negative number")
        if numbers[0] > 3000:
            raise TooBig("the factorial of a number above 3000")
        return rational(math.factorial(numbers[0]))
    if name == "binom":
        if max(map(abs, numbers)) > 3000:
            raise TooBig("a binomial of numbers above 3000")
        if min(numbers) < 0:
            raise Undecided
        return rational(math.comb(*numbers))
    if name in ("gcd", "lcm"):
        return rational(math.gcd(*numbers) if name == "gcd" else math.lcm(*numbers))
    raise Undecided


def approximate(value: Value) -> Decimal | None:
    """A real closed value to about 50 digits; None when it has i or letters."""
    total = Decimal(0)
    for mono, coefficient in value.items():
        term = _DIGITS.divide(Decimal(coefficient.numerator), Decimal(coefficient.denominator))
        for base, exponent in mono:
            if base == _I or base[0] == 2:
                return None
            number = {_PI: _PI_DIGITS, _E: _E_DIGITS}.get(base) or Decimal(int(base[1]))
            broken = _DIGITS.divide(Decimal(exponent.numerator), Decimal(exponent.denominator))
            term = _DIGITS.multiply(term, _DIGITS.power(number, broken))
        total = _DIGITS.add(total, term)
    return total
