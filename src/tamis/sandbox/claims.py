"""Claims: what a candidate's process says its values are, looked at in the trusted process.

Nothing here rebuilds a claimed set or dict, and nothing costs more than time linear in the claim,
whatever it holds. A claim that no honest child writes raises `WireError`; a question that Python
would answer with an exception, or only with the candidate's own code, raises `Refusal`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, TypeVar

from tamis.sandbox.frames import WireError
from tamis.sandbox.reading import (
    DEPTH,
    SCALARS,
    array_parts,
    malformed,
    members_of,
    pairs_of,
    parts_of,
    read_bytes,
    read_decimal,
    read_fraction,
    read_int,
    read_range,
    read_ratio,
    tag_of,
)

Answer = TypeVar("Answer")

# beyond this a claimed number is not hashed or converted: other bases take quadratic time
NUMBER_BITS: Final = 1 << 14
NUMBER_DIGITS: Final = 4900

_SETS_HASHED: Final = 32
_RANGE_ITEMS: Final = 1 << 20
NUMBERS: Final = frozenset({"bool", "int", "float", "complex", "decimal", "fraction"})
_PLAIN_KINDS: Final = {type(None): "none", bool: "bool", int: "int", float: "float", str: "str"}
_SIZED_VIEWS: Final = frozenset({"dict_keys", "dict_values", "dict_items", "array"})
_WITH_MEMBERS: Final = frozenset({"list", "tuple", "set", "frozenset", "deque", "iter"})
_UNHASHABLE: Final = frozenset({"list", "set", "dict", "deque", "bytearray", "ndarray"})
_TAGS: Final = frozenset({*SCALARS, *_WITH_MEMBERS, *_UNHASHABLE, "fraction", "object"})


@dataclass(frozen=True, slots=True)
class NotComparable:
    """No verdict: Python would raise `raises` here, or (None) the claim alone cannot decide it.

    It is neither true nor false, so that neither `if answer` nor `if not answer` can credit it:
    ask `holds(answer)`.
    """

    reason: str
    raises: str | None = None

    def __bool__(self) -> bool:
        raise TypeError(f"neither true nor false ({self.reason}); ask holds(answer)")


class Refusal(Exception):
    """Carries a `NotComparable` up to the question that was asked."""

    def __init__(self, reason: str, *, raises: str | None = None) -> None:
        super().__init__(reason)
        self.answer = NotComparable(reason, raises)


def answered(ask: Callable[[], Answer]) -> Answer | NotComparable:
    """The answer to a question about a claim, with every way to have none as `NotComparable`."""
    try:
        return ask()
    except Refusal as refusal:
        return refusal.answer
    except WireError as error:
        return NotComparable(str(error))
    except ArithmeticError as error:
        # a signalling NaN, or a float too small for the number
        return NotComparable("the number allows no such operation", raises=type(error).__name__)
    except RecursionError:
        return NotComparable("nested too deeply for the stack that is left")


def type_error(reason: str) -> Refusal:
    """The refusal where Python would raise a TypeError."""
    return Refusal(reason, raises="TypeError")


def kind_of(raw: object) -> str:
    """The kind of a claimed value: its tag, or `none`, `bool`, `int`, `float`, `str`."""
    if type(raw) is list:
        tag = tag_of(raw)
        if tag in _TAGS:
            return tag
    elif type(raw) in _PLAIN_KINDS:
        return _PLAIN_KINDS[type(raw)]
    raise malformed("a value of unknown kind")


def view_name(raw: list[Any]) -> str | None:
    """The type name of an iterator's claim if it is a view with a length, such as `dict_keys`."""
    name, _ = parts_of(raw, 2)
    return name if type(name) is str and name in _SIZED_VIEWS else None


def number_of(raw: Any) -> int | float | complex | Decimal | Fraction | None:
    """The claimed number, or None for any other kind; bounded like `read_fraction`."""
    kind = kind_of(raw)
    if kind not in NUMBERS:
        return None
    if type(raw) is not list:
        number: int | float = raw
        return number
    if kind == "fraction":
        return read_fraction(raw)
    claimed: int | float | complex | Decimal = SCALARS[kind](raw)
    return claimed


def size_of(raw: Any) -> int:
    """What `len` would say."""
    kind = kind_of(raw)
    if kind == "str":
        return len(raw)
    if kind in _WITH_MEMBERS and (kind != "iter" or view_name(raw) is not None):
        return len(members_of(raw))
    if kind == "dict":
        return len(pairs_of(raw))
    if kind in ("bytes", "bytearray"):
        return len(read_bytes(raw))
    if kind == "range":
        return _range_size(read_range(raw))
    if kind == "ndarray" and array_parts(raw)[1]:
        return array_parts(raw)[1][0]
    if kind == "object":
        raise Refusal("the length of an object is its own code's word")
    raise type_error(f"a value of kind {kind} has no length")


