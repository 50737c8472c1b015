"""Python's own `expected == value`, decided on a claim and guided by the expected value.

The expected value is walked and the claim is asked whether it fits, so the cost is bounded by the
expected value and, linearly, by the frame; the claim's members are looked up among the expected
ones, never the other way round. Where Python's answer is not on the wire, the rules are:

*   A subclass is its base: an `OrderedDict` is a dict, a namedtuple a tuple, a `Counter` a dict.
*   A NaN equals nothing, not even itself inside a container (Python: itself by reference).
*   An object of the candidate's own class equals nothing, and is not unequal either.
*   An iterator equals nothing, but a keys or items view equals a set.
*   `array == expected` is an array: one element decides, any other number is ambiguous.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from tamis.sandbox.claims import (
    NUMBERS,
    UNHASHED,
    NotComparable,
    Refusal,
    answered,
    is_nan,
    key_of,
    kind_of,
    needs_scan,
    view_name,
)
from tamis.sandbox.reading import (
    DEPTH,
    SCALARS,
    array_parts,
    members_of,
    pairs_of,
    read_bytes,
    read_decimal,
    read_range,
    read_ratio,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How a claim is compared with the expected value; the default is Python's own `==`.

    nan_equal      A NaN equals a NaN.
    tolerance      Two finite numbers are also equal if |value - expected| <= tolerance * max(1,
                   |expected|); both must be int, float or complex, none a bool, at least one not an
                   int. Holds in sequences and for values of dicts, not for members of sets and keys
                   of dicts. A numpy array then equals nested lists or tuples of its own shape.
    strict_types   1, 1.0 and True differ, as do bytes and bytearray, set and frozenset.
    """

    nan_equal: bool = False
    tolerance: float | None = None
    strict_types: bool = False

    def __post_init__(self) -> None:
        if self.tolerance is not None and not (0 <= self.tolerance < math.inf):
            raise ValueError(f"tolerance: expected a finite number >= 0, got {self.tolerance}")


PYTHON: Final = Comparison()

_KINDS: Final[list[tuple[type[Any], str]]] = [
    (bool, "bool"),
    (int, "int"),
    (float, "float"),
    (complex, "complex"),
    (str, "str"),
    (list, "list"),
    (tuple, "tuple"),
    (dict, "dict"),
    (set, "set"),
    (frozenset, "frozenset"),
    (type(None), "none"),
    (bytes, "bytes"),
    (bytearray, "bytearray"),
    (deque, "deque"),
    (range, "range"),
    (Decimal, "decimal"),
    (Fraction, "fraction"),
    (datetime, "datetime"),
    (date, "date"),
    (time, "time"),
    (timedelta, "timedelta"),
    (type(...), "ellipsis"),
    (type(NotImplemented), "notimplemented"),
]
_SIMPLE: Final = frozenset({int, str, bool})
_MOMENTS: Final = frozenset({"datetime", "date", "time", "timedelta"})
_SETS: Final = frozenset({"set", "frozenset"})
_BYTES: Final = frozenset({"bytes", "bytearray"})
_SEQUENCES: Final = frozenset({"list", "tuple", "deque"})


def compared(expected: object, raw: object, options: Comparison = PYTHON) -> bool | NotComparable:
    """`expected == value`, or why it has no answer."""
    return answered(lambda: same(expected, raw, options))


def equal(expected: object, raw: object, options: Comparison = PYTHON) -> bool:
    """Whether `assert value == expected` passes for the claimed value."""
    return compared(expected, raw, options) is True


def unequal(expected: object, raw: object, options: Comparison = PYTHON) -> bool:
    """Whether `assert value != expected` passes; never for a claim that cannot be compared."""
    return compared(expected, raw, options) is False


def expected_kind(expected: object) -> str:
    """The kind of an expected value; raises TypeError for one that no claim can be compared with."""
    for base, kind in _KINDS:
        if isinstance(expected, base):
            return kind
    raise TypeError(
        f"expected value: {type(expected).__name__} cannot be compared over the wire; "
        "leave the test to the judge"
    )


def same(expected: Any, raw: Any, options: Comparison, depth: int = 0) -> bool:
    """`expected == value`; raises `Refusal` or `WireError` where there is no answer."""
    if type(raw) is type(expected) and type(raw) in _SIMPLE:
        return bool(
            raw == expected
        )  # no option makes a difference; most members of long claims end here
    wanted, kind = expected_kind(expected), kind_of(raw)
    if kind == "object":
        raise Refusal("an object is never compared with a plain value")
    if depth > DEPTH or (options.strict_types and wanted != kind):
        return False
    if kind == "ndarray":
        return _same_array(expected, raw, options, depth)
    if wanted in NUMBERS:
        return kind in NUMBERS and _same_number(expected, raw, kind, options)
    if wanted in _SEQUENCES:
        return kind == wanted and _same_members(expected, members_of(raw), options, depth)
    if wanted in _SETS:
        return _is_set(raw, kind) and _same_set(expected, members_of(raw), options, depth)
    if wanted == "dict":
        return kind == "dict" and _same_dict(expected, raw, options, depth)
    return _same_atom(expected, raw, wanted, kind)


def _same_atom(expected: Any, raw: Any, wanted: str, kind: str) -> bool:
    if wanted == "str":
        return kind == "str" and bool(expected == raw)
    if wanted in _BYTES:
        return kind in _BYTES and bool(expected == read_bytes(raw))
    if wanted == "range":
        return kind == "range" and bool(expected == read_range(raw))
    if wanted in _MOMENTS:
        return kind in _MOMENTS and bool(expected == SCALARS[kind](raw))
    return wanted == kind


