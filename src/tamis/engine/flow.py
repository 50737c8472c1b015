"""One batch through the steps of a pass.

`advance` applies the steps in order; what they add, change, drop or find goes to a `Sink`. The same
function serves worker processes and the parent's event loop: only steps that ask a model await.
"""

from __future__ import annotations

import json
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.engine.plan import Pass
from tamis.errors import SchemaError
from tamis.llm.types import Asker
from tamis.op import Keep, Measure, Rewrite, Summary
from tamis.schema import DECISIONS, FINDINGS


class Sink(Protocol):
    """Where the outcome of a pass goes."""

    def count(self, step: str, rows_in: int, rows_out: int, changed: int) -> None:
        """Rows of one batch into and out of a step, and how many it changed."""

    def decisions(self, step: str, decisions: pa.RecordBatch) -> None:
        """DECISIONS about rows that a step dropped."""

    def changes(self, step: str, changes: pa.RecordBatch) -> None:
        """CHANGES that a step made."""

    def summarise(self, step: str, summary: Summary, sketch: pa.RecordBatch) -> None:
        """The sketch of one batch for a summary."""

    def leave(self, batch: pa.RecordBatch) -> None:
        """Rows that are dropped here, with what was measured so far."""

    def keep(self, batch: pa.RecordBatch) -> None:
        """Rows that reached the end of the pass."""


async def advance(batch: pa.RecordBatch, lane: Pass, sink: Sink, llm: Asker | None) -> None:
    """Take one batch of rows through every step of a pass into `sink`.

    Rows that a Keep drops `leave` the flow with what was measured so far; the rest is `keep`-ed.
    """
    for name, op in lane.steps:
        rows_in, changed = batch.num_rows, 0
        if isinstance(op, Measure):
            batch = add_columns(name, batch, await _measured(op, batch, llm), op)
        elif isinstance(op, Rewrite):
            rewritten = op(_view(batch, ("edited", *op.reads)))
            batch = replace_columns(batch, rewritten.rows)
            sink.changes(name, rewritten.changes)
            changed = len(pc.unique(rewritten.changes.column("id")))
        elif isinstance(op, Summary):
            sink.summarise(name, op, op.sketch(_view(batch, op.reads)))
        elif isinstance(op, Keep):
            kept = keep_mask(op, batch.column(op.column))
            if kept.true_count != len(kept):
                dropped = batch.filter(pc.invert(kept))
                sink.decisions(name, keep_decisions(op, dropped))
                sink.leave(dropped)
                batch = batch.filter(kept)
        else:
            raise SchemaError(f"step `{name}`: a Select cannot run inside a pass")
        sink.count(name, rows_in, batch.num_rows, changed)
    sink.keep(batch)


def _view(batch: pa.RecordBatch, reads: tuple[str, ...]) -> pa.RecordBatch:
    """What an operator may see: `id` and the columns it reads, nothing else."""
    return batch.select(list(dict.fromkeys(("id", *reads))))


async def _measured(op: Measure, batch: pa.RecordBatch, llm: Asker | None) -> pa.RecordBatch:
    view = _view(batch, op.reads)
    if "llm" not in op.uses:
        return op(view)
    if llm is None:
        raise SchemaError(f"`{type(op).__name__}` asks a model: no model was given to this run")
    return await op.ask_batch(view, llm)


def add_columns(
    name: str, batch: pa.RecordBatch, added: pa.RecordBatch, op: Measure
) -> pa.RecordBatch:
    """The batch with a measure's new columns; one measured before is replaced.

    Raises SchemaError when the measure broke its promise: other columns or another number of rows.
    """
    if added.num_rows != batch.num_rows or not added.schema.equals(op.adds()):
        raise SchemaError(
            f"step `{name}`: promised {batch.num_rows} rows of {op.adds().names}, "
            f"gave {added.num_rows} of {added.schema.names} with ids from {_first_id(batch)}"
        )
    return replace_columns(batch, added)


def replace_columns(batch: pa.RecordBatch, columns: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with `columns` put in place of those of the same name, or behind."""
    arrays = dict(zip(batch.schema.names, batch.columns, strict=True))
    fields = {field.name: field for field in batch.schema}
    for field, array in zip(columns.schema, columns.columns, strict=True):
        fields[field.name], arrays[field.name] = field, array
    return pa.RecordBatch.from_arrays(list(arrays.values()), schema=pa.schema(fields.values()))


def _first_id(batch: pa.RecordBatch) -> str:
    return str(batch.column("id")[0]) if batch.num_rows else "(none)"


def keep_mask(op: Keep, values: pa.Array) -> pa.BooleanArray:
    """(n_rows,) bool, never null: whether each value lies within the bounds of a Keep."""
    within = pa.array(np.ones(len(values), dtype=bool))
    if op.at_least is not None:
        within = pc.and_kleene(within, pc.greater_equal(values.cast(pa.float64()), op.at_least))
    if op.at_most is not None:
        within = pc.and_kleene(within, pc.less_equal(values.cast(pa.float64()), op.at_most))
    return pc.if_else(pc.is_valid(values), within, pa.scalar(op.nulls == "keep"))


def keep_decisions(op: Keep, dropped: pa.RecordBatch) -> pa.RecordBatch:
    """DECISIONS for the rows a Keep drops: which bound was missed, the value, the rules behind it."""
    values = dropped.column(op.column).cast(pa.float64())
    rules = _error_rules(dropped) if op.column == "n_errors" else [None] * dropped.num_rows
    causes, details = (_texts(dropped, name) for name in (op.reason_column, op.detail_column))
    reasons, evidence = [], []
    told = zip(values.to_pylist(), rules, causes, details, strict=True)
    for value, found, cause, detail in told:
        reasons.append(cause or op.reason or _reason(op, value))
        proof: dict[str, object] = {"column": op.column, "value": value}
        proof |= {k: getattr(op, k) for k in ("at_least", "at_most") if getattr(op, k) is not None}
        if found:
            proof["rules"] = found
        if detail:
            proof["detail"] = detail
        evidence.append(json.dumps(proof, ensure_ascii=False))
    n = dropped.num_rows
    columns = {
        "id": dropped.column("id"),
        "copies": pa.array([0] * n, pa.int32()),
        "reason": pa.array(reasons, pa.string()),
        "score": values,
        "evidence": pa.array(evidence, pa.string()),
    }
    arrays = [columns.get(f.name, pa.nulls(n, f.type)) for f in DECISIONS]
    return pa.RecordBatch.from_arrays(arrays, schema=DECISIONS)


def _texts(batch: pa.RecordBatch, column: str | None) -> list[str | None]:
    """What a column of texts says of each row; nothing without a column."""
    if column is None:
        return [None] * batch.num_rows
    said: list[str | None] = batch.column(column).to_pylist()
    return said


def _reason(op: Keep, value: float | None) -> str:
    if value is None:
        return f"{op.column} not measured"
    if op.at_least is not None and value < op.at_least:
        return f"{op.column} below {op.at_least:g}"
    return f"{op.column} above {op.at_most:g}"


def _error_rules(batch: pa.RecordBatch) -> list[list[str] | None]:
    """For each row the ids of the rules that found errors in it."""
    found: list[list[str] | None] = [[] for _ in range(batch.num_rows)]
    for field, column in zip(batch.schema, batch.columns, strict=True):
        if field.type != FINDINGS:
            continue
        for row, findings in enumerate(column.to_pylist()):
            rules = found[row]
            if rules is not None:
                rules += [f["rule"] for f in findings or [] if f["severity"] == "error"]
    return [sorted(set(rules or [])) for rules in found]
