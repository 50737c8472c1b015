"""The reward as OpenRLHF 0.11 calls it: `reward_func`, one answer at a time in a thread.

`labels` are JSON texts of `question_id`, `reward_name`, `reward_parameters`, `reference` and `prompt` (the
messages asked), as `tamis export --for openrlhf` writes them into the column `label`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tamis.errors import RewardError
from tamis.records import Message
from tamis.rewards.adapters.grading import Graded, number_of, question_from, score_all

# what tokenizers end a text with: <|im_end|>, <｜end▁of▁sentence｜>, </s>, <eos>, <end_of_turn>, several at once
_ENDS = re.compile(
    r"(?:\s|<\|[^<>|]{1,40}\|>|<｜[^<>｜]{1,40}｜>|</s>|<eos>|<pad>|<end_of_turn>)+\Z"
)


def reward_func(
    queries: Sequence[str], prompts: Sequence[str], labels: Sequence[str], **_: Any
) -> dict[str, Any]:
    """One reward for each answer: `queries` hold prompt and answer, decoded with special tokens.

    OpenRLHF takes numbers only: a question that cannot be graded scores 0 for each of its answers alike,
    which moves nothing under group_norm, and is counted as `not_gradable` in the logs. `accuracy` there is the part
    of the score that judges correctness, else the score. The keys are the same for every answer, since OpenRLHF puts
    them side by side; other parts differ from reward to reward, so they are left out.
    Raises: RewardError for labels without these keys, and for an answer whose grading failed twice.
    """
    rows = zip(queries, prompts, labels, strict=True)
    answers = [_graded(query, prompt, label) for query, prompt, label in rows]
    numbers = [
        number_of(score, answer.question)
        for answer, score in zip(answers, score_all(answers), strict=True)
    ]
    values = [number.value for number in numbers]
    logs = {
        "not_gradable": [1.0 - number.gradable for number in numbers],
        "accuracy": [number.accuracy for number in numbers],
    }
    if len(numbers) == 1:
        return _told(values[0], {key: given[0] for key, given in logs.items()})
    return _told(values, logs)


def _told(value: object, logs: Mapping[str, object]) -> dict[str, Any]:
    return {"rewards": value, "scores": value, "extra_logs": logs}


def _graded(query: str, prompt: str, label: str) -> Graded:
    try:
        given = msgspec.json.decode(label, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise RewardError(f"reward_func: label: expected a JSON object ({error})") from error
    question = question_from(given, where="reward_func: label")
    said = _ENDS.sub("", query[len(prompt) :])
    return Graded(question=question, messages=[Message(role="assistant", content=said)])
