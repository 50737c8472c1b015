"""Gold lint of numeric questions: does the reference pass, does the solution agree, is the answer given away."""

from __future__ import annotations

from collections.abc import Sequence

from tamis.errors import RewardError
from tamis.records import Finding, Question, Rule
from tamis.rewards.base import Reward
from tamis.rewards.finals import find_commitments
from tamis.rewards.giveaways import guessable
from tamis.rewards.gold import finding
from tamis.rewards.numeric import NumericReward
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
# An answer that says less than a whole sentence is told by its number; more would not fit a line.
_SHOWN = 80


async def lint(
    reward: Reward, questions: Sequence[Question], *, n_repeats: int = 3
) -> list[list[Finding]]:
    """The findings in each question. Numbers are the same every time: nothing is repeated."""
    if not isinstance(reward, NumericReward):
        raise RewardError(f"reward `{reward.name}`: expected numeric, for which this lint is made")
    return [_lint_one(reward, question) for question in questions]


def _lint_one(reward: NumericReward, question: Question) -> list[Finding]:
    return [
        *_gold_fails(reward, question),
        *_solution_disagrees(reward, question),
        *_answer_in_prompt(reward, question),
        *guessable(GUESSABLE, question, (reward.gold_answer(question),)),
        *_unfound(reward, question),
    ]


def _gold_fails(reward: NumericReward, question: Question) -> list[Finding]:
    gold = reward.gold_answer(question)
    for form in _FORMS:
        answer = form.format(gold)
        score = reward.score(answer, question)
        if score.value != 1.0:
            told = f"the answer `{answer[:_SHOWN]}` scores {score.value:g}: {score.reason}"
            return [finding(GOLD_FAILS, "reference.answer", told, excerpt=gold[:_SHOWN])]
    return []


def _solution_disagrees(reward: NumericReward, question: Question) -> list[Finding]:
    reference = question.reference
    if reference is None or reference.answer is None or reference.solution is None:
        return []
    # only a solution that commits itself can disagree
    if not find_commitments(reference.solution).found:
        return []
    score = reward.score(reference.solution, question)
    if score.value == 1.0:
        return []
    said = (
        f"the solution ends in `{(score.answer or '')[:_SHOWN]}`"
        if score.answer
        else "the solution"
    )
    told = f"{said}, the reference is `{reference.answer[:_SHOWN]}`: {score.reason}"
    return [finding(SOLUTION_DISAGREES, "reference.solution", told)]


def _unfound(reward: NumericReward, question: Question) -> list[Finding]:
    gold = reward.gold_answer(question)
    if FOUND_BY_GSM8K.fullmatch(gold) is not None:
        return []
    told = f"`{gold[:_SHOWN]}` is more than digits with a point"
    return [finding(UNFOUND, "reference.answer", told)]


def _answer_in_prompt(reward: NumericReward, question: Question) -> list[Finding]:
    # as a bare number may stand anywhere by chance, the prompt must commit itself
    strict = NumericReward(last_number=False)
    for place, message in enumerate(question.prompt):
        if message.content and strict.score(message.content, question).value == 1.0:
            told = f"this message, sent back as an answer, scores 1 (`{reward.gold_answer(question)[:_SHOWN]}`)"
            return [finding(ANSWER_IN_PROMPT, f"prompt[{place}].content", told)]
    return []
