"""TRL's unpaired preferences: `prompt`, one `completion`, and a `label` that says whether it was liked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from tamis.errors import RowError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.openai_messages import parse_messages, write_messages
from tamis.formats.plain import joined, roles_are, take_text, turn
from tamis.formats.preference.sides import (
    Sides,
    judged,
    judged_side,
    preference,
    put_repeat,
    put_scores,
    put_system,
    repeat,
    take_flag,
    take_system,
    word,
)
from tamis.formats.tools import AS_LIST, put_tools, take_tools
from tamis.records import Preference

_LABEL = "label"


def matches(row: Mapping[str, Any]) -> bool:
    """`label` is true or false, and `prompt` and `completion` are texts or lists."""
    prompt, completion = row.get("prompt"), row.get("completion")
    if isinstance(completion, str):
        has_shape = isinstance(prompt, str)
    else:
        has_shape = isinstance(completion, list) and isinstance(prompt, str | list | None)
    return has_shape and isinstance(row.get(_LABEL), bool)


def parse(rest: dict[str, Raw]) -> Preference:
    """One row. A completion list without a prompt list holds the question too, its last message answers.

    Source: TRL 1.16.0, page on dataset formats; axolotl 0.19.0, prompt_strategies/kto/chatml.py.
    """
    marker: dict[str, object] = {}
    is_liked = take_flag(rest, _LABEL)
    tools = take_tools(rest, marker, AS_LIST)
    if "completion" in rest and exact.is_list(rest["completion"]):
        sides = _lists(rest, marker, is_liked=is_liked)
    else:
        asked = turn("user", take_text(rest, "prompt"))
        answer = turn("assistant", take_text(rest, "completion"))
        sides = judged(asked, answer, is_liked=is_liked)
    sides = sides._replace(prompt=take_system(rest, sides.prompt))
    return preference(sides, rest, marker, tools)


def _lists(rest: dict[str, Raw], marker: dict[str, object], *, is_liked: bool) -> Sides:
    messages = parse_messages(rest.pop("completion"), "$.completion")
    if not messages:
        raise RowError("$.completion: expected messages, got an empty list")
    if "prompt" in rest and exact.is_list(rest["prompt"]):
        marker["prompt"] = "list"
        prompt = parse_messages(rest.pop("prompt"), "$.prompt")
        return judged(prompt, messages, is_liked=is_liked)
    if messages[0].role == "assistant" and "prompt" in rest and exact.is_text(rest["prompt"]):
        marker["prompt"] = "text"
        return judged(turn("user", take_text(rest, "prompt")), messages, is_liked=is_liked)
    marker["prompt"] = "shared"
    repeat(rest, messages[:-1], marker)
    return judged(messages[:-1], messages[-1:], is_liked=is_liked)


def write(row: Row) -> dict[str, Any]:
    """Texts for a bare question and answer, else lists."""
    side = judged_side(row)
    rest, marker = exact.split_rest(row["meta"])
    shape = word(marker, "prompt")
    written: dict[str, Any] = {}
    prompt, answer = put_system(written, row["prompt"]), row[side]
    asks_once = roles_are(prompt, "user")
    if shape is None and asks_once and roles_are(answer, "assistant"):
        written |= {"prompt": prompt[0]["content"], "completion": answer[0]["content"]}
    elif shape == "shared":
        written["completion"] = write_messages([*prompt, *answer])
        put_repeat(written, prompt, marker)
    else:
        as_text = shape == "text" and asks_once
        written["prompt"] = prompt[0]["content"] if as_text else write_messages(prompt)
        written["completion"] = write_messages(answer)
    written[_LABEL] = side == "chosen"
    put_scores(written, row, marker)
    put_tools(written, row["tools"], marker, AS_LIST)
    return joined(written, rest)


FORMAT = Format(
    name="kto",
    kind="preferences",
    about="prompt, completion and label: one answer that was liked or not (TRL)",
    matches=matches,
    parse=parse,
    write=write,
)
