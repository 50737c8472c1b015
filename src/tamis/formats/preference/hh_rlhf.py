r"""Transcripts of Human and Assistant: `chosen` and `rejected` hold a whole dialogue each, as text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Raw

from tamis.errors import InputError, RowError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.plain import bare_text, no_tools, take_text
from tamis.formats.preference.sides import (
    SIDES,
    joined,
    need_both,
    preference,
    put_scores,
    split_shared,
)
from tamis.records import Message, Preference

START = "\n\nHuman:"
_SPEAKERS = {"Human": "user", "Assistant": "assistant"}
_WORDS = {role: speaker for speaker, role in _SPEAKERS.items()}
_TURN = re.compile(r"\n\n(Human|Assistant):")
# Some turns have no space behind the colon, the empty ones mostly.
_NO_SPACE = exact.rest_text({}, {"space": False}, "")


def matches(row: Mapping[str, Any]) -> bool:
    """Both sides are texts that begin with a turn of Human."""
    return all(isinstance(row.get(side), str) and row[side].startswith(START) for side in SIDES)


def parse_transcript(text: str, path: str) -> list[Message]:
    """The turns of a transcript; the characters of each as they stand after `Human: `."""
    if not text.startswith(START):
        raise RowError(f"{path}: expected a transcript from `{START!r}` on, got another text")
    pieces = _TURN.split(text)[1:]
    messages = []
    for speaker, said in zip(pieces[::2], pieces[1::2], strict=True):
        has_space = said.startswith(" ")
        messages.append(
            Message(
                role=_SPEAKERS[speaker],
                content=said[1:] if has_space else said,
                extra=None if has_space else _NO_SPACE,
            )
        )
    return messages


def parse(rest: dict[str, Raw]) -> Preference:
    """One row; the turns that both transcripts start with are the prompt."""
    chosen, rejected = (parse_transcript(take_text(rest, side), f"$.{side}") for side in SIDES)
    return preference(split_shared(chosen, rejected), rest, {})


def write(row: Row) -> dict[str, Any]:
    """Two transcripts; InputError for what a turn of text cannot hold, or would be read as a turn."""
    need_both(row)
    no_tools(row)
    rest, marker = exact.split_rest(row["meta"])
    start = _transcript(row["prompt"], "prompt")
    written: dict[str, Any] = {side: start + _transcript(row[side], side) for side in SIDES}
    for side in SIDES:
        if not written[side].startswith(START):
            raise InputError(f"{side}: expected a user message first, got another")
    put_scores(written, row, marker)
    return joined(written, rest)


def _transcript(messages: Sequence[dict[str, Any]], name: str) -> str:
    turns = []
    for place, message in enumerate(messages):
        path, role = f"{name}[{place}]", message["role"]
        if role not in _WORDS:
            raise InputError(f"{path}.role: expected user or assistant, got {role}")
        said = bare_text(message, role, path)
        if _TURN.search(said):
            raise InputError(f"{path}.content: holds the beginning of a turn of its own")
        has_space = said[:1] == " " or "space" not in exact.split_rest(message["extra"])[1]
        turns.append(f"\n\n{_WORDS[role]}:{' ' if has_space else ''}{said}")
    return "".join(turns)


FORMAT = Format(
    name="hh_rlhf",
    kind="preferences",
    about="chosen and rejected as transcripts of Human and Assistant; a shared start is the prompt",
    matches=matches,
    parse=parse,
    write=write,
)
