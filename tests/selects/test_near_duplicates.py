"""A dropped row is within the threshold of a kept one, whatever the order, and twice is once."""

from __future__ import annotations

import json
import pickle
import random
import time

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.errors import RecipeError, SchemaError
from tamis.kernels import reference
from tamis.schema import DECISIONS, MESSAGES, PAIRS
from tamis.selects.near_duplicates import NearDuplicates

WORDS = [f"w{i}" for i in range(400)] + list("你好世界吃饭睡觉读书写字")


def _rows(texts: list[str], ids: list[str] | None = None) -> pa.RecordBatch:
    messages = [[{"role": "user", "content": text}] for text in texts]
    named = ids or [f"r{at:05d}" for at in range(len(texts))]
    return pa.record_batch({"id": pa.array(named), "messages": pa.array(messages, MESSAGES)})


def _run(
    op: NearDuplicates,
    rows: pa.RecordBatch,
    *,
    facts: dict[str, pa.Array] | None = None,
    cut: int = 7,
) -> tuple[pa.Table, pa.Table]:
    """Decisions and verified pairs, sketched and verified in slices of `cut` rows."""
    slices = [rows.slice(at, cut) for at in range(0, rows.num_rows, cut)] or [rows]
    sketch = pa.Table.from_batches([op.sketch(part) for part in slices])
    found = op.candidates(sketch)
    table = pa.Table.from_batches(slices)
    parts = [
        op.verify(part, table)
        for part in found.to_batches(max_chunksize=max(50, rows.num_rows * 50))
    ]
    pairs = pa.Table.from_batches(parts, schema=PAIRS)
    for name, values in (facts or {}).items():
        sketch = sketch.append_column(name, values)
    return op.decide(sketch, pairs), pairs


def _family(rng: random.Random, n: int, edits: int) -> list[list[str]]:
    base = [rng.choice(WORDS) for _ in range(n)]
    family = [base]
    for _ in range(edits):
        other = [*rng.choice(family)]
        other[rng.randrange(n)] = rng.choice(WORDS)
        family.append(other)
    return family


def _pool(seed: int) -> list[str]:
    rng = random.Random(seed)
    texts = ["", "", "?!", "?!", "…"]
    for _ in range(6):
        for words in _family(rng, rng.choice([1, 3, 8, 30, 80, 200]), rng.randrange(4)):
            glue = rng.choice([" ", "  ", ", "])
            texts += [glue.join(words)] * rng.choice([1, 1, 2])
    rng.shuffle(texts)
    return texts


@given(st.integers(0, 10_000), st.sampled_from([0.5, 0.8, 0.95, 1.0]))
@settings(max_examples=25, deadline=None)
def test_decisions_are_sound_for_any_pool(seed: int, threshold: float) -> None:
    texts = _pool(seed)
    op = NearDuplicates(threshold=threshold)
    decisions, _ = _run(op, _rows(texts))
    assert decisions.schema == DECISIONS
    by_id = {row["id"]: row for row in decisions.to_pylist()}
    assert sorted(by_id) == decisions["id"].to_pylist() == _rows(texts)["id"].to_pylist()
    mark = ["<user>"]
    words = {f"r{at:05d}": mark + reference.tokens(text) for at, text in enumerate(texts)}
    raw = {f"r{at:05d}": text for at, text in enumerate(texts)}
    for key, row in by_id.items():
        if row["copies"] == 1:
            assert (row["reason"], row["peer_id"], row["evidence"]) == ("kept", None, None)
            continue
        peer, evidence = row["peer_id"], json.loads(row["evidence"])
        assert by_id[peer]["copies"] == 1
        truth = reference.similarity(words[key], words[peer], 5)
        assert row["score"] == round(truth, 4) >= threshold
        assert raw[key]
        assert (row["reason"] == "exact_duplicate") == (raw[key] == raw[peer])
        assert evidence["threshold"] == threshold
        if len(words[key]) > 1:
            assert round(evidence["shared"] / evidence["total"], 4) == row["score"]


@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None)
def test_order_and_batches_change_nothing(seed: int, rng: random.Random) -> None:
    rows = _rows(_pool(seed))
    op = NearDuplicates(threshold=0.7)
    order = list(range(rows.num_rows))
    rng.shuffle(order)
    straight, _ = _run(op, rows)
    shuffled, _ = _run(op, rows.take(pa.array(order)), cut=1 + rng.randrange(40))
    assert shuffled.sort_by("id") == straight


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_twice_is_once(seed: int) -> None:
    rows = _rows(_pool(seed))
    op = NearDuplicates(threshold=0.6)
    once, _ = _run(op, rows)
    kept = rows.filter(pa.array([copies == 1 for copies in once["copies"].to_pylist()]))
    twice, _ = _run(op, kept)
    assert set(twice["copies"].to_pylist()) <= {1}


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_a_higher_threshold_is_decided_from_the_stored_pairs(seed: int) -> None:
    rows = _rows(_pool(seed))
    low, high = NearDuplicates(threshold=0.5), NearDuplicates(threshold=0.9)
    _, pairs = _run(low, rows)
    again = high.decide(low.sketch(rows).select(["id"]), pairs)
    fresh, _ = _run(high, rows)
    # pairs found with the lower threshold are at least those the higher one would have found
    assert again.select(["id", "copies"]) == fresh.select(["id", "copies"])


