"""Formats Tamis knows by sight but does not read: their names, and the keys that give them away.

In the order they are asked; the first that fits names the row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Row = Mapping[str, Any]


def _has(*keys: str) -> Callable[[Row], bool]:
    return lambda row: all(key in row for key in keys)


def _is_bfcl_answers(row: Row) -> bool:
    return set(row) == {"id", "ground_truth"} and isinstance(row["ground_truth"], list)


# Asked before the supported formats: they share keys with one of those, and mean something else.
BEFORE: tuple[tuple[str, Callable[[Row], bool]], ...] = (
    ("oasst messages (one in each row: read the trees instead)", _has("message_id", "parent_id")),
)
# Asked when no supported format fits.
AFTER: tuple[tuple[str, Callable[[Row], bool]], ...] = (
    ("BFCL answers to questions of several turns", _is_bfcl_answers),
)
