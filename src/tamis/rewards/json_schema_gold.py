"""Gold lint for `json_schema`: does the reference pass, is the schema one that anything passes."""

from __future__ import annotations

from collections.abc import Sequence

from tamis.errors import RewardError
from tamis.records import Finding, Question, Rule
from tamis.rewards.base import Reward
from tamis.rewards.giveaways import said_in_prompt
from tamis.rewards.gold import finding
from tamis.rewards.json_schema import JsonSchemaReward
from tamis.rewards.self_grading import reference_fails

GOLD_FAILS = Rule(
    id="json_schema/gold-fails",
    severity="error",
    dimension="correctness",
    summary="the reference answer is not valid by the schema of its own question",
    fix="find out which of both is right",
    good='answer {"n": 7}, schema {"required": ["n"]}',
    bad='answer {"m": 7}, schema {"required": ["n"]}',
)
ACCEPTS_NOTHING_SAID = Rule(
    id="json_schema/accepts-anything",
    severity="warning",
    dimension="difficulty",
    summary="a value that says nothing is valid by the schema: `{}`, `[]`, `null`, an empty text or 0",
    fix="say in the schema what must be there: `type`, `required`, `minItems`, `minLength`",
    good='{"type": "object", "required": ["answer"]}',
    bad='{"type": "object"}',
)
ANSWER_IN_PROMPT = Rule(
    id="json_schema/answer-in-prompt",
    severity="warning",
    dimension="difficulty",
    summary="the prompt holds valid JSON: sent back as it is, it scores 1",
    fix="show an example that the schema does not take, or ask for something that the prompt does not say",
    good='Answer like {"answer": <integer>}.',
    bad='Answer like ```json {"answer": 1}```',
)
RULES: tuple[Rule, ...] = (GOLD_FAILS, ACCEPTS_NOTHING_SAID, ANSWER_IN_PROMPT)
_NOTHING_SAID = ("{}", "[]", "null", '""', "0")


async def lint(
    reward: Reward, questions: Sequence[Question], *, n_repeats: int = 3
) -> list[list[Finding]]:
    """The findings in each question. A schema says the same every time: nothing is repeated."""
    if not isinstance(reward, JsonSchemaReward):
        raise RewardError(
            f"reward `{reward.name}`: expected json_schema, for which this lint is made"
        )
    return [
        [
            *_gold_fails(reward, question),
            *_accepts_nothing_said(reward, question),
            *said_in_prompt(ANSWER_IN_PROMPT, reward, question),
        ]
        for question in questions
    ]


def _gold_fails(reward: JsonSchemaReward, question: Question) -> list[Finding]:
    gold = question.reference.answer if question.reference else None
    if gold is None:
        return []
    return reference_fails(GOLD_FAILS, reward, question, gold=gold, answers=(gold,))


def _accepts_nothing_said(reward: JsonSchemaReward, question: Question) -> list[Finding]:
    for value in _NOTHING_SAID:
        if reward.score(value, question).value == 1.0:
            told = f"the answer `{value}` scores 1"
            return [finding(ACCEPTS_NOTHING_SAID, "reward", told)]
    return []
