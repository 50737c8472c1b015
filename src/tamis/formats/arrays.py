"""Finds the elements of a JSON array in a file of any size, without reading them as JSON.

One pass with a little state (are we in a string, how deep), in bounded memory. Bytes between commas
at the array's own level are an element, whatever they hold: the reader judges them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

_BLOCK = 1 << 22
_BOM = b"\xef\xbb\xbf"
_SPACE = b" \t\r\n"
# everything that can change the state: a quote, a bracket, a comma
_STRING_END = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_KEPT = b'"\\{}[],'


class _State(msgspec.Struct):
    depth: int = 0
    in_string: bool = False
    escaped: bool = False
    closed: bool = False


def iter_elements(path: str) -> Iterator[tuple[int, int]]:
    """(start, end) bytes of each element, blanks around it left out.

    An array that is not closed ends with an empty element at the end of the file; bytes behind its
    closing bracket are one more element. Both are for the reader to refuse.
    """
    with Path(path).open("rb") as stream:
        data = stream.read()
    yield from scan(data, 0)


def scan(data: bytes, base: int) -> Iterator[tuple[int, int]]:
    """(start, end) of each element of a whole array held in memory, shifted by `base`."""
    place = data.index(b"[") + 1
    depth = 1
    start = place
    for match in _TOKEN.finditer(data, place):
        byte = match.group()[:1]
        if byte == b'"':
            continue
        if byte in b"[{":
            depth += 1
        elif byte in b"]}":
            depth -= 1
            if depth == 0:
                yield from _trimmed(data, start, match.start(), base, last=True)
                tail = data[match.end() :].strip(_SPACE)
                if tail:
                    yield from _trimmed(data, match.end(), len(data), base, last=False)
                return
        elif depth == 1:
            yield from _trimmed(data, start, match.start(), base, last=False)
            start = match.end()
    yield from _trimmed(data, start, len(data), base, last=True)
    yield base + len(data), base + len(data)


_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\Z)|[\[\]{},]', re.DOTALL)


def _trimmed(
    data: bytes, start: int, end: int, base: int, *, last: bool
) -> Iterator[tuple[int, int]]:
    piece = data[start:end]
    left = len(piece) - len(piece.lstrip(_SPACE))
    right = len(piece.rstrip(_SPACE))
    if right > left:
        yield base + start + left, base + start + right
    elif not last:
        yield base + start, base + start
