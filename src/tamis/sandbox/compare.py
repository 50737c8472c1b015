"""Questions a test asks about a value, answered in the trusted process from the claim alone.

Each takes the raw claim (tagged JSON, `values.py`) and answers as Python would for the value it
stands for: True, False or a number, or `NotComparable` where Python would raise (`len(5)`) or where
only the candidate's own code could tell. A `NotComparable` is neither true nor false; `holds` turns
an answer into a verdict. None of them raises whatever the claim holds.

`docs/design/sandbox.md` says why nothing of a claim is ever rebuilt here; `equality.py` holds the
rules of `==`.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from tamis.sandbox.claims import (
    NUMBER_BITS,
    NUMBERS,
    NotComparable,
    Refusal,
    answered,
    items_of,
    kind_of,
    number_of,
    size_of,
    type_error,
    view_name,
)
from tamis.sandbox.equality import (
    PYTHON,
    Comparison,
    Members,
    compared,
    equal,
    expected_kind,
    same,
    unequal,
)
from tamis.sandbox.reading import (
    DEPTH,
    SCALARS,
    array_parts,
    malformed,
    read_bytes,
    read_range,
    read_ratio,
)

__all__ = [
    "Comparison",
    "NotComparable",
    "as_list_equal",
    "as_tuple_equal",
    "compared",
    "contained",
    "contains",
    "distance",
    "equal",
    "expected_kind",
    "holds",
    "is_close",
    "is_false",
    "is_none",
    "is_true",
    "kind",
    "length",
    "number",
    "set_equal",
    "sorted_equal",
    "truth",
    "unequal",
    "within",
]

Number = int | float | complex | Decimal | Fraction

_NUMBER_BITS_OUT: Final = 1 << 18
_ORDERED: Final = frozenset({"datetime", "date", "time", "timedelta"})


def holds(answer: bool | NotComparable, *, negated: bool = False) -> bool:
    """Whether `assert answer` passes (or `assert not answer`); never without an answer.

    >>> holds(length(["list", [1, 2]]) == 2), holds(truth(["object", "Yes", None]), negated=True)
    (True, False)
    """
    return answer is not negated and isinstance(answer, bool)


def kind(raw: object) -> str | NotComparable:
    """What a claimed value is: `int`, `list`, `none`, `object`, ..., one word per tag."""
    return answered(lambda: kind_of(raw))


def is_none(raw: object) -> bool:
    """`value is None`."""
    return raw is None


def is_true(raw: object) -> bool:
    """`value is True`; a numpy truth value counts as a plain one."""
    return raw is True


def is_false(raw: object) -> bool:
    """`value is False`; a numpy truth value counts as a plain one."""
    return raw is False


def truth(raw: object) -> bool | NotComparable:
    """`bool(value)`."""
    return answered(lambda: _truth(raw))


def length(raw: object) -> int | NotComparable:
    """`len(value)`."""
    return answered(lambda: size_of(raw))


def number(raw: object) -> Number | None:
    """The claimed number (True and False included), or None for anything else.

    An integer over 2**18 bits is None as well: whoever compared it with a Decimal, or printed it,
    would pay seconds.
    """
    claimed = answered(lambda: number_of(raw))
    if isinstance(claimed, int) and claimed.bit_length() > _NUMBER_BITS_OUT:
        return None
    return None if isinstance(claimed, NotComparable) else claimed


def distance(raw: object, expected: Number) -> int | float | Decimal | Fraction | NotComparable:
    """`abs(value - expected)`."""
    return answered(lambda: _distance(raw, expected))


def within(
    raw: object, expected: Number, bound: int | float, *, inclusive: bool = False
) -> bool | NotComparable:
    """`abs(value - expected) < bound`, or `<=` if inclusive."""
    return answered(lambda: _within(raw, expected, bound, inclusive))


def is_close(
    raw: object, expected: float, *, rel_tol: float = 1e-09, abs_tol: float = 0.0
) -> bool | NotComparable:
    """`math.isclose(value, expected, rel_tol=..., abs_tol=...)`."""
    return answered(lambda: _is_close(raw, expected, rel_tol, abs_tol))


def as_list_equal(
    expected: object, raw: object, options: Comparison = PYTHON
) -> bool | NotComparable:
    """`list(value) == expected`."""
    return answered(lambda: same(expected, ["list", items_of(raw)], options))


def as_tuple_equal(
    expected: object, raw: object, options: Comparison = PYTHON
) -> bool | NotComparable:
    """`tuple(value) == expected`."""
    return answered(lambda: same(expected, ["tuple", items_of(raw)], options))


def sorted_equal(
    expected: object, raw: object, options: Comparison = PYTHON, *, reverse: bool = False
) -> bool | NotComparable:
    """`sorted(value, reverse=...) == expected`."""
    return answered(lambda: _sorted_equal(expected, raw, options, reverse))


def set_equal(expected: object, raw: object, options: Comparison = PYTHON) -> bool | NotComparable:
    """`set(value) == expected`."""
    return answered(lambda: _set_equal(expected, raw, options))


def contained(raw: object, container: object, options: Comparison = PYTHON) -> bool | NotComparable:
    """`value in container`, for a container the test holds."""
    return answered(lambda: _contained(raw, container, options))


def contains(raw: object, expected: object, options: Comparison = PYTHON) -> bool | NotComparable:
    """`expected in value`."""
    return answered(lambda: _contains(raw, expected, options))


def _truth(raw: Any) -> bool:
    claimed = kind_of(raw)
    if claimed in NUMBERS:
        return _number_truth(raw, claimed)
    if claimed == "none":
        return False
    if claimed in ("bytes", "bytearray"):
        return bool(read_bytes(raw))
    if claimed == "range":
        return bool(read_range(raw))
    if claimed == "ndarray":
        _, _, flat = array_parts(raw)
        if len(flat) != 1:
            reason = f"the truth of an array of {len(flat)} values is ambiguous"
            raise Refusal(reason, raises="ValueError")
        return _truth(flat[0])
    if claimed in ("object", "notimplemented"):
        raise Refusal("the truth of an object is its own code's word")
    if claimed in SCALARS:
        return bool(SCALARS[claimed](raw))
    if claimed == "iter" and view_name(raw) is None:
        return True
    return size_of(raw) > 0


def _number_truth(raw: Any, claimed: str) -> bool:
    if type(raw) is not list:
        return bool(raw)
    # a fraction is zero by its numerator; its size needs no bound for that
    return bool(read_ratio(raw)[0] if claimed == "fraction" else SCALARS[claimed](raw))


def _single_number(raw: Any) -> Number:
    if kind_of(raw) == "ndarray":
        _, _, flat = array_parts(raw)
        if len(flat) != 1:
            raise Refusal("an array of several values is not a number", raises="ValueError")
        return _single_number(flat[0])
    claimed = number_of(raw)
    if claimed is None:
        if kind_of(raw) in ("none", "str", "list", "tuple", "dict"):
            raise type_error(f"a value of kind {kind_of(raw)} is not a number")
        raise Refusal(f"arithmetic with a value of kind {kind_of(raw)} is not done here")
    return claimed


def _distance(raw: Any, expected: Any) -> Any:
    claimed: Any = _single_number(raw)
    is_huge = isinstance(claimed, int) and claimed.bit_length() > NUMBER_BITS
    if is_huge and not isinstance(expected, int):
        raise Refusal("the number is too large for a float", raises="OverflowError")
    try:
        return abs(claimed - expected)
    except TypeError:
        raise type_error("these two numbers cannot be subtracted") from None


def _within(raw: Any, expected: Any, bound: Any, inclusive: bool) -> bool:
    gap = _distance(raw, expected)
    try:
        return bool(gap <= bound if inclusive else gap < bound)
    except TypeError:
        raise type_error("the distance cannot be compared with the bound") from None


def _is_close(raw: Any, expected: Any, rel_tol: float, abs_tol: float) -> bool:
    claimed: Any = _single_number(raw)
    try:
        return math.isclose(claimed, expected, rel_tol=rel_tol, abs_tol=abs_tol)
    except TypeError:
        raise type_error("math.isclose takes real numbers") from None
    except ValueError:
        raise Refusal("the number cannot be a float", raises="ValueError") from None


def _sorted_equal(expected: Any, raw: Any, options: Comparison, reverse: bool) -> bool:
    members = items_of(raw)
    if expected_kind(expected) != "list" or len(expected) != len(members):
        return False
    if len(members) > 1:
        keys = _SortKeys()
        ranks = [keys.key(member) for member in members]
        try:
            order = sorted(range(len(members)), key=ranks.__getitem__, reverse=reverse)
        except TypeError:
            raise type_error("the members cannot be put in order") from None
        members = [members[place] for place in order]
    return same(expected, ["list", members], options)


class _Unordered:
    """Stands for a value that Python does not order: comparing it is a TypeError, as there."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, raw: object) -> None:
        self._raw = raw

    def __eq__(self, other: object) -> bool:
        # members of sequences are tested for equality first; only the first unequal pair is ordered
        return isinstance(other, _Unordered) and self._raw == other._raw


