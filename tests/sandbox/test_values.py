"""Values on the wire: what comes back, what a liar can send, and what is too large."""

from __future__ import annotations

import array
import builtins
import enum
import itertools
import json
import math
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from datetime import datetime, tzinfo
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

from tamis.sandbox.frames import FRAME_BYTES, FrameReader, TooLarge, WireError, encode_frame
from tamis.sandbox.reading import numpy_array
from tamis.sandbox.values import DEPTH, Budget, decode, encode

from .wire_values import VALUES, Point, holds_nan


def sent(value: object) -> object:
    """What arrives at the other end."""
    return json.loads(json.dumps(encode(value), allow_nan=False))


def in_one_order(raw: object) -> object:
    """A tagged value with the members of its sets sorted: their order depends on history."""
    if not isinstance(raw, list):
        return raw
    parts = [in_one_order(part) for part in raw]
    if parts and parts[0] in ("set", "frozenset"):
        return [parts[0], sorted(parts[1], key=repr)]
    return parts


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_a_value_comes_back_equal_and_of_its_plain_type(value: object) -> None:
    back = decode(sent(value))
    plain = {Point: tuple, OrderedDict: dict}.get(type(value), type(value))
    assert type(back) is plain
    assert in_one_order(sent(back)) == in_one_order(sent(value))
    if not holds_nan(value) and value is not NotImplemented:
        assert back == value


@settings(deadline=None)
@given(VALUES)
def test_the_frame_of_a_value_is_no_longer_than_what_was_budgeted(value: object) -> None:
    budget = Budget(100_000)
    frame = encode_frame({"value": encode(value, budget=budget)})
    assert len(frame) - len(encode_frame({"value": 0})) <= 100_000 - budget.left


def test_signs_of_zero_and_deque_bounds_survive() -> None:
    assert math.copysign(1, decode(sent(-0.0))) == -1  # type: ignore[arg-type]
    back = decode(sent(deque([1, 2], maxlen=3)))
    assert isinstance(back, deque) and back.maxlen == 3


class LyingInt(int):
    """An int of 3 that claims to be 7 in every way Python offers."""

    __class__ = bool  # type: ignore[assignment]

    def _lie(self, *_: object) -> int:
        return 7

    __index__ = __int__ = __add__ = __radd__ = __pos__ = __abs__ = _lie  # type: ignore[assignment]

    def __eq__(self, _: object) -> bool:
        return True

    def __hash__(self) -> int:
        raise RuntimeError("no hash")

    def __repr__(self) -> str:
        return "7"

    __str__ = __repr__

    def __format__(self, _: str) -> str:
        return "7"


class LyingStr(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "right"

    __repr__ = __str__

    def __len__(self) -> int:
        return 5

    def isascii(self) -> bool:
        raise RuntimeError


class LyingFloat(float):
    def __pos__(self) -> float:
        return 7.0

    __float__ = __pos__


class LyingList(list[object]):
    def __iter__(self) -> Iterator[object]:
        return iter([7])

    def __len__(self) -> int:
        return 1

    def __getitem__(self, _: object) -> object:
        return 7

    copy = __iter__  # type: ignore[assignment]


class LyingDict(dict[object, object]):
    def items(self) -> object:  # type: ignore[override]
        return [("right", 7)]

    def __iter__(self) -> Iterator[object]:
        return iter(["right"])

    def __len__(self) -> int:
        return 1


class LyingSet(set[object]):
    def __iter__(self) -> Iterator[object]:
        return iter([7])


class LyingTuple(tuple[object, ...]):
    def __iter__(self) -> Iterator[object]:
        return iter([7])


class LyingDecimal(Decimal):
    def __str__(self) -> str:
        return "7"


class LyingFraction(Fraction):
    @property
    def numerator(self) -> int:
        return 7


class LyingBytes(bytes):
    def hex(self, *_: object) -> str:  # type: ignore[override]
        return "37"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (LyingInt(3), 3),
        (LyingStr("wrong"), "wrong"),
        (LyingFloat(3.0), 3.0),
        (LyingList([1, 2]), ["list", [1, 2]]),
        (LyingTuple([1, 2]), ["tuple", [1, 2]]),
        (LyingSet([1]), ["set", [1]]),
        (LyingDict(a=1), ["dict", [["a", 1]]]),
        (LyingDecimal("3"), ["decimal", "3"]),
        (LyingFraction(1, 3), ["fraction", 1, 3]),
        (LyingBytes(b"a"), ["bytes", "61"]),
    ],
)
def test_a_lying_subclass_sends_what_it_really_holds(value: object, expected: object) -> None:
    assert sent(value) == expected


