"""Reads tagged JSON back: numbers, texts and whole values, without running or trusting anything.

`decode` rebuilds a value, sets and dicts included, so its cost is the sender's choice (colliding
keys): it is for the child, which reads what the trusted side sends. The trusted side compares a
candidate's claims without decoding them (`compare.py`) and uses only the scalars of this file.
"""

from __future__ import annotations

import builtins
import re
import sys
from collections import deque
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from tamis.sandbox.frames import WireError

# functions defined below find their builtins here, whatever a candidate does to the real ones
globals()["__builtins__"] = dict(vars(builtins))

DEPTH: Final = 128
"""How many containers may lie inside each other."""

_FRACTION_BITS: Final = 1 << 16
_DECIMAL_TEXT: Final = re.compile(r"-?(?:\d+(?:\.\d*)?(?:E[+-]?\d+)?|Infinity|s?NaN\d*)", re.ASCII)
_HEX_TEXT: Final = re.compile(r"-?[0-9a-f]+")
_SPECIAL_FLOATS: Final = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}

Objects = Callable[[str, int | str | None], object]
"""Finds the object behind a type name and a handle."""

Arrays = Callable[[str, list[int], list[object]], object]
"""Builds an array from dtype, shape and flat content."""


def malformed(what: str) -> WireError:
    """The error for a value that no honest sender writes."""
    return WireError(f"value: {what} is malformed")


def parts_of(raw: list[Any], n_parts: int) -> list[Any]:
    """What follows the tag, if it is as many parts as the tag has."""
    if len(raw) != n_parts + 1:
        raise malformed(f"{tag_of(raw)} of {len(raw) - 1} parts")
    return raw[1:]


def tag_of(raw: list[Any]) -> str:
    """The tag of an array."""
    if not raw or type(raw[0]) is not str:
        raise malformed("an array without a tag")
    return raw[0]


def members_of(raw: list[Any]) -> list[Any]:
    """The members of a list, tuple, set, frozenset, deque or iterator."""
    members = raw[2 if raw[0] == "iter" else 1] if len(raw) > 1 + (raw[0] == "iter") else None
    if type(members) is not list:
        raise malformed(f"{raw[0]} without members")
    return members


def pairs_of(raw: list[Any]) -> list[Any]:
    """The pairs of a dict."""
    pairs = members_of(raw)
    for pair in pairs:
        if type(pair) is not list or len(pair) != 2:
            raise malformed("a pair of a dict")
    return pairs


def read_int(raw: object) -> int:
    """An integer, written plainly or as hexadecimal text."""
    if type(raw) is int:
        return raw
    if type(raw) is list and tag_of(raw) == "int":
        (text,) = parts_of(raw, 1)
        if type(text) is str and _HEX_TEXT.fullmatch(text):
            return int(text, 16)
    raise malformed("an int")


def read_float(raw: object) -> float:
    """A float, written plainly or by name."""
    if type(raw) is float:
        return raw
    if type(raw) is list and tag_of(raw) == "float":
        (name,) = parts_of(raw, 1)
        if type(name) is str and name in _SPECIAL_FLOATS:
            return _SPECIAL_FLOATS[name]
    raise malformed("a float")


def read_complex(raw: list[Any]) -> complex:
    """A complex number from its two floats."""
    real, imag = parts_of(raw, 2)
    return complex(read_float(real), read_float(imag))


def read_decimal(raw: list[Any]) -> Decimal:
    """A Decimal from the text Python writes for it."""
    (text,) = parts_of(raw, 1)
    if type(text) is not str or not _DECIMAL_TEXT.fullmatch(text):
        raise malformed("a decimal")
    try:
        return Decimal(text)
    except ArithmeticError:
        raise malformed("a decimal") from None


def read_ratio(raw: list[Any]) -> tuple[int, int]:
    """Numerator and positive denominator of a fraction, as they were sent: not reduced."""
    numerator, denominator = (read_int(part) for part in parts_of(raw, 2))
    if denominator < 1:
        raise malformed("a fraction")
    return numerator, denominator


def read_fraction(raw: list[Any]) -> Fraction:
    """A Fraction; its size is bounded because reducing it takes quadratic time."""
    numerator, denominator = read_ratio(raw)
    if max(numerator.bit_length(), denominator.bit_length()) > _FRACTION_BITS:
        raise malformed(f"a fraction over {_FRACTION_BITS} bits")
    return Fraction(numerator, denominator)


def read_bytes(raw: list[Any]) -> bytes:
    """The content of bytes or of a bytearray."""
    (text,) = parts_of(raw, 1)
    try:
        return bytes.fromhex(text)
    except (TypeError, ValueError):
        raise malformed(tag_of(raw)) from None


def read_range(raw: list[Any]) -> range:
    """A range from start, stop and step."""
    start, stop, step = (read_int(part) for part in parts_of(raw, 3))
    if step == 0:
        raise malformed("a range")
    return range(start, stop, step)


def read_moment(raw: list[Any]) -> date | time | timedelta:
    """A date, time, datetime or timedelta."""
    (text,) = parts_of(raw, 1)
    read = _MOMENTS[tag_of(raw)]
    try:
        if type(text) is str and len(text) < 64:
            return read(text)
    except (ValueError, OverflowError):
        pass
    raise malformed(tag_of(raw))


