"""Cuts sources into ranges at row boundaries, the same ranges whoever reads them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tamis.errors import InputError
from tamis.formats.arrays import iter_elements
from tamis.formats.base import Range, Source

TARGET_BYTES = 16 << 20
PARQUET_ROWS = 16384
_BLOCK = 1 << 22


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
        )
        for index, (start, end, first_line) in enumerate(cuts)
    ]


def _line_cuts(source: Source, target_bytes: int) -> Iterator[tuple[int, int, int]]:
    """(start, end, first line): each range ends behind the first line end past its target size."""
    start = place = 0
    first_line = line = 1
    with Path(source.path).open("rb") as stream:
        while block := stream.read(_BLOCK):
            base = 0
            while (wanted := start + target_bytes - place) < len(block):
                newline = block.find(b"\n", max(wanted - 1, base))
                if newline < 0:
                    break
                line += block.count(b"\n", base, newline + 1)
                base = newline + 1
                yield start, place + base, first_line
                start, first_line = place + base, line
            line += block.count(b"\n", base)
            place += len(block)
    if place > start:
        yield start, place, first_line


def _array_cuts(source: Source, target_bytes: int) -> Iterator[tuple[int, int, int]]:
    start: int | None = None
    first_line = 1
    stop = 0
    for place, (element_start, element_end) in enumerate(iter_elements(source.path), 1):
        if start is None:
            start, first_line = element_start, place
        stop = element_end
        if stop - start >= target_bytes:
            yield start, stop, first_line
            start = None
    if start is not None:
        yield start, stop, first_line


def _parquet_cuts(source: Source) -> Iterator[tuple[int, int, int]]:
    try:
        n_rows = pq.read_metadata(source.path).num_rows
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{source.name}: expected a Parquet file, got: {error}") from error
    for start in range(0, n_rows, PARQUET_ROWS):
        yield start, min(start + PARQUET_ROWS, n_rows), start + 1
