"""Answers of several models in one row: a question, its `ground_truth`, and an object for each model.

Source: openai/grade-school-math, data/example_model_solutions.jsonl (Cobbe et al. 2021): each model's
object has `solution` and `is_correct`. Only read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from tamis.errors import RowError
from tamis.formats import exact
from tamis.formats.base import Branch, Format
from tamis.formats.plain import take_text, turn
from tamis.records import Rollout, Score

_VERDICT = "is_correct"
_REASON = "the row's author judged it: `is_correct`"


def matches(row: Mapping[str, Any]) -> bool:
    """`question` and `ground_truth`, and objects with `is_correct` and `solution` beside them."""
    has_answers = any(
        isinstance(value, dict) and {_VERDICT, "solution"}.issubset(value) for value in row.values()
    )
    return has_answers and {"question", "ground_truth"}.issubset(row)


def parse(rest: dict[str, Raw]) -> list[Branch]:
    """A rollout for each model, under its name; the question stays among the author's keys."""
    answers: dict[str, dict[str, Raw]] = {}
    for key in list(rest):
        if bytes(rest[key])[:1] == b"{":
            members = exact.members(rest[key], f"$.{key}")
            if _VERDICT in members:
                answers[key] = members
                del rest[key]
    if not answers:
        raise RowError(
            f"$.{_VERDICT}: expected a model's solution and verdict, got nothing (the key is missing)"
        )
    return [Branch(model, _rollout(model, given, rest)) for model, given in answers.items()]


def _rollout(model: str, given: dict[str, Raw], rest: dict[str, Raw]) -> Rollout:
    verdict = bytes(given.pop(_VERDICT))
    if verdict not in (b"true", b"false"):
        raise RowError(
            f"$.{model}.{_VERDICT}: expected true or false, got {exact.kind_of(verdict)}"
        )
    value = float(verdict == b"true")
    messages = turn("assistant", take_text(given, "solution", f"$.{model}"))
    left = exact.object_text((key, bytes(raw)) for key, raw in given.items())
    own = {} if left is None else {model: Raw(left.encode())}
    return Rollout(
        question_id="",
        messages=messages,
        model=model,
        score=Score(value=value, parts={"accuracy": value}, reason=_REASON),
        meta=exact.rest_text({**rest, **own}, {}, "$"),
    )


FORMAT = Format(
    name="model_rollouts",
    kind="rollouts",
    about="question, ground_truth, and solution and is_correct of each model",
    matches=matches,
    parse=parse,
)
