"""Multiple choice: MMLU (choices, answer by its number) and ARC (choices of label and text, answerKey).

Source: dataset cards of cais/mmlu and allenai/ai2_arc. The prompt is the question and a line for each
choice, `A. ...`; the answer is a label. Only read: the row stays among the author's keys as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

from msgspec import Raw

from tamis.errors import RowError
from tamis.formats import exact
from tamis.formats.base import Format
from tamis.formats.plain import turn
from tamis.formats.question.fields import texts
from tamis.records import Question, Reference, RewardSpec


def mmlu_matches(row: Mapping[str, Any]) -> bool:
    """`choices` is a list of texts and `answer` a number that stands for one of them."""
    choices, answer = row.get("choices"), row.get("answer")
    are_texts = isinstance(choices, list) and all(isinstance(choice, str) for choice in choices)
    is_number = isinstance(answer, int) and not isinstance(answer, bool)
    return are_texts and is_number and isinstance(row.get("question"), str)


def parse_mmlu(rest: dict[str, Raw]) -> Question:
    """One question; choices are counted from 0 in the row, and named A, B, C here."""
    asked = exact.text(_member(rest, "question"), "$.question")
    choices = texts(_member(rest, "choices"), "$.choices")
    number = _member(rest, "answer")
    labels = ascii_uppercase[: len(choices)]
    if bytes(number) not in [b"%d" % n for n in range(len(labels))]:
        got = exact.kind_of(bytes(number))
        raise RowError(f"$.answer: expected the number of one of {len(choices)} choices, got {got}")
    return _question(asked, labels, choices, labels[int(bytes(number))], rest)


def arc_matches(row: Mapping[str, Any]) -> bool:
    """`choices` holds the lists `label` and `text`, and `answerKey` one of the labels."""
    choices = row.get("choices")
    has_lists = isinstance(choices, dict) and {"label", "text"}.issubset(choices)
    return has_lists and all(isinstance(row.get(key), str) for key in ("question", "answerKey"))


def parse_arc(rest: dict[str, Raw]) -> Question:
    """One question with the labels that its author gave the choices."""
    asked = exact.text(_member(rest, "question"), "$.question")
    members = exact.members(_member(rest, "choices"), "$.choices")
    found = {}
    for key in ("label", "text"):
        if key not in members:
            raise RowError(f"$.choices.{key}: expected a list, got nothing (the key is missing)")
        found[key] = texts(members[key], f"$.choices.{key}")
    answer = exact.text(_member(rest, "answerKey"), "$.answerKey")
    if answer not in found["label"] or len(found["label"]) != len(found["text"]):
        raise RowError(f"$.answerKey: expected the label of a choice, got {answer!r}")
    return _question(asked, found["label"], found["text"], answer, rest)


def _member(rest: dict[str, Raw], key: str) -> Raw:
    if key not in rest:
        raise RowError(f"$.{key}: expected a value, got nothing (the key is missing)")
    return rest[key]


def _question(
    asked: str, labels: Sequence[str], choices: Sequence[str], answer: str, rest: dict[str, Raw]
) -> Question:
    lines = [f"{label}. {choice}" for label, choice in zip(labels, choices, strict=True)]
    return Question(
        prompt=turn("user", "\n".join([asked, *lines])),
        reward=RewardSpec(name="exact"),
        reference=Reference(answer=answer),
        meta=exact.rest_text(rest, {}, "$"),
    )


FORMATS = (
    Format(
        name="mmlu",
        kind="questions",
        about="MMLU: question, choices, and the number of the right one as answer",
        matches=mmlu_matches,
        parse=parse_mmlu,
    ),
    Format(
        name="arc",
        kind="questions",
        about="ARC: question, choices of label and text, answerKey",
        matches=arc_matches,
        parse=parse_arc,
    ),
)
