"""A question against itself: does its reference pass as an answer, and does its worked solution agree."""

from __future__ import annotations

from collections.abc import Iterable

from tamis.records import Finding, Question, Rule
from tamis.rewards.answers import ScoresText, one_line
from tamis.rewards.finals import find_commitments
from tamis.rewards.gold import finding


def reference_fails(
    rule: Rule, reward: ScoresText, question: Question, *, gold: str, answers: Iterable[str]
) -> list[Finding]:
    """What to say of a reference that is not right in each of these answers that say it; the first is told."""
    for answer in answers:
        score = reward.score(answer, question)
        if score.value is None or score.value < 1.0:
            told = f"the answer `{one_line(answer)}` is not right: {score.reason}"
            return [finding(rule, "reference.answer", told, excerpt=one_line(gold))]
    return []


def solution_disagrees(rule: Rule, reward: ScoresText, question: Question) -> list[Finding]:
    """What to say of a worked solution that ends in another answer than the reference beside it."""
    reference = question.reference
    if reference is None or reference.answer is None or reference.solution is None:
        return []
    # only a solution that commits itself can disagree
    if not find_commitments(reference.solution).found:
        return []
    score = reward.score(reference.solution, question)
    if score.value is not None and score.value >= 1.0:
        return []
    said = f"ends in `{one_line(score.answer)}`" if score.answer else "cannot be read"
    told = f"the solution {said}, the reference is `{one_line(reference.answer)}`: {score.reason}"
    return [finding(rule, "reference.solution", told)]
