"""Keeps what takes long to compile: beside the package, as Python keeps bytecode and numba machine code."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import tempfile
from pathlib import Path

_DIGEST_BYTES = 32


@functools.cache
def folder() -> Path | None:
    """Where compiled things may be kept, or None where nothing can be written."""
    place = Path(__file__).parent / "__pycache__"
    try:
        place.mkdir(exist_ok=True)
    except OSError:
        return None
    return place if os.access(place, os.W_OK) else None


def read(name: str) -> bytes | None:
    """What was kept under this name, or None; a damaged file counts as none."""
    place = folder()
    try:
        kept = b"" if place is None else (place / name).read_bytes()
    except OSError:
        return None
    digest, content = kept[:_DIGEST_BYTES], kept[_DIGEST_BYTES:]
    return content if digest == hashlib.sha256(content).digest() else None


def keep(name: str, content: bytes) -> None:
    """Keep something under a name that says all it was made from; where that fails, it is made again."""
    place = folder()
    if place is None:
        return
    with contextlib.suppress(OSError):
        handle, temporary = tempfile.mkstemp(dir=place, prefix=f".{name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(content).digest() + content)
            os.replace(temporary, place / name)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise
