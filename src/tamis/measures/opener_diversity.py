"""How varied the openings of replies are."""

from __future__ import annotations

import math
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from tamis.measures.value_counts import ValueCounts, summarize_counts
from tamis.op import Summary

OPENER_DIVERSITY = pa.schema(
    [
        pa.field("part", pa.string()),  # "statistic" or "opener"
        pa.field("name", pa.string()),
        pa.field("value", pa.float64()),  # the statistic, or the conversations with the opener
        pa.field("share", pa.float64()),  # of the conversations with an opener
    ]
)
_COLUMN = "opener"


class OpenerDiversity(Summary, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whether replies open in many ways or by template: the most frequent openers and their share.

    Reads:   opener.
    Gives:   an `OPENER_DIVERSITY` table: count, nulls, distinct, distinct_rate (distinct / count),
             entropy_bits, evenness (entropy of all distinct ones equally frequent = 1),
             top_share (of the most frequent one; null beyond the cap), is_exact; then the `top` openers.
    Cost:    as `ValueCounts`, whose cap and error hold here too.
    Source:  opener counts of instruction data audits; Shannon entropy.
    """

    reads: ClassVar[tuple[str, ...]] = (_COLUMN,)
    top: int = 20
    cap: int = 50_000

    def sketch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """One row for each opener of the batch."""
        return self._counts().sketch(batch)

    def merge(self, sketches: pa.Table) -> pa.Table:
        """The sketches as one."""
        return self._counts().merge(sketches)

    def finish(self, sketch: pa.Table) -> pa.Table:
        """Statistics and the most frequent openers for people."""
        summed = summarize_counts(sketch, self.cap)
        n, distinct, entropy = summed["count"], summed["distinct"], summed["entropy_bits"]
        listed = self._counts().finish(sketch)
        openers = listed.filter(pc.equal(listed["part"], "value")).to_pylist()
        evenness = None
        if entropy is not None and distinct is not None:
            evenness = entropy / math.log2(distinct) if distinct > 1 else 0.0
        statistics = {
            "count": n,
            "nulls": summed["nulls"],
            "distinct": distinct,
            "distinct_rate": distinct / n if n and distinct is not None else None,
            "entropy_bits": entropy,
            "evenness": evenness,
            "top_share": openers[0]["share"] if openers and summed["is_exact"] else None,
            "is_exact": summed["is_exact"],
        }
        rows: list[dict[str, str | float | None]] = [
            {"part": "statistic", "name": name, "value": value}
            for name, value in statistics.items()
        ]
        rows += [
            {"part": "opener", "name": o["name"], "value": o["value"], "share": o["share"]}
            for o in openers
        ]
        return pa.Table.from_pylist(rows, schema=OPENER_DIVERSITY)

    def _counts(self) -> ValueCounts:
        return ValueCounts(column=_COLUMN, top=self.top, cap=self.cap)