def test_the_preferred_row_is_kept_and_nulls_come_last() -> None:
    text = " ".join(WORDS[:60])
    rows = _rows([text, text + " a", text + " b", text, "something else entirely"])
    op = NearDuplicates(prefer="quality")
    quality = pa.array([None, 2.0, 7.5, float("nan"), None])
    decisions, _ = _run(op, rows, facts={"quality": quality})
    assert decisions["copies"].to_pylist() == [0, 0, 1, 0, 1]
    assert set(decisions["peer_id"].to_pylist()) == {"r00002", None}


def test_a_chain_of_small_edits_never_drops_a_row_that_is_near_nothing_kept() -> None:
    words = [f"x{i}" for i in range(60)]
    chain = []
    for at in range(12):
        words[at * 5] = f"y{at}"
        chain.append(" ".join(words))
    decisions, _ = _run(NearDuplicates(threshold=0.8), _rows(chain))
    kept = [text for text, n in zip(chain, decisions["copies"].to_pylist(), strict=True) if n]
    assert 1 < len(kept) < len(chain)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Tom has 3 apples and buys 5. How many?", "Tom has 4 apples and buys 5. How many?"),
        ("What is 12 + 30?", "What is 12 - 30?"),
        ("What is 12 + 30?", "What is 12 + 31?"),
        ("一个苹果三元，五个多少元？", "一个苹果四元，五个多少元？"),
        ("2", "3"),
    ],
)
def test_different_short_problems_stay(left: str, right: str) -> None:
    decisions, _ = _run(NearDuplicates(), _rows([left, right]))
    assert decisions["copies"].to_pylist() == [1, 1]


@pytest.mark.parametrize("text", ["2", "hi", "你好", "ok then", "สวัสดี", "Hello, World"])
def test_short_texts_match_their_copies_in_other_dress(text: str) -> None:
    decisions, _ = _run(NearDuplicates(), _rows([text, f" {text.upper()}!! "]))
    assert decisions["reason"].to_pylist() == ["kept", "near_duplicate"]
    assert decisions["score"].to_pylist() == [None, 1.0]


def test_rows_without_text_are_left_alone() -> None:
    messages = [None, [], [{"role": "user", "content": None}], [{"role": "user", "content": ""}]]
    ids = pa.array([f"r{at}" for at in range(8)])
    rows = pa.record_batch({"id": ids, "messages": pa.array(messages * 2, MESSAGES)})
    decisions, pairs = _run(NearDuplicates(), rows)
    assert (decisions["copies"].to_pylist(), pairs.num_rows) == ([1] * 8, 0)


def test_no_rows_give_no_decisions() -> None:
    decisions, pairs = _run(NearDuplicates(), _rows([]).slice(0, 0))
    assert (decisions.num_rows, pairs.num_rows) == (0, 0)


def test_many_identical_rows_cost_linear_pairs() -> None:
    n = 10_000
    rows = _rows(["the same words again and again"] * n)
    started = time.process_time()
    decisions, pairs = _run(NearDuplicates(), rows, cut=5_000)
    assert time.process_time() - started < 10
    assert pairs.num_rows == n - 1
    assert decisions["copies"].to_pylist() == [1] + [0] * (n - 1)


def test_a_crowd_of_alike_rows_costs_bounded_pairs() -> None:
    n = 1_000
    shared = " ".join(f"s{at}" for at in range(300))
    rows = _rows([f"{shared} t{at}" for at in range(n)])
    op = NearDuplicates()
    decisions, pairs = _run(op, rows, cut=400)
    assert pairs.num_rows < n * n / 2
    assert sum(decisions["copies"].to_pylist()) < n / 50


def test_wrong_options_are_refused_with_a_way_out() -> None:
    with pytest.raises(RecipeError, match="0 < threshold <= 1"):
        NearDuplicates(threshold=0.0)
    with pytest.raises(RecipeError, match="shingle"):
        NearDuplicates(shingle=0)
    op = NearDuplicates(prefer="quality")
    with pytest.raises(SchemaError, match="`quality`"):
        _run(op, _rows(["a"]))
    assert pickle.loads(pickle.dumps(op)) == op
