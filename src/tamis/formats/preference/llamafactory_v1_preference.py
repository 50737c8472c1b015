"""LLaMA-Factory's v1 preferences: `chosen_messages` and `rejected_messages` with parts {type, value}."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from tamis.errors import RowError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.chat.llamafactory_v1 import parse_v1_messages, write_v1_messages
from tamis.formats.plain import joined
from tamis.formats.preference.sides import (
    SIDES,
    need_apart,
    need_both,
    preference,
    put_scores,
    split_shared,
    take,
)
from tamis.formats.tools import AS_TEXT, put_tools, take_tools
from tamis.records import Message, Preference

_KEYS = {side: f"{side}_messages" for side in SIDES}


def matches(row: Mapping[str, Any]) -> bool:
    """Both sides are lists."""
    return all(isinstance(row.get(key), list) for key in _KEYS.values())


def parse(rest: dict[str, Raw]) -> Preference:
    """One row; the messages that both sides start with are the prompt.

    Source: LLaMA-Factory 0.9.5, v1/utils/types.py (DPOSample).
    """
    marker: dict[str, object] = {}
    chosen, rejected = (_messages(rest, key) for key in _KEYS.values())
    tools = take_tools(rest, marker, AS_TEXT)
    return preference(split_shared(chosen, rejected), rest, marker, tools)


def _messages(rest: dict[str, Raw], key: str) -> list[Message]:
    messages = parse_v1_messages(take(rest, key, "a list"), f"$.{key}")
    if not messages:
        raise RowError(f"$.{key}: expected messages, got an empty list")
    return messages


def write(row: Row) -> dict[str, Any]:
    """Both whole conversations as content lists."""
    need_both(row)
    need_apart(row)
    rest, marker = exact.split_rest(row["meta"])
    prompt = write_v1_messages(row["prompt"], "prompt")
    written: dict[str, Any] = {
        key: [*prompt, *write_v1_messages(row[side], side)] for side, key in _KEYS.items()
    }
    put_scores(written, row, marker)
    put_tools(written, row["tools"], marker, AS_TEXT)
    return joined(written, rest)


FORMAT = Format(
    name="llamafactory_v1_preference",
    kind="preferences",
    about="chosen_messages and rejected_messages of content parts {type, value}, tools",
    matches=matches,
    parse=parse,
    write=write,
)
