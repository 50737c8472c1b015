"""What a reward is, the rewards there are by name, and the helper for a single answer.

This package must stay light: a trainer imports it in about 0.15 s.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

import msgspec

from tamis.errors import RewardError
from tamis.records import Message, Question, RewardSpec, Rollout, Score

REWARDS: dict[str, str] = {
    "code": "tamis.rewards.code:CodeReward",
    "combine": "tamis.rewards.combine:CombineReward",
    "exact": "tamis.rewards.exact:ExactReward",
    "f1": "tamis.rewards.f1:F1Reward",
    "format": "tamis.rewards.format:FormatReward",
    "instructions": "tamis.rewards.instructions:InstructionsReward",
    "json_schema": "tamis.rewards.json_schema:JsonSchemaReward",
    "judge": "tamis.rewards.judge:JudgeReward",
    "language": "tamis.rewards.language:LanguageReward",
    "length": "tamis.rewards.length:LengthReward",
    "math": "tamis.rewards.math:MathReward",
    "numeric": "tamis.rewards.numeric:NumericReward",
    "repetition": "tamis.rewards.repetition:RepetitionReward",
    "tool_calls": "tamis.rewards.tool_calls:ToolCallsReward",
}

# The module with the gold lint of a reward: RULES, and `lint`, see `rewards/gold.py`.
LINTS: dict[str, str] = {
    "code": "tamis.rewards.code.lint",
    "combine": "tamis.rewards.combine_gold",
    "exact": "tamis.rewards.accepted_texts_gold",
    "f1": "tamis.rewards.accepted_texts_gold",
    "instructions": "tamis.rewards.instructions.lint",
    "json_schema": "tamis.rewards.json_schema_gold",
    "math": "tamis.rewards.math.lint",
    "numeric": "tamis.rewards.numeric_gold",
    "tool_calls": "tamis.rewards.tool_calls.lint",
}


class Reward(Protocol):
    """Scores answers to questions. Same answer, same score: in any order, thread or batch.

    `version` changes whenever a score may change. A score's value is None when the *question* cannot be
    graded (no reference, an unreadable one), never because the answer is poor.
    """

    @property
    def name(self) -> str:
        """Its name in `REWARDS`."""
        ...

    @property
    def version(self) -> str:
        """Which rules made the score."""
        ...

    def ungradable(self, question: Question) -> str | None:
        """Why no answer to this question can be graded; None when it can. Costs no model call."""
        ...

    async def score_many(
        self, rollouts: Sequence[Rollout], questions: Sequence[Question]
    ) -> list[Score]:
        """One score for each rollout; `questions[i]` is the question of `rollouts[i]`."""
        ...


def load_reward(spec: RewardSpec) -> Reward:
    """The reward a question names, with its parameters.

    Raises: RewardError for an unknown name, unknown parameters, parameters that are not JSON, or such that only
    the caller may set (`refuse_as_data` of the reward): a spec may come from a stranger's data set.
    """
    return _load(spec.name, spec.parameters)


@lru_cache(maxsize=256)
def _load(name: str, parameters: str | None) -> Reward:
    kind = reward_class(name)
    try:
        reward: Reward = msgspec.json.decode(parameters or "{}", type=kind)
    except msgspec.DecodeError as error:
        told = _unknown_field(parameters or "{}", kind) or error
        raise RewardError(f"parameters of reward `{name}`: {told}") from error
    refuse = getattr(reward, "refuse_as_data", None)
    reason = None if refuse is None else refuse()
    if reason is not None:
        raise RewardError(f"parameters of reward `{name}`: {reason}")
    return reward


def reward_class(name: str) -> type:
    """The class of a reward; its fields are the parameters. Raises: RewardError for an unknown name."""
    target = REWARDS.get(name)
    if target is None:
        near = difflib.get_close_matches(name, REWARDS, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(REWARDS)}"
        raise RewardError(f"unknown reward `{name}`; {hint}")
    module, _, attribute = target.partition(":")
    found: type = getattr(importlib.import_module(module), attribute)
    return found


def _unknown_field(parameters: str, kind: type) -> str | None:
    """What to say of the first parameter that the reward does not have; None when it has all of them."""
    try:
        given = msgspec.json.decode(parameters, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        return None
    known = [field.encode_name for field in msgspec.structs.fields(kind)]
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            others = f"known: {', '.join(known)}" if known else "it takes none"
            return f"unknown field `{name}`; " + (f"did you mean `{near[0]}`?" if near else others)
    return None


async def score_one(reward: Reward, answer: str, question: Question) -> Score:
    """The score of one answer text, as the only assistant message of a rollout."""
    rollout = Rollout(
        question_id=question.id,
        messages=[Message(role="assistant", content=answer)],
        model="",
    )
    return (await reward.score_many([rollout], [question]))[0]
