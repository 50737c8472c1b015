"""The raw rows of a range: their bytes, where they lie, and their numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tamis.errors import InputError
from tamis.formats.arrays import Element, elements_within
from tamis.formats.base import Range

_BOM = b"\xef\xbb\xbf"
_NEWLINE = 10
_SPACE = b" \t\r"


class RawRows(msgspec.Struct, frozen=True):
    """Some rows as bytes, without those that are blank.

    numbers: line, array element or Parquet row of each, from 1; offsets: bytes into the source, None
    for Parquet.
    """

    lines: list[bytes]
    numbers: list[int]
    offsets: list[int] | None

    def take(self, places: Sequence[int]) -> RawRows:
        """Some of the rows."""
        return RawRows(
            lines=[self.lines[place] for place in places],
            numbers=[self.numbers[place] for place in places],
            offsets=None if self.offsets is None else [self.offsets[place] for place in places],
        )


def raw_rows(part: Range, batch_bytes: int) -> Iterator[RawRows]:
    """The rows of a range, about `batch_bytes` at a time, a single longer row alone."""
    try:
        if part.container == "parquet":
            yield from _parquet_rows(part, batch_bytes)
        elif part.container == "array":
            yield from _array_rows(part, batch_bytes)
        else:
            yield from _line_rows(part, batch_bytes)
    except OSError as error:
        raise InputError(f"{part.path}: cannot be read: {error.strerror or error}") from error


def _line_rows(part: Range, batch_bytes: int) -> Iterator[RawRows]:
    place, number = part.start, part.first_line
    with Path(part.path).open("rb") as stream:
        stream.seek(place)
        while place < part.end:
            block = stream.read(min(batch_bytes, part.end - place))
            if not block:
                return
            if place + len(block) < part.end and not block.endswith(b"\n"):
                block += stream.readline()
            rows = _block_rows(block, place, number)
            if rows.lines:
                yield rows
            number += block.count(b"\n")
            place += len(block)


def _block_rows(block: bytes, place: int, number: int) -> RawRows:
    # numpy finds line ends five times as fast as bytes.split (CPython 3.11)
    ends = np.flatnonzero(np.frombuffer(block, dtype=np.uint8) == _NEWLINE)
    if not block.endswith(b"\n"):
        ends = np.append(ends, len(block))
    starts = np.concatenate([[0], ends[:-1] + 1])
    lines = [block[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    offsets = (starts + place).tolist()
    if place == 0 and block.startswith(_BOM):
        lines[0], offsets[0] = lines[0][len(_BOM) :], len(_BOM)
    rows = RawRows(
        lines=lines,
        numbers=list(range(number, number + len(lines))),
        offsets=offsets,
    )
    filled = [at for at, line in enumerate(lines) if line.strip(_SPACE)]
    return rows if len(filled) == len(lines) else rows.take(filled)


def _array_rows(part: Range, batch_bytes: int) -> Iterator[RawRows]:
    with Path(part.path).open("rb") as stream:
        stream.seek(part.start)
        block = stream.read(part.end - part.start)
    if part.is_one_row:
        yield RawRows(lines=[block], numbers=[part.first_line], offsets=[part.start])
        return
    pending: list[Element] = []
    number = part.first_line
    for element in elements_within(block, part.start):
        pending.append(element)
        if element.end - pending[0].start >= batch_bytes:
            yield _element_rows(block, pending, part.start, number)
            number += len(pending)
            pending = []
    if pending:
        yield _element_rows(block, pending, part.start, number)


def _element_rows(block: bytes, elements: Sequence[Element], base: int, number: int) -> RawRows:
    return RawRows(
        lines=[block[element.start - base : element.end - base] for element in elements],
        numbers=list(range(number, number + len(elements))),
        offsets=[element.start for element in elements],
    )


def _parquet_rows(part: Range, batch_bytes: int) -> Iterator[RawRows]:
    try:
        file = pq.ParquetFile(part.path)
        number = 1
        for batch in file.iter_batches(batch_size=1024):
            first, last = max(part.start + 1, number), min(part.end + 1, number + len(batch))
            if first < last:
                piece = batch.slice(first - number, last - first)
                lines = [msgspec.json.encode(_without_nulls(row)) for row in piece.to_pylist()]
                yield RawRows(lines=lines, numbers=list(range(first, last)), offsets=None)
            number += len(batch)
    except pa.ArrowInvalid as error:
        raise InputError(f"{part.path}: expected a Parquet file, got: {error}") from error


def _without_nulls(value: Any) -> Any:
    """Parquet has one struct for all rows: a null there is an absent key, but for `content`."""
    if isinstance(value, dict):
        return {
            key: _without_nulls(inner)
            for key, inner in value.items()
            if inner is not None or key == "content"
        }
    if isinstance(value, list):
        return [_without_nulls(inner) for inner in value]
    return value
