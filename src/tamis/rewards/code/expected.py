"""The value of a test's expected side, worked out without running anything.

Only literals, a few constructors of the standard library over literals, and bounded arithmetic
(`10**9 + 7`, `1/3`, `-float("inf")`). Everything else is not ours to decide: the judge runs it.
"""

from __future__ import annotations

import ast
import math
import operator
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

MAX_BITS = 20_000
MAX_ITEMS = 100_000
MAX_SOURCE_NODES = 200_000

_ATTRIBUTES: dict[tuple[str, str], object] = {
    **{("math", name): getattr(math, name) for name in ("pi", "e", "tau", "inf", "nan")},
    **{("np", name): getattr(math, name) for name in ("pi", "e", "inf", "nan")},
    **{("numpy", name): getattr(math, name) for name in ("pi", "e", "inf", "nan")},
}
_BUILDERS: dict[str, Callable[..., object]] = {
    **{kind.__name__: kind for kind in (set, frozenset, list, tuple, dict, float, complex, bytes)},
    **{kind.__name__: kind for kind in (range, bool, str, sorted, round, abs, len, sum, int)},
    **{kind.__name__: kind for kind in (Decimal, Fraction, Counter, OrderedDict, deque, bytearray)},
    "defaultdict": lambda _factory=None, *items: dict(*items),
}
_MODULES = frozenset({"collections", "decimal", "fractions"})
_OPERATORS: dict[type[ast.operator], Callable[[object, object], object]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
}
_FACTORIES = frozenset({"int", "list", "str", "set", "dict", "float"})


class NotLiteralError(ValueError):
    """The expression needs something that is not worked out here."""


def expected_value(node: ast.expr) -> object:
    """The value of an expression made of literals.

    >>> expected_value(ast.parse("{1: (2, -3), 'a': 10**9 + 7}", mode="eval").body)
    {1: (2, -3), 'a': 1000000007}

    Raises: NotLiteralError for anything else, and for values too big to work out.
    """
    try:
        if sum(1 for _ in ast.walk(node)) > MAX_SOURCE_NODES:
            raise NotLiteralError("too long")
        return _value(node)
    except (TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
        raise NotLiteralError(str(error)) from error


def _value(node: ast.expr) -> object:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.List):
        return [_value(item) for item in node.elts]
    if isinstance(node, ast.Tuple):
        return tuple(_value(item) for item in node.elts)
    if isinstance(node, ast.Set):
        return {_value(item) for item in node.elts}
    if isinstance(node, ast.Dict):
        return {_key(key): _value(item) for key, item in zip(node.keys, node.values, strict=True)}
    if isinstance(node, ast.UnaryOp):
        return _unary(node.op, _value(node.operand))
    if isinstance(node, ast.BinOp):
        return _binary(node.op, _value(node.left), _value(node.right))
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return _ATTRIBUTES[(node.value.id, node.attr)]
    if isinstance(node, ast.Call):
        return _built(node)
    raise NotLiteralError(type(node).__name__)


def _key(node: ast.expr | None) -> object:
    if node is None:
        raise NotLiteralError("an unpacked dict")
    return _value(node)


def _unary(op: ast.unaryop, value: object) -> object:
    if isinstance(op, ast.Not):
        return not value
    if not isinstance(value, int | float | complex | Decimal | Fraction):
        raise NotLiteralError("a sign before no number")
    if isinstance(op, ast.USub):
        return -value
    if isinstance(op, ast.UAdd):
        return +value
    if isinstance(value, int):
        return ~value
    raise NotLiteralError("~ before no integer")


def _binary(op: ast.operator, left: object, right: object) -> object:
    if type(op) not in _OPERATORS:
        raise NotLiteralError(type(op).__name__)
    if isinstance(op, ast.Mod) and not isinstance(left, int | float):
        raise NotLiteralError("formatting")
    if isinstance(op, ast.Pow):
        _bound_power(left, right)
    elif isinstance(op, ast.LShift) and not (isinstance(right, int) and right <= MAX_BITS):
        raise NotLiteralError("too big a shift")
    elif isinstance(op, ast.Mult):
        _bound_product(left, right)
    value = _OPERATORS[type(op)](left, right)
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise NotLiteralError("too big a number")
    return _bounded(value)


def _bound_power(base: object, exponent: object) -> None:
    if isinstance(base, int) and isinstance(exponent, int):
        if abs(exponent) * max(base.bit_length(), 1) > MAX_BITS:
            raise NotLiteralError("too big a power")
    elif not (isinstance(base, int | float) and isinstance(exponent, int | float)):
        raise NotLiteralError("a power of no plain number")


def _bound_product(left: object, right: object) -> None:
    for items, times in ((left, right), (right, left)):
        if isinstance(items, list | tuple | str | bytes) and (
            not isinstance(times, int) or times * len(items) > MAX_ITEMS
        ):
            raise NotLiteralError("too long a repetition")


def _built(node: ast.Call) -> object:
    name = _builder_name(node.func)
    if any(keyword.arg is None for keyword in node.keywords):
        raise NotLiteralError("unpacked keywords")
    positional = list(node.args)
    if name == "defaultdict" and positional:
        factory = positional.pop(0)
        if not (isinstance(factory, ast.Name) and factory.id in _FACTORIES):
            raise NotLiteralError("an unknown default")
        return _BUILDERS[name](None, *map(_value, positional))
    arguments = [_value(argument) for argument in positional]
    if name in ("range", "bytes", "bytearray"):
        _bound_length(arguments)
    for argument in arguments:
        _bound_digits(_bounded(argument), name)
    keywords = {keyword.arg or "": _value(keyword.value) for keyword in node.keywords}
    return _BUILDERS[name](*arguments, **keywords)


def _builder_name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        name = function.attr if function.value.id in _MODULES else ""
    else:
        name = function.id if isinstance(function, ast.Name) else ""
    if name not in _BUILDERS:
        raise NotLiteralError("a call")
    return name


def _bound_length(arguments: list[object]) -> None:
    if any(isinstance(number, int) and abs(number) > MAX_ITEMS for number in arguments):
        raise NotLiteralError("too long")


def _bound_digits(value: object, builder: str) -> None:
    """Refuse `int(Decimal("1e999999999"))` and `Fraction("1e999999999")`: short to write, endless to hold."""
    if isinstance(value, Decimal) and builder != "str" and abs(value.adjusted()) > 1000:
        raise NotLiteralError("too big a number")
    if isinstance(value, str) and builder in ("Fraction", "Decimal", "int"):
        mantissa, _, exponent = value.lower().partition("e")
        if len(mantissa) > 1000 or len(exponent) > 4:
            raise NotLiteralError("too long a number")


def _bounded(value: object) -> object:
    if (
        isinstance(value, list | tuple | str | bytes | range | set | dict)
        and len(value) > MAX_ITEMS
    ):
        raise NotLiteralError("too long")
    return value
