"""GSM8K questions: `question`, and an `answer` whose last `####` comes before the final number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from tamis.errors import InputError, RowError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.plain import bare_text, take_text, turn
from tamis.records import Question, Reference, RewardSpec

_MARK = "####"


def matches(row: Mapping[str, Any]) -> bool:
    """`question` and `answer` are texts, and the answer holds `####`."""
    answer = row.get("answer")
    return isinstance(row.get("question"), str) and isinstance(answer, str) and _MARK in answer


def parse(rest: dict[str, Raw]) -> Question:
    """One question; the reference keeps the worked solution whole, and the answer as written."""
    asked = take_text(rest, "question")
    solution = take_text(rest, "answer")
    if _MARK not in solution:
        raise RowError(f"$.answer: expected `{_MARK}` before the final answer, got none")
    answer = solution.rpartition(_MARK)[2].strip()
    return Question(
        prompt=turn("user", asked),
        reward=RewardSpec(name="numeric"),
        reference=Reference(answer=answer, solution=solution),
        meta=exact.rest_text(rest, {}, "$"),
    )


def write(row: Row) -> dict[str, Any]:
    """The members of a GSM8K row: one user message, and a reference with an answer."""
    rest, _ = exact.split_rest(row["meta"])
    if len(row["prompt"]) != 1:
        raise InputError(f"prompt: expected one user message, got {len(row['prompt'])}")
    asked = bare_text(row["prompt"][0], "user", "prompt[0]")
    return {"question": asked, "answer": _solution(row["reference"]), **rest}


def _solution(reference: dict[str, str | None] | None) -> str:
    if reference is None or reference["answer"] is None:
        raise InputError("reference.answer: expected the final answer, got null")
    for field in ("tests", "rubric"):
        if reference[field] is not None:
            raise InputError(f"reference.{field}: this format has no place for it")
    solution, answer = reference["solution"], reference["answer"]
    if solution is None:
        return f"{_MARK} {answer}"
    if solution.rpartition(_MARK)[2].strip() == answer and _MARK in solution:
        return solution
    return f"{solution}\n{_MARK} {answer}"


FORMAT = Format(
    name="gsm8k",
    kind="questions",
    about="question and answer, the final number after ####",
    matches=matches,
    parse=parse,
    write=write,
)
