"""The distribution of one numeric column, from sketches that merge in any order."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tamis.errors import SchemaError
from tamis.op import Summary

# values of one bin differ by at most this factor; a bin's middle is within 1 % of all of them
_GROWTH = 1.01 / 0.99
_LOG_GROWTH = math.log(_GROWTH)
# smaller ones count as 0
_SMALLEST = 1e-9
_ZERO_BIN = 0
# bins of positive numbers are counted up from here, of negative ones down from minus this
_BIN_OFFSET = 100_000
# sums are kept as whole multiples of this, so that their order does not matter
_UNIT = 2.0**-20
_TOTAL = pa.decimal128(38, 0)
_QUANTILES = (0.01, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99)
_SKETCH = pa.schema(
    [
        pa.field("kind", pa.string()),  # "number", "null" or "not_finite"
        pa.field("bin", pa.int32()),
        pa.field("count", pa.int64()),
        pa.field("minimum", pa.float64()),
        pa.field("maximum", pa.float64()),
        pa.field("total", _TOTAL),  # in multiples of 2**-20
    ]
)
DISTRIBUTION = pa.schema(
    [
        pa.field("column", pa.string()),
        pa.field("part", pa.string()),  # "statistic" or "bin"
        pa.field(
            "name", pa.string()
        ),  # of a statistic: count, nulls, not_finite, minimum, mean, p50, ...
        pa.field("low", pa.float64()),  # of a bin: numbers from `low` ...
        pa.field("high", pa.float64()),  # ... to `high`, both inclusive
        pa.field("value", pa.float64()),  # the statistic, or the rows in the bin
    ]
)


class Distribution(Summary, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the numbers of a column are distributed: extremes, mean, quantiles, a fine histogram.

    Count, nulls, minimum and maximum are exact; the mean is exact to 1e-6; a quantile is within 1 %
    of a value at that rank (whole numbers below 50 are exact). Nulls, and NaN or infinities, are
    counted apart and never read as 0. Booleans count as 0 and 1.

    Reads:   the one column.
    Gives:   a `DISTRIBUTION` table; bins of about 2 % width, only those that hold something.
    Cost:    numpy; a sketch has at most a few thousand rows.
    Source:  logarithmic bins as in DDSketch (Masson, Rim and Lee 2019), without its collapsing.
    Raises:  SchemaError if the column is not numeric.
    """

    column: str

    @property
    def reads(self) -> tuple[str, ...]:  # type: ignore[override]
        """The one column."""
        return (self.column,)

    def sketch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """One row for each bin that holds a number of the batch."""
        values = _as_numbers(batch, self.column)
        n_nulls = values.null_count
        numbers = values.drop_null().to_numpy(zero_copy_only=False)
        finite = numbers[np.isfinite(numbers)]
        bins, place = np.unique(_bins(finite), return_inverse=True)
        minimum = np.full(len(bins), np.inf)
        maximum = np.full(len(bins), -np.inf)
        np.minimum.at(minimum, place, finite)
        np.maximum.at(maximum, place, finite)
        rows = pa.record_batch(
            [
                pa.array(["number"] * len(bins), type=pa.string()),
                pa.array(bins, type=pa.int32()),
                pa.array(np.bincount(place, minlength=len(bins)), type=pa.int64()),
                pa.array(minimum, type=pa.float64()),
                pa.array(maximum, type=pa.float64()),
                pa.array(_totals(finite, place, len(bins)), type=_TOTAL),
            ],
            schema=_SKETCH,
        )
        apart = {"null": n_nulls, "not_finite": len(numbers) - len(finite)}
        absent = [
            {"kind": kind, "bin": _ZERO_BIN, "count": count}
            for kind, count in apart.items()
            if count
        ]
        both = pa.Table.from_batches([rows, pa.RecordBatch.from_pylist(absent, schema=_SKETCH)])
        return both.combine_chunks().to_batches()[0] if len(both) else rows

    def merge(self, sketches: pa.Table) -> pa.Table:
        """The sketches as one, a row for each bin."""
        merged = sketches.group_by(["kind", "bin"]).aggregate(
            [("count", "sum"), ("minimum", "min"), ("maximum", "max"), ("total", "sum")]
        )
        columns = [
            merged[name] for name in ("kind", "bin", "count_sum", "minimum_min", "maximum_max")
        ]
        columns.append(merged["total_sum"].cast(_TOTAL))
        return pa.table(columns, schema=_SKETCH).sort_by(
            [("kind", "ascending"), ("bin", "ascending")]
        )

    def finish(self, sketch: pa.Table) -> pa.Table:
        """Statistics and bins for people."""
        counts = {
            kind: pc.sum(sketch.filter(pc.equal(sketch["kind"], kind))["count"]).as_py() or 0
            for kind in ("null", "not_finite")
        }
        bins = sketch.filter(pc.equal(sketch["kind"], "number")).sort_by("bin").to_pylist()
        n = sum(row["count"] for row in bins)
        statistics: list[tuple[str, float | None]] = [
            ("count", n),
            ("nulls", counts["null"]),
            ("not_finite", counts["not_finite"]),
            ("minimum", bins[0]["minimum"] if bins else None),
            ("maximum", bins[-1]["maximum"] if bins else None),
            ("mean", float(sum(row["total"] for row in bins)) * _UNIT / n if n else None),
        ]
        statistics += [
            (f"p{round(100 * share):02d}", _quantile(bins, n, share)) for share in _QUANTILES
        ]
        rows: list[dict[str, str | float | None]] = [
            {"column": self.column, "part": "statistic", "name": name, "value": value}
            for name, value in statistics
        ]
        rows += [
            {
                "column": self.column,
                "part": "bin",
                "low": row["minimum"],
                "high": row["maximum"],
                "value": row["count"],
            }
            for row in bins
        ]
        return pa.Table.from_pylist(rows, schema=DISTRIBUTION)


