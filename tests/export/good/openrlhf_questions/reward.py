"""The rewards of these questions, as OpenRLHF 0.11 calls them, one answer at a time in a thread.

`labels` are the JSON texts of the column `label`. A question that cannot be graded scores 0 for each
of its answers alike, which moves nothing under group_norm, and is counted as `not_gradable` in the
logs: OpenRLHF takes numbers only. Needs: pip install tamis
"""

import asyncio
import json
import re

import msgspec

from tamis.records import Message, Question, Reference, RewardSpec
from tamis.rewards import load_reward
from tamis.rewards.base import score_one

# what tokenizers end a text with: <|im_end|>, <｜end▁of▁sentence｜>, </s>, <eos>, <end_of_turn>, several at once
_ENDS = re.compile(r"(?:\s|<\|[^<>|]{1,40}\|>|<｜[^<>｜]{1,40}｜>|</s>|<eos>|<pad>|<end_of_turn>)+\Z")


def reward_func(queries, prompts, labels, **_) -> dict:
    """One reward for each answer: `queries` hold prompt and answer, decoded with special tokens."""
    scores = [_score(*row) for row in zip(queries, prompts, labels, strict=True)]
    values = [0.0 if score.value is None else score.value for score in scores]
    ungraded = [float(score.value is None) for score in scores]
    if len(values) == 1:
        return _told(values[0], ungraded[0])
    return _told(values, ungraded)


def _told(value, ungraded) -> dict:
    return {"rewards": value, "scores": value, "extra_logs": {"not_gradable": ungraded}}


def _score(query, prompt, label):
    graded = json.loads(label)
    spec = RewardSpec(name=graded["reward_name"], parameters=graded["reward_parameters"])
    reference = graded["reference"]
    question = Question(
        id=graded["question_id"],
        prompt=[Message(role="user", content=prompt)],
        reward=spec,
        reference=None if reference is None else msgspec.json.decode(reference, type=Reference),
    )
    return asyncio.run(score_one(load_reward(spec), _answer(query, prompt), question))


def _answer(query, prompt) -> str:
    return _ENDS.sub("", query[len(prompt) :])
