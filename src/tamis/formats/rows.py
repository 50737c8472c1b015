"""The raw rows of a range: their bytes, where they lie, and their numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from io import RawIOBase
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from tamis.errors import InputError
from tamis.formats.arrays import Element, elements_within
from tamis.formats.base import Range
from tamis.kernels.json_tables import PADDING

_BOM = b"\xef\xbb\xbf"
_NEWLINE, _BLANK = 10, 32
_PIECE = 1 << 18
_SPACE = b" \t\r"
_BLANKS = np.frombuffer(_SPACE, dtype=np.uint8)


class RawRows(msgspec.Struct, frozen=True):
    """Some rows as bytes, without those that are blank.

    text:    (n_bytes + PADDING,) uint8: the rows and what stands between them, then spaces
    starts, ends: (n_rows,) int64, bytes of `text`
    numbers: (n_rows,) int64, line, array element or Parquet row of each, from 1
    base:    where `text` starts in the source; None for Parquet and tables
    """

    text: npt.NDArray[np.uint8]
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    numbers: npt.NDArray[np.int64]
    base: int | None

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def n_bytes(self) -> int:
        """Bytes of all rows and of what stands between them."""
        return len(self.text) - PADDING

    def line(self, place: int) -> bytes:
        """The bytes of one row."""
        return self.text[self.starts[place] : self.ends[place]].tobytes()

    def where(self, mask: npt.NDArray[np.bool_]) -> RawRows:
        """Some of the rows."""
        return RawRows(
            text=self.text,
            starts=self.starts[mask],
            ends=self.ends[mask],
            numbers=self.numbers[mask],
            base=self.base,
        )

    def without_base(self) -> RawRows:
        """The same rows, as rows that have no bytes in their source."""
        return msgspec.structs.replace(self, base=None)


def rows_of(lines: Sequence[bytes], first_number: int, base: int | None) -> RawRows:
    """Rows from their bytes, one line each."""
    ends = np.cumsum([len(line) + 1 for line in lines], dtype=np.int64) - 1
    text = np.frombuffer(b"\n".join(lines) + b" " * PADDING, dtype=np.uint8)
    return RawRows(
        text=text,
        starts=np.concatenate([[0], ends[:-1] + 1]),
        ends=ends,
        numbers=np.arange(first_number, first_number + len(lines)),
        base=base,
    )


def raw_rows(part: Range, batch_bytes: int) -> Iterator[RawRows]:
    """The rows of a range, about `batch_bytes` at a time, a single longer row alone."""
    try:
        if part.container == "parquet":
            yield from _parquet_rows(part, batch_bytes)
        elif part.container == "array":
            yield from _array_rows(part, batch_bytes)
        else:
            for rows in _line_rows(part, batch_bytes):
                # the bytes of a table's row are those of its copy, not the author's
                yield rows if part.container == "jsonl" else rows.without_base()
    except OSError as error:
        raise InputError(f"{part.path}: cannot be read: {error.strerror or error}") from error


def _line_rows(part: Range, batch_bytes: int) -> Iterator[RawRows]:
    place, number = part.start, part.first_line
    size = batch_bytes
    with Path(part.path).open("rb", buffering=0) as stream:
        while place < part.end:
            stream.seek(place)
            # a little more at once, rather than a small rest
            left = part.end - place
            text = _read(stream, left if left <= size + size // 8 else size)
            ends = _line_ends(text[:-PADDING])
            n_bytes = len(text) - PADDING
            if not n_bytes:
                return
            if place + n_bytes < part.end:
                if not len(ends):
                    size *= 2  # a row longer than a batch
                    continue
                n_bytes = int(ends[-1]) + 1
                text = text[: n_bytes + PADDING]
                text[n_bytes:] = _BLANK
            elif not len(ends) or ends[-1] != n_bytes - 1:
                ends = np.append(ends, n_bytes)
            rows = _lines_of(text, ends, place, number)
            if len(rows):
                yield rows
            number += len(ends)
            place += n_bytes
            size = batch_bytes


def _read(stream: RawIOBase, size: int) -> npt.NDArray[np.uint8]:
    """The next bytes of a stream and `PADDING` behind them."""
    text = np.empty(size + PADDING, dtype=np.uint8)
    n_bytes = 0
    while n_bytes < size and (n_more := stream.readinto(text[n_bytes:size].data)):
        n_bytes += n_more
    text[n_bytes : n_bytes + PADDING] = _BLANK
    return text[: n_bytes + PADDING]


def _line_ends(text: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    # in pieces that stay in the processor's cache
    found = [
        np.flatnonzero(text[at : at + _PIECE] == _NEWLINE) + at
        for at in range(0, len(text), _PIECE)
    ]
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def _lines_of(
    text: npt.NDArray[np.uint8], ends: npt.NDArray[np.int64], place: int, number: int
) -> RawRows:
    starts = np.concatenate([[0], ends[:-1] + 1])
    if place == 0 and text[: len(_BOM)].tobytes() == _BOM:
        starts[0] = len(_BOM)
    rows = RawRows(
        text=text,
        starts=starts,
        ends=ends,
        numbers=np.arange(number, number + len(ends)),
        base=place,
    )
    # few rows start with a blank; whether they are nothing else takes a look at each
    may_be_blank = np.flatnonzero((starts >= ends) | np.isin(text[starts], _BLANKS))
    blank = [at for at in may_be_blank.tolist() if not rows.line(at).strip(_SPACE)]
    if not blank:
        return rows
    is_filled = np.ones(len(ends), dtype=np.bool_)
    is_filled[blank] = False
    return rows.where(is_filled)


def _array_rows(part: Range, batch_bytes: int) -> Iterator[RawRows]:
    with Path(part.path).open("rb") as stream:
        stream.seek(part.start)
        block = stream.read(part.end - part.start)
    if part.is_one_row:
        yield rows_of([block], part.first_line, part.start)
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
    first, last = elements[0].start, elements[-1].end
    text = np.empty(last - first + PADDING, dtype=np.uint8)
    text[:-PADDING] = np.frombuffer(block, np.uint8, last - first, first - base)
    text[-PADDING:] = _BLANK
    return RawRows(
        text=text,
        starts=np.array([element.start - first for element in elements], np.int64),
        ends=np.array([element.end - first for element in elements], np.int64),
        numbers=np.arange(number, number + len(elements)),
        base=first,
    )


def _parquet_rows(part: Range, batch_bytes: int) -> Iterator[RawRows]:
    try:
        file = pq.ParquetFile(part.path)
        number = 1
        for batch in file.iter_batches(batch_size=1024):
            first, last = max(part.start + 1, number), min(part.end + 1, number + len(batch))
            if first < last:
                piece = batch.slice(first - number, last - first)
                lines = [_as_json(_without_nulls(row)) for row in piece.to_pylist()]
                yield rows_of(lines, first, None)
            number += len(batch)
    except pa.ArrowInvalid as error:
        raise InputError(f"{part.path}: expected a Parquet file, got: {error}") from error


def _as_json(row: Any) -> bytes:
    line = msgspec.json.encode(row)
    if b"null" not in line:
        return line
    # msgspec writes an infinite number as null; the literal makes the row unreadable, by name
    return json.dumps(row, ensure_ascii=False, default=str).encode()


def _without_nulls(value: Any) -> Any:
    """Parquet has one struct for all rows: a null there is an absent key, but for `content`.

    So is a NaN, with which pandas says that a number is missing.
    """
    if isinstance(value, dict):
        return {
            key: _without_nulls(inner)
            for key, inner in value.items()
            if not _is_missing(inner) or key == "content"
        }
    if isinstance(value, list):
        return [_without_nulls(inner) for inner in value]
    return value


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
