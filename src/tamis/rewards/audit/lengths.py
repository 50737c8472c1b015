"""How the score moves when the same answer gets longer: right answers and wrong ones apart."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from statistics import fmean
from typing import Literal

from tamis.rewards.audit.calling import Reply
from tamis.rewards.audit.cases import Case, answer_case, other_answer
from tamis.rewards.audit.results import LengthEffect
from tamis.rewards.audit.rows import load_honest
from tamis.rewards.audit.spelling import Spelling, say, wrong_for
from tamis.rewards.audit.target import Target

_QUESTIONS = 12
# words of prose before the answer
WORDS = (0, 25, 100, 400, 1600)
_OPENINGS = (
    *("First", "Next", "Here", "In this step", "At this point", "To be careful"),
    *("For clarity", "As a check", "Put differently", "On the other hand", "In short"),
)
_SUBJECTS = (
    *("the statement", "the condition", "each quantity", "the given sum", "this relation"),
    *("the unknown value", "the last remark", "the plan", "the whole setting", "the reader"),
)
_VERBS = (
    *("is written down again", "is compared with what was asked", "can be put more plainly"),
    *("stays as it was", "deserves a second look", "follows from what came before"),
    *("is kept in mind", "needs no further treatment", "agrees with a rough picture"),
)


def measure_lengths(target: Target, spelling: Spelling, *, seed: int) -> list[LengthEffect]:
    """The padding series over easy questions: same answer, ever more prose before it."""
    rows = [row for row in load_honest() if row.notation == "integer"][:_QUESTIONS]
    effects = []
    for of in _BOTH:
        series = []
        for row in rows:
            answer = row.answer if of == "right" else wrong_for(row.answer)
            said = say(answer, spelling)
            case = answer_case(row)
            series += [
                other_answer(case, padded(said, n, Random(f"{seed} {row.id} {n}")), f"{of} +{n}")
                for n in WORDS
            ]
        replies = target.ask(series)
        effects.append(_effect(of, series, replies))
    return effects


_BOTH: tuple[Literal["right", "wrong"], ...] = ("right", "wrong")


def padded(said: str, n_words: int, chance: Random) -> str:
    """The response with about `n_words` of prose without content before its answer.

    The prose goes into the reasoning where there is one.
    """
    sentences: list[str] = []
    count = 0
    while count < n_words:
        pieces = [chance.choice(words) for words in (_OPENINGS, _SUBJECTS, _VERBS)]
        sentence = f"{pieces[0]}, {pieces[1]} {pieces[2]}."
        sentences.append(sentence)
        count += len(sentence.split())
    prose = " ".join(sentences)
    if not prose:
        return said
    if said.startswith("<think>\n"):
        return said.replace("<think>\n", f"<think>\n{prose}\n", 1)
    return f"{prose}\n\n{said}"


def _effect(
    of: Literal["right", "wrong"], series: Sequence[Case], replies: Sequence[Reply]
) -> LengthEffect:
    step = len(WORDS)
    groups = []
    for start in range(0, len(series), step):
        told = [reply.value for reply in replies[start : start + step]]
        scores = [value for value in told if value is not None]
        if len(scores) == step:
            groups.append(([len(c.response) for c in series[start : start + step]], scores))
    found = [
        rho for sizes, scores in groups if (rho := rank_correlation(sizes, scores)) is not None
    ]
    changes = [score - scores[0] for _, scores in groups for score in scores[1:]]
    columns = list(zip(*(scores for _, scores in groups), strict=True))
    return LengthEffect(
        of=of,
        questions=len(groups),
        lengths=list(WORDS),
        mean_scores=[fmean(column) for column in columns],
        correlation=fmean(found) if found else None,
        moved=len(found),
        least=min([0.0, *changes]),
        most=max([0.0, *changes]),
    )


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Spearman's rank correlation, ties at their middle rank; None where one side never varies.

    >>> rank_correlation([1, 2, 3, 4], [10, 20, 30, 25])
    0.8
    """
    a, b = _ranks(first), _ranks(second)
    mean_a, mean_b = fmean(a), fmean(b)
    spread_a = sum((x - mean_a) ** 2 for x in a)
    spread_b = sum((x - mean_b) ** 2 for x in b)
    if not spread_a or not spread_b:
        return None
    together = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    return float(together / (spread_a * spread_b) ** 0.5)


def _ranks(values: Sequence[float]) -> list[float]:
    places: dict[float, list[int]] = {value: [] for value in values}
    for rank, value in enumerate(sorted(values)):
        places[value].append(rank)
    return [fmean(places[value]) for value in values]
