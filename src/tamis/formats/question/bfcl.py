"""BFCL: questions in turns with the functions on offer; the accepted calls stand in a file beside.

Source: ShishirPatil/gorilla, berkeley-function-call-leaderboard (data and possible_answer, v3 and v4).
Questions of several turns (initial_config, path, involved_classes) are graded by running a
simulator on the calls: no reward here does that, so they name none. Only read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from tamis.errors import RowError
from tamis.formats import exact
from tamis.formats.base import Format
from tamis.formats.openai_messages import parse_messages
from tamis.records import Message, Question, Reference, RewardSpec

_SIMULATED = "involved_classes"


def matches(row: Mapping[str, Any]) -> bool:
    """`question` is a list of turns, each a list of messages."""
    turns = row.get("question")
    return isinstance(turns, list) and bool(turns) and all(isinstance(t, list) for t in turns)


def parse(rest: dict[str, Raw]) -> Question:
    """One question, its turns one after another; the joined `ground_truth` is the answer, as JSON text."""
    if "question" not in rest:
        raise RowError("$.question: expected a list, got nothing (the key is missing)")
    prompt: list[Message] = []
    for place, turn in enumerate(exact.elements(rest.pop("question"), "$.question")):
        prompt += parse_messages(turn, f"$.question[{place}]")
    tools = None
    if "function" in rest and not exact.is_null(rest["function"]):
        exact.elements(rest["function"], "$.function")
        tools = exact.json_text(rest.pop("function"))
    reference = None
    if "ground_truth" in rest:
        reference = Reference(answer=exact.json_text(rest.pop("ground_truth")))
    return Question(
        prompt=prompt,
        reward=None if _SIMULATED in rest else RewardSpec(name="tool_calls"),
        reference=reference,
        tools=tools,
        meta=exact.rest_text(rest, {}, "$"),
    )


FORMAT = Format(
    name="bfcl",
    kind="questions",
    about="BFCL: question in turns, function; accepted calls from the file beside",
    matches=matches,
    parse=parse,
    companion="bfcl_answers",
)
