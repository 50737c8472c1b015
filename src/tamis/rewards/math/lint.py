"""Gold lint of maths questions: does the reference pass, here and elsewhere, and is the answer given away."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from tamis.errors import RewardError
from tamis.records import Finding, Question, Rule
from tamis.rewards.answers import one_line
from tamis.rewards.base import Reward
from tamis.rewards.giveaways import guessable, said_in_prompt
from tamis.rewards.gold import finding
from tamis.rewards.math.answers import Choice, Text
from tamis.rewards.math.reading import Reading, read_answer, unwrap
from tamis.rewards.math.reward import MathReward
from tamis.rewards.self_grading import reference_fails, solution_disagrees
from tamis.rewards.trainer_graders import unread_by_parsers, wrapping

GOLD_FAILS = Rule(
    id="math/gold-fails",
    severity="error",
    dimension="correctness",
    summary="an answer that ends in the reference itself is not right",
    fix="write the reference as the answer alone, its braces paired",
    good="reference \\frac{1}{2}",
    bad="reference \\boxed{1}, then \\boxed{2}",
)
NO_ANSWER = Rule(
    id="math/no-answer",
    severity="warning",
    dimension="completeness",
    summary="the reference says that there is none, so an answer is right that says the same word",
    fix="restore the answer, or drop the question",
    good="reference 12",
    bad="reference None",
)
WORDS = Rule(
    id="math/words",
    severity="warning",
    dimension="correctness",
    summary="the reference is a sentence, so only the very same words are right",
    fix="write the answer alone, or grade the question by a judge",
    good="reference x > 3",
    bad="reference all numbers that are larger than 3",
)
SOLUTION_DISAGREES = Rule(
    id="math/solution-disagrees",
    severity="error",
    dimension="correctness",
    summary="the worked solution ends in another answer than the reference",
    fix="find out which of both is right",
    good="answer 1/2, solution so x = \\boxed{\\frac{1}{2}}",
    bad="answer 2, solution so x = \\boxed{\\frac{1}{2}}",
)
ANSWER_IN_PROMPT = Rule(
    id="math/answer-in-prompt",
    severity="warning",
    dimension="difficulty",
    summary="the prompt says its own answer: sent back as it is, it is right",
    fix="take the answer out of the prompt, or drop the question",
    good="What is 3 * 4?",
    bad="What is 3 * 4? The answer is 12.",
)
GUESSABLE = Rule(
    id="math/guessable",
    severity="info",
    dimension="difficulty",
    summary="a blind guess is often right, so a pass says little: a choice, yes or no, a small integer",
    fix="ask for the answer itself instead of a label, or correct the pass rate for chance",
    good="What is the derivative of x^2?",
    bad="Is 91 a prime number?",
)
UNREAD = Rule(
    id="math/unread-elsewhere",
    severity="info",
    dimension="format",
    summary="graders that parse the reference as it stands, such as TRL's accuracy_reward, read only a part of it",
    fix="grade with the reward.py of the export; for TRL's own grader write it as $...$, fractions with braces",
    good="reference $3\\sqrt{13}$",
    bad="reference 3\\sqrt{13}, which is read as 3",
)
WRAPPED = Rule(
    id="math/wrapped",
    severity="warning",
    dimension="format",
    summary="graders that compare texts, such as open-instruct's and verl's own, never find the reference",
    fix="write the reference bare: Tamis reads both, and open-instruct grades with nothing else",
    good="reference 7",
    bad="reference \\boxed{7}",
)
RULES: tuple[Rule, ...] = (
    GOLD_FAILS,
    NO_ANSWER,
    WORDS,
    SOLUTION_DISAGREES,
    ANSWER_IN_PROMPT,
    GUESSABLE,
    UNREAD,
    WRAPPED,
)

_MOST_WORDS = 4
# as programs write a value that is missing; "none" may be the answer
_NO_ANSWERS = frozenset({"None", "null", "NULL", "N/A", "n/a", "unknown", "Unknown", "TODO"})


async def lint(
    reward: Reward, questions: Sequence[Question], *, n_repeats: int = 3
) -> list[list[Finding]]:
    """The findings in each question. Answers compare the same every time: nothing is repeated."""
    if not isinstance(reward, MathReward):
        raise RewardError(f"reward `{reward.name}`: expected math, for which this lint is made")
    return [_lint_one(reward, question) for question in questions]


def _lint_one(reward: MathReward, question: Question) -> list[Finding]:
    gold = reward.gold_answer(question)
    # a last line that holds the answer may be part of what is asked: the prompt must commit itself
    strict = msgspec.structs.replace(reward, fallback="none")
    return [
        *_no_answer(gold),
        *reference_fails(GOLD_FAILS, reward, question, gold=gold, answers=_forms(gold)),
        *_words(reward, gold),
        *solution_disagrees(SOLUTION_DISAGREES, reward, question),
        *said_in_prompt(ANSWER_IN_PROMPT, strict, question),
        *guessable(GUESSABLE, question, (_guessed(reward, gold),)),
        *_elsewhere(gold),
    ]


def _no_answer(gold: str) -> list[Finding]:
    if gold not in _NO_ANSWERS:
        return []
    told = f"`{gold}` is what programs write where there is no value"
    return [finding(NO_ANSWER, "reference.answer", told)]


def _forms(gold: str) -> list[str]:
    forms = [f"\\boxed{{{gold}}}", f"$\\boxed{{{gold}}}$.", f"<answer>{gold}</answer>"]
    # behind the other marks an answer ends with its line
    return forms if "\n" in gold else [*forms, f"#### {gold}", f"The answer is {gold}."]


def _words(reward: MathReward, gold: str) -> list[Finding]:
    found = _read(reward, gold)
    if not isinstance(found, Text) or len(found.words.split()) <= _MOST_WORDS:
        return []
    told = f"`{one_line(gold)}` is read as words, not as an expression"
    return [finding(WORDS, "reference.answer", told)]


def _guessed(reward: MathReward, gold: str) -> str:
    """What a guesser would have to say: the letter of a choice, else the bare answer."""
    found = _read(reward, gold)
    return (
        found.letter
        if isinstance(found, Choice)
        else re.sub(r"\\text\{(\w+)\}", r"\1", unwrap(gold))
    )


def _elsewhere(gold: str) -> list[Finding]:
    found: list[Finding] = []
    if (why := unread_by_parsers(gold)) is not None:
        told = f"`{one_line(gold)}`: {why}"
        found.append(finding(UNREAD, "reference.answer", told))
    if (wrap := wrapping(gold)) is not None:
        told = f"`{one_line(gold)}` stands in {wrap}; the text to find is what is within"
        found.append(finding(WRAPPED, "reference.answer", told))
    return found


def _read(reward: MathReward, gold: str) -> object:
    separators = reward.reference_separators or reward.separators
    return read_answer(gold, reading=Reading(separators=separators, dates=reward.dates))
