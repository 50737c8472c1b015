"""The static embedder is model2vec's mean over the same weights, and depends on the text alone."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tamis.embed.static import DIM, load_static
from tamis.errors import TamisError
from tamis.measures.embedding import StaticEmbedding
from tamis.schema import MESSAGES

TEXTS = [
    "How many apples does Tom have?",
    "法国的首都是哪里？",
    "def add(a, b):\n    return a + b",
    "  spaces   and 😀 emoji\t",
    "a" * 700,
    "word " * 3000,
    "x",
]


def test_vectors_are_those_of_model2vec() -> None:
    model2vec = pytest.importorskip("model2vec")
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    spec = importlib.util.find_spec("wordllama")
    assert spec is not None and spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0])
    (table,) = load_file(folder / "weights/l2_supercat_256.safetensors").values()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizers/l2_supercat_tokenizer_config.json"))
    peer = model2vec.StaticModel(
        table.astype(np.float32), tokenizer, normalize=True, max_length=None
    )
    expected = peer.encode(TEXTS, max_length=None, use_multiprocessing=False)
    np.testing.assert_allclose(load_static().encode(TEXTS), expected, atol=1e-6)


def test_a_vector_depends_on_its_text_alone() -> None:
    embedder = load_static()
    together = embedder.encode(TEXTS * 60)
    alone = np.concatenate([embedder.encode([text]) for text in TEXTS])
    assert (together == np.tile(alone, (60, 1))).all()


def test_vectors_have_unit_length_and_no_text_is_zero() -> None:
    vectors = load_static().encode([*TEXTS, ""])
    np.testing.assert_allclose(np.linalg.norm(vectors[:-1], axis=1), 1, atol=1e-6)
    assert not vectors[-1].any()
    assert load_static().encode([]).shape == (0, DIM)


def test_related_questions_are_closer_than_unrelated_ones() -> None:
    a, b, c = load_static().encode(
        ["How do I bake bread?", "What is a good recipe for baking bread?", "Sort a list in Rust"]
    )
    assert a @ b > 0.5 > a @ c


def test_missing_weights_are_said_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(TamisError, match="pip install --no-deps wordllama"):
        load_static.__wrapped__()


def test_a_conversation_without_text_has_no_embedding() -> None:
    rows = [
        [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "bye"}],
        [{"role": "assistant", "content": "no user"}],
        [],
        None,
    ]
    ids = pa.array([f"r{i}" for i in range(len(rows))])
    batch = pa.record_batch({"id": ids, "messages": pa.array(rows, MESSAGES)})
    made = StaticEmbedding()(batch)
    assert made.schema == StaticEmbedding().adds()
    assert made.column(0).is_valid().to_pylist() == [True, False, False, False]
    assert made.column(0)[0].as_py() == load_static().encode(["hello"])[0].tolist()
    assert (
        json.dumps(StaticEmbedding()(batch.slice(1)).column(0).to_pylist()) == "[null, null, null]"
    )
