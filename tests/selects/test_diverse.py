"""Diverse top-k keeps the best rows that differ, accounts for all others, and ignores row order."""

from __future__ import annotations

import collections
import json
import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.errors import RecipeError, SchemaError
from tamis.schema import DECISIONS, MESSAGES
from tamis.selects import diverse
from tamis.selects.diverse import DiverseTopK

TOPICS = ["bread", "rust", "tax", "music", "chess", "法律", "数学", "garden", "piano", "planets"]
FRAMES = ["How does {} work?", "Explain {} to a child", "Write a poem on {} please", "{}", "{} {}?"]


def _rows(texts: list[str]) -> pa.RecordBatch:
    messages = [[{"role": "user", "content": text}] for text in texts]
    ids = pa.array([f"r{at:05d}" for at in range(len(texts))])
    return pa.record_batch({"id": ids, "messages": pa.array(messages, MESSAGES)})


def _facts(op: DiverseTopK, texts: list[str], scores: list[float | None]) -> pa.Table:
    rows = _rows(texts)
    sketch = pa.Table.from_batches([op.sketch(rows.slice(at, 9)) for at in range(0, len(texts), 9)])
    return sketch.append_column("quality", pa.array(scores, pa.float64()))


def _pool(seed: int, n: int = 60) -> tuple[list[str], list[float | None]]:
    rng = random.Random(seed)
    texts = [rng.choice(FRAMES).format(*rng.choices(TOPICS, k=2)) for _ in range(n)]
    scores = [rng.choice([None, float("nan"), 1.0, 2.0, 3.5, rng.random()]) for _ in range(n)]
    return texts, scores


def _plain(op: DiverseTopK, facts: pa.Table) -> dict[str, tuple[str, str | None, float | None]]:
    """The rule said plainly: reason, peer and similarity by id."""
    ids, scores = facts["id"].to_pylist(), facts["quality"].to_pylist()
    vectors = {
        key: np.array(vector, np.float64)
        for key, vector in zip(ids, facts["vector"].to_pylist(), strict=True)
    }
    scored = [
        (-s, key) for key, s in zip(ids, scores, strict=True) if s is not None and not np.isnan(s)
    ]
    outcome: dict[str, tuple[str, str | None, float | None]] = dict.fromkeys(
        ids, ("unscored", None, None)
    )
    kept: list[str] = []
    for _, key in sorted(scored):
        if len(kept) == op.k:
            outcome[key] = ("beyond_target", None, None)
            continue
        near = [round(float(np.float32(vectors[key] @ vectors[other])), 4) for other in kept]
        if near and max(near) > op.max_similarity:
            outcome[key] = ("too_similar", kept[near.index(max(near))], max(near))
            continue
        outcome[key] = ("kept", None, None)
        kept.append(key)
    return outcome


@given(st.integers(0, 1000), st.sampled_from([1, 5, 12, 1000]), st.sampled_from([3, 8, 512]))
@settings(max_examples=25, deadline=None)
def test_the_walk_is_the_plain_rule(seed: int, k: int, block: int) -> None:
    op = DiverseTopK(k=k, score="quality", max_similarity=0.8)
    facts = _facts(op, *_pool(seed))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(diverse, "BLOCK", block)
        decisions = op.decide(facts, op.candidates(facts))
    assert decisions.schema == DECISIONS
    found = {
        row["id"]: (row["reason"], row["peer_id"], row["score"] and round(row["score"], 3))
        for row in decisions.to_pylist()
    }
    expected = {
        key: (reason, peer, near and round(near, 3))
        for key, (reason, peer, near) in _plain(op, facts).items()
    }
    assert {k: v[:1] for k, v in found.items()} == {k: v[:1] for k, v in expected.items()}
    assert {k: v[1] for k, v in found.items()} == {k: v[1] for k, v in expected.items()}
    assert all((v[2] is None) == (expected[k][2] is None) for k, v in found.items())


@given(st.integers(0, 1000), st.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None)
def test_row_order_changes_nothing(seed: int, rng: random.Random) -> None:
    op = DiverseTopK(k=12, score="quality")
    facts = _facts(op, *_pool(seed))
    order = list(range(facts.num_rows))
    rng.shuffle(order)
    shuffled = op.decide(facts.take(pa.array(order)), op.candidates(facts))
    assert shuffled.sort_by("id") == op.decide(facts, op.candidates(facts))


def test_underfill_shows_in_the_evidence() -> None:
    op = DiverseTopK(k=3)
    facts = _facts(op, ["same words here", "same words here", "法律"], [1.0, 1.0, 1.0])
    decisions = op.decide(facts, op.candidates(facts)).to_pylist()
    assert [row["reason"] for row in decisions] == ["kept", "too_similar", "kept"]
    assert [json.loads(row["evidence"]) for row in decisions] == [
        {"rank": 1, "kept": 2, "asked": 3},
        {"similarity": 1.0, "max_similarity": 0.9},
        {"rank": 2, "kept": 2, "asked": 3},
    ]
    assert decisions[1]["peer_id"] == "r00000"


def test_all_null_scores_keep_nothing() -> None:
    op = DiverseTopK(k=3, score="quality")
    facts = _facts(op, ["a b", "c d"], [None, None])
    assert op.decide(facts, op.candidates(facts))["reason"].to_pylist() == ["unscored"] * 2


def test_rows_without_text_are_similar_to_nothing() -> None:
    op = DiverseTopK(k=10)
    facts = _facts(op, ["", "", "hello"], [1.0] * 3)
    reasons = op.decide(facts, op.candidates(facts))["reason"].to_pylist()
    assert collections.Counter(reasons) == {"kept": 3}


def test_no_rows_give_no_decisions() -> None:
    op = DiverseTopK()
    facts = pa.Table.from_batches([op.sketch(_rows([]))])
    assert op.decide(facts, op.candidates(facts)).num_rows == 0


def test_wrong_options_are_refused() -> None:
    with pytest.raises(RecipeError, match="k of 1 or more"):
        DiverseTopK(k=0)
    with pytest.raises(RecipeError, match="max_similarity"):
        DiverseTopK(max_similarity=1.5)
    op = DiverseTopK(score="missing")
    with pytest.raises(SchemaError, match="`missing`"):
        op.decide(_facts(op, ["a"], [1.0]), op.candidates(_facts(op, ["a"], [1.0])))
