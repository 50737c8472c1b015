"""OpenAI preference fine-tuning: `input` with messages and tools, and two outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from tamis.errors import InputError, RowError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.openai_messages import parse_messages, write_messages
from tamis.formats.plain import joined
from tamis.formats.preference.sides import Sides, need_both, preference, put_scores, take
from tamis.formats.tools import AS_LIST, put_tools, take_tools
from tamis.records import Preference

_OUTPUTS = {"chosen": "preferred_output", "rejected": "non_preferred_output"}


def matches(row: Mapping[str, Any]) -> bool:
    """`input` is an object, and both outputs are there."""
    return isinstance(row.get("input"), dict) and all(key in row for key in _OUTPUTS.values())


def parse(rest: dict[str, Raw]) -> Preference:
    """One row. Other keys of `input` (parallel_tool_calls) stay in an `input` of their own."""
    marker: dict[str, object] = {}
    asked = exact.members(take(rest, "input", "an object"), "$.input")
    if "messages" not in asked:
        raise RowError("$.input.messages: expected a list, got nothing (the key is missing)")
    prompt = parse_messages(asked.pop("messages"), "$.input.messages")
    sides = {
        side: parse_messages(take(rest, key, "a list"), f"$.{key}")
        for side, key in _OUTPUTS.items()
    }
    try:
        tools = take_tools(asked, marker, AS_LIST)
    except RowError as error:
        raise RowError(str(error).replace("$.tools", "$.input.tools", 1)) from error
    for side, key in _OUTPUTS.items():
        if not sides[side]:
            raise RowError(f"$.{key}: expected an answer, got an empty list")
    left = exact.object_text((key, bytes(raw)) for key, raw in asked.items())
    if left is not None:
        rest["input"] = Raw(left.encode())
    return preference(Sides(prompt, sides["chosen"], sides["rejected"]), rest, marker, tools)


def write(row: Row) -> dict[str, Any]:
    """The members of a row of OpenAI's preference files."""
    need_both(row)
    rest, marker = exact.split_rest(row["meta"])
    asked: dict[str, Any] = {"messages": write_messages(row["prompt"])}
    put_tools(asked, row["tools"], marker, AS_LIST)
    left = bytes(rest.pop("input", b"{}"))
    if left[:1] != b"{":
        raise InputError("meta.input: this format writes an `input` of its own; rename it")
    written: dict[str, Any] = {"input": joined(asked, exact.members(left, "meta.input"))}
    for side, key in _OUTPUTS.items():
        written[key] = write_messages(row[side])
    put_scores(written, row, marker)
    return joined(written, rest)


FORMAT = Format(
    name="openai_dpo",
    kind="preferences",
    about="input with messages and tools, preferred_output and non_preferred_output",
    matches=matches,
    parse=parse,
    write=write,
)
