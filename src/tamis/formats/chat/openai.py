"""OpenAI chat rows: `messages` with tool calls, `tools`, and the same list under other names."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from msgspec import Raw

from tamis.errors import RowError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.layout import Layout, null_keys
from tamis.formats.openai_messages import parse_messages, write_messages
from tamis.formats.plain import joined
from tamis.formats.roles import CANONICAL, canonical_role
from tamis.formats.systems import SYSTEM_PLACE, is_top_system, system_message
from tamis.formats.tools import AS_LIST, WRAPPED, put_tools, take_tools
from tamis.kernels.json_tables import ABSENT_CONTENT, AT_TOP, TRAIN_WORD
from tamis.records import Conversation

_USUAL = "messages"
# Names of the same list elsewhere; the scanner reads the usual one only.
_VARIANTS = {
    f"openai_{key}": key for key in ("conversations", "conversation", "dialog", "dialogue", "items")
}


def _matches(key: str, row: Mapping[str, Any]) -> bool:
    messages = row.get(key)
    return (
        isinstance(messages, list)
        and all(isinstance(message, dict) and "role" in message for message in messages)
        and (key == _USUAL or any("content" in message for message in messages))
        and not any(one in row for one in ("chosen", "rejected", "chosen_messages"))
    )


def _parse(key: str, rest: dict[str, Raw]) -> Conversation:
    """One row, exactly."""
    marker: dict[str, object] = {}
    if key not in rest:
        raise RowError(f"$.{key}: expected a list, got nothing (the key is missing)")
    messages = parse_messages(rest.pop(key), f"$.{key}")
    if "system" in rest and exact.is_text(rest["system"]):
        messages.insert(0, system_message(exact.text(rest.pop("system"), "$.system")))
    tools = take_tools(rest, marker, AS_LIST)
    return Conversation(messages=messages, tools=tools, meta=exact.rest_text(rest, marker, "$"))


def _write(key: str, row: Row) -> dict[str, Any]:
    """The members of an OpenAI row."""
    rest, marker = exact.split_rest(row["meta"])
    messages = row["messages"]
    written: dict[str, Any] = {}
    if messages and is_top_system(messages[0]):
        written["system"] = messages[0]["content"]
        messages = messages[1:]
    written[key] = write_messages(messages)
    put_tools(written, row["tools"], marker, AS_LIST)
    return joined(written, rest)


def _marks(word: str, marks: int) -> dict[str, object]:
    """The marker of a message, as `parse_message` makes it."""
    if marks & AT_TOP:
        return dict(SYSTEM_PLACE)
    marker: dict[str, object] = {}
    if canonical_role(word) != word:
        marker["role"] = word
    if marks & ABSENT_CONTENT:
        marker["absent"] = ["content"]
    if marks & TRAIN_WORD:
        marker["flag"] = "train"
    nulls = null_keys(marks)
    if nulls:
        marker["null"] = nulls
    return marker


_LAYOUT = Layout(
    top=("messages", "tools", "system"),
    message=("role", "content", "reasoning_content", "tool_call_id", "name", "tool_calls"),
    roles=tuple(CANONICAL.items()),
    n_plain_roles=len(CANONICAL),
    marks=_marks,
)
FORMATS = tuple(
    Format(
        name=name,
        kind="conversations",
        about=f"{key} of role and content, tool calls, tools",
        matches=partial(_matches, key),
        parse=partial(_parse, key),
        write=partial(_write, key),
        layout=_LAYOUT if key == _USUAL else None,
        tools=WRAPPED,
    )
    for name, key in {"openai": _USUAL, **_VARIANTS}.items()
)
