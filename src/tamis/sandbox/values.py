"""Values on the wire: tagged JSON, written beside hostile code, read without ever running any.

None, booleans, strings, finite floats and integers below 2**63 are themselves; everything else is
an array that starts with a tag. A subclass of a builtin type
is sent as the plain value of its base, found by `type` and read by the base's own methods, so that
an object that lies about itself sends no more than what it really holds. Numpy scalars are plain
numbers. Writing is bounded by a `Budget`, and nesting by `DEPTH`, which also ends cycles.
"""

from __future__ import annotations

import array
import builtins
import itertools
import json.encoder
import math
import sys
from collections import deque
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from tamis.sandbox.frames import FRAME_BYTES, TooLarge
from tamis.sandbox.reading import DEPTH, decode

__all__ = ["DEPTH", "Budget", "decode", "encode"]

# functions defined below find their builtins here, whatever a candidate does to the real ones
globals()["__builtins__"] = dict(vars(builtins))

INT_LIMIT: Final = 1 << 63
_ENVELOPE_BYTES: Final = 1 << 14
_NAME_CHARS: Final = 200
_MICROSECOND: Final = timedelta(microseconds=1)

Objects = Callable[[object], int | str | None]
"""Turns an object the wire has no tag for into a handle, or None."""


class Budget:
    """Bytes that one frame's values may still take; several calls of `encode` may share one."""

    __slots__ = ("left",)

    def __init__(self, n_bytes: int = FRAME_BYTES - _ENVELOPE_BYTES) -> None:
        self.left = n_bytes

    def spend(self, n_bytes: int) -> None:
        """Take bytes off the budget; raises `TooLarge` once it is used up."""
        self.left -= n_bytes
        if self.left < 0:
            raise TooLarge("value: larger than what one frame carries")


class _Writer:
    """What one call of `encode` carries along."""

    __slots__ = ("materialise", "objects", "spend")

    def __init__(self, budget: Budget, objects: Objects | None, materialise: bool) -> None:
        self.spend = budget.spend
        self.objects = objects
        self.materialise = materialise

    def walk(self, value: Any, depth: int) -> object:
        kind = type(value)
        # by id: a metaclass may define __hash__ and __eq__, and builtin types never die
        write = _EXACT.get(id(kind)) or _writer_by_base(kind)
        return write(value, self, depth)

    def walk_all(self, values: Any, depth: int) -> list[object]:
        if depth >= DEPTH:
            raise TooLarge(f"value: more than {DEPTH} containers inside each other")
        walk = self.walk
        return [walk(value, depth + 1) for value in values]


_Write = Callable[[Any, _Writer, int], object]


def encode(
    value: object,
    *,
    budget: Budget | None = None,
    objects: Objects | None = None,
    materialise: bool = True,
) -> object:
    """The tagged JSON of a value; raises `TooLarge` for what no frame can carry.

    `objects` is asked for a handle of each object without a tag. Iterators are used up and sent as
    their content; with `materialise=False` they go to `objects` like any other object.

    >>> encode((1, {2.5, True}, b"a")), encode(10**30)
    (['tuple', [1, ['set', [True, 2.5]], ['bytes', '61']]], ['int', 'c9f2c9cd04674edea40000000'])
    """
    writer = _Writer(budget or Budget(), objects, materialise)
    try:
        return writer.walk(value, 0)
    except RecursionError:
        raise TooLarge("value: nested too deeply for the stack that is left") from None


def _write_constant(value: Any, writer: _Writer, _: int) -> object:
    writer.spend(6)
    return value


