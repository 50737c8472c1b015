"""IFEval: a prompt, and the verifiable instructions in it with their arguments.

Source: dataset card of google/IFEval (key, prompt, instruction_id_list, kwargs); Zhou et al. 2023.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from tamis.errors import RowError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.plain import no_tools, take_text, turn
from tamis.formats.question.fields import (
    implied_reward,
    one_text,
    reference_fields,
    take_texts,
    tests_members,
    tests_text,
    with_rest,
)
from tamis.records import Question, Reference, RewardSpec

_REWARD = STYLE = "instructions"


def matches(row: Mapping[str, Any]) -> bool:
    """`prompt` is a text, `instruction_id_list` and `kwargs` are lists."""
    are_lists = all(isinstance(row.get(key), list) for key in ("instruction_id_list", "kwargs"))
    return are_lists and isinstance(row.get("prompt"), str)


def parse(rest: dict[str, Raw]) -> Question:
    """One prompt; its instructions are tests, with arguments for each."""
    prompt = turn("user", take_text(rest, "prompt"))
    ids = take_texts(rest, "instruction_id_list")
    if "kwargs" not in rest:
        raise RowError("$.kwargs: expected a list, got nothing (the key is missing)")
    n_ids = len(exact.elements(ids, "$.instruction_id_list"))
    n_arguments = len(exact.elements(rest["kwargs"], "$.kwargs"))
    if n_ids != n_arguments:
        raise RowError(f"$.kwargs: expected {n_ids} arguments, one for each id, got {n_arguments}")
    tests = tests_text(STYLE, ids=ids, kwargs=rest.pop("kwargs"))
    return Question(
        prompt=prompt,
        reward=RewardSpec(name=_REWARD),
        reference=Reference(tests=tests),
        meta=exact.rest_text(rest, {}, "$"),
    )


def write(row: Row) -> dict[str, Any]:
    """The members of an IFEval row; tests must be in the style `instructions`."""
    no_tools(row)
    implied_reward(row, _REWARD)
    rest, _ = exact.split_rest(row["meta"])
    members = tests_members(reference_fields(row, "tests")["tests"], STYLE, "ids", "kwargs")
    empty = Raw(b"[]")
    written = {
        "prompt": one_text(row),
        "instruction_id_list": members.get("ids", empty),
        "kwargs": members.get("kwargs", empty),
    }
    return with_rest(written, rest)


FORMAT = Format(
    name="ifeval",
    kind="questions",
    about="IFEval: prompt, instruction_id_list, kwargs",
    matches=matches,
    parse=parse,
    write=write,
)
