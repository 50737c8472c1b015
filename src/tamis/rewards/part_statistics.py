"""What each part of a reward does over groups of answers: for reports, and to find parts that do nothing.

Exact sums of fractions, so that the figures do not hang on the order of the scores.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction

import msgspec

from tamis.records import Score

VALUE = "value"


class PartStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """One part over all groups, a group being the answers to one question.

    name:                 the part's, or `value` for the score itself
    n_scores:             scores that have the part; ungraded answers have none
    mean, variance:       over these scores; the variance is that of a whole population
    n_groups:             groups in which two scores or more have it
    constant_group_rate:  of these, the share in which all are equal, so that nothing is learnt from the part
    variance_share:       its weight times its covariance with the weighted sum, over the variance of that sum: the
                          shares of all weighted parts add up to 1. None without a weight, or if the sum never varies
    """

    name: str
    n_scores: int
    mean: float
    variance: float
    n_groups: int
    constant_group_rate: float | None
    variance_share: float | None = None


class PartSignal(msgspec.Struct, frozen=True, kw_only=True):
    """How often a group of answers to one question would teach something by one part.

    name:      the part's, or `value` for the score itself
    share:     the chance that a group of this size is not constant, on average over the questions; None without any
    n_groups:  questions with at least as many scores that have the part as a group is large
    """

    name: str
    share: float | None
    n_groups: int


def part_signal(groups: Sequence[Sequence[Score]], *, group_size: int) -> list[PartSignal]:
    """The signal of the value and of each part at this group size, in the order in which they first appear.

    Of the `n` scores to a question, those that have value `v` being `c_v`, a group of size G drawn from them is constant with
    chance sum C(c_v, G) / C(n, G): unbiased for groups that a trainer would draw. With fewer than G scores there is no
    unbiased estimate, so such questions are left out.

    >>> right, wrong = (Score(value=v) for v in (1.0, 0.0))
    >>> part_signal([[right, wrong, wrong], [right] * 3], group_size=2)[0].share == (2 / 3) / 2
    True
    """
    if group_size < 2:
        raise ValueError(f"group_size: expected 2 or more, got {group_size}")
    held = [[_with_value(score) for score in group if score.value is not None] for group in groups]
    names = dict.fromkeys(name for group in held for parts in group for name in parts)
    return [_signal(name, held, group_size) for name in names]


def _signal(
    name: str, groups: Sequence[Sequence[Mapping[str, float]]], group_size: int
) -> PartSignal:
    by_group = [[parts[name] for parts in group if name in parts] for group in groups]
    chances = [_varies(values, group_size) for values in by_group if len(values) >= group_size]
    share = sum(chances, Fraction(0)) / len(chances) if chances else None
    return PartSignal(
        name=name, share=None if share is None else float(share), n_groups=len(chances)
    )


def _varies(values: Sequence[float], group_size: int) -> Fraction:
    """Chance that so many of the values, drawn without putting back, are not all the same."""
    constant = sum(math.comb(count, group_size) for count in Counter(values).values())
    return 1 - Fraction(constant, math.comb(len(values), group_size))


def part_statistics(
    groups: Sequence[Sequence[Score]], *, weights: Mapping[str, float] | None = None
) -> list[PartStatistics]:
    """The statistics of the value and of each part, in the order in which they first appear.

    `weights` are those of a combination, by the labels of its parts; shares of the variance are taken over
    the scores that have all of them.

    >>> right, wrong = (Score(value=v, parts={"accuracy": v}) for v in (1.0, 0.0))
    >>> [(s.name, s.mean, s.constant_group_rate) for s in part_statistics([[right, wrong], [right, right]])]
    [('value', 0.75, 0.5), ('accuracy', 0.75, 0.5)]
    """
    held = [[_with_value(score) for score in group if score.value is not None] for group in groups]
    names = dict.fromkeys(name for group in held for parts in group for name in parts)
    shares = _variance_shares([parts for group in held for parts in group], weights or {})
    return [_statistics(name, held, shares.get(name)) for name in names]


def _with_value(score: Score) -> Mapping[str, float]:
    return {VALUE: score.value or 0.0, **score.parts}


def _statistics(
    name: str, groups: Sequence[Sequence[Mapping[str, float]]], share: float | None
) -> PartStatistics:
    by_group = [[parts[name] for parts in group if name in parts] for group in groups]
    values = [Fraction(value) for group in by_group for value in group if math.isfinite(value)]
    compared = [group for group in by_group if len(group) > 1]
    n_constant = sum(len(set(group)) == 1 for group in compared)
    mean = sum(values, Fraction(0)) / max(len(values), 1)
    variance = sum(((value - mean) ** 2 for value in values), Fraction(0)) / max(len(values), 1)
    return PartStatistics(
        name=name,
        n_scores=len(values),
        mean=float(mean),
        variance=float(variance),
        n_groups=len(compared),
        constant_group_rate=n_constant / len(compared) if compared else None,
        variance_share=share,
    )


def _variance_shares(
    scores: Sequence[Mapping[str, float]], weights: Mapping[str, float]
) -> dict[str, float]:
    """Which share of the variance of the weighted sum each part brings."""
    whole = [parts for parts in scores if weights and all(name in parts for name in weights)]
    if not whole:
        return {}
    columns = {
        name: _centred([Fraction(weight) * Fraction(parts[name]) for parts in whole])
        for name, weight in weights.items()
    }
    total = [sum(row, Fraction(0)) for row in zip(*columns.values(), strict=True)]
    variance = sum((value * value for value in total), Fraction(0))
    if not variance:
        return {}
    return {
        name: float(
            sum((a * b for a, b in zip(column, total, strict=True)), Fraction(0)) / variance
        )
        for name, column in columns.items()
    }


def _centred(values: Sequence[Fraction]) -> list[Fraction]:
    mean = sum(values, Fraction(0)) / len(values)
    return [value - mean for value in values]