def test_an_object_that_names_another_class_is_still_an_object() -> None:
    class Liar:
        __class__ = int  # type: ignore[assignment]

        def __index__(self) -> int:
            return 7

    assert sent(Liar())[0] == "object"  # type: ignore[index]


def test_a_class_registered_as_a_fraction_is_still_an_object() -> None:
    class Registered:
        pass

    Fraction.register(Registered)
    assert sent(Registered())[0] == "object"  # type: ignore[index]


def test_a_class_with_a_hostile_metaclass_can_be_sent() -> None:
    class Meta(type):
        def __eq__(cls, _: object) -> bool:
            raise RuntimeError

        __hash__ = None  # type: ignore[assignment]

        def __instancecheck__(cls, _: object) -> bool:
            raise RuntimeError

        def __getattribute__(cls, _: str) -> object:
            raise RuntimeError

    class Odd(metaclass=Meta):
        pass

    assert sent(Odd()) == [
        "object",
        "test_a_class_with_a_hostile_metaclass_can_be_sent.<locals>.Odd",
        None,
    ]


class Level(enum.IntEnum):
    LOW = 1


class Colour(enum.Enum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Level.LOW, 1),
        (Colour.RED, ["object", "Colour", None]),
        (Counter("aab"), ["dict", [["a", 2], ["b", 1]]]),
        (defaultdict(list, {1: [2]}), ["dict", [[1, ["list", [2]]]]]),
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.float64(0.5), 0.5),
        (np.longdouble(0.5), 0.5),
        (np.clongdouble(0.5), ["complex", 0.5, 0.0]),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.array([[1, 2]]), ["ndarray", "int64", [1, 2], [1, 2]]),
        (np.array(2.5), ["ndarray", "float64", [], [2.5]]),
        (np.array(["a"]), ["ndarray", "<U1", [1], ["a"]]),
        (np.array([[1], [2]]).view(np.matrix), ["ndarray", "int64", [2, 1], [1, 2]]),
        ({1: 2}.keys(), ["iter", "dict_keys", [1]]),
        (map(str, [1]), ["iter", "map", ["1"]]),
        (reversed([1, 2]), ["iter", "list_reverseiterator", [2, 1]]),
        (enumerate("a"), ["iter", "enumerate", [["tuple", [0, "a"]]]]),
        (itertools.islice(itertools.count(), 2), ["iter", "islice", [0, 1]]),
        (itertools.chain([1], [2]), ["iter", "chain", [1, 2]]),
        ((n for n in [1]), ["iter", "generator", [1]]),
        (zip([1], "a", strict=True), ["iter", "zip", [["tuple", [1, "a"]]]]),
        (array.array("i", [1]), ["iter", "array", [1]]),
        (int, ["object", "type", None]),
        (len, ["object", "builtin_function_or_method", None]),
    ],
)
def test_relatives_of_builtin_types_are_sent_as(value: object, expected: object) -> None:
    assert sent(value) == expected


def test_the_objects_hook_gives_handles_to_objects_and_to_iterators_left_alone() -> None:
    seen: list[object] = []

    def handle(value: object) -> int:
        seen.append(value)
        return len(seen)

    thing, steps = object(), iter([1])
    raw = encode([thing, steps], objects=handle, materialise=False)
    assert raw == ["list", [["object", "object", 1], ["object", "list_iterator", 2]]]
    assert list(steps) == [1]
    assert decode(raw, objects=lambda name, handle: (name, handle)) == [
        ("object", 1),
        ("list_iterator", 2),
    ]


def test_a_generator_that_fails_in_the_middle_is_an_object_without_content() -> None:
    def steps() -> Iterator[int]:
        yield 1
        raise SystemExit(0)

    assert sent(steps()) == ["object", "generator", None]


def test_a_time_zone_of_the_candidate_cannot_break_the_encoding() -> None:
    class Zone(tzinfo):
        def utcoffset(self, _: datetime | None) -> None:
            raise RuntimeError

    assert sent(datetime(2020, 1, 1, tzinfo=Zone())) == ["object", "datetime", None]


def nested(depth: int) -> list[object]:
    value: list[object] = []
    for _ in range(depth - 1):
        value = [value]
    return value


def looped() -> list[object]:
    loop: list[object] = []
    loop.extend([loop] * 3)
    return loop