def _range_size(claimed: range) -> int:
    try:
        return len(claimed)
    except OverflowError:
        raise Refusal("the range is too long for len()", raises="OverflowError") from None


def items_of(raw: Any) -> list[Any]:
    """The claims one gets by iterating over a claim."""
    kind = kind_of(raw)
    if kind in _WITH_MEMBERS:
        return members_of(raw)
    if kind == "str":
        return list(raw)
    if kind == "dict":
        return [key for key, _ in pairs_of(raw)]
    if kind in ("bytes", "bytearray"):
        return list(read_bytes(raw))
    if kind == "range":
        claimed = read_range(raw)
        if _range_size(claimed) > _RANGE_ITEMS:
            raise Refusal("the range is too long to be walked")
        return list(claimed)
    if kind == "ndarray" and array_parts(raw)[1]:
        return _rows_of(raw)
    if kind == "object":
        raise Refusal("iterating over an object runs its own code")
    raise type_error(f"a value of kind {kind} cannot be iterated over")


def _rows_of(raw: list[Any]) -> list[Any]:
    dtype, shape, flat = array_parts(raw)
    n_rows, row_shape = shape[0], shape[1:]
    if not row_shape:
        return flat
    if n_rows > len(flat):
        raise Refusal("an array of empty rows")
    step = len(flat) // max(n_rows, 1)
    return [
        ["ndarray", dtype, row_shape, flat[row * step : (row + 1) * step]] for row in range(n_rows)
    ]


UNHASHED: Final = object()
"""Stands for a claim that is not hashed here: it must be compared member by member."""


def key_of(raw: Any, depth: int = 0) -> object:
    """A value to look a claim up by, or `UNHASHED`; refuses what Python cannot hash.

    Only small frozensets are built: the members of a large one may all collide.
    """
    kind = kind_of(raw)
    if type(raw) is not list:
        return UNHASHED if kind == "int" and raw.bit_length() > NUMBER_BITS else raw
    if kind in _UNHASHABLE:
        raise type_error(f"a value of kind {kind} cannot be hashed")
    if kind == "object":
        raise Refusal("an object's hash is its own code's word")
    if kind == "iter":
        return object()
    if kind in ("tuple", "frozenset"):
        return _container_key(kind, members_of(raw), depth)
    return _number_key(kind, raw)


def _container_key(kind: str, members: list[Any], depth: int) -> object:
    if depth >= DEPTH:
        raise malformed(f"a value nested more than {DEPTH} deep")
    keys = [key_of(member, depth + 1) for member in members]
    if any(key is UNHASHED for key in keys):
        return UNHASHED
    if kind == "tuple":
        return tuple(keys)
    return frozenset(keys) if len(keys) <= _SETS_HASHED else UNHASHED


def _number_key(kind: str, raw: list[Any]) -> object:
    if kind == "int":
        number = read_int(raw)
        return UNHASHED if number.bit_length() > NUMBER_BITS else number
    if kind == "fraction":
        parts = read_ratio(raw)
        is_large = max(part.bit_length() for part in parts) > NUMBER_BITS
        return UNHASHED if is_large else Fraction(*parts)
    if kind == "decimal":
        exact = read_decimal(raw)
        if exact.is_snan():
            raise type_error("a signalling NaN cannot be hashed")
        return UNHASHED if exact.is_finite() and abs(exact.adjusted()) > NUMBER_DIGITS else exact
    return SCALARS[kind](raw)


def needs_scan(expected: object) -> bool:
    """Whether an expected member may equal a claim that `key_of` leaves unhashed, or is a NaN.

    The bounds lie well below those of `key_of`, so that an equal number of another type, which is
    measured in other units, is never missed.
    """
    if isinstance(expected, frozenset):
        return len(expected) > _SETS_HASHED or any(map(needs_scan, expected))
    if isinstance(expected, tuple):
        return any(map(needs_scan, expected))
    if isinstance(expected, int):
        return expected.bit_length() > NUMBER_BITS // 2
    if isinstance(expected, Fraction):
        parts = (expected.numerator, expected.denominator)
        return max(part.bit_length() for part in parts) > NUMBER_BITS // 2
    if isinstance(expected, Decimal):
        return not expected.is_finite() or abs(expected.adjusted()) > NUMBER_DIGITS // 2
    return isinstance(expected, float | complex) and is_nan(expected)


def is_nan(number: float | complex | Decimal | Fraction) -> bool:
    """Whether a number is not equal to itself."""
    if isinstance(number, Decimal):
        return number.is_nan()
    return number != number  # noqa: PLR0124  complex numbers and floats alike