def _write_int(value: Any, writer: _Writer, _: int) -> object:
    plain = _int_add(value, 0)
    if -INT_LIMIT < plain < INT_LIMIT:
        writer.spend(4 + plain.bit_length() // 3)  # digits, a sign, a comma
        return plain
    writer.spend(12 + plain.bit_length() // 4)
    return ["int", _hex_of(plain)]


def _write_float(value: Any, writer: _Writer, _: int) -> object:
    plain = _float_pos(value)
    writer.spend(26)
    if _isfinite(plain):
        return plain
    return ["float", "inf" if plain > 0 else "-inf" if plain < 0 else "nan"]


def _write_complex(value: Any, writer: _Writer, depth: int) -> object:
    plain = _complex_pos(value)
    writer.spend(16)
    return [
        "complex",
        _write_float(plain.real, writer, depth),
        _write_float(plain.imag, writer, depth),
    ]


def _write_str(value: Any, writer: _Writer, _: int) -> object:
    n_chars = _str_len(value)
    writer.spend(n_chars + 1)
    plain = _str_plain(value)
    writer.spend(len(_quoted(plain)) - n_chars)
    return plain


def _write_bytes(value: Any, writer: _Writer, _: int) -> object:
    writer.spend(12 + 2 * bytes.__len__(value))
    return ["bytes", bytes.hex(value)]


def _write_bytearray(value: Any, writer: _Writer, _: int) -> object:
    writer.spend(16 + 2 * bytearray.__len__(value))
    return ["bytearray", bytearray.hex(value)]


def _members_of(base: type[Any]) -> Callable[[Any, _Writer, int], list[object]]:
    """Writes the members of a list, tuple, set or deque, got by its base's own methods."""
    count, members = vars(base)["__len__"], vars(base)["__iter__"]

    def write(value: Any, writer: _Writer, depth: int) -> list[object]:
        # paid before the copy: the copy keeps other threads of the candidate from resizing it
        writer.spend(16 + 2 * count(value))
        return writer.walk_all([*members(value)], depth)

    return write


def _container(base: type[Any]) -> _Write:
    tag, write_members = base.__name__, _members_of(base)

    def write(value: Any, writer: _Writer, depth: int) -> object:
        return [tag, write_members(value, writer, depth)]

    return write


def _write_deque(value: Any, writer: _Writer, depth: int) -> object:
    maxlen = _deque_maxlen(value)
    writer.spend(20)
    return ["deque", _write_deque_members(value, writer, depth), maxlen]


def _write_dict(value: Any, writer: _Writer, depth: int) -> object:
    n_pairs = dict.__len__(value)
    writer.spend(12 + 5 * n_pairs)
    flat = writer.walk_all([part for pair in [*dict.items(value)] for part in pair], depth)
    return ["dict", [[flat[at], flat[at + 1]] for at in range(0, 2 * n_pairs, 2)]]


def _write_range(value: Any, writer: _Writer, depth: int) -> object:
    writer.spend(14)
    parts = (value.start, value.stop, value.step)
    return ["range", *(_write_int(part, writer, depth) for part in parts)]


def _write_decimal(value: Any, writer: _Writer, _: int) -> object:
    text = Decimal.__str__(value)
    writer.spend(14 + len(text))
    return ["decimal", text]


def _write_fraction(value: Any, writer: _Writer, depth: int) -> object:
    writer.spend(16)
    parts = (_numerator(value), _denominator(value))
    return ["fraction", *(writer.walk(part, depth) for part in parts)]


def _moment(tag: str, text_of: Callable[[Any], str]) -> _Write:
    def write(value: Any, writer: _Writer, depth: int) -> object:
        writer.spend(48)
        try:
            return [tag, text_of(value)]
        except Exception:  # noqa: BLE001  a time zone of the candidate may raise anything
            return _write_object(value, writer, depth)

    return write


def _duration_text(value: timedelta) -> str:
    return str(timedelta.__floordiv__(value, _MICROSECOND))


def _named(tag: str) -> _Write:
    def write(_value: Any, writer: _Writer, _: int) -> object:
        writer.spend(20)
        return [tag]

    return write


def _write_iterator(value: Any, writer: _Writer, depth: int) -> object:
    if not writer.materialise:
        return _write_object(value, writer, depth)
    if depth >= DEPTH:
        raise TooLarge(f"value: more than {DEPTH} containers inside each other")
    name = _type_name(type(value))
    writer.spend(16 + len(name))
    members: list[object] = []
    steps: Iterator[object] = iter(value)
    while True:
        try:
            member = next(steps)
        except StopIteration:
            return ["iter", name, members]
        except MemoryError:
            raise
        except BaseException:  # noqa: BLE001  the step is the candidate's code: no content to send
            return _write_object(value, writer, depth)
        members.append(writer.walk(member, depth + 1))


def _write_object(value: Any, writer: _Writer, _: int) -> object:
    name = _type_name(type(value))
    writer.spend(40 + 6 * len(name))
    return ["object", name, None if writer.objects is None else writer.objects(value)]


def _write_array(value: Any, writer: _Writer, depth: int) -> object:
    ndarray = sys.modules["numpy"].ndarray
    plain = ndarray.view(value, ndarray)
    writer.spend(40 + 2 * plain.size)
    flat = writer.walk_all(plain.ravel().tolist(), depth)
    return ["ndarray", str(plain.dtype), list(plain.shape), flat]


def _write_numpy_scalar(value: Any, writer: _Writer, depth: int) -> object:
    numpy = sys.modules["numpy"]
    plain = numpy.generic.item(value)
    if type(plain) is type(value):
        # long doubles have no Python twin and come back as themselves
        is_complex = issubclass(type(value), numpy.complexfloating)
        plain = complex(plain) if is_complex else float(plain)
    return writer.walk(plain, depth)


def _writer_by_base(kind: type[Any]) -> _Write:
    # the real base classes, by id: issubclass asks Fraction's ABC, which a candidate can teach lies
    bases = [id(base) for base in _mro(kind)]
    for base in bases:
        if base in _BASE_WRITERS:
            return _BASE_WRITERS[base]
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        if id(numpy.ndarray) in bases:
            return _write_array
        if id(numpy.generic) in bases:
            return _write_numpy_scalar
    return _write_object


def _type_name(kind: type[Any]) -> str:
    return str(_qualname(kind))[:_NAME_CHARS]


def _iterator_types() -> list[type[Any]]:
    """Every iterator and view of Python itself: using it up runs only what it was made of."""
    views: list[Any] = [{}.keys(), {}.values(), {}.items()]
    filled: list[Any] = [[], (), "", "é", b"", bytearray(), {1}, range(0), range(1 << 70), deque()]
    samples: list[Any] = [iter(one) for one in [*filled, *views, array.array("b")]]
    samples += [reversed(one) for one in [[], {}, deque(), *views]]
    samples += [map(int, []), filter(None, []), zip(), enumerate([]), iter(int, 0)]
    samples += [(one for one in filled), array.array("b"), *views]
    lazy = [
        kind for kind in vars(itertools).values() if "__next__" in getattr(kind, "__dict__", ())
    ]
    return [reversed, *lazy, *(type(sample) for sample in samples)]


_int_add: Final = int.__add__
_hex_of: Final = "{:x}".format
_float_pos: Final = float.__pos__
_complex_pos: Final = complex.__pos__
_isfinite: Final = math.isfinite
_quoted: Final = json.encoder.encode_basestring_ascii
_str_len: Final = str.__len__
_str_plain: Final = str.__str__
_mro: Final = vars(type)["__mro__"].__get__
_qualname: Final = vars(type)["__qualname__"].__get__
_deque_maxlen: Final = vars(deque)["maxlen"].__get__
_numerator: Final = vars(Fraction)["_numerator"].__get__
_denominator: Final = vars(Fraction)["_denominator"].__get__
_write_deque_members: Final = _members_of(deque)

_BASES: Final[list[tuple[type[Any], _Write]]] = [
    (bool, _write_constant),
    (int, _write_int),
    (float, _write_float),
    (str, _write_str),
    (list, _container(list)),
    (tuple, _container(tuple)),
    (dict, _write_dict),
    (set, _container(set)),
    (frozenset, _container(frozenset)),
    (bytes, _write_bytes),
    (bytearray, _write_bytearray),
    (complex, _write_complex),
    (deque, _write_deque),
    (range, _write_range),
    (Decimal, _write_decimal),
    (Fraction, _write_fraction),
    (datetime, _moment("datetime", datetime.isoformat)),
    (date, _moment("date", date.isoformat)),
    (time, _moment("time", time.isoformat)),
    (timedelta, _moment("timedelta", _duration_text)),
    (type(...), _named("ellipsis")),
    (type(NotImplemented), _named("notimplemented")),
    (type(None), _write_constant),
]
# kept alive: the tables know their types by id only
_ITERATOR_TYPES: Final = _iterator_types()
_BASE_WRITERS: Final = {id(kind): write for kind, write in _BASES}
_EXACT: Final = {**{id(kind): _write_iterator for kind in _ITERATOR_TYPES}, **_BASE_WRITERS}
