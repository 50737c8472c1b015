"""One shard of a pass, from its rows to its files: what a worker process does.

A task is idempotent. Everything it writes lies under its own names in the pass folder, and the
done-marker is written last: a task with a marker is never run again, one without is run anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.dataset import read_batches, write_bytes
from tamis.engine.flow import advance
from tamis.engine.plan import Pass
from tamis.engine.sink import ShardSink
from tamis.formats.base import Range, Reading
from tamis.formats.read import read_range
from tamis.llm.types import Asker
from tamis.schema import ROWS


class FileRange(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of an outside file: a byte range and how it is read, up to a line of the file if one is given."""

    range: Range
    reading: Reading
    renames: dict[int, str] = {}
    last_line: int | None = None


class Shard(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of an Arrow shard: `limit` rows behind the first `skip`; all by default.

    `copies` names a .npy of (n_rows,) int32 if a Select chose among them.
    """

    path: str
    copies: str | None = None
    skip: int = 0
    limit: int | None = None


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One shard of a pass: where its rows come from and the folder its files go to."""

    index: int
    lane: Pass
    folder: str
    rows: FileRange | Shard

    @property
    def marker(self) -> Path:
        """The done-marker: a `TaskResult` as JSON."""
        return Path(self.folder) / "done" / f"{self.index:05d}.json"


class TaskResult(msgspec.Struct, kw_only=True):
    """What one task counted; the engine adds these up and never trusts anything else."""

    index: int
    parsed: int = 0
    unreadable: int = 0
    kept: int = 0
    dropped: int = 0
    copies: int = 0
    dropped_by: dict[str, int] = {}
    steps: dict[str, list[int]] = {}
    findings: dict[str, int] = {}
    formats: dict[str, int] = {}
    answered: int = 0
    has_own_keys: bool = False
    keyless: int = 0
    renamed: int = 0


def stored_result(task: Task) -> TaskResult | None:
    """The result of a task that already finished, or None."""
    try:
        return msgspec.json.decode(task.marker.read_bytes(), type=TaskResult)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def run_task(task: Task) -> TaskResult:
    """Run one task to its done-marker in this process (no step may ask a model)."""
    # without an event loop, which would hold back Ctrl-C: without a model no step ever waits
    work = run_task_async(task, None)
    try:
        work.send(None)
    except StopIteration as done:
        result: TaskResult = done.value
        return result
    raise AssertionError("a step without a model waited for something")


async def run_task_async(task: Task, llm: Asker | None) -> TaskResult:
    """Run one task to its done-marker; steps that ask a model use `llm`."""
    result = TaskResult(index=task.index)
    with ShardSink(Path(task.folder), task.index, task.lane, result) as sink:
        for batch in _rows(task, sink, result):
            await advance(batch, task.lane, sink, llm)
    write_bytes(task.marker, msgspec.json.encode(result))
    return result


def _rows(task: Task, sink: ShardSink, result: TaskResult) -> Iterator[pa.RecordBatch]:
    if isinstance(task.rows, Shard):
        yield from _shard_rows(task.rows, result)
        return
    result.renamed = len(task.rows.renames)
    last_line = task.rows.last_line
    columns = ROWS[task.lane.kind].names
    for read in read_range(task.rows.range, task.rows.reading, renames=task.rows.renames):
        rows, keys, unreadable = read.rows, read.own_keys, read.unreadable
        is_last = last_line is not None and _last(rows, unreadable) >= last_line
        if is_last:
            wanted = rows.column("line").to_numpy() <= last_line
            rows, keys = rows.filter(pa.array(wanted)), keys[wanted]
            unreadable = unreadable.filter(
                pa.array(unreadable.column("line").to_numpy() <= last_line)
            )
        sink.unreadable(unreadable)
        sink.head(rows, keys)
        result.parsed += rows.num_rows
        _count_formats(rows, result)
        if task.rows.reading.companions:
            answers = pc.struct_field(rows.column("reference"), "answer")
            result.answered += len(answers) - answers.null_count
        yield rows.select(columns)
        if is_last:
            return


def _count_formats(rows: pa.RecordBatch, result: TaskResult) -> None:
    for one in pc.value_counts(rows.column("format")).to_pylist():
        result.formats[one["values"]] = result.formats.get(one["values"], 0) + one["counts"]


def _last(rows: pa.RecordBatch, unreadable: pa.RecordBatch) -> int:
    """The last line of what was read."""
    lines = [batch.column("line") for batch in (rows, unreadable) if batch.num_rows]
    return max(int(column[-1].as_py()) for column in lines)


def _shard_rows(shard: Shard, result: TaskResult) -> Iterator[pa.RecordBatch]:
    copies = np.load(shard.copies) if shard.copies else None
    start, skip, left = 0, shard.skip, shard.limit
    for batch in read_batches(Path(shard.path)):
        rows = batch
        if copies is not None:
            chosen = copies[start : start + batch.num_rows]
            start += batch.num_rows
            if not (chosen == 1).all():
                rows = batch.take(pa.array(np.repeat(np.arange(batch.num_rows), chosen)))
        if skip:
            n_before = min(skip, rows.num_rows)
            rows, skip = rows.slice(n_before), skip - n_before
        if left is not None:
            rows = rows.slice(0, left)
            left -= rows.num_rows
        result.parsed += rows.num_rows
        if rows.num_rows:
            yield rows
        if left == 0:
            return
