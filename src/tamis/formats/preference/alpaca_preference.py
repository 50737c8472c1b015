"""Alpaca rows with two answers: instruction, input, chosen, rejected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.plain import bare_text, joined, take_text, turn
from tamis.formats.preference.inside import parse_chat, write_chat
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
from tamis.records import Preference

_ANSWER = "output"


def matches(row: Mapping[str, Any]) -> bool:
    """`instruction` and both sides are texts, and no `prompt` is there."""
    texts = [row.get(key) for key in ("instruction", *SIDES)]
    return all(isinstance(text, str) for text in texts) and row.get("prompt") is None


def parse(rest: dict[str, Raw]) -> Preference:
    """One row; read as Alpaca's, with the chosen answer for its output.

    Source: LLaMA-Factory 0.9.5, data/converter.py, Alpaca rows of a ranking set.
    """
    rejected = turn("assistant", take_text(rest, "rejected"))
    own_answer = rest.pop(_ANSWER, None)
    rest[_ANSWER] = take(rest, "chosen", "text")
    read = parse_chat("alpaca", rest)
    if own_answer is not None:
        read.own[_ANSWER] = own_answer
    prompt = take_system(read.own, read.messages[:-1])
    return preference(Sides(prompt, read.messages[-1:], rejected), read.own, read.marker)


def write(row: Row) -> dict[str, Any]:
    """The members of such a row, its question as Alpaca writes one."""
    need_both(row)
    rest, marker = exact.split_rest(row["meta"])
    chosen, rejected = (only_message(row, side) for side in SIDES)
    written: dict[str, Any] = {}
    prompt = put_system(written, row["prompt"])
    written |= write_chat("alpaca", [*prompt, chosen], row, marker)
    written["chosen"] = written.pop(_ANSWER)
    written["rejected"] = bare_text(rejected, "assistant", "rejected[0]")
    put_scores(written, row, marker)
    return joined(written, rest)


FORMAT = Format(
    name="alpaca_preference",
    kind="preferences",
    about="instruction, input, chosen, rejected, system and history (LLaMA-Factory)",
    matches=matches,
    parse=parse,
    write=write,
)
