"""Rows of preferences."""

from __future__ import annotations

from tests.formats.strategies.parts import messages, optional, raws, texts, tools

ROWS = {
    "trl_preference": optional(
        {"chosen": texts, "rejected": texts}, {"prompt": texts, "score_chosen": raws}
    )
    | optional(
        {"chosen": messages, "rejected": messages},
        {"prompt": messages, "tools": tools, "score_rejected": raws},
    ),
}
