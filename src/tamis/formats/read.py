"""Reads ranges of sources into batches of canonical rows, exactly, and says which rows cannot be read.

Every line that is not blank is read or unreadable. A block of rows goes through the compiled scanner
first, where the format has a layout for it; the rows that it finds not simple, and all rows of a small
block, are read one by one. Both give the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from tamis.formats.base import Range, ReadBatch, Reading
from tamis.formats.companions import companion_rows
from tamis.formats.layout import Layout
from tamis.formats.one_by_one import Joined, Read, read_one_by_one
from tamis.formats.registry import get_format
from tamis.formats.rows import RawRows, raw_rows
from tamis.formats.scanned import scan
from tamis.schema import HEAD, ROWS, UNREADABLE

BATCH_BYTES = 8 << 20
# starting the compiled scanner takes longer than reading less
SCAN_BYTES = 1 << 20
# the scanner's places are 32-bit numbers
_MOST_SCAN_BYTES = 1 << 30
KEPT_BYTES = 64 << 10


def read_range(
    part: Range,
    reading: Reading,
    *,
    renames: Mapping[int, str] | None = None,
    batch_bytes: int = BATCH_BYTES,
    scan_bytes: int = SCAN_BYTES,
) -> Iterator[ReadBatch]:
    """The rows of a range in order, in batches of about `batch_bytes` of input.

    Ids are `name:key` by the row's own key, else `name:line`, and `/branch` behind it where one row
    holds several records; `renames` gives the ids of a line another ending.
    The result depends neither on `batch_bytes`, but for where batches end, nor on `scan_bytes`, the
    least size of a batch that the compiled scanner sees.
    Raises: InputError for an unknown format or a file that is gone.
    """
    layout = None if reading.is_mixed else get_format(reading.format).layout
    joined = companion_rows(reading.companions)
    for rows in raw_rows(part, batch_bytes):
        fits = scan_bytes <= rows.n_bytes <= _MOST_SCAN_BYTES
        block = _Block(rows=rows, source=part.source, layout=layout if fits else None)
        yield read_block(block, reading, joined=joined, renames=renames or {})


class _Block(msgspec.Struct, frozen=True, kw_only=True):
    """Some rows of a source; without a layout, every row is read by itself."""

    rows: RawRows
    source: str
    layout: Layout | None


def read_rows(rows: RawRows, source: str, reading: Reading, *, scanned: bool = True) -> ReadBatch:
    """One batch of some rows, through the scanner if the format has a layout and `scanned`."""
    layout = get_format(reading.format).layout if scanned else None
    return read_block(
        _Block(rows=rows, source=source, layout=layout), reading, joined={}, renames={}
    )


def read_block(
    block: _Block, reading: Reading, *, joined: Joined, renames: Mapping[int, str]
) -> ReadBatch:
    """One batch of some rows."""
    rows, source = block.rows, block.source
    kind = get_format(reading.format).kind
    left: npt.NDArray[np.int64] = np.arange(len(rows))
    parts = []
    if block.layout is not None:
        scanned = scan(rows, block.layout, source)
        left = np.flatnonzero(~scanned.is_simple)
        simple = np.flatnonzero(scanned.is_simple)
        formats = pa.repeat(reading.format, len(simple))
        parts = [Read(simple, scanned.ids, scanned.own_keys, formats, scanned.columns)]
    refused: dict[int, str] = {}
    if len(left) or not parts:
        exactly, refused = read_one_by_one(rows, left.tolist(), reading, source, joined)
        parts.append(exactly)
    read = _in_order([part for part in parts if len(part.places)] or parts[-1:])
    ids, own_keys = _renamed(read, rows.numbers, renames)
    head = _head(rows, read, source) | {"id": ids}
    columns = head | read.columns | {"parents": _no_parents(len(ids))}
    schema = ROWS[kind]
    return ReadBatch(
        rows=pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema),
        unreadable=_unreadable(rows, refused, source),
        own_keys=own_keys,
    )


def _in_order(parts: list[Read]) -> Read:
    """What two readers read of one block, in the order of the block."""
    if len(parts) == 1:
        return parts[0]
    places = np.concatenate([part.places for part in parts])
    order = np.argsort(places, kind="stable")
    take = pa.array(order)
    return Read(
        places[order],
        pa.concat_arrays([part.ids for part in parts]).take(take),
        np.concatenate([part.own_keys for part in parts])[order],
        pa.concat_arrays([part.formats for part in parts]).take(take),
        {
            name: pa.concat_arrays([part.columns[name] for part in parts]).take(take)
            for name in parts[0].columns
        },
    )


def _renamed(
    read: Read, numbers: npt.NDArray[np.int64], renames: Mapping[int, str]
) -> tuple[pa.StringArray, npt.NDArray[np.uint64]]:
    """Ids and own keys; rows of a line that gets other ids have no key of their own then."""
    lines = numbers[read.places]
    wanted = np.flatnonzero(np.isin(lines, list(renames))) if renames else ()
    if not len(wanted):
        return read.ids, read.own_keys
    ids, own_keys = read.ids.to_pylist(), read.own_keys.copy()
    for place in wanted:
        ids[place] += renames[int(lines[place])]
        own_keys[place] = 0
    return pa.array(ids, pa.string()), own_keys


def _head(rows: RawRows, read: Read, source: str) -> dict[str, pa.Array]:
    """Who the rows are and where they lie; the id apart."""
    places, n = read.places, len(read.places)
    starts, ends = rows.starts[places], rows.ends[places]
    view = rows.text.data
    hashes = [
        xxhash.xxh3_64_intdigest(view[start:end])
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    ]
    known = {
        "source": pa.repeat(source, n),
        "line": pa.array(rows.numbers[places]),
        "content_hash": pa.array(hashes, pa.uint64()),
        "format": read.formats,
        "edited": pa.repeat(False, n),
    }
    if rows.base is not None:
        known |= {"offset": pa.array(starts + rows.base), "length": pa.array(ends - starts)}
    return {field.name: known.get(field.name, pa.nulls(n, field.type)) for field in HEAD}


def _unreadable(rows: RawRows, refused: Mapping[int, str], source: str) -> pa.RecordBatch:
    found = []
    for place, reason in sorted(refused.items()):
        start, end = int(rows.starts[place]), int(rows.ends[place])
        offset = None if rows.base is None else rows.base + start
        kept = rows.text[start : min(end, start + KEPT_BYTES)].tobytes()
        found.append((source, int(rows.numbers[place]), offset, end - start, reason, kept))
    columns = zip(*found, strict=True) if found else [()] * len(UNREADABLE)
    arrays = [pa.array(list(c), f.type) for c, f in zip(columns, UNREADABLE, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=UNREADABLE)


def _no_parents(n_rows: int) -> pa.ListArray:
    # a row that was read has none
    offsets = pa.array(np.zeros(n_rows + 1, dtype=np.int32))
    return pa.ListArray.from_arrays(offsets, pa.array([], pa.string()))
