"""Properties that every Select, Rewrite and Summary of the catalogue keeps."""

from __future__ import annotations

import pickle
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from tamis import catalogue
from tamis.op import Rewrite, Select, Summary
from tamis.schema import CHANGES, DECISIONS, PAIRS

from .rows import conversations

SELECTS: dict[str, dict[str, Any]] = {
    "near_duplicates": {"threshold": 0.8},
    "diverse_top_k": {"k": 7, "score": "n"},
}
REWRITES = ["safe_fixes"]
SUMMARIES: dict[str, dict[str, Any]] = {
    "distribution": {"column": "n"},
    "value_counts": {"column": "word"},
    "opener_diversity": {},
}


def rows() -> pa.RecordBatch:
    """The contract's conversations with three fact columns: a score with nulls, words, openers."""
    batch = conversations()
    n = batch.num_rows
    facts = {
        "n": pa.array([None if i % 9 == 0 else float(i % 11) for i in range(n)], pa.float64()),
        "word": pa.array(["en", "zh", None, "de"] * (n // 4), pa.string()),
        "opener": pa.array(["sure thing", "well", None] * (n // 3), pa.string()),
    }
    arrays = [*batch.columns, *facts.values()]
    return pa.RecordBatch.from_arrays(arrays, names=[*batch.schema.names, *facts])


def decide(op: Select, batch: pa.RecordBatch, pieces: int = 1) -> dict[str, dict[str, Any]]:
    """All four steps of a Select by hand; decisions by id."""
    size = max(1, -(-batch.num_rows // pieces))
    parts = [batch.slice(at, size) for at in range(0, batch.num_rows, size)]
    sketches = [op.sketch(part.select(list(dict.fromkeys(("id", *op.reads))))) for part in parts]
    facts = pa.Table.from_batches(sketches)
    for name in op.decide_reads:
        facts = facts.append_column(name, batch.column(name))
    pairs = op.candidates(facts).cast(PAIRS)
    if op.verify_reads and pairs.num_rows:
        columns = list(dict.fromkeys(("id", *op.verify_reads)))
        seen = pa.Table.from_batches([batch.select(columns)])
        verified = [op.verify(p, seen) for p in pairs.combine_chunks().to_batches()]
        pairs = pa.Table.from_batches(verified, PAIRS)
    decisions = op.decide(facts, pairs)
    assert decisions.schema.names == DECISIONS.names
    assert decisions.column("id").to_pylist() == batch.column("id").to_pylist()
    return {row["id"]: row for row in decisions.to_pylist()}


def make_select(name: str) -> Select:
    op = catalogue.make(name, SELECTS[name])
    assert isinstance(op, Select)
    return op


@pytest.mark.parametrize("name", SELECTS)
def test_every_id_once_whatever_the_order_and_the_batches(name: str) -> None:
    op, batch = make_select(name), rows()
    whole = decide(op, batch)
    order = np.random.default_rng(2).permutation(batch.num_rows)
    assert decide(op, batch.take(pa.array(order)), pieces=5) == whole
    assert len(whole) == batch.num_rows


@pytest.mark.parametrize("name", SELECTS)
def test_twice_is_once(name: str) -> None:
    op, batch = make_select(name), rows()
    first = decide(op, batch)
    kept = batch.filter(pa.array([first[i]["copies"] > 0 for i in batch.column("id").to_pylist()]))
    again = decide(op, kept)
    assert all(row["copies"] == 1 for row in again.values())


@pytest.mark.parametrize("name", SELECTS)
def test_a_dropped_row_names_its_reason_and_a_kept_peer_if_it_has_one(name: str) -> None:
    found = decide(make_select(name), rows())
    dropped = [row for row in found.values() if row["copies"] == 0]
    assert dropped
    for row in dropped:
        assert row["reason"]
        assert isinstance(msgspec.json.decode(row["evidence"]), dict)
        if row["peer_id"] is not None:
            assert found[row["peer_id"]]["copies"] == 1


@pytest.mark.parametrize("name", SELECTS)
def test_a_select_survives_pickling_and_no_rows(name: str) -> None:
    op = make_select(name)
    assert pickle.loads(pickle.dumps(op)) == op
    assert decide(op, rows().slice(0, 1)) != {}
    empty = op.sketch(rows().slice(0, 0).select(list(dict.fromkeys(("id", *op.reads)))))
    assert empty.num_rows == 0
    said = catalogue.describe(name)
    assert all(word in said for word in ("Reads:", "Adds:", "Source:"))


def mend(op: Rewrite, batch: pa.RecordBatch) -> tuple[list[Any], list[Any]]:
    """Rows and changes after a Rewrite, as plain data."""
    done = op(batch.select(["id", "edited", *op.reads]))
    assert done.changes.schema.equals(CHANGES)
    assert done.rows.num_rows == batch.num_rows
    return done.rows.to_pylist(), done.changes.to_pylist()


@pytest.mark.parametrize("name", REWRITES)
def test_a_rewrite_loses_no_row_and_is_done_in_one_go(name: str) -> None:
    op = catalogue.make(name, {})
    assert isinstance(op, Rewrite)
    batch = rows()
    mended, changes = mend(op, batch)
    assert [row["id"] for row in mended] == batch.column("id").to_pylist()
    edited = {row["id"] for row in mended if row["edited"]}
    assert edited == {change["id"] for change in changes}
    again = pa.RecordBatch.from_pylist(
        [{**row, "edited": False} for row in mended],
        schema=batch.select(["id", "edited", *op.reads]).schema,
    )
    assert mend(op, again)[1] == []


@pytest.mark.parametrize("name", REWRITES)
def test_a_rewrite_gives_the_same_whole_and_split(name: str) -> None:
    op = catalogue.make(name, {})
    assert isinstance(op, Rewrite)
    batch = rows()
    whole = mend(op, batch)
    parts = [mend(op, batch.slice(at, 7)) for at in range(0, batch.num_rows, 7)]
    assert [row for part in parts for row in part[0]] == whole[0]
    assert [change for part in parts for change in part[1]] == whole[1]


@pytest.mark.parametrize("name", SUMMARIES)
def test_a_summary_does_not_depend_on_batches_or_their_order(name: str) -> None:
    op = catalogue.make(name, SUMMARIES[name])
    assert isinstance(op, Summary)
    batch = rows().select(["id", *op.reads])
    whole = op.finish(op.merge(pa.Table.from_batches([op.sketch(batch)])))
    sketches = [op.sketch(batch.slice(at, 11)) for at in range(0, batch.num_rows, 11)]
    left = op.merge(pa.Table.from_batches(sketches[:3]))
    right = op.merge(pa.Table.from_batches(sketches[:2:-1]))
    assert op.finish(op.merge(pa.concat_tables([right, left]))).equals(whole)
    assert pickle.loads(pickle.dumps(op)) == op
    assert op.finish(op.merge(pa.Table.from_batches([op.sketch(batch.slice(0, 0))]))) is not None
