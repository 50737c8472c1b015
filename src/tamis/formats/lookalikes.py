"""Formats Tamis knows by sight but does not read: their names, and the keys that give them away.

In the order they are asked; the first that fits names the row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Row = Mapping[str, Any]


def _has(*keys: str) -> Callable[[Row], bool]:
    return lambda row: all(key in row for key in keys)


def _first(row: Row, key: str) -> Any:
    value = row.get(key)
    return value[0] if isinstance(value, list) and value else None


def _is_bfcl_answers(row: Row) -> bool:
    accepted = _first(row, "ground_truth")
    return "id" in row and isinstance(accepted, dict)


# Asked before the supported formats: they share keys with one of those, and mean something else.
BEFORE: tuple[tuple[str, Callable[[Row], bool]], ...] = (
    ("BFCL answers", _is_bfcl_answers),
)
# Asked when no supported format fits.
AFTER: tuple[tuple[str, Callable[[Row], bool]], ...] = (
    ("oasst messages", _has("message_id", "parent_id", "text")),
)
