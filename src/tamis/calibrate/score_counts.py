"""What a set of scores comes to: values, accuracy with its interval, parts, flags."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from typing import Any, ClassVar

import pyarrow as pa

from tamis.calibrate.grade_rollouts import parts_of
from tamis.calibrate.grading import is_right
from tamis.calibrate.intervals import wilson
from tamis.op import Summary

_SKETCH = pa.schema(
    [
        pa.field("what", pa.string()),
        pa.field("name", pa.string()),
        pa.field("n", pa.int64()),
        pa.field(
            "sum", pa.string()
        ),  # an exact fraction: a sum of floats would depend on its order
    ]
)
SCORE_COUNTS = pa.schema(
    [
        pa.field("what", pa.string()),  # value, accuracy, part or flag
        pa.field("name", pa.string()),  # of a part or a flag; null for the others
        pa.field("n", pa.int64()),  # scores that say something of it; for flags all scores
        pa.field("count", pa.int64()),  # right answers, or scores with the flag; null for means
        pa.field("mean", pa.float64()),  # for accuracy and flags the share
        pa.field("low", pa.float64()),  # 95 % Wilson interval of a share; null for means
        pa.field("high", pa.float64()),
    ]
)
_ORDER = ("value", "accuracy", "part", "flag")
_Key = tuple[str, str]


class ScoreCounts(Summary, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The mean value, the share of right answers, the mean of each part and the count of each flag.

    Only scores with a value count; a part counts where a score has it. Right means accuracy 1.

    Reads:   score.
    Adds:    nothing. Gives a `SCORE_COUNTS` table: value, accuracy, parts and flags by name.
    Cost:    a row for each name of a part and flag; sums are exact, so that order does not matter.
    Source:  Wilson 1927 for the intervals.
    """

    reads: ClassVar[tuple[str, ...]] = ("score",)

    def sketch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The sums of one batch."""
        counts: Counter[_Key] = Counter()
        sums: dict[_Key, Fraction] = {}
        for score in batch.column("score").to_pylist():
            if score is None or score["value"] is None:
                continue
            for key, value in _said(score):
                counts[key] += 1
                if value:
                    sums[key] = sums.get(key, Fraction(0)) + Fraction(value)
        return _rows(counts, sums)

    def merge(self, sketches: pa.Table) -> pa.Table:
        """The sums of sums."""
        counts: Counter[_Key] = Counter()
        sums: dict[_Key, Fraction] = {}
        for row in sketches.to_pylist():
            key = (row["what"], row["name"])
            counts[key] += row["n"]
            sums[key] = sums.get(key, Fraction(0)) + Fraction(row["sum"])
        return pa.Table.from_batches([_rows(counts, sums)])

    def finish(self, sketch: pa.Table) -> pa.Table:
        """Means and shares; parts by name, flags from the most frequent down."""
        rows = sketch.to_pylist()
        n_scores = sum(row["n"] for row in rows if row["what"] == "value")
        told = [_finished(row, n_scores) for row in rows]
        told.sort(
            key=lambda row: (_ORDER.index(row["what"]), -(row.get("count") or 0), row["name"] or "")
        )
        return pa.Table.from_pylist(told, schema=SCORE_COUNTS)


def _said(score: dict[str, Any]) -> Iterable[tuple[_Key, float]]:
    parts = parts_of(score)
    yield ("value", ""), score["value"]
    yield ("accuracy", ""), float(is_right(score["value"], parts))
    for name, value in parts.items():
        yield ("part", name), value
    for flag in score["flags"] or ():
        yield ("flag", flag), 1.0


def _rows(counts: Counter[_Key], sums: dict[_Key, Fraction]) -> pa.RecordBatch:
    keys = sorted(counts)
    columns = [
        [what for what, _ in keys],
        [name for _, name in keys],
        [counts[key] for key in keys],
        [str(sums.get(key, 0)) for key in keys],
    ]
    arrays = [pa.array(c, f.type) for c, f in zip(columns, _SKETCH, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=_SKETCH)


def _finished(row: dict[str, Any], n_scores: int) -> dict[str, Any]:
    told = {"what": row["what"], "name": row["name"] or None, "n": row["n"]}
    if row["what"] in ("value", "part"):
        return {**told, "mean": float(Fraction(row["sum"]) / row["n"])}
    n = n_scores if row["what"] == "flag" else row["n"]
    count = int(Fraction(row["sum"]))
    interval = wilson(count, n)
    share = {"mean": count / n, "low": interval.low, "high": interval.high}
    return {**told, "n": n, "count": count, **share}
