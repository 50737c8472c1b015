"""What passes between the parent and a fork server: start, go on, cut short, and how a run ended.

The fork server never reads a job: an order holds limits, the descriptors of the run travel beside it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

RUN, ASK_CPU, KILL = b"R", b"C", b"K"
CPU, ENDED, REFUSED = b"c", b"e", b"f"

_ORDER = struct.Struct("!cBBIQQII")
_REPLY = struct.Struct("!cidI")
ORDER_BYTES = _ORDER.size
REPLY_BYTES = _REPLY.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One run: which descriptors come with it, and its limits in the kernel's units.

    The job socket comes first, then the peer socket, then stdin, stdout and stderr.
    """

    has_peer: bool
    has_streams: bool
    cpu_s: int
    memory_bytes: int
    file_bytes: int
    threads: int
    files: int

    def packed(self) -> bytes:
        """The order as bytes of a fixed length."""
        return _ORDER.pack(
            RUN,
            self.has_peer,
            self.has_streams,
            self.cpu_s,
            self.memory_bytes,
            self.file_bytes,
            self.threads,
            self.files,
        )


def read_order(packed: bytes) -> Order:
    """The order behind `packed`."""
    _, peer, streams, cpu, memory, size, threads, files = _ORDER.unpack(packed)
    return Order(
        has_peer=bool(peer),
        has_streams=bool(streams),
        cpu_s=cpu,
        memory_bytes=memory,
        file_bytes=size,
        threads=threads,
        files=files,
    )


@dataclass(frozen=True, slots=True)
class Reply:
    """What a fork server says: `kind` is CPU, ENDED or REFUSED.

    `code` is the wait status of an ended run, or the errno of a refused one; `cpu_s` is CPU time so far;
    `peak_kib` the largest resident memory.
    """

    kind: bytes
    code: int = 0
    cpu_s: float = 0.0
    peak_kib: int = 0

    def packed(self) -> bytes:
        """The reply as bytes of a fixed length."""
        return _REPLY.pack(self.kind, self.code, self.cpu_s, self.peak_kib)


def read_reply(packed: bytes) -> Reply:
    """The reply behind `packed`."""
    return Reply(*_REPLY.unpack(packed))
