"""Batches out of plain conversations, for the tests of measures and summaries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pytest

from tamis.op import Measure, Summary
from tamis.schema import CONVERSATIONS

Talk = Sequence[dict[str, Any]] | None


@pytest.fixture
def measure() -> Callable[..., list[dict[str, Any]]]:
    """What a Measure adds to each conversation; asserts that slices say the same."""

    def _measure(op: Measure, *talks: Talk) -> list[dict[str, Any]]:
        rows = [
            {"id": f"row:{at}", "source": "here", "messages": talk} for at, talk in enumerate(talks)
        ]
        batch = pa.RecordBatch.from_pylist(rows, schema=CONVERSATIONS)
        batch = batch.select(["id", *op.reads])
        whole = op(batch)
        assert whole.schema == op.adds()
        assert len(op(batch.slice(0, 0))) == 0
        found: list[dict[str, Any]] = whole.to_pylist()
        assert [op(batch.slice(at, 1)).to_pylist()[0] for at in range(len(found))] == found
        return found

    return _measure


@pytest.fixture
def summarise() -> Callable[..., list[dict[str, Any]]]:
    """The finished table; asserts that merging in other orders and groups says the same."""

    def _summarise(summary: Summary, batch: pa.RecordBatch) -> list[dict[str, Any]]:
        parts = [summary.sketch(batch.slice(at, 3)) for at in range(0, len(batch) + 1, 3)]
        at_once = summary.merge(pa.Table.from_batches([summary.sketch(batch)]))
        merged = summary.merge(pa.Table.from_batches(parts[::-1]))
        half = len(parts) // 2
        ends = [
            pa.Table.from_batches(p, schema=parts[0].schema) for p in (parts[half:], parts[:half])
        ]
        nested = summary.merge(pa.concat_tables([summary.merge(end) for end in ends]))
        assert at_once.equals(merged) and at_once.equals(nested)
        assert summary.merge(at_once).equals(at_once)
        rows: list[dict[str, Any]] = summary.finish(at_once).to_pylist()
        return rows

    return _summarise
