"""Transcripts of Human and Assistant: `chosen` and `rejected` hold a dialogue each, or what ends it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Raw

from tamis.errors import InputError, RowError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.plain import bare_text, joined, no_tools, take_text
from tamis.formats.preference.sides import (
    SIDES,
    Sides,
    need_apart,
    need_both,
    preference,
    put_scores,
    split_shared,
    word,
)
from tamis.records import Message, Preference

START = "\n\nHuman:"
_SPEAKERS = {"Human": "user", "Assistant": "assistant"}
_WORDS = {role: speaker for speaker, role in _SPEAKERS.items()}
_OPEN = ("\n\nAssistant:", "\n\nAssistant: ")
_TURN = re.compile(r"\n\n(Human|Assistant):")
# Some turns have no space behind the colon, the empty ones mostly.
_NO_SPACE = exact.rest_text({}, {"space": False}, "")


def matches(row: Mapping[str, Any]) -> bool:
    """Both sides are texts that begin with a turn of Human, or the prompt does and ends before an answer."""
    sides = [row.get(side) for side in SIDES]
    if not all(isinstance(side, str) for side in sides):
        return False
    if all(str(side).startswith(START) for side in sides):
        return True
    prompt = row.get("prompt")
    return isinstance(prompt, str) and prompt.startswith(START) and prompt.endswith(_OPEN)


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
    """One row; the turns that both transcripts start with are the prompt, or those of `prompt` are.

    A `prompt` beside two whole transcripts stays among the author's own keys.
    """
    chosen, rejected = (take_text(rest, side) for side in SIDES)
    are_whole = chosen.startswith(START) and rejected.startswith(START)
    if not are_whole and "prompt" in rest and not exact.is_null(rest["prompt"]):
        return _parse_ends(chosen, rejected, rest)
    whole = (parse_transcript(chosen, "$.chosen"), parse_transcript(rejected, "$.rejected"))
    return preference(split_shared(*whole), rest, {})


def _parse_ends(chosen: str, rejected: str, rest: dict[str, Raw]) -> Preference:
    """The prompt ends where an answer begins, and each side is the rest of that turn."""
    start = take_text(rest, "prompt")
    if not start.endswith(_OPEN):
        raise RowError("$.prompt: expected a transcript up to `Assistant:`, got another end")
    prompt = parse_transcript(start, "$.prompt")[:-1]
    opening = start[start.rindex(_OPEN[0]) :]
    sides = (parse_transcript(start + end, "$.prompt")[len(prompt) :] for end in (chosen, rejected))
    return preference(Sides(prompt, *sides), rest, {"opening": opening})


def write(row: Row) -> dict[str, Any]:
    """Two transcripts; InputError for what a turn of text cannot hold, or would be read as a turn."""
    need_both(row)
    no_tools(row)
    rest, marker = exact.split_rest(row["meta"])
    start = _transcript(row["prompt"], "prompt")
    ends = {side: _transcript(row[side], side) for side in SIDES}
    opening = word(marker, "opening")
    written: dict[str, Any]
    if opening is not None and all(end.startswith(opening) for end in ends.values()):
        written = {side: end.removeprefix(opening) for side, end in ends.items()}
        written["prompt"] = start + opening
    else:
        need_apart(row)
        written = {side: start + end for side, end in ends.items()}
    if not all((start + end).startswith(START) for end in ends.values()):
        raise InputError("prompt: expected a user message first, got another")
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
    about="chosen and rejected as transcripts of Human and Assistant, or as the ends of a prompt that is one",
    matches=matches,
    parse=parse,
    write=write,
)
