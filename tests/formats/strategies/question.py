"""Rows of questions and of rollouts."""

from __future__ import annotations

from hypothesis import strategies as st
from tests.formats.strategies.parts import texts

ROWS = {
    "gsm8k": st.fixed_dictionaries(
        {"question": texts, "answer": st.tuples(texts, texts).map(" #### ".join)}
    ),
}
