"""OpenAI chat rows: `messages`, with tool calls, and `tools`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from tamis.errors import RowError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.exact import MARKER
from tamis.formats.layout import Layout, null_keys
from tamis.formats.openai_messages import parse_messages, write_messages
from tamis.formats.roles import CANONICAL, canonical_role
from tamis.formats.tools import AS_LIST, put_tools, take_tools
from tamis.kernels.json_tables import ABSENT_CONTENT, NO_WORD, TRAIN_WORD
from tamis.records import Conversation


def matches(row: Mapping[str, Any]) -> bool:
    """`messages` is a list of objects with a role."""
    messages = row.get("messages")
    return (
        isinstance(messages, list)
        and all(isinstance(message, dict) and "role" in message for message in messages)
        and not any(key in row for key in ("chosen", "rejected", "chosen_messages"))
    )


def parse(rest: dict[str, Raw]) -> Conversation:
    """One row, exactly."""
    marker: dict[str, object] = {}
    if "messages" not in rest:
        raise RowError("$.messages: expected a list, got nothing (the key is missing)")
    messages = parse_messages(rest.pop("messages"), "$.messages")
    tools = take_tools(rest, marker, AS_LIST)
    return Conversation(messages=messages, tools=tools, meta=exact.rest_text(rest, marker, "$"))


def write(row: Row) -> dict[str, Any]:
    """The members of an OpenAI row."""
    rest, marker = exact.split_rest(row["meta"])
    written: dict[str, Any] = {"messages": write_messages(row["messages"])}
    put_tools(written, row["tools"], marker, AS_LIST)
    return {**written, **rest}


def _marks(word: str, marks: int) -> dict[str, object]:
    """The marker of a message, as `parse_message` makes it."""
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
    top=("messages", "tools", NO_WORD),
    message=("role", "content", "reasoning_content", "tool_call_id", "name", "tool_calls"),
    roles=tuple(CANONICAL.items()),
    n_plain_roles=len(CANONICAL),
    marks=_marks,
)
FORMAT = Format(
    name="openai",
    kind="conversations",
    about=f"messages with role and content, tool calls, tools; unread keys kept, marks under {MARKER}",
    matches=matches,
    parse=parse,
    write=write,
    layout=_LAYOUT,
)
