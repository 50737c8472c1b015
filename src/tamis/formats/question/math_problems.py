"""Maths problems: `problem` with an `answer` or `expected_answer`, or with a boxed answer in its solution.

Source: dataset cards of HuggingFaceH4/MATH-500 (problem, solution, answer, subject, level), of
nvidia/OpenMathReasoning (problem, expected_answer) and of hendrycks/competition_math (problem, level,
type, solution, the answer being what the last box of the solution holds: Hendrycks et al. 2021).
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
    implied_reward,
    needed,
    not_read_as,
    one_text,
    put_answer,
    reference_fields,
    take_answer,
    with_rest,
)
from tamis.records import Question, Reference, RewardSpec

_REWARD = "math"
_BOX = "\\boxed{"
_ANSWER, _EXPECTED = "answer", "expected_answer"


def answered_matches(row: Mapping[str, Any]) -> bool:
    """`problem` is a text, with an answer that is a text or a number."""
    return isinstance(row.get("problem"), str) and any(
        isinstance(row.get(key), str | int | float) and not isinstance(row[key], bool)
        for key in (_ANSWER, _EXPECTED)
    )


def boxed_matches(row: Mapping[str, Any]) -> bool:
    """`problem`, `level` and `type` with a solution that has a boxed answer."""
    solution = row.get("solution")
    is_solved = isinstance(solution, str) and last_boxed(solution) is not None
    return is_solved and isinstance(row.get("problem"), str) and {"level", "type"}.issubset(row)


def parse_answered(rest: dict[str, Raw]) -> Question:
    """One problem; a number is the text that it is written as. A `solution` that is no text stays."""
    marker: dict[str, object] = {}
    asked = take_text(rest, "problem")
    key = _ANSWER if _ANSWER in rest else _EXPECTED
    if key not in rest:
        raise RowError(f"$.{_ANSWER}: expected the final answer, got nothing (the key is missing)")
    if exact.is_null(rest[key]):
        raise RowError(f"$.{key}: expected the final answer, got null")
    if key == _EXPECTED:
        marker["answer_key"] = key
    answer = take_answer(rest, key, marker)
    solution = None
    if "solution" in rest and exact.is_text(rest["solution"]):
        solution = take_text(rest, "solution")
    return Question(
        prompt=turn("user", asked),
        reward=RewardSpec(name=_REWARD),
        reference=Reference(answer=answer, solution=solution),
        meta=exact.rest_text(rest, marker, "$"),
    )


def parse_boxed(rest: dict[str, Raw]) -> Question:
    """One problem; its answer is what the last box of the solution holds."""
    asked = take_text(rest, "problem")
    solution = take_text(rest, "solution")
    answer = last_boxed(solution)
    if answer is None:
        raise RowError(f"$.solution: expected an answer in {_BOX}...}}, got none")
    return Question(
        prompt=turn("user", asked),
        reward=RewardSpec(name=_REWARD),
        reference=Reference(answer=answer, solution=solution),
        meta=exact.rest_text(rest, {}, "$"),
    )


def last_boxed(solution: str) -> str | None:
    """What the last `\\boxed{...}` holds, by its own braces; None without one that closes."""
    start = solution.rfind(_BOX)
    if start < 0:
        return None
    start += len(_BOX)
    depth, place = 1, start
    while place < len(solution):
        if solution[place] == "\\":
            place += 1
        elif solution[place] in "{}":
            depth += 1 if solution[place] == "{" else -1
            if depth == 0:
                return solution[start:place]
        place += 1
    return None


def write_answered(row: Row) -> dict[str, Any]:
    """The members of a row: `problem`, the answer, and the solution where there is one."""
    rest, marker = exact.split_rest(row["meta"])
    not_read_as(row, "math500", _ANSWER, _EXPECTED, "solution")
    written, reference = _problem(row)
    needed(reference["answer"], "answer")
    key = _EXPECTED if "answer_key" in marker else _ANSWER
    put_answer(written, key, reference["answer"], marker)
    if reference["solution"] is not None:
        written["solution"] = reference["solution"]
    return with_rest(written, rest)


def write_boxed(row: Row) -> dict[str, Any]:
    """The members of a row; InputError where the solution's last box does not hold the answer."""
    rest, _ = exact.split_rest(row["meta"])
    written, reference = _problem(row)
    solution = needed(reference["solution"], "solution")
    if last_boxed(solution) != reference["answer"]:
        raise InputError("reference.answer: expected what the last box of the solution holds")
    return with_rest({**written, "solution": solution}, rest)


def _problem(row: Row) -> tuple[dict[str, Any], dict[str, str | None]]:
    no_tools(row)
    implied_reward(row, _REWARD)
    return {"problem": one_text(row)}, reference_fields(row, "answer", "solution")


FORMATS = (
    Format(
        name="math500",
        kind="questions",
        about="MATH-500 and its like: problem, answer or expected_answer, solution",
        matches=answered_matches,
        parse=parse_answered,
        write=write_answered,
    ),
    Format(
        name="math_boxed",
        kind="questions",
        about="MATH: problem, level, type, and a solution with the answer in its last box",
        matches=boxed_matches,
        parse=parse_boxed,
        write=write_boxed,
    ),
)
