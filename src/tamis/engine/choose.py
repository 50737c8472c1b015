"""Running a Select in the parent: candidates, verification over workers, and the decision."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.dataset import open_shard, read_table, read_tables, write_bytes, write_table
from tamis.engine.plan import Pass
from tamis.engine.pool import Workers
from tamis.errors import SchemaError
from tamis.op import Select
from tamis.schema import DECISIONS, PAIRS

PAIRS_PER_TASK = 16_384


class VerifyTask(msgspec.Struct, frozen=True, kw_only=True):
    """A slice of candidate pairs and the shards that hold their rows."""

    index: int
    select: Select
    shards: tuple[str, ...]
    pairs: pa.RecordBatch


@lru_cache(maxsize=4)
def _batches(shards: tuple[str, ...]) -> tuple[list[pa.RecordBatch], np.ndarray]:
    """All batches of the shards, memory-mapped, and the ordinal each starts at."""
    batches = []
    for shard in shards:
        reader = open_shard(Path(shard))
        batches += [reader.get_batch(i) for i in range(reader.num_record_batches)]
    starts = np.cumsum([0, *(batch.num_rows for batch in batches)])
    return batches, starts


def take_rows(shards: tuple[str, ...], ordinals: np.ndarray, columns: list[str]) -> pa.Table:
    """The rows at sorted `ordinals` over all shards, in that order."""
    batches, starts = _batches(shards)
    owner = np.searchsorted(starts, ordinals, side="right") - 1
    pieces = []
    for i in np.unique(owner):
        rows = ordinals[owner == i] - starts[i]
        pieces.append(batches[i].select(columns).take(pa.array(rows)))
    if not pieces:
        return batches[0].select(columns).slice(0, 0) if batches else pa.table({})
    return pa.Table.from_batches(pieces)


def verify(task: VerifyTask) -> tuple[int, pa.RecordBatch]:
    """True similarities of one slice of pairs; ordinals in and out are those of the pass."""
    left = task.pairs.column("left").to_numpy()
    right = task.pairs.column("right").to_numpy()
    ordinals = np.unique(np.concatenate([left, right]))
    columns = list(dict.fromkeys(("id", *task.select.verify_reads)))
    rows = take_rows(task.shards, ordinals, columns)
    local = _pairs(np.searchsorted(ordinals, left), np.searchsorted(ordinals, right), task.pairs)
    verified = task.select.verify(local, rows)
    ends = [ordinals[verified.column(side).to_numpy()] for side in ("left", "right")]
    return task.index, _pairs(ends[0], ends[1], verified)


def _pairs(left: np.ndarray, right: np.ndarray, like: pa.RecordBatch) -> pa.RecordBatch:
    arrays = [pa.array(left, pa.int64()), pa.array(right, pa.int64())]
    arrays += [like.column("similarity"), like.column("evidence")]
    return pa.RecordBatch.from_arrays(arrays, schema=PAIRS)


def choose(folder: Path, lane: Pass, shards: list[Path], workers: Workers, maker: Select) -> None:
    """Decide over all rows of a pass; writes `select/` and `copies/` into its folder.

    `maker` made the sketches (a run may be decided again with another threshold); pairs it already
    verified are used again.
    """
    step, select = lane.select or ("", maker)
    facts = _facts(folder, shards, select)
    pairs_file = folder / "select" / "pairs.arrow"
    if not pairs_file.exists():
        candidates = maker.candidates(facts)
        pairs = _verified(candidates, shards, workers, maker)
        write_table(pairs_file, pairs)
    pairs = read_table(pairs_file)
    decisions = select.decide(facts, pairs)
    _check_decisions(step, facts, decisions)
    names = pa.array([step] * decisions.num_rows, pa.string())
    decisions = decisions.set_column(
        decisions.schema.get_field_index("step"), DECISIONS.field("step"), names
    ).cast(DECISIONS)
    copies = decisions.column("copies").to_numpy().astype(np.int32)
    write_table(
        folder / "select" / "decisions.arrow",
        decisions.filter(pc.not_equal(decisions.column("copies"), 1)),
    )
    _write_named_pairs(folder, facts, pairs)
    start = 0
    for shard in shards:
        n = _rows_in(shard)
        path = folder / "copies" / f"{shard.stem}.npy"
        write_bytes(path, _npy(copies[start : start + n]))
        start += n


def _facts(folder: Path, shards: list[Path], select: Select) -> pa.Table:
    columns = list(dict.fromkeys(("id", *select.decide_reads)))
    rows = pa.concat_tables([read_table(shard, columns) for shard in shards])
    sketches = [p for shard in shards if (p := folder / "sketch" / shard.name).exists()]
    nothing = pa.schema([]) if sketches else _sketch_schema(select, shards[0])
    sketch = read_tables(sketches, nothing)
    if sketch.num_rows != rows.num_rows:
        raise SchemaError(
            f"{folder}: sketches for {sketch.num_rows} of {rows.num_rows} rows; "
            f"remove {folder.parent.parent} and run again"
        )
    for name in sketch.column_names:
        if name not in rows.column_names:
            rows = rows.append_column(sketch.schema.field(name), sketch.column(name))
    return rows


def _sketch_schema(select: Select, shard: Path) -> pa.Schema:
    """What a sketch of no rows looks like: there may be no rows at all."""
    fields = [open_shard(shard).schema.field(name) for name in dict.fromkeys(("id", *select.reads))]
    nothing = [pa.array([], field.type) for field in fields]
    schema: pa.Schema = select.sketch(
        pa.RecordBatch.from_arrays(nothing, schema=pa.schema(fields))
    ).schema
    return schema


def _verified(
    candidates: pa.Table, shards: list[Path], workers: Workers, select: Select
) -> pa.Table:
    if not select.verify_reads or not candidates.num_rows:
        return candidates.cast(PAIRS)
    batches = candidates.cast(PAIRS).combine_chunks().to_batches(max_chunksize=PAIRS_PER_TASK)
    names = tuple(str(shard) for shard in shards)
    tasks = [
        VerifyTask(index=i, select=select, shards=names, pairs=batch)
        for i, batch in enumerate(batches)
    ]
    done = dict(workers.map(verify, tasks))
    return pa.Table.from_batches([done[i] for i in range(len(tasks))], PAIRS)


def _check_decisions(step: str, facts: pa.Table, decisions: pa.Table) -> None:
    same = decisions.num_rows == facts.num_rows and decisions.column("id").equals(
        facts.column("id")
    )
    if not same:
        raise SchemaError(
            f"step `{step}`: expected one decision for each of {facts.num_rows} rows in their "
            f"order, got {decisions.num_rows}"
        )


def _write_named_pairs(folder: Path, facts: pa.Table, pairs: pa.Table) -> None:
    ids = facts.column("id").combine_chunks()
    if isinstance(ids, pa.ChunkedArray):
        ids = pa.concat_arrays(ids.chunks)
    named = pa.table(
        {
            "left_id": ids.take(pairs.column("left").combine_chunks()),
            "right_id": ids.take(pairs.column("right").combine_chunks()),
            "similarity": pairs.column("similarity"),
            "evidence": pairs.column("evidence"),
        }
    )
    write_table(folder / "select" / "named_pairs.arrow", named)


def _rows_in(shard: Path) -> int:
    reader = open_shard(shard)
    return sum(reader.get_batch(i).num_rows for i in range(reader.num_record_batches))


def _npy(array: np.ndarray) -> bytes:
    import io

    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()
