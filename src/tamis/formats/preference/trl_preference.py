"""Preferences: `chosen` and `rejected` as texts or message lists, after a `prompt` or a shared start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.openai_messages import parse_messages, write_messages
from tamis.formats.plain import joined, roles_are, take_text, turn
from tamis.formats.preference.sides import (
    SIDES,
    Sides,
    need_both,
    preference,
    put_repeat,
    put_scores,
    put_system,
    repeat,
    split_shared,
    take,
    take_system,
    word,
)
from tamis.formats.tools import AS_LIST, put_tools, take_tools
from tamis.records import Message, Preference


def matches(row: Mapping[str, Any]) -> bool:
    """`chosen` and `rejected` are both texts or both lists, and a `prompt` is a text or a list too.

    Two texts without a prompt beside a list of turns are answers to that, in no shape we know.
    """
    prompt = row.get("prompt")
    if all(isinstance(row.get(side), str) for side in SIDES):
        has_turns = any(isinstance(row.get(key), list) for key in ("messages", "conversations"))
        return isinstance(prompt, str) or (prompt is None and not has_turns)
    are_lists = all(isinstance(row.get(side), list) for side in SIDES)
    return are_lists and (prompt is None or isinstance(prompt, str | list))


def parse(rest: dict[str, Raw]) -> Preference:
    """One row. Without a `prompt` list, the messages both lists start with are the prompt."""
    marker: dict[str, object] = {}
    tools = take_tools(rest, marker, AS_LIST)
    has_lists = "chosen" in rest and exact.is_list(rest["chosen"])
    sides = _lists(rest, marker) if has_lists else _texts(rest)
    sides = sides._replace(prompt=take_system(rest, sides.prompt))
    return preference(sides, rest, marker, tools)


def _texts(rest: dict[str, Raw]) -> Sides:
    chosen = turn("assistant", take_text(rest, "chosen"))
    rejected = turn("assistant", take_text(rest, "rejected"))
    has_prompt = "prompt" in rest and not exact.is_null(rest["prompt"])
    prompt = turn("user", take_text(rest, "prompt")) if has_prompt else []
    return Sides(prompt, chosen, rejected)


def _lists(rest: dict[str, Raw], marker: dict[str, object]) -> Sides:
    chosen = parse_messages(rest.pop("chosen"), "$.chosen")
    rejected = parse_messages(take(rest, "rejected", "a list"), "$.rejected")
    if "prompt" in rest and exact.is_text(rest["prompt"]):
        return _lists_after_text(chosen, rejected, rest, marker)
    if "prompt" in rest and not exact.is_null(rest["prompt"]):
        marker["prompt"] = "list"
        return Sides(parse_messages(rest.pop("prompt"), "$.prompt"), chosen, rejected)
    marker["prompt"] = "shared"
    return split_shared(chosen, rejected)


def _lists_after_text(
    chosen: list[Message],
    rejected: list[Message],
    rest: dict[str, Raw],
    marker: dict[str, object],
) -> Sides:
    """The prompt is a text, as in UltraFeedback: mostly that of a message both lists start with.

    A text that no such message has is the question only where the lists hold answers alone; else it
    stays among the author's own keys.
    """
    text = exact.text(rest["prompt"], "$.prompt")
    if all(message.role in ("assistant", "tool") for message in (*chosen, *rejected)):
        marker["prompt"] = "text"
        del rest["prompt"]
        return Sides(turn("user", text), chosen, rejected)
    marker["prompt"] = "shared"
    sides = split_shared(chosen, rejected)
    repeat(rest, sides.prompt, marker)
    return sides


def write(row: Row) -> dict[str, Any]:
    """Texts for a bare question and two bare answers, else lists."""
    rest, marker = exact.split_rest(row["meta"])
    shape = word(marker, "prompt")
    if shape is None:
        need_both(row)
    written: dict[str, Any] = {}
    prompt = put_system(written, row["prompt"])
    asks_once = roles_are(prompt, "user")
    if shape is None and _sides_are_bare(row) and (asks_once or not prompt):
        written |= {side: row[side][0]["content"] for side in SIDES}
        if prompt:
            written["prompt"] = prompt[0]["content"]
    elif shape == "shared":
        written |= {side: write_messages([*prompt, *row[side]]) for side in SIDES}
        put_repeat(written, prompt, marker)
    else:
        as_text = shape == "text" and asks_once
        written["prompt"] = prompt[0]["content"] if as_text else write_messages(prompt)
        written |= {side: write_messages(row[side]) for side in SIDES}
    put_scores(written, row, marker)
    put_tools(written, row["tools"], marker, AS_LIST)
    return joined(written, rest)


def _sides_are_bare(row: Row) -> bool:
    return all(roles_are(row[side], "assistant") for side in SIDES)


FORMAT = Format(
    name="trl_preference",
    kind="preferences",
    about="prompt, chosen and rejected, as texts or as message lists; the prompt may be implicit",
    matches=matches,
    parse=parse,
    write=write,
)
