"""Rows of one question and one answer as texts, under the many names in use: Alpaca and its relatives."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw

from tamis.errors import InputError, RowError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.plain import bare_text, joined, no_tools, take_text
from tamis.records import Conversation, Message


class Keys(NamedTuple):
    """The keys of one family member.

    below:   text that stands below the question, written also when empty unless its author left it out
    history: earlier pairs [[question, answer], ...]
    needs:   keys a row must have besides to be taken for this shape
    """

    name: str
    asked: str
    answered: str
    below: str | None = None
    system: str | None = None
    history: str | None = None
    needs: tuple[str, ...] = ()
    seen_in: str = ""


# In the order of detection: more keys first. The last column says who writes such rows.
_TABLE = (
    Keys("alpaca", "instruction", "output", "input", "system", "history", seen_in="Alpaca"),
    Keys("dolly", "instruction", "response", "context", needs=("context",), seen_in="Dolly"),
    Keys("openorca", "question", "response", system="system_prompt", needs=("system_prompt",),
         seen_in="OpenOrca"),
    Keys("query_response", "query", "response", None, "system", "history", seen_in="ms-swift"),
    Keys("gpteacher", "instruction", "response", "input", seen_in="GPTeacher, reflection sets"),
    Keys("distilabel", "instruction", "generation", seen_in="distilabel"),
    Keys("metharme", "prompt", "generation", seen_in="metharme"),
    Keys("prompt_response", "prompt", "response", system="system", seen_in="many hub sets"),
    Keys("question_response", "question", "response", system="system", seen_in="many hub sets"),
    Keys("question_answer", "question", "answer", seen_in="many hub sets"),
    Keys("problem_solution", "problem", "solution", seen_in="maths sets"),
    Keys("input_output", "input", "output", system="system", seen_in="ms-swift's aliases"),
    Keys("instruction_answer", "instruction", "answer", seen_in="ms-swift's aliases"),
    Keys("instruction_completion", "instruction", "completion", seen_in="ms-swift's aliases"),
    Keys("upper_instruction_response", "INSTRUCTION", "RESPONSE", seen_in="OIG-like sets"),
    Keys("message_pair", "message_1", "message_2", seen_in="CAMEL"),
)  # fmt: skip


def _matches(keys: Keys, row: Mapping[str, Any]) -> bool:
    texts = (row.get(keys.asked), row.get(keys.answered))
    return all(isinstance(text, str) for text in texts) and all(key in row for key in keys.needs)


def _parse(keys: Keys, rest: dict[str, Raw]) -> Conversation:
    """One row: a text `below` the question stands after a line end."""
    marker: dict[str, object] = {}
    for key in keys.needs:
        if key not in rest:
            raise RowError(f"$.{key}: expected text, got nothing (the key is missing)")
    asked = _question(keys, take_text(rest, keys.asked), rest, marker)
    answered = Message(role="assistant", content=take_text(rest, keys.answered))
    messages = [*_system(keys, rest), *_history(keys, rest), asked, answered]
    return Conversation(messages=messages, meta=exact.rest_text(rest, marker, "$"))


def _question(keys: Keys, asked: str, rest: dict[str, Raw], marker: dict[str, object]) -> Message:
    alone = Message(role="user", content=asked)
    if keys.below is None:
        return alone
    if keys.below not in rest:
        marker["absent"] = [keys.below]
        return alone
    if exact.is_null(rest[keys.below]):
        return alone
    below = take_text(rest, keys.below)
    if not below:
        return alone
    mark = exact.rest_text({}, {"input": below}, "$")
    return Message(role="user", content=f"{asked}\n{below}", extra=mark)


def _system(keys: Keys, rest: dict[str, Raw]) -> list[Message]:
    # a blank or null one is no message, and stays among the author's own keys
    if keys.system is None or bytes(rest.get(keys.system, b"null")) in (b"null", b'""'):
        return []
    return [Message(role="system", content=take_text(rest, keys.system))]


def _history(keys: Keys, rest: dict[str, Raw]) -> list[Message]:
    raw = None if keys.history is None else rest.get(keys.history)
    if keys.history is None or raw is None or exact.is_null(raw):
        return []
    path = f"$.{keys.history}"
    pairs = exact.elements(raw, path)
    if not pairs:
        return []
    del rest[keys.history]
    messages = []
    for place, pair in enumerate(pairs):
        texts = exact.elements(pair, f"{path}[{place}]")
        if len(texts) != 2:
            raise RowError(f"{path}[{place}]: expected question and answer, got {len(texts)} texts")
        for side, role in enumerate(("user", "assistant")):
            content = exact.text(texts[side], f"{path}[{place}][{side}]")
            messages.append(Message(role=role, content=content))
    return messages


def _write(keys: Keys, row: Row) -> dict[str, Any]:
    """Pairs of user and assistant, maybe a system text first, as far as the shape has keys for them."""
    no_tools(row)
    rest, marker = exact.split_rest(row["meta"])
    messages = row["messages"]
    written: dict[str, Any] = {}
    first = 1 if messages and messages[0]["role"] == "system" else 0
    if first:
        if keys.system is None:
            raise InputError(f"messages[0].role: {keys.name} has no place for a system message")
        written[keys.system] = bare_text(messages[0], "system", "messages[0]")
    if len(messages) < first + 2 or (len(messages) - first) % 2:
        raise InputError(
            f"messages: expected pairs of user and assistant, got {len(messages) - first} messages"
        )
    pairs = []
    for place in range(first, len(messages), 2):
        asked = bare_text(messages[place], "user", f"messages[{place}]")
        answered = bare_text(messages[place + 1], "assistant", f"messages[{place + 1}]")
        pairs.append([asked, answered])
    if len(pairs) > 1:
        if keys.history is None:
            raise InputError(
                f"messages: {keys.name} holds one question and answer, got {len(pairs)} of them"
            )
        written[keys.history] = pairs[:-1]
    written[keys.asked], below = _split_below(pairs[-1][0], messages[-2]["extra"])
    if below and keys.below is None:
        written[keys.asked] = pairs[-1][0]
    elif keys.below is not None and (below or "absent" not in marker):
        written[keys.below] = below
    written[keys.answered] = pairs[-1][1]
    if keys.system is not None and not first and keys.system in keys.needs:
        written[keys.system] = ""
    return joined(written, rest)


def _split_below(content: str, extra: str | None) -> tuple[str, str]:
    _, mark = exact.split_rest(extra)
    below = msgspec.json.decode(mark["input"], type=str) if "input" in mark else ""
    if below and content.endswith(f"\n{below}"):
        return content[: -len(below) - 1], below
    return content, ""


def _about(keys: Keys) -> str:
    more = [key for key in (keys.below, keys.system, keys.history) if key is not None]
    held = ", ".join([keys.asked, *more[:1], keys.answered, *more[1:]])
    return f"{held} ({keys.seen_in})"


FORMATS = tuple(
    Format(
        name=keys.name,
        kind="conversations",
        about=_about(keys),
        matches=partial(_matches, keys),
        parse=partial(_parse, keys),
        write=partial(_write, keys),
        is_vague=True,
    )
    for keys in _TABLE
)
