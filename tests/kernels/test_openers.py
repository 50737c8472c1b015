"""The first words that the kernel finds are those of the plain rule."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tamis.kernels.openers import FOUND, LEFT, first_words
from tamis.measures.opener import behind_thinking, opening_words

PIECES = st.sampled_from(
    [
        "I",
        "I'd",
        "well-",
        "'tis",
        "a_b",
        "X9",
        " ",
        ", ",
        "\n",
        "--",
        "'",
        "é",
        "’",
        "你",
        "好，",
        "。",
        "の",
        "・",
        "々",
        "ไทย",
        "“",
        "—",
        "（",
        "<",
        "<think>",
        "</think>",
        "<tool_call>",
        ".",
    ]
)
TEXTS = st.one_of(
    st.lists(PIECES, max_size=12).map("".join),
    st.text(max_size=30),
    st.text(alphabet="aB9 '-’，。你好のไ々é", max_size=20),
)


@given(st.lists(TEXTS, max_size=5), st.integers(1, 4), st.integers(1, 12))
def test_openings_are_those_of_the_plain_rule(texts: list[str], n_words: int, n_chars: int) -> None:
    raw = [text.encode() for text in texts]
    offsets = np.cumsum([0, *map(len, raw)], dtype=np.int64)
    words, ends, kinds = first_words(
        np.frombuffer(b"".join(raw), np.uint8), offsets[:-1], offsets[1:], n_words, n_chars
    )
    for place, text in enumerate(texts):
        plain = opening_words(behind_thinking(text, n_chars)[:n_chars], n_words)
        found = words[ends[place] : ends[place + 1]].tobytes().decode()
        if kinds[place] == LEFT:
            assert found == "" and not text.isascii()
        else:
            assert (found if kinds[place] == FOUND else None) == plain
