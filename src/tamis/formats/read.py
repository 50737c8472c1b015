"""Reads ranges of sources into batches of canonical rows, exactly, and says which rows cannot be read.

`read = parsed + unreadable`: every line that is not blank is one or the other.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
import xxhash

from tamis.errors import RowError
from tamis.formats import exact
from tamis.formats.base import Bulk, Format, Range, ReadBatch
from tamis.formats.columns import RowColumns
from tamis.formats.registry import get_format
from tamis.formats.rows import RawRows, raw_rows
from tamis.schema import UNREADABLE

BATCH_BYTES = 8 << 20
KEPT_BYTES = 64 << 10


def read_range(
    part: Range,
    format_name: str,
    *,
    renames: Mapping[int, str] | None = None,
    batch_bytes: int = BATCH_BYTES,
) -> Iterator[ReadBatch]:
    """The rows of a range in order, in batches of about `batch_bytes` of input.

    Ids are `name:key` by the row's own key, else `name:line`; `renames` gives a line another id.
    The result does not depend on `batch_bytes` but for where batches end.
    Raises: InputError for an unknown format or a file that is gone.
    """
    form = get_format(format_name)
    bulk = None if form.bulk is None else form.bulk()
    for rows in raw_rows(part, batch_bytes):
        with _collector_off():
            batch = _read_batch(part, form, bulk, rows, renames or {})
        yield batch


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


def _read_batch(
    part: Range, form: Format, bulk: Bulk | None, rows: RawRows, renames: Mapping[int, str]
) -> ReadBatch:
    columns = RowColumns(form.kind)
    refused: list[tuple[int, str]] = []
    typed: list[Any] = [None] * len(rows.lines)
    if bulk is not None and rows.lines:
        typed = _typed_rows(bulk, rows)
    pending: list[Any] = []
    for place, row in enumerate(typed):
        if row is not None:
            pending.append(row)
            continue
        if pending and bulk is not None:
            bulk.extend(columns, pending)
            pending = []
        reason = _read_exactly(form, rows.lines[place], columns)
        if reason is not None:
            refused.append((place, reason))
    if pending and bulk is not None:
        bulk.extend(columns, pending)
    return _finish(part, form, columns, rows, refused, renames=renames)


def _typed_rows(bulk: Bulk, rows: RawRows) -> list[Any]:
    if rows.is_utf8:
        return bulk.decode(rows.lines)
    # carried texts are not looked at by the typed decoder, so only whole UTF-8 lines go there
    good = [place for place, line in enumerate(rows.lines) if exact.is_utf8(line)]
    typed: list[Any] = [None] * len(rows.lines)
    for place, row in zip(good, bulk.decode([rows.lines[place] for place in good]), strict=True):
        typed[place] = row
    return typed


def _read_exactly(form: Format, line: bytes, columns: RowColumns) -> str | None:
    """Append one row by the exact reader; the reason when it cannot be read."""
    try:
        members = exact.open_row(line)
        key = exact.own_key(members)
        record = form.parse(members)
    except RowError as error:
        return str(error)
    columns.append(record, key)
    return None


def _finish(
    part: Range,
    form: Format,
    columns: RowColumns,
    rows: RawRows,
    refused: list[tuple[int, str]],
    *,
    renames: Mapping[int, str],
) -> ReadBatch:
    bad = {place for place, _ in refused}
    good = [place for place in range(len(rows.lines)) if place not in bad] if bad else None
    kept = rows if good is None else rows.take(good)
    prefix = f"{part.source}:"
    ids = [
        prefix + (str(line) if key is None else key)
        for line, key in zip(kept.numbers, columns.keys, strict=True)
    ]
    if renames:
        ids = [renames.get(line, id_) for line, id_ in zip(kept.numbers, ids, strict=True)]
    head = {
        "id": ids,
        "source": [part.source] * len(ids),
        "line": kept.numbers,
        "offset": kept.offsets,
        "length": None if kept.offsets is None else [len(line) for line in kept.lines],
        "content_hash": [xxhash.xxh3_64_intdigest(line) for line in kept.lines],
        "format": [form.name] * len(ids),
        "edited": [False] * len(ids),
    }
    if kept.offsets is None:
        head["offset"] = head["length"] = [None] * len(ids)
    own = np.array(
        [
            0 if key is None else xxhash.xxh3_64_intdigest(id_.encode()) or 1
            for key, id_ in zip(columns.keys, ids, strict=True)
        ],
        dtype=np.uint64,
    )
    return ReadBatch(
        rows=columns.batch(head), unreadable=_unreadable(part, rows, refused), own_keys=own
    )


def _unreadable(part: Range, rows: RawRows, refused: list[tuple[int, str]]) -> pa.RecordBatch:
    places = [place for place, _ in refused]
    values: dict[str, list[Any]] = {
        "file": [part.source] * len(places),
        "line": [rows.numbers[place] for place in places],
        "byte_offset": [None if rows.offsets is None else rows.offsets[place] for place in places],
        "length": [len(rows.lines[place]) for place in places],
        "reason": [reason for _, reason in refused],
        "bytes": [rows.lines[place][:KEPT_BYTES] for place in places],
    }
    return pa.RecordBatch.from_arrays(
        [pa.array(values[field.name], field.type) for field in UNREADABLE], schema=UNREADABLE
    )
