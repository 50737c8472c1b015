"""Blemishes that can be repaired without loss: line ends, stray spaces, tag spelling, call bodies."""

from __future__ import annotations

import ast
import json
import random
import re

from tamis.demo.planting import (
    Fault,
    Planted,
    answer_places,
    assistant_places,
    text_at,
    with_content,
)
from tamis.records import Conversation

_BODY = re.compile(r"<tool_call>\n(\{.*?\})\n</tool_call>", re.DOTALL)
_SPELLINGS = [("<Think>", "</Think>"), ("< think >", "</ think >"), ("<THINK>", "</THINK>")]
_CALL_SPELLINGS = [("<tool-call>", "</tool-call>"), ("<Tool_Call>", "</Tool_Call>")]


def _windows_lines(rng: random.Random, row: Conversation) -> Planted | None:
    places = [p for p in assistant_places(row) if "\n" in text_at(row, p)]
    if not places:
        return None
    place = rng.choice(places)
    return with_content(row, place, text_at(row, place).replace("\n", "\r\n"))


def _stray_spaces(rng: random.Random, row: Conversation) -> Planted | None:
    places = answer_places(row)
    if not places:
        return None
    place = rng.choice(places)
    text = text_at(row, place)
    return with_content(
        row, place, rng.choice([f"  {text}", f"\n\n{text}", f"{text}   ", f"{text}\n\n\n"])
    )


def _respelt(
    rng: random.Random, row: Conversation, tag: str, spellings: list[tuple[str, str]]
) -> Planted | None:
    places = assistant_places(row, containing=f"</{tag}>")
    if not places:
        return None
    place, (opening, closing) = rng.choice(places), rng.choice(spellings)
    text = text_at(row, place).replace(f"<{tag}>", opening).replace(f"</{tag}>", closing)
    return with_content(row, place, text)


def _think_spelling(rng: random.Random, row: Conversation) -> Planted | None:
    return _respelt(rng, row, "think", _SPELLINGS)


def _call_spelling(rng: random.Random, row: Conversation) -> Planted | None:
    return _respelt(rng, row, "tool_call", _CALL_SPELLINGS)


def _literal_body(rng: random.Random, row: Conversation) -> Planted | None:
    """A call that was written as JSON becomes a Python literal, single quotes and all."""
    for place in assistant_places(row, containing="<tool_call>"):
        found = _BODY.search(text_at(row, place))
        if found and found.group(1).startswith('{"'):
            body = repr(json.loads(found.group(1)))
            assert ast.literal_eval(body)
            text = text_at(row, place)
            return with_content(row, place, text[: found.start(1)] + body + text[found.end(1) :])
    return None


def _missing_closing(rng: random.Random, row: Conversation) -> Planted | None:
    """A message's only call, whole and at its end, lacks the closing tag."""
    for place in assistant_places(row, containing="<tool_call>"):
        text = text_at(row, place)
        if text.count("<tool_call>") == 1 and text.endswith("\n</tool_call>"):
            return with_content(row, place, text.removesuffix("\n</tool_call>"))
    return None


BLEMISHES: tuple[Fault, ...] = (
    Fault(kind="windows-lines", severity="info", plant=_windows_lines, scope="any", fixable=True),
    Fault(kind="stray-spaces", severity="info", plant=_stray_spaces, scope="any", fixable=True),
    Fault(
        kind="think-spelling", severity="warning", plant=_think_spelling, scope="any", fixable=True
    ),
    Fault(kind="tool-call-spelling", severity="warning", plant=_call_spelling, fixable=True),
    Fault(kind="literal-body", severity="info", plant=_literal_body, fixable=True),
    Fault(kind="closing-tag-missing", severity="error", plant=_missing_closing, fixable=True),
)
