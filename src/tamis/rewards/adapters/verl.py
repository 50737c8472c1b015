"""The reward as verl calls it: `compute_score`, for each answer by itself.

    reward.custom_reward_function.path=pkg://tamis.rewards.adapters.verl
    reward.custom_reward_function.name=compute_score

Each row says in `extra_info` which reward grades it and with what, as `tamis export --for verl` writes
it: `reward_name`, `reward_parameters`, `reference`, `prompt` (all texts, the last three JSON), `question_id`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tamis.errors import RewardError
from tamis.records import Message
from tamis.rewards.adapters.grading import Graded, number_of, question_from, score_all

# verl makes a table of fixed width of all answers of a batch: a whole program in one would swell all.
_PRED_CHARS = 1000


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: str | None,
    extra_info: Mapping[str, Any] | None = None,
    **_: Any,
) -> dict[str, float | str]:
    """{score, acc, gradable, pred}, the same keys for every row, since verl logs them as columns.

    verl cannot skip a row. A question that cannot be graded has score 0 and gradable 0 in all its
    answers alike, so with group-relative advantages (GRPO) it moves nothing; averages of `score` count
    it as 0, so divide by the average of `gradable`. `acc` is the part of the score that judges
    correctness, else the score; `pred` begins like the final answer as it was read.

    Any number of calls may run at once, in threads and processes.
    Raises: RewardError for rows without these keys, and for an answer whose grading failed twice.
    """
    given = dict(extra_info or {})
    if isinstance(given.get("prompt"), str):
        given["prompt"] = _read(given["prompt"])
    question = question_from(given, where="compute_score: extra_info")
    said = [Message(role="assistant", content=solution_str)]
    [score] = score_all([Graded(question=question, messages=said)])
    number = number_of(score, question)
    return {
        "score": number.value,
        "acc": number.accuracy,
        "gradable": number.gradable,
        "pred": number.answer[:_PRED_CHARS],
    }


def _read(prompt: str) -> object:
    try:
        return msgspec.json.decode(prompt)
    except msgspec.DecodeError as error:
        raise RewardError(
            f"compute_score: extra_info.prompt: expected messages as JSON ({error})"
        ) from error
