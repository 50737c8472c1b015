"""Distribution, ValueCounts, OpenerDiversity: right numbers, whatever the order of merging."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tamis.errors import SchemaError
from tamis.measures.distribution import Distribution
from tamis.measures.opener_diversity import OpenerDiversity
from tamis.measures.value_counts import ValueCounts

Summarised = Callable[..., list[dict[str, Any]]]
SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


def statistics(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {row["name"]: row["value"] for row in rows if row["part"] == "statistic"}


def test_nulls_and_nan_are_counted_apart_and_are_no_zeros(summarise: Summarised) -> None:
    column = pa.array([1.0, None, float("nan"), float("inf"), 3.0, None, -2.0, 0.0])
    rows = summarise(Distribution(column="x"), pa.record_batch({"x": column}))
    found = statistics(rows)
    assert (found["count"], found["nulls"], found["not_finite"]) == (4, 2, 2)
    assert (found["minimum"], found["maximum"], found["mean"], found["p50"]) == (-2, 3, 0.5, 0)
    bins = [(row["low"], row["high"], row["value"]) for row in rows if row["part"] == "bin"]
    assert bins == [(-2, -2, 1), (0, 0, 1), (1, 1, 1), (3, 3, 1)]


def test_nothing_measured_has_no_mean(summarise: Summarised) -> None:
    for column in (pa.nulls(2, pa.int32()), pa.array([], pa.int32())):
        found = statistics(summarise(Distribution(column="x"), pa.record_batch({"x": column})))
        assert (found["count"], found["nulls"]) == (0, len(column))
        assert found["mean"] is found["p50"] is found["minimum"] is None


@SHARED
@given(st.lists(st.floats(-1e6, 1e6).filter(lambda x: x == 0 or abs(x) > 1e-6), min_size=1))
def test_quantiles_are_within_one_percent(summarise: Summarised, numbers: list[float]) -> None:
    found = statistics(summarise(Distribution(column="x"), pa.record_batch({"x": numbers})))
    ordered = sorted(numbers)
    assert math.isclose(
        found["mean"], math.fsum(numbers) / len(numbers), rel_tol=1e-9, abs_tol=1e-6
    )
    for name, share in (("p01", 0.01), ("p25", 0.25), ("p50", 0.5), ("p99", 0.99)):
        exact = ordered[max(math.ceil(share * len(ordered)), 1) - 1]
        assert math.isclose(found[name], exact, rel_tol=0.0102, abs_tol=1e-9)


def test_quantiles_of_many_rows_agree_with_numpy(summarise: Summarised) -> None:
    lengths = np.random.default_rng(7).lognormal(6, 1.5, 5000).astype(np.int64)
    found = statistics(
        Distribution(column="x").finish(_sketch(Distribution(column="x"), lengths)).to_pylist()
    )
    for name, share in (("p10", 0.1), ("p50", 0.5), ("p90", 0.9)):
        exact = np.quantile(lengths, share, method="inverted_cdf")
        assert math.isclose(found[name], exact, rel_tol=0.01)


def _sketch(summary: Distribution, numbers: np.ndarray) -> pa.Table:
    batches = [pa.record_batch({"x": pa.array(part)}) for part in np.array_split(numbers, 7)]
    return summary.merge(pa.Table.from_batches([summary.sketch(batch) for batch in batches]))


def test_text_has_no_distribution() -> None:
    with pytest.raises(SchemaError, match="expected a numeric column, got string"):
        Distribution(column="x").sketch(pa.record_batch({"x": ["a"]}))


@SHARED
@given(st.lists(st.none() | st.sampled_from(["en", "zh", "de", "", "😀"]), max_size=20))
def test_values_are_counted_exactly_below_the_cap(
    summarise: Summarised, values: list[str | None]
) -> None:
    batch = pa.record_batch({"x": pa.array(values, pa.string())})
    rows = summarise(ValueCounts(column="x"), batch)
    counts = Counter(value for value in values if value is not None)
    listed = {row["name"]: row["value"] for row in rows if row["part"] == "value"}
    assert listed == counts
    found = statistics(rows)
    assert (found["count"], found["nulls"], found["distinct"], found["is_exact"]) == (
        counts.total(),
        values.count(None),
        len(counts),
        1,
    )


def test_beyond_the_cap_counts_stay_exact_and_the_rest_is_estimated(summarise: Summarised) -> None:
    values = [f"value {n}" for n in range(900)] * 2
    batch = pa.record_batch({"x": pa.array(values)})
    rows = summarise(ValueCounts(column="x", cap=200), batch)
    found = statistics(rows)
    assert (found["count"], found["is_exact"], found["entropy_bits"]) == (1800, 0, None)
    assert abs(found["distinct"] / 900 - 1) < 3 / math.sqrt(200)
    assert {row["value"] for row in rows if row["part"] == "value"} == {2}


def test_truths_numbers_and_lists_are_counted_as_text(summarise: Summarised) -> None:
    for column, names in (
        (pa.array([True, True, False]), ["true", "false"]),
        (pa.array([7, 7, 8]), ["7", "8"]),
        (pa.array([["a", "b"], ["a"], None]), ["a", "b"]),
    ):
        rows = summarise(ValueCounts(column="x"), pa.record_batch({"x": column}))
        assert [row["name"] for row in rows if row["part"] == "value"] == names


def test_openers_show_their_variety(summarise: Summarised) -> None:
    openers = pa.array(["sure here is"] * 6 + ["好的我来"] * 2 + [None])
    rows = summarise(OpenerDiversity(top=1), pa.record_batch({"opener": openers}))
    assert statistics(rows) == pytest.approx(
        {
            "count": 8,
            "nulls": 1,
            "distinct": 2,
            "distinct_rate": 0.25,
            "entropy_bits": 0.8112781,
            "evenness": 0.8112781,
            "top_share": 0.75,
            "is_exact": 1,
        }
    )
    assert rows[-1] == {"part": "opener", "name": "sure here is", "value": 6.0, "share": 0.75}


def test_no_openers_at_all(summarise: Summarised) -> None:
    rows = summarise(OpenerDiversity(), pa.record_batch({"opener": pa.nulls(2, pa.string())}))
    assert statistics(rows)["count"] == 0 and statistics(rows)["distinct_rate"] is None
