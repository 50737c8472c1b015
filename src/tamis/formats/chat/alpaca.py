"""Alpaca rows: instruction, input, output, and sometimes system and history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from tamis.errors import InputError, RowError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.plain import bare_text, no_tools, take_text
from tamis.records import Conversation, Message


def matches(row: Mapping[str, Any]) -> bool:
    """`instruction` and `output` are texts."""
    return isinstance(row.get("instruction"), str) and isinstance(row.get("output"), str)


def parse(rest: dict[str, Raw]) -> Conversation:
    """One row: an `input` with text stands below the instruction, after a line end."""
    marker: dict[str, object] = {}
    asked = _user(take_text(rest, "instruction"), rest, marker)
    answered = Message(role="assistant", content=take_text(rest, "output"))
    messages = [*_system(rest), *_history(rest), asked, answered]
    return Conversation(messages=messages, meta=exact.rest_text(rest, marker, "$"))


def _user(instruction: str, rest: dict[str, Raw], marker: dict[str, object]) -> Message:
    if "input" not in rest:
        marker["absent"] = ["input"]
        return Message(role="user", content=instruction)
    if exact.is_null(rest["input"]):
        return Message(role="user", content=instruction)
    below = take_text(rest, "input")
    if not below:
        return Message(role="user", content=instruction)
    mark = exact.rest_text({}, {"input": below}, "$")
    return Message(role="user", content=f"{instruction}\n{below}", extra=mark)


def _system(rest: dict[str, Raw]) -> list[Message]:
    # a blank or null one is no message, and stays among the author's own keys
    if bytes(rest.get("system", b"null")) in (b"null", b'""'):
        return []
    return [Message(role="system", content=take_text(rest, "system"))]


def _history(rest: dict[str, Raw]) -> list[Message]:
    raw = rest.get("history")
    if raw is None or exact.is_null(raw):
        return []
    pairs = exact.elements(raw, "$.history")
    if not pairs:
        return []
    del rest["history"]
    messages = []
    for place, pair in enumerate(pairs):
        texts = exact.elements(pair, f"$.history[{place}]")
        if len(texts) != 2:
            raise RowError(
                f"$.history[{place}]: expected question and answer, got {len(texts)} texts"
            )
        for side, role in enumerate(("user", "assistant")):
            content = exact.text(texts[side], f"$.history[{place}][{side}]")
            messages.append(Message(role=role, content=content))
    return messages


def write(row: Row) -> dict[str, Any]:
    """The members of an Alpaca row: pairs of user and assistant, maybe a system text first."""
    no_tools(row)
    rest, marker = exact.split_rest(row["meta"])
    messages = row["messages"]
    written: dict[str, Any] = {}
    first = 1 if messages and messages[0]["role"] == "system" else 0
    if first:
        written["system"] = bare_text(messages[0], "system", "messages[0]")
    if len(messages) < first + 2 or (len(messages) - first) % 2:
        raise InputError(
            f"messages: expected pairs of user and assistant, got {len(messages) - first} messages"
        )
    pairs = []
    for place in range(first, len(messages), 2):
        asked = bare_text(messages[place], "user", f"messages[{place}]")
        answered = bare_text(messages[place + 1], "assistant", f"messages[{place + 1}]")
        pairs.append([asked, answered])
    instruction, below = _split_input(pairs[-1][0], messages[-2]["extra"])
    written["instruction"] = instruction
    if below or "absent" not in marker:
        written["input"] = below
    written["output"] = pairs[-1][1]
    if len(pairs) > 1:
        written["history"] = pairs[:-1]
    return {**written, **rest}


def _split_input(content: str, extra: str | None) -> tuple[str, str]:
    _, mark = exact.split_rest(extra)
    below = msgspec.json.decode(mark["input"], type=str) if "input" in mark else ""
    if below and content.endswith(f"\n{below}"):
        return content[: -len(below) - 1], below
    return content, ""


FORMAT = Format(
    name="alpaca",
    kind="conversations",
    about="instruction, input, output, system and history",
    matches=matches,
    parse=parse,
    write=write,
)
