"""Cuts sources into ranges at row boundaries, the same ranges whoever reads them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tamis.errors import InputError
from tamis.formats.arrays import iter_elements
from tamis.formats.base import Range, Source
from tamis.formats.blocks import BLOCK_BYTES, bytes_at

TARGET_BYTES = 16 << 20
PARQUET_ROWS = 16384
_LOOK_BYTES = 1 << 16
# start, end, first line, whether all of it is one row
_Cut = tuple[int, int, int, bool]


def split(source: Source, target_bytes: int = TARGET_BYTES) -> list[Range]:
    """Ranges of about `target_bytes`, in order, covering every row once; none for an empty source."""
    if source.container == "parquet":
        cuts = _parquet_cuts(source)
    elif source.container == "array":
        cuts = _array_cuts(source, target_bytes)
    else:
        cuts = _line_cuts(source, target_bytes)
    return [
        Range(
            source=source.name,
            path=source.path,
            container=source.container,
            index=index,
            start=start,
            end=end,
            first_line=first_line,
            is_one_row=is_one_row,
        )
        for index, (start, end, first_line, is_one_row) in enumerate(cuts)
    ]


def _line_cuts(source: Source, target_bytes: int) -> Iterator[_Cut]:
    """A range ends behind the first line end at or past each multiple of the target size."""
    start, first_line = 0, 1
    before = [0, *accumulate(source.line_ends)]
    for wanted in range(target_bytes, source.bytes, target_bytes):
        if wanted < start:
            continue
        cut = _behind_line(source, wanted)
        if cut >= source.bytes:
            break
        yield start, cut, first_line, False
        block = cut // BLOCK_BYTES
        n_here = bytes_at(Path(source.path), block * BLOCK_BYTES, cut).count(b"\n")
        start, first_line = cut, 1 + before[block] + n_here
    if source.bytes > start:
        yield start, source.bytes, first_line, False


def _behind_line(source: Source, place: int) -> int:
    """Where the line that holds the byte at `place` has ended."""
    while place < source.bytes:
        end = min(place + _LOOK_BYTES, source.bytes)
        found = bytes_at(Path(source.path), place, end).find(b"\n")
        if found >= 0:
            return place + found + 1
        place = end
    return place


def _array_cuts(source: Source, target_bytes: int) -> Iterator[_Cut]:
    start: int | None = None
    first_line = 1
    stop = 0
    for place, element in enumerate(iter_elements(source.path), 1):
        if element.odd:
            if start is not None:
                yield start, stop, first_line, False
                start = None
            yield element.start, element.end, place, True
            continue
        if start is None:
            start, first_line = element.start, place
        stop = element.end
        if stop - start >= target_bytes:
            yield start, stop, first_line, False
            start = None
    if start is not None:
        yield start, stop, first_line, False


def _parquet_cuts(source: Source) -> Iterator[_Cut]:
    try:
        n_rows = pq.read_metadata(source.path).num_rows
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{source.name}: expected a Parquet file, got: {error}") from error
    for start in range(0, n_rows, PARQUET_ROWS):
        yield start, min(start + PARQUET_ROWS, n_rows), start + 1, False
