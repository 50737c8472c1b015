"""Hypothesis strategies over everything the wire has a tag for."""

from __future__ import annotations

from collections import OrderedDict, deque, namedtuple
from datetime import UTC, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import strategies as st

Point = namedtuple("Point", ["x", "y"])

# few and close together, so that pairs drawn apart are often equal across types
_INTS = [0, 1, 2, -1, True, False, 2**63, 2**63 - 1, -(2**63), 2**64, 10**400]
_FLOATS = [0.0, -0.0, 1.0, 2.5, 0.1, 1e300, float(2**63), float(2**64)]
_ODD_FLOATS = [float("inf"), float("-inf"), float("nan")]
_DECIMALS = ["0", "-0", "1", "2.5", "0.1", "1E+400", "Infinity", "NaN", str(2**64), "9E+999999"]
_FRACTIONS = ["0", "1", "5/2", "1/10", "1/3", "3602879701896397/36028797018963968"]
_COMPLEX = [0j, 1 + 0j, 1j, complex(2.5, 0.0), complex(float("nan"), 0.0), complex(0.0, -0.0)]

SMALL_NUMBERS = (
    st.sampled_from(_INTS)
    | st.sampled_from([*_FLOATS, *_ODD_FLOATS])
    | st.sampled_from(_DECIMALS).map(Decimal)
    | st.sampled_from(_FRACTIONS).map(Fraction)
    | st.sampled_from(_COMPLEX)
)
NUMBERS = (
    SMALL_NUMBERS
    | st.integers()
    | st.floats()
    | st.decimals(allow_nan=False, places=2, min_value=-5, max_value=5)
    | st.fractions(max_denominator=20)
    | st.complex_numbers(max_magnitude=10)
)
TEXTS = st.sampled_from(["", "a", "b", "é", "\ud800", "1", "None"]) | st.text(max_size=4)
OTHERS = (
    st.none()
    | st.sampled_from([..., NotImplemented])
    | st.binary(max_size=2)
    | st.builds(range, st.integers(-2, 3), st.integers(-2, 3), st.sampled_from([-2, -1, 1, 2]))
    | st.dates()
    | st.datetimes()
    | st.datetimes(timezones=st.just(UTC))
    | st.times()
    | st.timedeltas(min_value=timedelta(seconds=-2), max_value=timedelta(seconds=2))
)
HASHABLE = st.recursive(
    SMALL_NUMBERS | NUMBERS | TEXTS | OTHERS,
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.frozensets(inner, max_size=3),
    max_leaves=5,
)


def containers(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """Every container of the wire, filled with what `inner` draws."""
    lists = st.lists(inner, max_size=3)
    dicts = st.dictionaries(HASHABLE, inner, max_size=3)
    return (
        lists
        | lists.map(tuple)
        | lists.map(deque)
        | st.tuples(inner, inner).map(lambda pair: Point(*pair))
        | st.sets(HASHABLE, max_size=3)
        | st.frozensets(HASHABLE, max_size=3)
        | dicts
        | dicts.map(OrderedDict)
        | st.binary(max_size=2).map(bytearray)
    )


VALUES = st.recursive(SMALL_NUMBERS | NUMBERS | TEXTS | OTHERS, containers, max_leaves=8)


def holds_nan(value: object) -> bool:
    """Whether a NaN lies anywhere in a value: it equals nothing, itself included."""
    if isinstance(value, dict):
        return any(holds_nan(part) for pair in value.items() for part in pair)
    if isinstance(value, list | tuple | set | frozenset | deque):
        return any(holds_nan(part) for part in value)
    return isinstance(value, float | complex | Decimal) and value not in {value + 0}