def shared() -> list[object]:
    value: list[object] = [1]
    for _ in range(60):
        value = [value, value]
    return value


@pytest.mark.parametrize(
    "make",
    [
        lambda: "x" * (FRAME_BYTES + 1),
        lambda: b"x" * FRAME_BYTES,
        lambda: [None] * FRAME_BYTES,
        lambda: 1 << (8 * FRAME_BYTES),
        lambda: Decimal("1." + "0" * FRAME_BYTES),
        lambda: np.zeros(FRAME_BYTES),
        itertools.count,
        lambda: itertools.repeat("x" * 1000),
        lambda: nested(DEPTH + 1),
        lambda: nested(100_000),
        looped,
        shared,
    ],
)
def test_what_no_frame_can_carry_is_too_large(make: Callable[[], object]) -> None:
    with pytest.raises(TooLarge):
        encode(make())


def test_the_deepest_value_passes_the_whole_wire() -> None:
    deepest: object = nested(DEPTH)
    frames = FrameReader().feed(encode_frame({"value": encode(deepest)}))
    assert decode(frames[0]["value"]) == deepest


def test_values_in_one_frame_share_one_budget() -> None:
    budget = Budget(100)
    encode("x" * 60, budget=budget)
    with pytest.raises(TooLarge):
        encode("x" * 60, budget=budget)


@pytest.mark.parametrize(
    "raw",
    [
        {},
        [],
        [1],
        [[]],
        ["list"],
        ["list", 1],
        ["list", {}],
        ["nothing", 1],
        ["int", 5],
        ["int", "0x10"],
        ["int", "1_0"],
        ["int", "zz"],
        ["float", "Infinity"],
        ["float", 1.0],
        ["complex", 1.0],
        ["complex", 1, 2],
        ["dict", [[1]]],
        ["dict", [1]],
        ["dict", [[["list", []], 1]]],
        ["set", [["list", []]]],
        ["bytes", "6"],
        ["bytes", 6],
        ["range", 1, 2, 0],
        ["range", 1.0, 2, 1],
        ["decimal", "x"],
        ["decimal", "٣"],
        ["decimal", 1],
        ["fraction", 1, 0],
        ["fraction", 1, -2],
        ["deque", [1, 2], 1],
        ["deque", [1, 2], True],
        ["deque", [], 1 << 70],
        ["ndarray", "int64", [2], [1]],
        ["ndarray", "int64", [-1], [1]],
        ["ndarray", "no type", [1], [1]],
        ["ndarray", "int64", [1], ["x"]],
        ["date", "today"],
        ["datetime", "x" * 1000],
        ["timedelta", "9" * 50],
        ["object", "x", []],
        ["object", 1, 1],
        ["iter", []],
    ],
)
def test_malformed_values_are_refused(raw: object) -> None:
    with pytest.raises(WireError):
        decode(raw, objects=lambda name, handle: name, arrays=numpy_array)


def test_objects_and_arrays_are_refused_where_nobody_rebuilds_them() -> None:
    for raw in (["object", "x", 1], ["ndarray", "int64", [1], [1]]):
        with pytest.raises(WireError):
            decode(raw)


def test_an_array_sent_to_a_child_comes_back_as_an_array() -> None:
    back = decode(sent(np.array([[1.5, 2.0]])), arrays=numpy_array)
    assert isinstance(back, np.ndarray) and back.tolist() == [[1.5, 2.0]]


def test_values_nested_too_deeply_are_refused_not_crashed_on() -> None:
    raw: object = 1
    for _ in range(100_000):
        raw = ["list", [raw]]
    with pytest.raises(WireError):
        decode(raw)


def test_patched_builtins_do_not_reach_the_encoding() -> None:
    def broken(*_: object, **__: object) -> object:
        raise AssertionError("patched")

    value = [1, 2.5, "a", {1: (2,)}, {3}, Decimal(1), deque([1]), b"a", 10**30, Fraction(1, 2)]
    names = "len isinstance issubclass str int list dict tuple type range id next bytes".split()
    real = {name: vars(builtins)[name] for name in names}
    real_isfinite = math.isfinite
    try:
        math.isfinite = broken  # type: ignore[assignment]
        vars(builtins).update(dict.fromkeys(names, broken))
        raw = encode(value)
        back = decode(encode(value[:-1]))
    finally:
        vars(builtins).update(real)
        math.isfinite = real_isfinite
    # building a Fraction is Python code of the standard library, which uses the patched names
    assert (back, decode(raw)) == (value[:-1], value)
