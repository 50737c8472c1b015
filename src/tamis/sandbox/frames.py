"""Frames: four bytes of length (big-endian), then one JSON text in UTF-8.

Both ends use this file. The reader of the trusted side (`FrameReader`) is fed by hostile code, so
it bounds every frame, keeps no more than one unfinished frame, and raises nothing but `WireError`.
The other end runs beside a candidate that may have patched `json` or `os`: everything it needs is
taken at import, as C functions.
"""

from __future__ import annotations

import builtins
import json
import os
from collections.abc import Callable
from json import encoder as json_encoder
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import socket

# functions defined below find their builtins here, whatever a candidate does to the real ones
globals()["__builtins__"] = dict(vars(builtins))

FRAME_BYTES: Final = 1 << 20
"""The longest frame a child may send; 1 MiB of `[],` costs the reader 22 MB."""

JOB_BYTES: Final = 64 << 20
"""The longest job the trusted parent may send to a child."""

_HEADER_BYTES: Final = 4
_NUMBER_CHARS: Final = 4300
_NOT_PRINTED: Final = dict.fromkeys((*range(9), *range(11, 32), *range(127, 160)))


class WireError(ValueError):
    """What came over the wire is not what the protocol allows; the run it belongs to is over."""


class TooLarge(WireError):
    """A value or a frame does not fit into what one frame may carry."""


def _refuse_constant(name: str) -> float:
    raise WireError(f"frame: expected finite numbers, got {name}; send a tagged float")


def _bounded_int(text: str) -> int:
    # our own bound: a host that lifts Python's limit would pay quadratic time for a long number
    if len(text) > _NUMBER_CHARS:
        raise WireError(f"frame: expected a number under {_NUMBER_CHARS} digits; send it as hex")
    return int(text)


def _bounded_float(text: str) -> float:
    if len(text) > _NUMBER_CHARS:
        raise WireError(f"frame: expected a number under {_NUMBER_CHARS} digits")
    return float(text)


def _c_encoder() -> Callable[[object], str]:
    make = vars(json_encoder).get("c_make_encoder")
    quote = vars(json_encoder).get("c_encode_basestring_ascii")
    if make is None or quote is None:
        return json.JSONEncoder(check_circular=False, allow_nan=False, separators=(",", ":")).encode
    # markers=None: no cycle check, a cycle ends as RecursionError; last: allow_nan=False
    encode = make(None, _refuse_object, quote, None, ":", ",", False, False, False)
    join = "".join

    def dumps(value: object) -> str:
        return join(encode(value, 0))

    return dumps


def _refuse_object(value: object) -> object:
    raise TypeError(f"{type(value).__name__} is not JSON")


_dumps: Final = _c_encoder()
_decoder: Final = json.JSONDecoder(
    parse_constant=_refuse_constant, parse_int=_bounded_int, parse_float=_bounded_float
)
_scan: Final[Callable[[str, int], tuple[object, int]]] = vars(_decoder)["scan_once"]
_write: Final = os.write
_read: Final = os.read
_to_bytes: Final = int.to_bytes
_from_bytes: Final = int.from_bytes


def encode_frame(value: object, *, cap: int = FRAME_BYTES) -> bytes:
    """The bytes of one frame; `TooLarge` above `cap`, `WireError` for what JSON cannot carry."""
    try:
        body = _dumps(value).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise WireError(f"frame: expected plain JSON values, got {error}") from None
    if len(body) > cap:
        raise TooLarge(f"frame: expected at most {cap} bytes, got {len(body)}")
    return _to_bytes(len(body), _HEADER_BYTES, "big") + body


def decode_body(body: bytes | bytearray) -> dict[str, object]:
    """The JSON object in a frame's body; `WireError` for anything else."""
    try:
        text = body.decode("utf-8")
        value, end = _scan(text, 0)
    except WireError:
        raise
    except (ValueError, StopIteration, RecursionError) as error:
        reason = "too deep a nesting" if isinstance(error, RecursionError) else "no valid JSON"
        raise WireError(f"frame: expected a JSON object, got {reason}") from None
    if end != len(text) or type(value) is not dict:
        raise WireError("frame: expected one JSON object and nothing more")
    return value


