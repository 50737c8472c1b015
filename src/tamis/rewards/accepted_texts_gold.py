"""Gold lint for `exact` and `f1`: does each accepted answer pass, is one given away or easily guessed."""

from __future__ import annotations

from collections.abc import Sequence

from tamis.errors import RewardError
from tamis.records import Finding, Question, Rule
from tamis.rewards.accepted_texts import ComparingReward, accepted_texts
from tamis.rewards.base import Reward
from tamis.rewards.giveaways import guessable, said_in_prompt
from tamis.rewards.self_grading import reference_fails

GOLD_FAILS = Rule(
    id="exact/gold-fails",
    severity="error",
    dimension="correctness",
    summary="an accepted answer, given as it stands, does not score 1",
    fix="write the reference as the answer alone, without a mark like `Answer:` or a box around it",
    good="reference Paris",
    bad="reference Answer: Paris. Answer: the capital",
)
ANSWER_IN_PROMPT = Rule(
    id="exact/answer-in-prompt",
    severity="warning",
    dimension="difficulty",
    summary="the prompt says its own answer: sent back as it is, it scores 1",
    fix="take the answer out of the prompt, or drop the question",
    good="What is the capital of France?",
    bad="What is the capital of France? Answer: Paris",
)
GUESSABLE = Rule(
    id="exact/guessable",
    severity="info",
    dimension="difficulty",
    summary="a blind guess is often right, so a pass says little: a choice, yes or no, a small integer",
    fix="ask for the answer itself instead of a label, or correct the pass rate for chance",
    good="Which river flows through Paris?",
    bad="Does the Seine flow through Paris?",
)
RULES: tuple[Rule, ...] = (GOLD_FAILS, ANSWER_IN_PROMPT, GUESSABLE)
_FORMS = ("{}", "<answer>{}</answer>")


async def lint(
    reward: Reward, questions: Sequence[Question], *, n_repeats: int = 3
) -> list[list[Finding]]:
    """The findings in each question. Texts compare the same every time: nothing is repeated."""
    if not isinstance(reward, ComparingReward):
        raise RewardError(
            f"reward `{reward.name}`: expected exact or f1, for which this lint is made"
        )
    return [
        [
            *_gold_fails(reward, question),
            *said_in_prompt(ANSWER_IN_PROMPT, reward, question),
            *guessable(GUESSABLE, question, accepted_texts(question).texts),
        ]
        for question in questions
    ]


def _gold_fails(reward: ComparingReward, question: Question) -> list[Finding]:
    forms = _FORMS if reward.read == "final" else _FORMS[:1]
    for gold in accepted_texts(question).texts:
        answers = (form.format(gold) for form in forms)
        if found := reference_fails(GOLD_FAILS, reward, question, gold=gold, answers=answers):
            return found
    return []
