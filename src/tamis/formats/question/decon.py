"""Reference rows of decon, a tool that finds eval questions in training data.

Source: allenai/decon, doc/eval-datasets.md (eval_key, eval_instance_index, question, answer, passage,
is_correct). A wrong option of a multiple choice is a row too, with `is_correct` false: its answer
stays among the author's keys, since it is no reference. So does the passage.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from tamis.errors import InputError, RowError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.plain import no_tools, take_text, turn
from tamis.formats.question.fields import (
    no_reward,
    not_read_as,
    one_text,
    reference_fields,
    with_rest,
)
from tamis.records import Question, Reference

_NEEDED = ("eval_key", "eval_instance_index")


def matches(row: Mapping[str, Any]) -> bool:
    """`eval_key` and `eval_instance_index` beside a question."""
    return isinstance(row.get("question"), str) and all(key in row for key in _NEEDED)


def parse(rest: dict[str, Raw]) -> Question:
    """One question; which reward grades it is not said."""
    for key in _NEEDED:
        if key not in rest:
            raise RowError(f"$.{key}: expected a value, got nothing (the key is missing)")
    prompt = turn("user", take_text(rest, "question"))
    reference = None
    is_wrong = bytes(rest.get("is_correct", b"")) == b"false"
    if not is_wrong and "answer" in rest and exact.is_text(rest["answer"]):
        reference = Reference(answer=take_text(rest, "answer"))
    return Question(prompt=prompt, reference=reference, meta=exact.rest_text(rest, {}, "$"))


def write(row: Row) -> dict[str, Any]:
    """The members of a decon row, which needs an `eval_key` and an `eval_instance_index` in meta."""
    no_tools(row)
    no_reward(row)
    not_read_as(row, FORMAT.name, "answer", "is_correct")
    rest, _ = exact.split_rest(row["meta"])
    for key in _NEEDED:
        if key not in rest:
            raise InputError(f"meta.{key}: expected a value, got nothing; decon tells evals by it")
    written = {"question": one_text(row)}
    answer = reference_fields(row, "answer")["answer"]
    if answer is not None:
        written["answer"] = answer
    return with_rest(written, rest)


FORMAT = Format(
    name="decon",
    kind="questions",
    about="decon references: eval_key, eval_instance_index, question, answer, passage",
    matches=matches,
    parse=parse,
    write=write,
)
