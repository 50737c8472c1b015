"""GSM8K questions: `question`, and an `answer` whose last `####` comes before the final number."""

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
    needed,
    one_text,
    reference_fields,
    with_rest,
)
from tamis.records import Question, Reference, RewardSpec

MARK = "####"
REWARD = "numeric"


def matches(row: Mapping[str, Any]) -> bool:
    """`question` and `answer` are texts, and the answer holds `####`."""
    answer = row.get("answer")
    return isinstance(row.get("question"), str) and isinstance(answer, str) and MARK in answer


def parse(rest: dict[str, Raw]) -> Question:
    """One question; the reference keeps the worked solution whole, and the answer as written."""
    asked = take_text(rest, "question")
    solution = take_text(rest, "answer")
    if MARK not in solution:
        raise RowError(f"$.answer: expected `{MARK}` before the final answer, got none")
    return Question(
        prompt=turn("user", asked),
        reward=RewardSpec(name=REWARD),
        reference=Reference(answer=final_answer(solution), solution=solution),
        meta=exact.rest_text(rest, {}, "$"),
    )


def final_answer(solution: str) -> str:
    """What stands behind the last `####`."""
    return solution.rpartition(MARK)[2].strip()


def write(row: Row) -> dict[str, Any]:
    """The members of a GSM8K row: one user message, and a reference with an answer."""
    rest, _ = exact.split_rest(row["meta"])
    asked, solution = asked_and_solved(row)
    return with_rest({"question": asked, "answer": solution}, rest)


def asked_and_solved(row: Row) -> tuple[str, str]:
    """The question, and its solution with the final answer behind `####`.

    Raises: InputError where there is more than these two, or no answer.
    """
    no_tools(row)
    implied_reward(row, REWARD)
    reference = reference_fields(row, "answer", "solution")
    answer = needed(reference["answer"], "answer")
    solution = reference["solution"]
    if solution is None:
        return one_text(row), f"{MARK} {answer}"
    if MARK in solution and final_answer(solution) == answer:
        return one_text(row), solution
    return one_text(row), f"{solution}\n{MARK} {answer}"


FORMAT = Format(
    name="gsm8k",
    kind="questions",
    about="question and answer, the final number after ####",
    matches=matches,
    parse=parse,
    write=write,
)
