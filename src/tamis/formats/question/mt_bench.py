"""MT-bench: the turns of a user, one after another, and sometimes reference answers for a judge.

Source: lm-sys/FastChat, llm_judge/data/mt_bench/question.jsonl; Zheng et al. 2023. Between two turns
stands the model's answer to the first: who asks the model must put it there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from tamis.errors import InputError, RowError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.openai_messages import is_json
from tamis.formats.plain import bare_text, no_tools
from tamis.formats.question.fields import (
    implied_reward,
    not_read_as,
    reference_fields,
    texts,
    with_rest,
)
from tamis.records import Message, Question, Reference, RewardSpec

_REWARD = "judge"


def matches(row: Mapping[str, Any]) -> bool:
    """`turns` is a list of texts."""
    turns = row.get("turns")
    return isinstance(turns, list) and all(isinstance(turn, str) for turn in turns)


def parse(rest: dict[str, Raw]) -> Question:
    """One question of several turns; reference answers are the rubric of the judge."""
    if "turns" not in rest:
        raise RowError("$.turns: expected a list, got nothing (the key is missing)")
    turns = texts(rest.pop("turns"), "$.turns")
    reference = None
    if "reference" in rest and exact.is_list(rest["reference"]):
        rubric = exact.object_text([("references", bytes(rest.pop("reference")))])
        reference = Reference(rubric=rubric)
    return Question(
        prompt=[Message(role="user", content=turn) for turn in turns],
        reward=RewardSpec(name=_REWARD),
        reference=reference,
        meta=exact.rest_text(rest, {}, "$"),
    )


def write(row: Row) -> dict[str, Any]:
    """The members of an MT-bench row: user messages only, and a rubric of nothing but references."""
    no_tools(row)
    implied_reward(row, _REWARD)
    not_read_as(row, FORMAT.name, "reference")
    rest, _ = exact.split_rest(row["meta"])
    turns = [bare_text(message, "user", f"prompt[{n}]") for n, message in enumerate(row["prompt"])]
    written: dict[str, Any] = {"turns": turns}
    rubric = reference_fields(row, "rubric")["rubric"]
    if rubric is not None:
        members = exact.members(rubric.encode(), "reference.rubric") if is_json(rubric) else {}
        if list(members) != ["references"]:
            raise InputError("reference.rubric: expected JSON with `references` and nothing else")
        written["reference"] = members["references"]
    return with_rest(written, rest)


FORMAT = Format(
    name="mt_bench",
    kind="questions",
    about="MT-bench: the turns of a user, and reference answers for a judge",
    matches=matches,
    parse=parse,
    write=write,
)
