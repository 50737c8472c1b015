"""ms-swift's older rows: `conversation` of {human, assistant}."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from tamis.errors import InputError, RowError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.plain import bare_text, joined, no_tools, take_text
from tamis.records import Conversation, Message

_SIDES = (("human", "user"), ("assistant", "assistant"))


def matches(row: Mapping[str, Any]) -> bool:
    """`conversation` is a list of objects with human and assistant."""
    turns = row.get("conversation")
    return (
        isinstance(turns, list)
        and bool(turns)
        and all(isinstance(turn, dict) and {"human", "assistant"} <= set(turn) for turn in turns)
    )


def parse(rest: dict[str, Raw]) -> Conversation:
    """One row; a text `system` becomes the first message."""
    if "conversation" not in rest:
        raise RowError("$.conversation: expected a list, got nothing (the key is missing)")
    messages = []
    if "system" in rest and exact.is_text(rest["system"]):
        messages.append(Message(role="system", content=exact.text(rest.pop("system"), "$.system")))
    for place, turn in enumerate(exact.elements(rest.pop("conversation"), "$.conversation")):
        path = f"$.conversation[{place}]"
        sides = exact.members(turn, path)
        pair = [Message(role=role, content=take_text(sides, side, path)) for side, role in _SIDES]
        # what else stands in the turn goes with its question
        extra = exact.rest_text(sides, {}, path)
        messages += [Message(role="user", content=pair[0].content, extra=extra), pair[1]]
    return Conversation(messages=messages, meta=exact.rest_text(rest, {}, "$"))


def write(row: Row) -> dict[str, Any]:
    """Pairs of user and assistant, maybe a system text."""
    no_tools(row)
    rest, _ = exact.split_rest(row["meta"])
    messages = row["messages"]
    written: dict[str, Any] = {}
    first = 1 if messages and messages[0]["role"] == "system" else 0
    if first:
        written["system"] = bare_text(messages[0], "system", "messages[0]")
    if (len(messages) - first) % 2:
        raise InputError(
            f"messages: expected pairs of user and assistant, got {len(messages) - first} messages"
        )
    turns = []
    for place in range(first, len(messages), 2):
        asked, answered = messages[place], messages[place + 1]
        own_keys, _ = exact.split_rest(asked["extra"])
        question = bare_text({**asked, "extra": None}, "user", f"messages[{place}]")
        answer = bare_text(answered, "assistant", f"messages[{place + 1}]")
        turns.append({"human": question, "assistant": answer, **own_keys})
    written["conversation"] = turns
    return joined(written, rest)


FORMAT = Format(
    name="human_assistant",
    kind="conversations",
    about="conversation of human and assistant, system (ms-swift)",
    matches=matches,
    parse=parse,
    write=write,
)
