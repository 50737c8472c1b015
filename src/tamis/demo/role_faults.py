"""Faults in who speaks when: no assistant, broken order, unknown roles."""

from __future__ import annotations

import random

import msgspec

from tamis.demo.planting import Fault, Planted, answer_places, with_messages
from tamis.records import Conversation, Message

_STRANGERS = ["narrator", "moderator", "speaker", "guest", "旁白", "unknown"]


def _no_assistant(rng: random.Random, row: Conversation) -> Planted | None:
    kept = [m for m in row.messages if m.role in ("system", "user")]
    first_user = next((p for p, m in enumerate(kept) if m.role == "user"), None)
    if first_user is None:
        return None
    return Planted(row=with_messages(row, kept[: first_user + 1]), where="messages")


def _assistant_first(rng: random.Random, row: Conversation) -> Planted | None:
    """The first user message and the answer to it change places."""
    for place in answer_places(row):
        if place and row.messages[place - 1].role == "user":
            messages = list(row.messages)
            messages[place - 1], messages[place] = messages[place], messages[place - 1]
            return Planted(row=with_messages(row, messages), where=f"messages[{place - 1}].role")
    return None


def _two_users(rng: random.Random, row: Conversation) -> Planted | None:
    """An answer between two user messages is lost."""
    for place in answer_places(row):
        around = row.messages[place - 1 : place + 2 : 2]
        if [message.role for message in around] == ["user", "user"]:
            messages = [*row.messages[:place], *row.messages[place + 1 :]]
            return Planted(row=with_messages(row, messages), where=f"messages[{place}].role")
    return None


def _orphan_result(rng: random.Random, row: Conversation) -> Planted | None:
    """A tool answers although nobody called it."""
    for place, message in enumerate(row.messages):
        if message.role == "tool" and row.messages[place - 1].role == "assistant":
            messages = [*row.messages[: place - 1], *row.messages[place:]]
            return Planted(row=with_messages(row, messages), where=f"messages[{place - 1}].role")
    return None


def _late_system(rng: random.Random, row: Conversation) -> Planted | None:
    """The system prompt comes after the first exchange."""
    rest = row.messages[1:]
    # never between a call and its result: that would be a second fault
    later = [p for p in range(2, len(rest)) if rest[p].role == "user"] or [len(rest)]
    if row.messages[0].role != "system":
        return None
    place = rng.choice(later)
    messages = [*rest[:place], row.messages[0], *rest[place:]]
    return Planted(row=with_messages(row, messages), where=f"messages[{place}].role")


def _unknown_role(rng: random.Random, row: Conversation) -> Planted | None:
    place = rng.choice([p for p, m in enumerate(row.messages) if m.role in ("user", "assistant")])
    if row.messages[place].tool_calls:
        return None
    stranger: Message = msgspec.structs.replace(row.messages[place], role=rng.choice(_STRANGERS))
    messages = [*row.messages[:place], stranger, *row.messages[place + 1 :]]
    return Planted(row=with_messages(row, messages), where=f"messages[{place}].role")


ROLE_FAULTS: tuple[Fault, ...] = (
    Fault(kind="no-assistant", severity="error", plant=_no_assistant),
    Fault(kind="assistant-first", severity="warning", plant=_assistant_first),
    Fault(kind="two-users", severity="warning", plant=_two_users),
    Fault(kind="orphan-result", severity="error", plant=_orphan_result),
    Fault(kind="late-system", severity="warning", plant=_late_system),
    Fault(kind="unknown-role", severity="error", plant=_unknown_role),
)