class _SortKeys:
    """Sort keys of the members of one claim: what they order like, without sets or dicts."""

    def __init__(self) -> None:
        self._has_decimal = False
        self._has_huge = False

    def key(self, raw: Any, depth: int = 0) -> Any:
        claimed = kind_of(raw)
        if claimed in ("list", "tuple"):
            if depth >= DEPTH:
                raise malformed(f"a value nested more than {DEPTH} deep")
            members = [self.key(member, depth + 1) for member in items_of(raw)]
            return members if claimed == "list" else tuple(members)
        if claimed == "str":
            return raw
        if claimed in NUMBERS and claimed != "complex":
            return self._number(raw)
        if claimed in ("bytes", "bytearray"):
            return read_bytes(raw)
        if claimed in _ORDERED:
            return SCALARS[claimed](raw)
        if claimed in ("set", "frozenset", "deque", "ndarray", "object", "iter"):
            raise Refusal(f"members of kind {claimed} are not put in order here")
        return _Unordered(raw)

    def _number(self, raw: Any) -> Any:
        claimed: Any = number_of(raw)
        self._has_decimal |= isinstance(claimed, Decimal)
        self._has_huge |= isinstance(claimed, int) and claimed.bit_length() > NUMBER_BITS
        if self._has_decimal and self._has_huge:
            raise Refusal("huge integers beside decimals are not put in order here")
        return claimed