def _is_set(raw: Any, kind: str) -> bool:
    return kind in _SETS or (kind == "iter" and view_name(raw) in ("dict_keys", "dict_items"))


def _same_members(
    expected: Collection[Any], members: list[Any], options: Comparison, depth: int
) -> bool:
    if len(expected) != len(members):
        return False
    pairs = zip(expected, members, strict=True)
    return all(same(one, member, options, depth + 1) for one, member in pairs)


class Members:
    """The members of an expected set or the keys of an expected dict, to look claims up in."""

    def __init__(self, members: Collection[Any], options: Comparison) -> None:
        self._members = list(members)
        self._places = {member: place for place, member in enumerate(self._members)}
        self._scanned = [place for place, member in enumerate(self._members) if needs_scan(member)]
        self._options = replace(options, tolerance=None)

    def place_of(self, raw: Any, taken: Collection[int] = (), depth: int = 0) -> int | None:
        """Where the member equal to a claim stands, or None; a taken NaN is passed over."""
        key = key_of(raw, depth)
        place = None if key is UNHASHED else self._places.get(key)
        if place is not None and self._fits(place, raw, depth):
            return place
        for other in self._scanned:
            if other not in taken and other != place and self._fits(other, raw, depth):
                return other
        return None

    def _fits(self, place: int, raw: Any, depth: int) -> bool:
        return same(self._members[place], raw, self._options, depth + 1)


def _same_set(
    expected: Collection[Any], claims: list[Any], options: Comparison, depth: int
) -> bool:
    if len(expected) != len(claims):
        return False
    members = Members(expected, options)
    taken: set[int] = set()
    for claim in claims:
        place = members.place_of(claim, taken, depth)
        if place is None or place in taken:
            return False
        taken.add(place)
    return True


def _same_dict(expected: Mapping[Any, Any], raw: Any, options: Comparison, depth: int) -> bool:
    pairs = pairs_of(raw)
    if len(expected) != len(pairs):
        return False
    members, values = Members(expected.keys(), options), list(expected.values())
    taken: set[int] = set()
    for key, value in pairs:
        place = members.place_of(key, taken, depth)
        if place is None or place in taken:
            return False
        taken.add(place)
        if not same(values[place], value, options, depth + 1):
            return False
    return True


def _same_array(expected: Any, raw: Any, options: Comparison, depth: int) -> bool:
    _, shape, flat = array_parts(raw)
    if options.tolerance is not None and isinstance(expected, list | tuple):
        return _same_nest(expected, shape, flat, options)
    while isinstance(expected, list | tuple) and len(expected) == 1:
        expected = expected[0]
    if len(flat) != 1 or isinstance(expected, list | tuple):
        raise Refusal("comparing an array gives an array of truth values", raises="ValueError")
    return same(expected, flat[0], options, depth + 1)


def _same_nest(expected: Any, shape: list[int], flat: list[Any], options: Comparison) -> bool:
    """Nested lists or tuples against an array of exactly their shape."""
    if not shape:
        return same(expected, flat[0], options)
    if not isinstance(expected, list | tuple) or len(expected) != shape[0]:
        return False
    step = len(flat) // max(shape[0], 1)
    return all(
        _same_nest(row, shape[1:], flat[at * step : (at + 1) * step], options)
        for at, row in enumerate(expected)
    )


def _same_number(expected: Any, raw: Any, kind: str, options: Comparison) -> bool:
    if kind == "fraction":
        return _equals_ratio(expected, *read_ratio(raw))
    if kind == "decimal":
        exact = read_decimal(raw)
        both_nan = options.nan_equal and exact.is_nan() and is_nan(expected)
        return both_nan or bool(expected == exact)
    value = raw if type(raw) is not list else SCALARS[kind](raw)
    if isinstance(expected, Decimal) and isinstance(value, int):
        return _equals_whole(expected, int(value))
    if expected == value:
        return True
    if options.nan_equal and is_nan(value) and is_nan(expected):
        return True
    return options.tolerance is not None and _is_near(expected, value, options.tolerance)


def _is_near(expected: Any, value: Any, tolerance: float) -> bool:
    numbers = (expected, value)
    if any(isinstance(number, bool | Decimal | Fraction) for number in numbers):
        return False
    if all(isinstance(number, int) for number in numbers):
        return False
    try:
        distance = abs(value - expected)
        return bool(distance < math.inf and distance <= tolerance * max(1, abs(expected)))
    except OverflowError:
        # an int beyond the largest float is near no float
        return False


def _has_size(expected: Decimal, n_bits: int) -> bool:
    """Whether a number of that many bits may equal a Decimal: spares conversions of huge ones."""
    return abs(expected.adjusted() + 1 - n_bits * math.log10(2)) < 3


def _equals_whole(expected: Decimal, value: int) -> bool:
    if not (expected.is_finite() and expected and value):
        return not expected and not value
    # the expected number is converted, not the claimed one: int to Decimal takes quadratic time
    return _has_size(expected, value.bit_length()) and expected.as_integer_ratio() == (value, 1)


def _equals_ratio(expected: Any, numerator: int, denominator: int) -> bool:
    """Cross-multiplied: reducing a claimed fraction would take quadratic time."""
    if isinstance(expected, complex):
        if expected.imag != 0:
            return False
        expected = expected.real
    if isinstance(expected, float | Decimal):
        if not math.isfinite(expected):
            return False
        n_bits = numerator.bit_length() - denominator.bit_length()
        if isinstance(expected, Decimal) and expected and not _has_size(expected, n_bits):
            return False
        top, bottom = expected.as_integer_ratio()
    else:
        top, bottom = expected.numerator, expected.denominator
    return bool(top * denominator == numerator * bottom)
