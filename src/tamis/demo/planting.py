"""What a planted fault is, and the small edits that the planters share."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Literal

import msgspec

from tamis.records import Conversation, Message

Severity = Literal["error", "warning", "info", "duplicate", "unreadable"]


class Planted(msgspec.Struct, frozen=True, kw_only=True):
    """A row after its fault was planted, and the place of the edit, like `messages[3].content`."""

    row: Conversation
    where: str


Plant = Callable[[random.Random, Conversation], Planted | None]


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of fault: how it is planted and what a good check should say.

    `plant` returns None when the row has no room for this fault. `fixable` faults can be repaired
    without loss; `scope` says which shapes of row can carry it: `any` text, or `turns` (roles,
    tools and calls), which an instruction-output pair cannot hold.
    """

    kind: str
    severity: Severity
    plant: Plant
    scope: Literal["any", "turns"] = "turns"
    fixable: bool = False


def with_content(row: Conversation, place: int, content: str | None) -> Planted:
    """The row with the content of one message replaced."""
    return with_message(row, place, msgspec.structs.replace(row.messages[place], content=content))


def with_message(row: Conversation, place: int, message: Message) -> Planted:
    """The row with one message replaced; the fault is noted at its content."""
    messages = [*row.messages[:place], message, *row.messages[place + 1 :]]
    return Planted(row=with_messages(row, messages), where=f"messages[{place}].content")


def with_messages(row: Conversation, messages: list[Message]) -> Conversation:
    """The row with other messages."""
    return msgspec.structs.replace(row, messages=messages)


def assistant_places(row: Conversation, *, containing: str = "") -> list[int]:
    """Places of the assistant messages whose content holds a text."""
    return [
        place
        for place, message in enumerate(row.messages)
        if message.role == "assistant" and containing in (message.content or "")
    ]


def answer_places(row: Conversation) -> list[int]:
    """Places of the assistant messages that say something and call nothing."""
    return [
        place
        for place in assistant_places(row)
        if row.messages[place].content
        and not row.messages[place].tool_calls
        and "<tool_call>" not in (row.messages[place].content or "")
    ]


def text_at(row: Conversation, place: int) -> str:
    """Content of one message; the empty text when it has none."""
    return row.messages[place].content or ""
