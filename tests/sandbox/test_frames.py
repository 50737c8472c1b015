"""Frames: what comes back whole, and what a hostile sender gets."""

from __future__ import annotations

import builtins
import json
import os
import socket
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.sandbox.frames import (
    FRAME_BYTES,
    FrameReader,
    TooLarge,
    WireError,
    encode_frame,
    readable,
    receive_frame,
    send_frame,
)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
OBJECTS = st.dictionaries(st.text(), JSON, max_size=4)


def framed(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


@given(st.lists(OBJECTS, max_size=5), st.integers(min_value=1, max_value=40))
def test_frames_come_back_whole_however_the_bytes_are_cut(
    sent: list[dict[str, object]], step: int
) -> None:
    stream = b"".join(encode_frame(frame) for frame in sent)
    reader = FrameReader()
    received = [
        frame
        for start in range(0, len(stream), step)
        for frame in reader.feed(stream[start : start + step])
    ]
    reader.finish()
    assert received == sent


@pytest.mark.parametrize(
    "stream",
    [
        (FRAME_BYTES + 1).to_bytes(4, "big"),
        b"\xff\xff\xff\xff",
        framed(b""),
        framed(b"{"),
        framed(b"[1]"),
        framed(b"1"),
        framed(b"null"),
        framed(b"{} "),
        framed(b"{}{}"),
        framed(b' {"a":1}'),
        framed(b'{"a":"\xff"}'),
        framed(b'{"a":NaN}'),
        framed(b'{"a":Infinity}'),
        framed(b'{"a":-Infinity}'),
        framed(b'{"a":' + b"7" * 4301 + b"}"),
        framed(b'{"a":0.' + b"7" * 100_000 + b"}"),
        framed(b'{"a":' + b"[" * 500_000 + b"]" * 500_000 + b"}"),
        framed(b'{"a":' + b"[" * 900_000),
        framed(b'{"a":' * 100_000),
        framed(b'{"a":"\n"}'),
    ],
)
def test_a_frame_that_cannot_be_read_breaks_the_reader_for_good(stream: bytes) -> None:
    reader = FrameReader()
    with pytest.raises(WireError):
        reader.feed(stream)
    with pytest.raises(WireError):
        reader.feed(encode_frame({"id": 1}))
    with pytest.raises(WireError):
        reader.finish()
    assert isinstance(reader.broken, WireError)


def test_long_numbers_are_refused_even_where_the_host_lifted_the_limit_of_python() -> None:
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        with pytest.raises(WireError, match="hex"):
            FrameReader().feed(framed(b'{"a":' + b"7" * 900_000 + b"}"))
    finally:
        sys.set_int_max_str_digits(limit)


@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_frames_before_a_broken_one_count_however_the_bytes_are_cut(step: int) -> None:
    stream = encode_frame({"id": 1}) + encode_frame({"id": 2}) + framed(b"[]") + b"rest"
    reader = FrameReader()
    received: list[dict[str, object]] = []
    with pytest.raises(WireError):
        for start in range(0, len(stream), step):
            received += reader.feed(stream[start : start + step])
        reader.finish()
    assert received == [{"id": 1}, {"id": 2}]


def test_a_sender_that_closes_in_mid_frame_is_an_error() -> None:
    reader = FrameReader()
    assert reader.feed(encode_frame({"id": 1})[:-1]) == []
    with pytest.raises(WireError, match="middle"):
        reader.finish()


def test_a_broken_reader_keeps_nothing_and_an_honest_one_at_most_one_frame() -> None:
    reader = FrameReader(cap=100)
    reader.feed((100).to_bytes(4, "big") + b"x" * 99)
    with pytest.raises(WireError):
        reader.feed(b"x" * 50_000)
    with pytest.raises(WireError):
        reader.feed(b"x" * 50_000)
    assert len(reader._pending) == 0


def test_a_cap_that_is_met_exactly_is_fine() -> None:
    text = "x" * (FRAME_BYTES - len('{"a":""}'))
    assert FrameReader().feed(encode_frame({"a": text})) == [{"a": text}]
    with pytest.raises(TooLarge):
        encode_frame({"a": text + "x"})


@pytest.mark.parametrize("value", [{"a": float("nan")}, {"a": float("inf")}, {"a": object()}])
def test_what_json_cannot_carry_is_not_sent(value: object) -> None:
    with pytest.raises(WireError):
        encode_frame(value)


def test_a_value_that_contains_itself_is_not_sent() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(WireError):
        encode_frame({"a": loop})
    assert FrameReader().feed(encode_frame({"a": [1]})) == [{"a": [1]}]


def test_blocking_ends_exchange_frames_until_a_clean_close() -> None:
    left, right = socket.socketpair()
    big = {"text": "é" * 100_000}
    with left, right:
        sender = threading.Thread(
            target=lambda: (send_frame(left, big), send_frame(left.fileno(), {}))
        )
        sender.start()
        assert receive_frame(right.fileno()) == big
        assert receive_frame(right) == {}
        sender.join()
        left.close()
        assert receive_frame(right) is None


@pytest.mark.parametrize(
    "stream", [b"\x00", b"\x00\x00\x00\x05{}", framed(b"[1]"), b"\xff\xff\xff\xff"]
)
def test_the_blocking_end_refuses_what_the_reader_refuses(stream: bytes) -> None:
    left, right = socket.socketpair()
    with left, right:
        left.sendall(stream)
        left.close()
        with pytest.raises(WireError):
            receive_frame(right)


def test_patched_builtins_json_and_os_do_not_reach_the_wire(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object, **__: object) -> object:
        raise AssertionError("patched")

    left, right = socket.socketpair()
    with left, right, monkeypatch.context() as patch:
        for owner, name in [
            (json, "dumps"),
            (json, "loads"),
            (json.JSONEncoder, "encode"),
            (json.JSONEncoder, "iterencode"),
            (json.JSONDecoder, "decode"),
            (json.JSONDecoder, "raw_decode"),
            (json.encoder, "c_make_encoder"),
            (os, "write"),
            (os, "read"),
            (builtins, "len"),
            (builtins, "min"),
            (builtins, "bytearray"),
            (builtins, "memoryview"),
        ]:
            patch.setattr(owner, name, broken)
        send_frame(left, {"id": 1, "value": [1.5, None, "é"]})
        received = receive_frame(right)
    assert received == {"id": 1, "value": [1.5, None, "é"]}


@given(st.text() | st.characters(categories=["Cs", "Cc"]) | st.none() | st.lists(st.text()))
def test_readable_text_can_be_stored_and_holds_no_controls(claim: object) -> None:
    text = readable(claim, limit=20)
    text.encode("utf-8")
    assert not any(ord(character) < 32 and character not in "\t\n" for character in text)
