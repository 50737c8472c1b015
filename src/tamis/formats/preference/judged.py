"""One answer that was liked or not: a conversation of another format, and a flag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from msgspec import Raw

from tamis.errors import InputError, RowError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.plain import joined
from tamis.formats.preference.inside import SWIFT, chat_matches, chat_of, parse_chat, write_chat
from tamis.formats.preference.sides import (
    answers_start,
    judged,
    judged_side,
    preference,
    put_scores,
    put_system,
    take_flag,
    take_system,
    word,
)
from tamis.records import Message, Preference


class _Style(NamedTuple):
    """The chat formats of the conversation, the usual one last, and the key of the flag.

    takes_last: only the last message is the answer, else all that follows the last user message is
    """

    name: str
    chats: tuple[str, ...]
    flag: str
    about: str
    takes_last: bool = True


# Source: LLaMA-Factory 0.9.5, data/converter.py; ms-swift 4.6.0, dataset/preprocessor/core.py and
# template/template_inputs.py; axolotl 0.19.0, prompt_strategies/kto/chatml.py.
_TABLE = (
    _Style("llamafactory_kto", ("sharegpt",), "kto_tag", "conversations and kto_tag"),
    _Style(
        "sharegpt_label_kto", ("sharegpt",), "label", "conversations and a label, true or false"
    ),
    _Style("alpaca_label_kto", ("alpaca",), "label", "instruction, input, output and a label"),
    _Style("prompt_response_kto", ("prompt_response",), "label", "prompt, response and a label"),
    _Style(
        "question_response_kto", ("question_response",), "label", "question, response and a label"
    ),
    _Style("alpaca_kto", ("alpaca",), "kto_tag", "instruction, input, output and kto_tag"),
    _Style("messages_kto", ("openai",), "kto_tag", "messages and kto_tag (LLaMA-Factory)"),
    _Style("ms_swift_kto", SWIFT, "label", "messages and a label, true or false", takes_last=False),
    _Style(
        "argilla_kto", ("instruction_completion",), "label", "instruction, completion and label"
    ),
)


def _matches(style: _Style, row: Mapping[str, Any]) -> bool:
    has_shape = any(chat_matches(chat, row) for chat in style.chats)
    return isinstance(row.get(style.flag), bool) and has_shape


def _parse(style: _Style, rest: dict[str, Raw]) -> Preference:
    """One row: the answer is `chosen` when it was liked, else `rejected`; the other side is empty."""
    is_liked = take_flag(rest, style.flag)
    chat = chat_of(style.chats, rest)
    read = parse_chat(chat, rest)
    if chat != style.chats[-1]:
        read.marker["chat"] = chat
    messages = read.messages
    start = _answer_start(style, messages)
    if not messages or start >= len(messages) or messages[-1].role != "assistant":
        raise RowError("$: expected an answer of the assistant last, got none")
    prompt = take_system(read.own, messages[:start])
    sides = judged(prompt, messages[start:], is_liked=is_liked)
    return preference(sides, read.own, read.marker, read.tools)


def _answer_start(style: _Style, messages: Sequence[Message] | Sequence[dict[str, Any]]) -> int:
    return len(messages) - 1 if style.takes_last else answers_start(messages)


def _write(style: _Style, row: Row) -> dict[str, Any]:
    """The conversation with its answer, and whether that was liked."""
    side = judged_side(row)
    rest, marker = exact.split_rest(row["meta"])
    written: dict[str, Any] = {}
    prompt = put_system(written, row["prompt"])
    messages = [*prompt, *row[side]]
    if _answer_start(style, messages) != len(prompt):
        place = "the last message" if style.takes_last else "what follows the last user message"
        raise InputError(f"{side}: this format takes {place} for the answer, got another split")
    chat = word(marker, "chat") or style.chats[-1]
    written |= write_chat(chat, messages, row, marker)
    written[style.flag] = side == "chosen"
    put_scores(written, row, marker)
    return joined(written, rest)


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
