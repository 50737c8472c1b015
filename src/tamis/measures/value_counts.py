"""How often each value of a column stands there, from sketches that merge in any order."""

from __future__ import annotations

import math

import pyarrow as pa
import pyarrow.compute as pc

from tamis.errors import SchemaError
from tamis.op import Summary

_SKETCH = pa.schema(
    [
        pa.field("kind", pa.string()),  # "value", "null", or "rest": what the cap left out
        pa.field("value", pa.string()),
        pa.field("count", pa.int64()),
    ]
)
VALUE_COUNTS = pa.schema(
    [
        pa.field("column", pa.string()),
        pa.field("part", pa.string()),  # "statistic" or "value"
        pa.field("name", pa.string()),  # of a statistic, or the value itself
        pa.field("value", pa.float64()),  # the statistic, or the rows with the value
        pa.field("share", pa.float64()),  # of the rows that are not null; null for statistics
    ]
)
# longer values are told apart by their first characters only
_VALUE_CHARS = 200


class ValueCounts(Summary, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The `top` most frequent values of a column, with how many there are in all.

    Exact while there are at most `cap` distinct values. Beyond, `cap` of them are followed, chosen
    by a hash of the value and not by their frequency: their counts stay exact and `distinct` is
    estimated within 3 / sqrt(cap), but a frequent value may be missing from the list; the statistic
    `is_exact` is then 0. Lists count each of their values; booleans and numbers count as text.

    Reads:   the one column.
    Gives:   a `VALUE_COUNTS` table: count, nulls, distinct, entropy_bits (null beyond the cap),
             is_exact, then the values from the most frequent down, ties in alphabetical order.
    Cost:    Arrow only below the cap; at most `cap` values of 200 characters are held.
    Source:  k minimum values (Bar-Yossef et al. 2002) for what lies beyond the cap.
    Raises:  SchemaError if the column is missing or cannot be read as text.
    """

    column: str
    top: int = 50
    cap: int = 50_000

    @property
    def reads(self) -> tuple[str, ...]:  # type: ignore[override]
        """The one column."""
        return (self.column,)

    def sketch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """One row for each value of the batch."""
        values = pc.utf8_slice_codeunits(_as_text(batch, self.column), 0, _VALUE_CHARS)
        counted = pc.value_counts(values)
        names = pc.struct_field(counted, "values").cast(pa.string())
        kinds = pc.if_else(pc.is_valid(names), "value", "null")
        table = pa.table([kinds, names, pc.struct_field(counted, "counts")], schema=_SKETCH)
        merged = self.merge(table).combine_chunks()
        return merged.to_batches()[0] if len(merged) else _empty_sketch()

    def merge(self, sketches: pa.Table) -> pa.Table:
        """The sketches as one, a row for each value that is followed."""
        merged = sketches.group_by(["kind", "value"]).aggregate([("count", "sum")])
        merged = pa.table(
            [merged["kind"], merged["value"], merged["count_sum"]], schema=_SKETCH
        ).sort_by([("kind", "ascending"), ("value", "ascending")])
        return _capped(merged, self.cap)

    def finish(self, sketch: pa.Table) -> pa.Table:
        """The most frequent values for people."""
        summed = summarize_counts(sketch, self.cap)
        rows = [
            {"column": self.column, "part": "statistic", "name": name, "value": value}
            for name, value in summed.items()
        ]
        n = summed["count"]
        values = sketch.filter(pc.equal(sketch["kind"], "value"))
        values = values.sort_by([("count", "descending"), ("value", "ascending")])
        for value in values.slice(0, self.top).to_pylist():
            share = value["count"] / n if n else None
            rows.append(
                {
                    "column": self.column,
                    "part": "value",
                    "name": value["value"],
                    "value": value["count"],
                    "share": share,
                }
            )
        return pa.Table.from_pylist(rows, schema=VALUE_COUNTS)


def summarize_counts(sketch: pa.Table, cap: int) -> dict[str, float | None]:
    """count, nulls, distinct, entropy_bits and is_exact of a merged sketch."""
    kinds, counts = sketch["kind"].to_pylist(), sketch["count"].to_pylist()
    by_kind = {
        kind: sum(c for k, c in zip(kinds, counts, strict=True) if k == kind)
        for kind in ("value", "null", "rest")
    }
    followed = [count for kind, count in zip(kinds, counts, strict=True) if kind == "value"]
    is_exact = "rest" not in kinds
    distinct: float = len(followed)
    if not is_exact:
        hashes = [
            _hash(value)
            for value in sketch.filter(pc.equal(sketch["kind"], "value"))["value"].to_pylist()
        ]
        distinct = (cap - 1) / (max(hashes) / 2**64)
    n = by_kind["value"] + by_kind["rest"]
    entropy = None
    if is_exact and n:
        # sorted, because a sum of floats depends on its order
        entropy = -math.fsum(c / n * math.log2(c / n) for c in sorted(followed)) + 0.0
    return {
        "count": n,
        "nulls": by_kind["null"],
        "distinct": distinct,
        "entropy_bits": entropy,
        "is_exact": float(is_exact),
    }


def _as_text(batch: pa.RecordBatch, column: str) -> pa.Array:
    if column not in batch.schema.names:
        raise SchemaError(f"{column}: expected a column of values, got none")
    values = batch.column(column)
    if pa.types.is_list(values.type):
        values = pc.list_flatten(values)
    try:
        return values.cast(pa.string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
        raise SchemaError(
            f"{column}: expected values that read as text, got {values.type}"
        ) from error


def _hash(value: str) -> int:
    import xxhash

    return int(xxhash.xxh3_64_intdigest(value.encode()))


def _capped(merged: pa.Table, cap: int) -> pa.Table:
    """At most `cap` values, those with the smallest hashes; the counts of the others in one row.

    A value among the smallest of all rows is among the smallest of any part of them, so it was never
    left out of a part and its count is exact, whatever the order of merging.
    """
    is_value = pc.equal(merged["kind"], "value")
    values = merged.filter(is_value)
    if len(values) <= cap:
        return merged
    hashes = pa.array([_hash(value) for value in values["value"].to_pylist()], type=pa.uint64())
    order = pc.sort_indices(hashes)
    kept = values.take(order.slice(0, cap)).sort_by("value")
    n_rest = pc.sum(values.take(order.slice(cap))["count"]).as_py()
    others = merged.filter(pc.invert(is_value))
    rest = pa.table([["rest"], pa.array([None], pa.string()), [n_rest]], schema=_SKETCH)
    joined = (
        pa.concat_tables([others, rest]).group_by(["kind", "value"]).aggregate([("count", "sum")])
    )
    tail = pa.table([joined["kind"], joined["value"], joined["count_sum"]], schema=_SKETCH)
    return pa.concat_tables([tail.sort_by("kind"), kept]).combine_chunks()


def _empty_sketch() -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema=_SKETCH)
