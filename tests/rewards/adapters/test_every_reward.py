"""Every reward in every calling convention: a number for a good and an empty answer, the same keys for all."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
import pytest

from tamis.records import Message, Question, Reference, RewardSpec
from tamis.rewards import REWARDS, load_reward, score_one
from tamis.rewards.adapters import ms_swift, own_keys, trl
from tamis.rewards.adapters.openrlhf import reward_func
from tamis.rewards.adapters.verl import compute_score

from ..test_contract import CASES

# a judge asks a model: its own tests hold it to the same
NAMES = sorted(set(REWARDS) - {"judge"})
BAD = "I would rather not say."


def asked(name: str) -> tuple[Question, str]:
    """A question that the reward grades, and an answer that it likes."""
    parameters, reference, liked = CASES[name]
    question = Question(
        id=name,
        prompt=[Message(role="user", content="Add three and four.")],
        reward=RewardSpec(name=name, parameters=json.dumps(parameters)),
        reference=Reference(**reference),
    )
    return question, liked


def columns(question: Question) -> dict[str, Any]:
    """The columns that exports write beside the prompt."""
    assert question.reward is not None
    return {
        "question_id": question.id,
        "reward_name": question.reward.name,
        "reward_parameters": question.reward.parameters,
        "reference": msgspec.json.encode(question.reference).decode(),
    }


def own_value(question: Question, said: str) -> float:
    assert question.reward is not None
    value = asyncio.run(score_one(load_reward(question.reward), said, question)).value
    assert value is not None
    return value


@pytest.mark.parametrize("name", NAMES)
def test_every_trainer_gets_the_value_that_the_reward_gives(name: str) -> None:
    question, liked = asked(name)
    row, prompt = columns(question), msgspec.to_builtins(question.prompt)
    own = json.dumps(
        {
            "id": question.id,
            "reward": msgspec.to_builtins(question.reward),
            "reference": msgspec.to_builtins(question.reference),
        }
    )
    for said in (liked, BAD, ""):
        value = own_value(question, said)
        lists = {key: [each] for key, each in row.items()}
        by_trl = trl.RewardFunction(name)([prompt], [said], **lists)
        by_swift = ms_swift.scores([said], messages=[prompt], **lists)
        extra = {**row, "prompt": json.dumps(prompt)}
        by_verl = compute_score("tamis", said, "", extra_info=extra)
        label = json.dumps({**row, "prompt": prompt})
        by_openrlhf = reward_func([f"?{said}"], ["?"], [label])
        by_key = asyncio.run(own_keys.grade(said, own_keys.question_of(own, question.prompt)))
        assert by_trl == by_swift == [value]
        assert (by_verl["score"], by_openrlhf["rewards"], by_key.value) == (value,) * 3
        assert list(by_verl) == ["score", "acc", "gradable", "pred"]
        assert list(by_openrlhf["extra_logs"]) == ["not_gradable", "accuracy"]


@pytest.mark.parametrize("name", NAMES)
def test_trl_is_told_every_part_of_a_score(name: str) -> None:
    question, liked = asked(name)
    assert question.reward is not None
    logged: dict[str, float] = {}
    lists = {key: [each] for key, each in columns(question).items()}
    prompt = msgspec.to_builtins(question.prompt)
    trl.RewardFunction(name)([prompt], [liked], log_metric=logged.__setitem__, **lists)
    parts = asyncio.run(score_one(load_reward(question.reward), liked, question)).parts
    assert logged == {f"rewards/{name}/{part}/mean": value for part, value in parts.items()}
