"""Seeded mutations of a row: its bytes cut, doubled and flipped; its values swapped for others."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

VALUES: list[Any] = [
    None, True, False, 0, -1, 1.5, "", " ", "x", "\u2028", "😀", "\x00", [], {}, [[]], [{}], [None],
    ["a", "b"], {"role": "user"}, {"from": "human", "value": "v"}, {"type": "text", "text": "t"},
    {"name": "f", "arguments": "{}"}, '{"name": "f", "arguments": {}}', "<think>", "#### 4", "\n\nHuman: ",
]  # fmt: skip
RAW = [
    b"1e400", b"12345678901234567890123", b"1.10", b"-0", b"NaN", b"Infinity", b"01", b"1.", b'"\\ud800"',
    b'"\\u0000"', b"tru", b"'a'", b"[1,]", b'{"a":1,"a":2}', b"\xff", b"//", b"\x00", b'"\\x"',
]  # fmt: skip
KEYS = [
    "messages",
    "content",
    "role",
    "from",
    "value",
    "prompt",
    "chosen",
    "label",
    "_tamis",
    "",
    "é",
    "id",
]


def mutations(row: bytes, seed: int, n: int) -> Iterator[bytes]:
    """`n` mutated lines of a row, always the same for the same seed; no line end inside."""
    draw = random.Random(seed)
    for _ in range(n):
        line = _values(row, draw) if draw.random() < 0.7 else _bytes(row, draw)
        yield line.replace(b"\n", b" ").replace(b"\r", b" ")


def _values(row: bytes, draw: random.Random) -> bytes:
    value = json.loads(row)
    for _ in range(draw.choice([1, 1, 1, 2, 3])):
        _change(draw.choice(list(_places(value)) or [value]), draw)
    written = json.dumps(value, ensure_ascii=draw.random() < 0.5).encode()
    if draw.random() < 0.25:
        written = written.replace(b'"@RAW@"', draw.choice(RAW))
        digits = [i for i, byte in enumerate(written) if byte in b"0123456789"]
        if digits:
            place = draw.choice(digits)
            written = written[:place] + draw.choice(RAW) + written[place + 1 :]
    return written.replace(b'"@RAW@"', draw.choice(RAW))


def _places(value: Any) -> Iterator[Any]:
    """Every list and object inside a value, itself first."""
    if isinstance(value, dict | list):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _places(inner)


def _change(place: Any, draw: random.Random) -> None:
    new = copy.deepcopy(draw.choice([*VALUES, "@RAW@"]))
    if isinstance(place, dict):
        keys = list(place)
        key = draw.choice(keys) if keys else draw.choice(KEYS)
        what = draw.randrange(4)
        if what == 0 or not keys:
            place[key] = new
        elif what == 1:
            del place[key]
        elif what == 2:
            place[draw.choice(KEYS)] = place.pop(key)
        else:
            place[draw.choice(KEYS)] = new
    elif isinstance(place, list):
        at = draw.randrange(len(place) + 1)
        what = draw.randrange(3)
        if what == 0 or not place:
            place.insert(at, new)
        elif what == 1:
            del place[at - 1]
        else:
            place[at - 1] = new


def _bytes(row: bytes, draw: random.Random) -> bytes:
    at, length = draw.randrange(len(row)), draw.randrange(1, 9)
    what = draw.randrange(5)
    if what == 0:
        return row[:at]
    if what == 1:
        return row[:at] + row[at + length :]
    if what == 2:
        return row[:at] + row[at : at + length] * 2 + row[at + length :]
    if what == 3:
        return row[:at] + bytes([draw.randrange(256)]) + row[at + 1 :]
    return row[:at] + draw.choice(RAW) + row[at:]
