"""ms-swift's preferences: `messages` with the chosen answer, and `rejected_response` or `rejected_messages`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from tamis.errors import RowError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.plain import joined, roles_are, turn
from tamis.formats.preference.inside import SWIFT, chat_matches, chat_of, parse_chat, write_chat
from tamis.formats.preference.sides import (
    Sides,
    answers_start,
    need_apart,
    need_both,
    preference,
    put_scores,
    put_system,
    split_shared,
    take_system,
    word,
)
from tamis.records import Message, Preference

_RESPONSE, _MESSAGES = "rejected_response", "rejected_messages"


def matches(row: Mapping[str, Any]) -> bool:
    """`messages` is a list of messages with the chosen answer, and a rejected one stands beside it."""
    has_rejected = isinstance(row.get(_RESPONSE), str | list) or isinstance(
        row.get(_MESSAGES), list
    )
    has_both = "chosen_response" in row
    return has_rejected and not has_both and any(chat_matches(chat, row) for chat in SWIFT)


def parse(rest: dict[str, Raw]) -> Preference:
    """One row. A rejected response stands for all that follows the last user message.

    Source: ms-swift 4.6.0, template/template_inputs.py and dataset/preprocessor/core.py.
    """
    taken = {key: rest.pop(key) for key in (_RESPONSE, _MESSAGES) if not _is_absent(rest, key)}
    if len(taken) != 1:
        raise RowError(f"$.{_RESPONSE}: expected it or {_MESSAGES}, got {len(taken)} of them")
    [(key, raw)] = taken.items()
    chat = chat_of(SWIFT, rest)
    read = parse_chat(chat, rest)
    read.marker["chat"] = chat
    if key == _RESPONSE and exact.is_text(raw):
        rejected = turn("assistant", exact.text(raw, f"$.{key}"))
        sides = _after_question(read.messages, rejected)
    else:
        rejected = _rejected(raw, key, read.marker)
        split = split_shared if key == _MESSAGES else _after_question
        sides = split(read.messages, rejected)
    sides = sides._replace(prompt=take_system(read.own, sides.prompt))
    return preference(sides, read.own, read.marker, read.tools)


def _is_absent(rest: dict[str, Raw], key: str) -> bool:
    return key not in rest or exact.is_null(rest[key])


def _rejected(raw: Raw, key: str, marker: dict[str, object]) -> list[Message]:
    """A list of rejected messages, whose tool calls may be spelled otherwise than the chosen ones."""
    chat = chat_of(SWIFT, {"messages": raw})
    marker["rejected"] = [key, chat]
    try:
        return parse_chat(chat, {"messages": raw}).messages
    except RowError as error:
        raise RowError(str(error).replace("$.messages", f"$.{key}", 1)) from error


def _after_question(messages: list[Message], rejected: list[Message]) -> Sides:
    start = answers_start(messages)
    if start == len(messages):
        raise RowError("$.messages: expected an answer after the last user message, got none")
    return Sides(messages[:start], messages[start:], rejected)


def write(row: Row) -> dict[str, Any]:
    """A rejected text where it is one bare answer to the same question, else rejected messages."""
    rest, marker = exact.split_rest(row["meta"])
    if "chat" not in marker:
        need_both(row)
    written: dict[str, Any] = {}
    prompt = put_system(written, row["prompt"])
    asked = [*prompt, *row["chosen"]]
    written |= write_chat(word(marker, "chat") or SWIFT[-1], asked, row, marker)
    key, chat = _list_style(marker)
    is_split_so = answers_start(asked) == len(prompt)
    rejected = row["rejected"]
    if "rejected" not in marker and is_split_so and roles_are(rejected, "assistant"):
        written[_RESPONSE] = rejected[0]["content"]
    elif key == _RESPONSE and is_split_so:
        written[_RESPONSE] = _written(chat, rejected, row)
    else:
        need_apart(row)
        written[_MESSAGES] = _written(chat, [*prompt, *rejected], row)
    put_scores(written, row, marker)
    return joined(written, rest)


def _list_style(marker: dict[str, Raw]) -> tuple[str, str]:
    """Under which key a list of rejected messages stands, and how it spells tool calls."""
    if "rejected" not in marker:
        return _MESSAGES, SWIFT[-1]
    return msgspec.json.decode(marker["rejected"], type=tuple[str, str])


def _written(chat: str, messages: list[dict[str, Any]], row: Row) -> Any:
    return write_chat(chat, messages, {**row, "tools": None}, {})["messages"]


FORMAT = Format(
    name="ms_swift_preference",
    kind="preferences",
    about="messages with the chosen answer, rejected_response or rejected_messages, tools (ms-swift)",
    matches=matches,
    parse=parse,
    write=write,
)
