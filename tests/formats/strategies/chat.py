"""Rows of conversations."""

from __future__ import annotations

from hypothesis import strategies as st
from tests.formats.strategies.parts import maybe, messages, optional, pairs, texts, tools, turns

ROWS = {
    "openai": optional({"messages": messages}, {"tools": tools}),
    "sharegpt": optional({"conversations": turns}, {"tools": tools, "system": maybe}),
    "alpaca": optional(
        {"instruction": texts, "output": texts},
        {"input": maybe, "system": maybe, "history": st.none() | pairs},
    ),
    "prompt_completion": st.fixed_dictionaries({"prompt": texts, "completion": texts})
    | optional({"prompt": messages, "completion": messages}, {"tools": tools}),
}
