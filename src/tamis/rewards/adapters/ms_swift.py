"""The rewards as a reward plugin of ms-swift hands its rows on: `scores`, each row by the reward it names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tamis.rewards.adapters.grading import (
    Graded,
    messages_from,
    number_of,
    question_from,
    score_all,
)

_READ = ("question_id", "reward_name", "reward_parameters", "reference", "tools")


def scores(completions: Sequence[str], **columns: Any) -> list[float | None]:
    """One score for each completion; the columns are those of `tamis export --for ms-swift`.

    A question that cannot be graded gives None for each of its answers alike; ms-swift counts it as 0,
    which moves nothing, since answers are compared within a question.
    Raises: RewardError for rows without these columns, and for an answer whose grading failed twice.
    """
    answers = [_graded(said, columns, place) for place, said in enumerate(completions)]
    numbers = [
        number_of(score, answer.question)
        for answer, score in zip(answers, score_all(answers), strict=True)
    ]
    return [number.value if number.gradable else None for number in numbers]


def _graded(completion: str, columns: dict[str, Any], place: int) -> Graded:
    where = f"tamis reward: row {place}"
    row = {name: columns[name][place] for name in _READ if name in columns}
    if "messages" in columns:
        row["prompt"] = _asked(columns["messages"][place])
    said = messages_from(completion, "assistant", where=f"{where}.completion")
    return Graded(question=question_from(row, where=where), messages=said)


def _asked(messages: Any) -> Any:
    """The messages without the completion, which ms-swift puts behind them before it asks for rewards."""
    is_answered = bool(messages) and messages[-1].get("role") == "assistant"
    return messages[:-1] if is_answered else messages
