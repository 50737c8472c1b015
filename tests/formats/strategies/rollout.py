"""Rows of rollouts. Of their formats only our own is written."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from tests.formats.strategies.parts import maybe, messages, numbers, optional, raws, texts

_counts = st.integers(0, 2**31 - 1)
_values = st.sampled_from([0.0, 1.0, -0.5, 1e300])
_scores = optional(
    {"value": st.none() | _values},
    {
        "parts": st.dictionaries(texts, _values, max_size=2),
        "reason": texts,
        "answer": maybe,
        "flags": st.lists(texts, max_size=2),
    },
)
_drawn = optional(
    {"question_id": texts.filter(bool) | st.integers(-(10**20), 10**20)},
    {
        "model": maybe,
        "finish_reason": maybe,
        "sample": st.none() | _counts,
        "prompt_tokens": st.none() | _counts,
        "completion_tokens": st.none() | _counts,
        "sampling": raws,
    },
)
_answers = (
    st.fixed_dictionaries({"messages": messages.filter(bool)})
    | st.fixed_dictionaries({"completion": texts | messages.filter(bool)})
    | st.fixed_dictionaries({"response": texts | messages.filter(bool), "x": numbers})
)
_scored = st.fixed_dictionaries({"score": _scores | raws}) | st.just({})

ROWS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "rollouts": st.tuples(_drawn, _answers, _scored).map(
        lambda parts: {**parts[0], **parts[1], **parts[2]}
    ),
}