def _as_numbers(batch: pa.RecordBatch, column: str) -> pa.Array:
    if column not in batch.schema.names:
        raise SchemaError(f"{column}: expected a numeric column, got none")
    values = batch.column(column)
    kind = values.type
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    if not is_number:
        raise SchemaError(f"{column}: expected a numeric column, got {kind}; use value_counts")
    if pa.types.is_boolean(kind):
        values = values.cast(pa.int8())
    return values.cast(pa.float64(), safe=False)


def _bins(numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
    """The bin of each number: 0 for zero, else by the logarithm of its size, with its sign."""
    size = np.abs(numbers)
    is_zero = size < _SMALLEST
    log = np.log(np.where(is_zero, 1.0, size))
    bins = (np.ceil(log / _LOG_GROWTH) + _BIN_OFFSET) * np.sign(numbers)
    found: npt.NDArray[np.int32] = np.where(is_zero, _ZERO_BIN, bins).astype(np.int32)
    return found


def _totals(
    numbers: npt.NDArray[np.float64], place: npt.NDArray[np.int64], n: int
) -> Iterable[int]:
    """Exact sums of the numbers, rounded to multiples of the unit, for each bin."""
    totals = [0] * n
    # Python's whole numbers have no overflow; few numbers differ, so they are summed by value
    values, first, counts = np.unique(numbers, return_index=True, return_counts=True)
    for value, at, count in zip(values.tolist(), first.tolist(), counts.tolist(), strict=True):
        totals[place[at]] += round(value / _UNIT) * count
    return totals


def _quantile(bins: list[dict[str, float]], n: int, share: float) -> float | None:
    """A value at the rank `share` of the way, within 1 %."""
    rank = math.ceil(share * n)
    seen = 0.0
    for row in bins:
        seen += row["count"]
        if seen >= max(rank, 1):
            low, high = row["minimum"], row["maximum"]
            return low if low == high else (low + high) / 2
    return None
