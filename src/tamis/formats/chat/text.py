"""A text alone: what language-model training takes as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from tamis.errors import InputError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.plain import bare_text, joined, no_tools, take_text, turn
from tamis.records import Conversation


def matches(row: Mapping[str, Any]) -> bool:
    """`text` is a text."""
    return isinstance(row.get("text"), str)


def parse(rest: dict[str, Raw]) -> Conversation:
    """One row: all of a text is trained on, so it is one assistant message."""
    messages = turn("assistant", take_text(rest, "text"))
    return Conversation(messages=messages, meta=exact.rest_text(rest, {}, "$"))


def write(row: Row) -> dict[str, Any]:
    """The text of the only message; InputError for a conversation, which a chat template must render."""
    no_tools(row)
    rest, _ = exact.split_rest(row["meta"])
    if len(row["messages"]) != 1:
        raise InputError(
            f"messages: expected one assistant message, got {len(row['messages'])} messages"
        )
    said = bare_text(row["messages"][0], "assistant", "messages[0]")
    return joined({"text": said}, rest)


FORMAT = Format(
    name="text",
    kind="conversations",
    about="a text alone (language modelling)",
    matches=matches,
    parse=parse,
    write=write,
    is_vague=True,
)