def _set_equal(expected: Any, raw: Any, options: Comparison) -> bool:
    is_set = expected_kind(expected) in ("set", "frozenset")
    if kind_of(raw) == "range" and is_set and size_of(raw) != len(expected):
        return False  # its members are many for a short claim, and all different
    members = Members(expected if is_set else (), options)
    # all of them, also after a miss: one that cannot be hashed is a TypeError wherever it stands
    places = [members.place_of(claim) for claim in _distinct(raw)]
    return is_set and None not in places and len(set(places)) == len(expected)


def _distinct(raw: Any) -> Collection[Any]:
    """The claims one gets by iterating, where that costs next to nothing without those that repeat."""
    claimed = kind_of(raw)
    if claimed == "str":
        return set(raw)
    if claimed in ("bytes", "bytearray"):
        return set(read_bytes(raw))
    return items_of(raw)


def _contained(raw: Any, container: Any, options: Comparison) -> bool:
    wanted = expected_kind(container)
    if wanted in ("set", "frozenset", "dict"):
        members: Collection[Any] = container
        return Members(members, options).place_of(raw) is not None
    if wanted == "str":
        if kind_of(raw) != "str":
            raise type_error(f"a value of kind {kind_of(raw)} cannot be in a string")
        return raw in container
    if wanted in ("list", "tuple", "deque"):
        return any(same(member, raw, options) for member in container)
    if wanted == "range":
        return _in_range(number_of(raw), container)
    raise TypeError(f"container: expected a collection, got {type(container).__name__}")


def _in_range(value: Any, numbers: range) -> bool:
    # Python walks the range for everything but an int, however long it is
    if isinstance(value, int):
        return value in numbers
    if isinstance(value, float):
        return value.is_integer() and int(value) in numbers
    if isinstance(value, complex | Decimal | Fraction):
        raise Refusal("only int and float are looked for in a range")
    return False


def _contains(raw: Any, expected: Any, options: Comparison) -> bool:
    claimed = kind_of(raw)
    if claimed == "str":
        if not isinstance(expected, str):
            raise type_error("only a string can be in a string")
        return expected in raw
    if claimed in ("bytes", "bytearray"):
        if isinstance(expected, bytes | bytearray):
            return expected in read_bytes(raw)
        return any(same(expected, member, options) for member in set(read_bytes(raw)))
    if claimed == "range":
        return _in_range(expected, read_range(raw))
    if claimed == "ndarray":
        raise Refusal("membership of an array is not decided here")
    return any(same(expected, member, options) for member in items_of(raw))
