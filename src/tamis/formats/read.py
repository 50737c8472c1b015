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
# rows are decoded in steps that stay in the processor's cache
STEP_BYTES = 512 << 10
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
    batch = Batch(part, form)
    for rows in raw_rows(part, min(STEP_BYTES, batch_bytes)):
        with _collector_off():
            read_step(batch, bulk, rows)
        if batch.n_bytes >= batch_bytes:
            yield batch.finish(renames or {})
            batch = Batch(part, form)
    if batch.has_rows:
        yield batch.finish(renames or {})


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


class Batch:
    """Rows on their way into one ReadBatch."""

    def __init__(self, part: Range, form: Format) -> None:
        self.part = part
        self.form = form
        self.columns = RowColumns(form.kind)
        self.n_bytes = 0
        self.has_rows = False
        self.numbers: list[int] = []
        self.offsets: list[int | None] = []
        self.lengths: list[int | None] = []
        self.hashes: list[int] = []
        self.refused: dict[str, list[Any]] = {field.name: [] for field in UNREADABLE}

    def refuse(self, line: bytes, number: int, offset: int | None, reason: str) -> None:
        """Keep a row that cannot be read, with why."""
        values = (self.part.source, number, offset, len(line), reason, line[:KEPT_BYTES])
        for kept, value in zip(self.refused.values(), values, strict=True):
            kept.append(value)

    def place(self, rows: RawRows) -> None:
        """Note where the rows that were read lie; `columns` has their values."""
        self.numbers += rows.numbers
        self.hashes += map(xxhash.xxh3_64_intdigest, rows.lines)
        if rows.offsets is None:
            self.offsets += [None] * len(rows.lines)
            self.lengths += [None] * len(rows.lines)
        else:
            self.offsets += rows.offsets
            self.lengths += map(len, rows.lines)

    def finish(self, renames: Mapping[int, str]) -> ReadBatch:
        """The batch; `renames` gives a line another id, which is then not its own."""
        prefix = f"{self.part.source}:"
        keys = self.columns.keys
        ids = [
            prefix + (str(line) if key is None else key)
            for line, key in zip(self.numbers, keys, strict=True)
        ]
        own = np.zeros(len(ids), dtype=np.uint64)
        if keys.count(None) != len(keys):
            own[:] = [
                0 if key is None else xxhash.xxh3_64_intdigest(id_.encode()) or 1
                for key, id_ in zip(keys, ids, strict=True)
            ]
        for place, line in enumerate(self.numbers if renames else ()):
            if line in renames:
                ids[place], own[place] = renames[line], 0
        head = {
            "id": ids,
            "source": pa.repeat(self.part.source, len(ids)),
            "line": self.numbers,
            "offset": self.offsets,
            "length": self.lengths,
            "content_hash": self.hashes,
            "format": pa.repeat(self.form.name, len(ids)),
            "edited": pa.repeat(False, len(ids)),
        }
        unreadable = [pa.array(self.refused[field.name], field.type) for field in UNREADABLE]
        return ReadBatch(
            rows=self.columns.batch(head),
            unreadable=pa.RecordBatch.from_arrays(unreadable, schema=UNREADABLE),
            own_keys=own,
        )


def read_step(batch: Batch, bulk: Bulk | None, rows: RawRows) -> None:
    """Append some rows: runs of ordinary ones in bulk, the others one by one."""
    typed = [None] * len(rows.lines) if bulk is None else bulk.decode(rows.lines)
    pending: list[Any] = []
    good: list[int] = []
    for place, row in enumerate(typed):
        if row is not None:
            pending.append(row)
            good.append(place)
            continue
        if bulk is not None and pending:
            bulk.extend(batch.columns, pending)
            pending = []
        reason = _read_exactly(batch.form, rows.lines[place], batch.columns)
        if reason is None:
            good.append(place)
        else:
            offset = None if rows.offsets is None else rows.offsets[place]
            batch.refuse(rows.lines[place], rows.numbers[place], offset, reason)
    if bulk is not None and pending:
        bulk.extend(batch.columns, pending)
    batch.place(rows if len(good) == len(typed) else rows.take(good))
    batch.n_bytes += sum(map(len, rows.lines))
    batch.has_rows = True


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
