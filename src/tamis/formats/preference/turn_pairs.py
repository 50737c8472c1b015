"""A conversation and two answers to it, each one turn: LLaMA-Factory's and axolotl's."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw

from tamis.errors import InputError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.chat.sharegpt import parse_turn, write_turns
from tamis.formats.openai_messages import parse_message, write_message
from tamis.formats.plain import joined, roles_are
from tamis.formats.preference.inside import chat_matches, parse_chat, write_chat
from tamis.formats.preference.sides import (
    SIDES,
    Sides,
    need_both,
    only_message,
    preference,
    put_scores,
    put_system,
    take,
    take_system,
)
from tamis.records import Message, Preference


class _Style(NamedTuple):
    """The chat format of the conversation, and the key that each of both answers must have.

    takes_texts: an answer may be a bare text instead
    """

    name: str
    chat: str
    turn_key: str
    takes_texts: bool
    about: str


# Source: LLaMA-Factory 0.9.5, data/converter.py; axolotl 0.19.0, prompt_strategies/dpo/chat_template.py.
_TABLE = (
    _Style("llamafactory_preference", "sharegpt", "from", False,
           "conversations, and a turn for each side (LLaMA-Factory)"),
    _Style("chat_template_preference", "openai", "role", True,
           "messages, and a message or a text for each side (axolotl)"),
)  # fmt: skip


# Beside two texts, each of these is the question.
_QUESTIONS = ("prompt", "instruction", "question", "input")


def _matches(style: _Style, row: Mapping[str, Any]) -> bool:
    conversation = {key: row[key] for key in row if key not in SIDES}
    sides = [row.get(side) for side in SIDES]
    are_turns = all(isinstance(side, dict) and style.turn_key in side for side in sides)
    asks_elsewhere = any(isinstance(row.get(key), str) for key in _QUESTIONS)
    are_texts = all(isinstance(side, str) for side in sides) and not asks_elsewhere
    return (are_turns or (are_texts and style.takes_texts)) and chat_matches(
        style.chat, conversation
    )


def _parse(style: _Style, rest: dict[str, Raw]) -> Preference:
    """One row; the conversation is the prompt."""
    found = {side: take(rest, side, "an object") for side in SIDES}
    chosen, rejected = (_parse_side(style, found[side], f"$.{side}") for side in SIDES)
    asked = parse_chat(style.chat, rest)
    texts = [side for side in SIDES if exact.is_text(found[side])]
    if texts:
        asked.marker["texts"] = texts
    prompt = take_system(asked.own, asked.messages)
    return preference(Sides(prompt, [chosen], [rejected]), asked.own, asked.marker, asked.tools)


def _parse_side(style: _Style, raw: Raw, path: str) -> Message:
    if style.takes_texts and exact.is_text(raw):
        return Message(role="assistant", content=exact.text(raw, path))
    return parse_turn(raw, path) if style.chat == "sharegpt" else parse_message(raw, path)


def _write(style: _Style, row: Row) -> dict[str, Any]:
    """The conversation that was asked, and one turn for each side."""
    need_both(row)
    rest, marker = exact.split_rest(row["meta"])
    written: dict[str, Any] = {}
    prompt = put_system(written, row["prompt"])
    written |= write_chat(style.chat, prompt, row, marker)
    texts = msgspec.json.decode(marker["texts"], type=list[str]) if "texts" in marker else []
    for side in SIDES:
        message = only_message(row, side)
        is_text = side in texts and roles_are([message], "assistant")
        written[side] = message["content"] if is_text else _write_side(style, message, f"{side}[0]")
    put_scores(written, row, marker)
    return joined(written, rest)


def _write_side(style: _Style, message: dict[str, Any], path: str) -> dict[str, Any]:
    if style.chat != "sharegpt":
        return write_message(message)
    turns = write_turns(message, path)
    if len(turns) != 1:
        raise InputError(f"{path}.tool_calls: one turn holds text or tool calls, got both")
    return turns[0]


FORMATS = tuple(
    Format(
        name=style.name,
        kind="preferences",
        about=style.about,
        matches=partial(_matches, style),
        parse=partial(_parse, style),
        write=partial(_write, style),
    )
    for style in _TABLE
)
