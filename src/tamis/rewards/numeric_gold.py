"""Gold lint of numeric questions: does the reference pass, does the solution agree, is the answer given away."""

from __future__ import annotations

from collections.abc import Sequence

from tamis.errors import RewardError
from tamis.records import Finding, Question, Rule
from tamis.rewards.answers import one_line
from tamis.rewards.base import Reward
from tamis.rewards.giveaways import guessable, said_in_prompt
from tamis.rewards.gold import finding
from tamis.rewards.numeric import NumericReward
from tamis.rewards.self_grading import reference_fails, solution_disagrees
from tamis.rewards.trainer_graders import FOUND_BY_GSM8K

GOLD_FAILS = Rule(
    id="numeric/gold-fails",
    severity="error",
    dimension="correctness",
    summary="an answer that ends in the reference itself does not score 1",
    fix="write the reference as a plain number, its unit behind it or left out",
    good="reference 12",
    bad="reference 12 }",
)
SOLUTION_DISAGREES = Rule(
    id="numeric/solution-disagrees",
    severity="error",
    dimension="correctness",
    summary="the worked solution ends in another number than the reference answer",
    fix="find out which of both is right",
    good="answer 12, solution 3*4=12 #### 12",
    bad="answer 13, solution 3*4=12 #### 12",
)
ANSWER_IN_PROMPT = Rule(
    id="numeric/answer-in-prompt",
    severity="warning",
    dimension="difficulty",
    summary="the prompt says its own answer: sent back as it is, it scores 1",
    fix="take the answer out of the prompt, or drop the question",
    good="What is 3 * 4?",
    bad="What is 3 * 4? The answer is 12.",
)
GUESSABLE = Rule(
    id="numeric/guessable",
    severity="info",
    dimension="difficulty",
    summary="a blind guess is often right, so a pass says little: a small integer comes up more than any other number",
    fix="correct the pass rate for chance, or ask for a number that is harder to hit",
    good="How many apples are in 12 baskets of 7?",
    bad="How many apples are left, if any?",
)
UNFOUND = Rule(
    id="numeric/unfound-elsewhere",
    severity="info",
    dimension="format",
    summary="graders that look for digits, such as open-instruct's gsm8k, never find the reference in an answer",
    fix="write bare digits, with a point if need be; with the reward.py of an export nothing needs to change",
    good="reference 1250",
    bad="reference 1,250",
)
RULES: tuple[Rule, ...] = (GOLD_FAILS, SOLUTION_DISAGREES, ANSWER_IN_PROMPT, GUESSABLE, UNFOUND)

_FORMS = ("\\boxed{{{}}}", "#### {}", "The answer is {}.")


async def lint(
    reward: Reward, questions: Sequence[Question], *, n_repeats: int = 3
) -> list[list[Finding]]:
    """The findings in each question. Numbers are the same every time: nothing is repeated."""
    if not isinstance(reward, NumericReward):
        raise RewardError(f"reward `{reward.name}`: expected numeric, for which this lint is made")
    return [_lint_one(reward, question) for question in questions]


def _lint_one(reward: NumericReward, question: Question) -> list[Finding]:
    gold = reward.gold_answer(question)
    answers = (form.format(gold) for form in _FORMS)
    # as a bare number may stand anywhere by chance, the prompt must commit itself
    strict = NumericReward(last_number=False)
    return [
        *reference_fails(GOLD_FAILS, reward, question, gold=gold, answers=answers),
        *solution_disagrees(SOLUTION_DISAGREES, reward, question),
        *said_in_prompt(ANSWER_IN_PROMPT, strict, question),
        *guessable(GUESSABLE, question, (gold,)),
        *_unfound(gold),
    ]


def _unfound(gold: str) -> list[Finding]:
    if FOUND_BY_GSM8K.fullmatch(gold) is not None:
        return []
    told = f"`{one_line(gold)}` is more than digits with a point"
    return [finding(UNFOUND, "reference.answer", told)]
