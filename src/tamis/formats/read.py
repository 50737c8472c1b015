"""Reads ranges of sources into batches of canonical rows, exactly, and says which rows cannot be read.

`read = parsed + unreadable`: every line that is not blank is one or the other. A block of rows goes
through the compiled scanner first, where the format has a layout for it; the rows that it finds not
simple, and all rows of a small block, are read by the exact reader. Both give the same.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from tamis.errors import RowError
from tamis.formats import exact
from tamis.formats.base import Format, Range, ReadBatch
from tamis.formats.columns import RowColumns
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
    format_name: str,
    *,
    renames: Mapping[int, str] | None = None,
    batch_bytes: int = BATCH_BYTES,
    scan_bytes: int = SCAN_BYTES,
) -> Iterator[ReadBatch]:
    """The rows of a range in order, in batches of about `batch_bytes` of input.

    Ids are `name:key` by the row's own key, else `name:line`; `renames` gives a line another id.
    The result depends neither on `batch_bytes`, but for where batches end, nor on `scan_bytes`, the
    least size of a batch that the compiled scanner sees.
    Raises: InputError for an unknown format or a file that is gone.
    """
    form = get_format(format_name)
    for rows in raw_rows(part, batch_bytes):
        block = form if scan_bytes <= rows.n_bytes <= _MOST_SCAN_BYTES else _without_layout(form)
        yield read_rows(rows, part.source, block, renames or {})


def _without_layout(form: Format) -> Format:
    return msgspec.structs.replace(form, layout=None)


class _Read(NamedTuple):
    """Rows that were read, in order: their places in the block, ids, own keys, and columns."""

    places: npt.NDArray[np.int64]
    ids: pa.StringArray
    own_keys: npt.NDArray[np.uint64]
    columns: dict[str, pa.Array]


def read_rows(rows: RawRows, source: str, form: Format, renames: Mapping[int, str]) -> ReadBatch:
    """One batch of some rows; without a layout, every row goes through the exact reader."""
    if form.layout is None:
        left = np.arange(len(rows))
        parts = []
    else:
        scanned = scan(rows, form.layout, source)
        left = np.flatnonzero(~scanned.is_simple)
        simple = np.flatnonzero(scanned.is_simple)
        parts = [_Read(simple, scanned.ids, scanned.own_keys, scanned.columns)]
    refused: dict[int, str] = {}
    if len(left) or not parts:
        parts.append(_read_exactly(rows, left.tolist(), form, source, refused))
    read = _in_order([part for part in parts if len(part.places)] or parts[-1:])
    ids, own_keys = _renamed(read, rows.numbers, renames)
    head = _head(rows, read.places, source, form.name) | {"id": ids}
    columns = head | read.columns | {"parents": _no_parents(len(ids))}
    schema = ROWS[form.kind]
    return ReadBatch(
        rows=pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema),
        unreadable=_unreadable(rows, refused, source),
        own_keys=own_keys,
    )


def _read_exactly(
    rows: RawRows, places: list[int], form: Format, source: str, refused: dict[int, str]
) -> _Read:
    """Read rows one by one; those that cannot be read go to `refused`, with why."""
    columns = RowColumns(form.kind)
    good = []
    with _collector_off():
        for place in places:
            try:
                members = exact.open_row(rows.line(place))
                key = exact.own_key(members)
                columns.append(form.parse(members), key)
            except RowError as error:
                refused[place] = str(error)
            else:
                good.append(place)
    numbers = rows.numbers[good].tolist()
    ids = [
        f"{source}:{line if key is None else key}"
        for line, key in zip(numbers, columns.keys, strict=True)
    ]
    own_keys = [
        0 if key is None else xxhash.xxh3_64_intdigest(id_.encode()) or 1
        for key, id_ in zip(columns.keys, ids, strict=True)
    ]
    return _Read(
        np.array(good, np.int64),
        pa.array(ids, pa.string()),
        np.array(own_keys, np.uint64),
        columns.arrays(),
    )


@contextmanager
def _collector_off() -> Iterator[None]:
    # a batch makes very many objects and no cycles; collecting meanwhile costs a third of the time
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _in_order(parts: list[_Read]) -> _Read:
    """What two readers read of one block, in the order of the block."""
    if len(parts) == 1:
        return parts[0]
    places = np.concatenate([part.places for part in parts])
    order = np.argsort(places)
    take = pa.array(order)
    return _Read(
        places[order],
        pa.concat_arrays([part.ids for part in parts]).take(take),
        np.concatenate([part.own_keys for part in parts])[order],
        {
            name: pa.concat_arrays([part.columns[name] for part in parts]).take(take)
            for name in parts[0].columns
        },
    )


def _renamed(
    read: _Read, numbers: npt.NDArray[np.int64], renames: Mapping[int, str]
) -> tuple[pa.StringArray, npt.NDArray[np.uint64]]:
    """Ids and own keys; a line that gets another id has no key of its own then."""
    lines = numbers[read.places]
    wanted = np.flatnonzero(np.isin(lines, list(renames))) if renames else ()
    if not len(wanted):
        return read.ids, read.own_keys
    ids, own_keys = read.ids.to_pylist(), read.own_keys.copy()
    for place in wanted:
        ids[place], own_keys[place] = renames[int(lines[place])], 0
    return pa.array(ids, pa.string()), own_keys


def _head(
    rows: RawRows, places: npt.NDArray[np.int64], source: str, format_name: str
) -> dict[str, pa.Array]:
    """Who the rows are and where they lie; the id apart."""
    n = len(places)
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
        "format": pa.repeat(format_name, n),
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