class FrameReader:
    """Turns the bytes of an untrusted sender into JSON objects, within bounded memory.

    A frame that cannot be read breaks the reader for good. Frames that came whole before it are
    still handed out, so what counts never depends on how the bytes were cut: the error is raised by
    this `feed` if it has nothing to hand out, else by the next `feed` or by `finish`.

    >>> reader = FrameReader()
    >>> reader.feed(encode_frame({"id": 1}) + b"\\x00")
    [{'id': 1}]
    """

    def __init__(self, *, cap: int = FRAME_BYTES) -> None:
        self._cap = cap
        self._pending = bytearray()
        self._broken: WireError | None = None

    @property
    def broken(self) -> WireError | None:
        """Why nothing more can be read, or None while all is well."""
        return self._broken

    def feed(self, received: bytes) -> list[dict[str, object]]:
        """The frames completed by these bytes; raises `WireError` once the stream is broken."""
        frames: list[dict[str, object]] = []
        if self._broken is None:
            self._pending += received
            try:
                self._take_frames(frames)
            except WireError as error:
                self._broken = error
                self._pending = bytearray()
        if self._broken is not None and not frames:
            raise self._broken
        return frames

    def finish(self) -> None:
        """Say that the sender closed; raises `WireError` if it was broken or in mid-frame."""
        if self._broken is None and self._pending:
            self._broken = WireError("frame: the sender closed in the middle of a frame")
        if self._broken is not None:
            raise self._broken

    def _take_frames(self, frames: list[dict[str, object]]) -> None:
        start = 0
        try:
            while len(self._pending) - start >= _HEADER_BYTES:
                body = start + _HEADER_BYTES
                end = body + self._length_at(start)
                if len(self._pending) < end:
                    break
                frames.append(decode_body(self._pending[body:end]))
                start = end
        finally:
            del self._pending[:start]

    def _length_at(self, start: int) -> int:
        length = int.from_bytes(self._pending[start : start + _HEADER_BYTES], "big")
        if length > self._cap:
            raise WireError(f"frame: expected at most {self._cap} bytes, got {length}")
        return length


def send_frame(to: socket.socket | int, value: object, *, cap: int = FRAME_BYTES) -> None:
    """Write one frame to a blocking socket or descriptor, all of it."""
    frame = memoryview(encode_frame(value, cap=cap))
    descriptor = to if isinstance(to, int) else to.fileno()
    while frame:
        frame = frame[_write(descriptor, frame) :]


def receive_frame(
    source: socket.socket | int, *, cap: int = FRAME_BYTES
) -> dict[str, object] | None:
    """Read one frame from a blocking socket or descriptor; None at a clean end."""
    descriptor = source if isinstance(source, int) else source.fileno()
    header = _read_exactly(descriptor, _HEADER_BYTES)
    if not header:
        return None
    length = _from_bytes(header, "big")
    if length > cap:
        raise WireError(f"frame: expected at most {cap} bytes, got {length}")
    body = _read_exactly(descriptor, length)
    if len(header) < _HEADER_BYTES or len(body) < length:
        raise WireError("frame: the sender closed in the middle of a frame")
    return decode_body(body)


def _read_exactly(descriptor: int, n_bytes: int) -> bytearray:
    received = bytearray()
    while len(received) < n_bytes:
        chunk = _read(descriptor, min(n_bytes - len(received), 1 << 16))
        if not chunk:
            break
        received += chunk
    return received


def readable(claim: object, *, limit: int = 500) -> str:
    """A text a child claims, safe to store and print: no controls, no surrogates, cut at `limit`.

    >>> readable("bad \\ud800\\x1b[31m"), readable(["no text"])
    ('bad \\\\ud800[31m', '')
    """
    if type(claim) is not str:
        return ""
    return claim[:limit].encode("utf-8", "backslashreplace").decode().translate(_NOT_PRINTED)
