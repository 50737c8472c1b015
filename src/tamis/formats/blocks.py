"""Looks at all bytes of a file once, block by block, on a few threads: reading and counting free the interpreter."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import numpy as np
import xxhash

BLOCK_BYTES = 1 << 22
_NEWLINE = 10
_N_THREADS = 4


class Block(msgspec.Struct, frozen=True):
    """What one block of `BLOCK_BYTES` holds: the xxh3-64 of its bytes, and how many lines end in it."""

    digest: bytes
    n_line_ends: int


def look_at(path: Path, n_bytes: int) -> list[Block]:
    """The blocks of a file, in order. Raises: OSError when it cannot be read whole."""

    def block(start: int) -> Block:
        held = bytes_at(path, start, min(start + BLOCK_BYTES, n_bytes))
        n_line_ends = int(np.count_nonzero(np.frombuffer(held, np.uint8) == _NEWLINE))
        return Block(xxhash.xxh3_64_digest(held), n_line_ends)

    starts = range(0, n_bytes, BLOCK_BYTES)
    if len(starts) <= 1:
        return [block(start) for start in starts]
    with ThreadPoolExecutor(_N_THREADS) as threads:
        return list(threads.map(block, starts))


def bytes_at(path: Path, start: int, end: int) -> bytearray:
    """The bytes from `start` to `end`. Raises: OSError when the file ends before."""
    held = bytearray(end - start)
    with path.open("rb") as stream:
        stream.seek(start)
        n_read = stream.readinto(held)
    if n_read < len(held):
        raise OSError(f"ends {len(held) - n_read} bytes early: is it still being written?")
    return held