def _read_duration(text: str) -> timedelta:
    return timedelta(microseconds=int(text))


_MOMENTS: Final[dict[str, Callable[[str], date | time | timedelta]]] = {
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "datetime": datetime.fromisoformat,
    "timedelta": _read_duration,
}

SCALARS: Final[dict[str, Callable[[list[Any]], Any]]] = {
    "int": read_int,
    "float": read_float,
    "complex": read_complex,
    "bytes": read_bytes,
    "decimal": read_decimal,
    "range": read_range,
    **dict.fromkeys(_MOMENTS, read_moment),
    "ellipsis": lambda _: ...,
    "notimplemented": lambda _: NotImplemented,
}
"""Tags of immutable values without members, each with the function that reads it."""

_CONTAINERS: Final[dict[str, Callable[[Any], Any]]] = {
    "list": list,
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "iter": iter,
}


def decode(raw: object, *, objects: Objects | None = None, arrays: Arrays | None = None) -> object:
    """The value a tagged JSON stands for; raises `WireError` for anything malformed.

    An iterator comes back as an iterator over its content. Objects and arrays are rebuilt by the
    functions given for them, and refused without.

    >>> decode(["tuple", [1, ["dict", [[["bytes", "61"], ["float", "inf"]]]]]])
    (1, {b'a': inf})
    """
    try:
        return _Reader(objects, arrays).read(raw, 0)
    except RecursionError:
        raise malformed("a value nested that deeply") from None


class _Reader:
    """What one call of `decode` carries along."""

    def __init__(self, objects: Objects | None, arrays: Arrays | None) -> None:
        self._objects = objects
        self._arrays = arrays

    def read(self, raw: Any, depth: int) -> Any:
        if type(raw) is not list:
            if type(raw) is dict:
                raise malformed("a JSON object as a value")
            return raw
        tag = tag_of(raw)
        if depth > DEPTH:
            raise malformed(f"a value nested more than {DEPTH} deep")
        if tag in SCALARS:
            return SCALARS[tag](raw)
        if tag == "bytearray":
            return bytearray(read_bytes(raw))
        if tag == "fraction":
            return read_fraction(raw)
        return self._read_container(tag, raw, depth)

    def _read_container(self, tag: str, raw: list[Any], depth: int) -> Any:
        try:
            if tag in _CONTAINERS:
                return _CONTAINERS[tag](self._read_all(members_of(raw), depth))
            if tag == "dict":
                return {
                    self.read(key, depth + 1): self.read(value, depth + 1)
                    for key, value in pairs_of(raw)
                }
        except TypeError:
            raise malformed(f"a {tag} with an unhashable member") from None
        if tag == "deque":
            return self._read_deque(raw, depth)
        if tag == "object" and self._objects is not None:
            name, handle = parts_of(raw, 2)
            if type(name) is str and (handle is None or type(handle) in (int, str)):
                return self._objects(name, handle)
        if tag == "ndarray" and self._arrays is not None:
            return self._read_array(self._arrays, raw, depth)
        raise malformed(f"a value tagged {tag[:20]!r}")

    def _read_all(self, members: list[Any], depth: int) -> list[Any]:
        return [self.read(member, depth + 1) for member in members]

    def _read_deque(self, raw: list[Any], depth: int) -> deque[Any]:
        _, maxlen = parts_of(raw, 2)
        members = self._read_all(members_of(raw), depth)
        if maxlen is not None and not (type(maxlen) is int and len(members) <= maxlen < 1 << 63):
            raise malformed("a deque")
        return deque(members, maxlen)

    def _read_array(self, arrays: Arrays, raw: list[Any], depth: int) -> object:
        dtype, shape, flat = array_parts(raw)
        return arrays(dtype, shape, self._read_all(flat, depth))


def array_parts(raw: list[Any]) -> tuple[str, list[int], list[Any]]:
    """Dtype, shape and flat content of an array, with as much content as its shape says."""
    dtype, shape, flat = parts_of(raw, 3)
    if type(dtype) is not str or type(shape) is not list or type(flat) is not list:
        raise malformed("an ndarray")
    n_members = 1
    for length in shape:
        # more than 64 axes or a negative length is nothing numpy has
        if type(length) is not int or not 0 <= length < 1 << 32 or len(shape) > 64:
            raise malformed("the shape of an ndarray")
        n_members *= length
    if n_members != len(flat):
        raise malformed("an ndarray whose content does not fill its shape")
    return dtype, shape, flat


def numpy_array(dtype: str, shape: list[int], flat: list[object]) -> object:
    """An `Arrays` for a child whose fork server has numpy; raises `WireError` without a match."""
    numpy = sys.modules.get("numpy")
    if numpy is None:
        raise malformed("an ndarray where numpy is not loaded")
    try:
        return numpy.array(flat, dtype=dtype).reshape(shape)
    except (TypeError, ValueError, OverflowError) as error:
        raise malformed(f"an ndarray ({error})") from None
