"""The trusted side of the wire under random bytes and mutated frames: only WireError comes out.

TAMIS_FUZZ_S seconds of it (default 3), from a seed that is printed when something breaks.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import time
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from tamis.sandbox import compare
from tamis.sandbox.compare import Comparison
from tamis.sandbox.frames import FrameReader, WireError, encode_frame, readable
from tamis.sandbox.values import decode, encode

FUZZ_S = float(os.environ.get("TAMIS_FUZZ_S", "3"))

EXPECTED: list[Any] = [
    *(None, True, 0, 1.5, 2**70, 1j, "a", b"a", bytearray(b"a"), Decimal("1.5"), Fraction(3, 2)),
    *([1, 2.5, "a"], (1, (2, 3)), {1, 2, (3, 4)}, frozenset([frozenset([1]), 2])),
    *({1: 2, "a": [None]}, {(1, 2): {3: 4}}, deque([1, 2]), range(3), ..., NotImplemented, [], {}),
    *(float("nan"), {float("nan"), 10**6000}, Decimal("NaN"), Decimal("1E+5000")),
]
OPTIONS = [
    Comparison(),
    Comparison(nan_equal=True, tolerance=1e-6),
    Comparison(strict_types=True),
]
QUESTIONS: list[Callable[[Any], object]] = [
    *(compare.truth, compare.length, compare.number, compare.kind, compare.is_none, readable),
    *(
        lambda raw, one=one: compare.contained(raw, one)
        for one in [[1], {1}, {1: 2}, "ab", range(9)]
    ),
    *(
        lambda raw, one=one: compare.distance(raw, one)
        for one in [0, 1.5, 1j, Decimal(1), Fraction(1)]
    ),
    *(lambda raw, one=one: compare.within(raw, one, 0.5) for one in [0, 1.5, 1j, Decimal(1)]),
    *(lambda raw, one=one: compare.is_close(raw, one) for one in [0, 1.5]),
]
COMPARISONS: list[Callable[..., object]] = [
    *(
        compare.compared,
        compare.equal,
        compare.unequal,
        compare.as_list_equal,
        compare.as_tuple_equal,
    ),
    *(
        compare.sorted_equal,
        compare.set_equal,
        lambda one, raw, how: compare.contains(raw, one, how),
    ),
]
TAGS = (
    "int float complex list tuple set frozenset dict bytes bytearray range decimal fraction deque "
    "ndarray iter date time datetime timedelta ellipsis notimplemented object"
).split()
LEAVES: list[Any] = [
    *(None, True, False, 0, 1, -1, 2**63, 10**4000, 0.5, 1e308, "", "a", "-", "nan", "inf", "ff"),
    *("\ud800", "sNaN", "1E+999999999", "Infinity", "2020-01-01", "9" * 60, "dict_keys", {}, []),
    *({"a": 1}, ["list"], ["int", "f" * 5000], ["object", "x", 1], ["float", "nan"]),
]


def ask_everything(raw: Any) -> None:
    for question in QUESTIONS:
        question(raw)
    for expected in EXPECTED:
        for options in OPTIONS:
            for ask in COMPARISONS:
                ask(expected, raw, options)
    with contextlib.suppress(WireError):
        decode(raw, objects=lambda name, handle: name, arrays=lambda *parts: parts[0])


def mutated(raw: Any, rng: random.Random) -> Any:
    """A claim with one part replaced, dropped, doubled or wrapped, somewhere inside."""
    if isinstance(raw, list) and raw and rng.random() < 0.8:
        parts = list(raw)
        at = rng.randrange(len(parts))
        choice = rng.randrange(6)
        if choice == 0:
            del parts[at]
        elif choice == 1:
            parts.insert(at, rng.choice(LEAVES))
        elif choice == 2:
            parts[0] = rng.choice(TAGS)
        else:
            parts[at] = mutated(parts[at], rng)
        return parts
    if rng.random() < 0.3:
        return [rng.choice(TAGS), raw if rng.random() < 0.5 else [raw]]
    return rng.choice(LEAVES)


def claims(rng: random.Random) -> Any:
    raw = json.loads(json.dumps(encode(rng.choice(EXPECTED))))
    for _ in range(rng.randrange(4)):
        raw = mutated(raw, rng)
    if rng.random() < 0.3:
        raw = [rng.choice(TAGS), [raw, claims(rng)]]
    return raw


def read_stream(stream: bytes, rng: random.Random) -> list[dict[str, object]]:
    reader, frames, at = FrameReader(cap=1 << 16), [], 0
    try:
        while at < len(stream):
            step = rng.choice([1, 5, 100, 100_000])
            frames += reader.feed(stream[at : at + step])
            at += step
        reader.finish()
    except WireError:
        pass
    return frames


def mutated_bytes(stream: bytes, rng: random.Random) -> bytes:
    changed = bytearray(stream)
    for _ in range(rng.randrange(4)):
        at = rng.randrange(len(changed) + 1)
        choice = rng.randrange(3)
        if choice == 0:
            changed[at : at + rng.randrange(4)] = b""
        elif choice == 1:
            changed[at:at] = rng.choice(
                [b"[", b"]", b"{", b'"', b",", b"\xff", b"\\ud800", b"-1e9"]
            )
        else:
            changed[at : at + 1] = rng.randbytes(1)
    return bytes(changed)


@pytest.mark.timeout(FUZZ_S + 120)
def test_nothing_but_a_wire_error_comes_out_of_fuzzed_frames_and_claims() -> None:
    seed = random.SystemRandom().randrange(2**32)
    end = time.monotonic() + FUZZ_S
    n_rounds = 0
    while time.monotonic() < end:
        rng = random.Random(f"{seed} {n_rounds}")
        raw = claims(rng)
        try:
            ask_everything(raw)
            stream = encode_frame({"id": 1, "value": raw}) * rng.randrange(1, 4)
            noise = rng.randbytes(rng.randrange(200)) if rng.random() < 0.2 else b""
            for frame in read_stream(mutated_bytes(stream, rng) + noise, rng):
                ask_everything(frame.get("value"))
        except WireError as error:
            pytest.fail(f"seed {seed}, round {n_rounds}: {error} for {str(raw)[:500]}")
        except BaseException:
            print(f"seed {seed}, round {n_rounds}: {str(raw)[:500]}")
            raise
        n_rounds += 1
    assert n_rounds > 0
