"""The files of one task: rows, facts, findings, the ledger's shards, sketches.

Files appear only when they have rows. Layout under a pass folder, one file a shard in each:
`data facts findings rollouts sketch keys` and `ledger/{rows,unreadable,decisions,changes}`, and
`summaries/<step>`.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.dataset import ShardWriter, write_table
from tamis.engine.plan import ROLLOUTS_COLUMN, Pass
from tamis.op import Summary
from tamis.schema import CHANGES, DECISIONS, FINDING_ROWS, FINDINGS, HEAD, ROLLOUTS, UNREADABLE

if TYPE_CHECKING:
    from tamis.engine.task import TaskResult


class ShardSink:
    """Writes what a task produces; whole files only, under their final names on clean exit."""

    def __init__(self, folder: Path, index: int, lane: Pass, result: TaskResult) -> None:
        self._folder = folder
        self._name = f"{index:05d}.arrow"
        self._lane = lane
        self._result = result
        self._writers: dict[str, ShardWriter] = {}
        self._summaries: dict[str, tuple[Summary, pa.Table]] = {}
        self._keys: list[pa.Table] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None and self._lane.writes_data and "data" not in self._writers:
            # a shard whose rows were all dropped still has a file: shards stay aligned with tasks
            self._write("data", self._lane.data_schema.empty_table().to_batches() or None)
        if kind is None:
            for step, (_, sketch) in self._summaries.items():
                write_table(self._path(f"summaries/{step}"), sketch)
            if self._keys:
                write_table(self._path("keys"), pa.concat_tables(self._keys))
        for writer in self._writers.values():
            writer.__exit__(kind, error, trace)

    def _path(self, table: str) -> Path:
        return self._folder / table / self._name

    def _write(self, table: str, batches: list[pa.RecordBatch] | None) -> None:
        if table not in self._writers:
            schema = batches[0].schema if batches else self._lane.data_schema
            self._writers[table] = ShardWriter(self._path(table), schema)
        for batch in batches or []:
            self._writers[table].write(batch)

    def head(self, rows: pa.RecordBatch, own_keys: Any) -> None:
        """Note where each row came from, and the key hash of rows that brought their own key."""
        if not rows.num_rows:
            return
        self._write("ledger/rows", [rows.select(HEAD.names)])
        owned = np.asarray(own_keys, dtype=np.uint64)
        self._result.keyless += int((owned == 0).sum())
        if owned.any():
            self._result.has_own_keys = True
            self._keys.append(
                pa.table({"key": pa.array(owned), "line": rows.column("line")}).filter(
                    pa.array(owned != 0)
                )
            )

    def unreadable(self, rows: pa.RecordBatch) -> None:
        """Note rows that could not be read."""
        if rows.num_rows:
            self._result.unreadable += rows.num_rows
            self._write("ledger/unreadable", [rows.cast(UNREADABLE)])

    def count(self, step: str, rows_in: int, rows_out: int, changed: int) -> None:
        """Add a batch to a step's row flow."""
        flow = self._result.steps.setdefault(step, [0, 0, 0])
        for i, n in enumerate((rows_in, rows_out, changed)):
            flow[i] += n

    def decisions(self, step: str, decisions: pa.RecordBatch) -> None:
        """Write decisions about dropped rows under the step's name."""
        self._write("ledger/decisions", [_with_step(decisions, step, DECISIONS)])
        for count in decisions.column("reason").value_counts().to_pylist():
            reason, n = count["values"], count["counts"]
            self._result.dropped_by[reason] = self._result.dropped_by.get(reason, 0) + n
        self._result.dropped += decisions.num_rows

    def changes(self, step: str, changes: pa.RecordBatch) -> None:
        """Write edits under the step's name."""
        if changes.num_rows:
            self._write("ledger/changes", [_with_step(changes, step, CHANGES)])

    def summarise(self, step: str, summary: Summary, sketch: pa.RecordBatch) -> None:
        """Merge one batch's sketch into the shard's."""
        table = pa.Table.from_batches([sketch])
        if step in self._summaries:
            table = summary.merge(pa.concat_tables([self._summaries[step][1], table]))
        self._summaries[step] = (summary, table)

    def leave(self, batch: pa.RecordBatch) -> None:
        """Store the facts and findings of rows that are dropped here."""
        self._facts(batch)

    def keep(self, batch: pa.RecordBatch) -> None:
        """Store rows that reached the end of the pass, their facts, and the Select's sketch."""
        self._facts(batch)
        self._result.kept += batch.num_rows
        lane = self._lane
        if lane.writes_data and batch.num_rows:
            self._write("data", [batch.select(lane.data_schema.names)])
            if lane.select is not None:
                select = lane.select[1]
                seen = batch.select(list(dict.fromkeys(("id", *select.reads))))
                self._write("sketch", [select.sketch(seen)])

    def _facts(self, batch: pa.RecordBatch) -> None:
        if not batch.num_rows:
            return
        schema = self._lane.facts_schema
        if len(schema) > 1:
            arrays = [
                batch.column(f.name)
                if f.name in batch.schema.names
                else pa.nulls(batch.num_rows, f.type)
                for f in schema
            ]
            self._write("facts", [pa.RecordBatch.from_arrays(arrays, schema=schema)])
        for field, column in zip(batch.schema, batch.columns, strict=True):
            if field.type == FINDINGS:
                self._findings(batch.column("id"), column)
            elif field.name == ROLLOUTS_COLUMN:
                self._rollouts(batch, column)

    def _findings(self, ids: pa.Array, column: pa.ListArray) -> None:
        values = column.flatten()
        if not len(values):
            return
        owners = ids.take(column.value_parent_indices())
        arrays = [owners, *values.flatten()]
        batch = pa.RecordBatch.from_arrays(arrays, schema=FINDING_ROWS)
        self._write("findings", [batch])
        for count in batch.column("rule").value_counts().to_pylist():
            rule, n = count["values"], count["counts"]
            self._result.findings[rule] = self._result.findings.get(rule, 0) + n

    def _rollouts(self, batch: pa.RecordBatch, column: pa.ListArray) -> None:
        values = column.flatten()
        owner = column.value_parent_indices()
        n = len(values)
        fields = {f.name: values.field(i) for i, f in enumerate(column.type.value_type)}
        ids = batch.column("id").take(owner)
        number = pc.cast(fields["sample"], pa.string())
        fields["id"] = pc.binary_join_element_wise(ids, number, "@")
        fields["source"] = batch.column("source").take(owner)
        fields["question_id"] = ids
        arrays = [fields.get(f.name, pa.nulls(n, f.type)) for f in ROLLOUTS]
        self._write("rollouts", [pa.RecordBatch.from_arrays(arrays, schema=ROLLOUTS)])


def _with_step(batch: pa.RecordBatch, step: str, schema: pa.Schema) -> pa.RecordBatch:
    at = schema.get_field_index("step")
    arrays = list(batch.columns)
    arrays[at] = pa.array([step] * batch.num_rows, pa.string())
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
