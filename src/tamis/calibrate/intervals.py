"""What c right of n draws says about a question: intervals, signal in a group, pass@k.

All exact in whole numbers until the last division. `n_correct` is c, `n_draws` is n, everywhere.
"""

from __future__ import annotations

from math import comb, sqrt

import msgspec

_Z_95 = 1.959963984540054


class Interval(msgspec.Struct, frozen=True):
    """A range that holds the true rate, both ends in [0, 1]."""

    low: float
    high: float


def wilson(n_correct: int, n_draws: int, *, z: float = _Z_95) -> Interval:
    """The Wilson score interval of a rate; 95 % unless another `z` is given. (0, 1) without draws.

    Source: Wilson 1927, without continuity correction.

    >>> round(wilson(8, 16).low, 2), round(wilson(8, 16).high, 2)
    (0.28, 0.72)
    """
    _check(n_correct, n_draws)
    if n_draws == 0:
        return Interval(0.0, 1.0)
    return wilson_of_rate(n_correct / n_draws, n_draws, z=z)


def wilson_of_rate(rate: float, n_draws: int, *, z: float = _Z_95) -> Interval:
    """The same interval for a mean of `n_draws` values in [0, 1]; wide enough, as none varies more than 0 and 1 do.

    >>> wilson_of_rate(0.5, 16) == wilson(8, 16)
    True
    """
    if not (0 <= rate <= 1 and n_draws > 0):
        raise ValueError(f"expected a rate in [0, 1] of 1 draw or more, got {rate:g} of {n_draws}")
    spread = z * z / n_draws
    centre = rate + spread / 2
    half = z * sqrt(rate * (1 - rate) / n_draws + spread / (4 * n_draws))
    # at the ends the formula is exact, rounding is not
    low = 0.0 if rate == 0 else (centre - half) / (1 + spread)
    high = 1.0 if rate == 1 else (centre + half) / (1 + spread)
    return Interval(low, high)


def informative_probability(n_correct: int, n_draws: int, group: int) -> float | None:
    """Chance that a group of `group` draws is neither all right nor all wrong; unbiased from (c, n).

    A group without difference teaches a group-relative trainer nothing. None when `group` is larger
    than the number of draws: then no unbiased estimate exists.

    >>> informative_probability(1, 2, 2)
    1.0
    """
    _check(n_correct, n_draws)
    if not 1 <= group <= n_draws:
        return None
    constant = comb(n_correct, group) + comb(n_draws - n_correct, group)
    return 1 - constant / comb(n_draws, group)


def informative_probability_at(rate: float, group: int) -> float:
    """The same chance for a question whose true pass rate is known: 1 - p^G - (1 - p)^G.

    >>> round(informative_probability_at(0.1, 8), 3)
    0.57
    """
    return float(1 - rate**group - (1 - rate) ** group)


def pass_at_k(n_correct: int, n_draws: int, k: int) -> float | None:
    """Chance that at least one of k draws is right; unbiased; None when k exceeds the draws.

    Source: Chen et al. 2021 (Codex), section 2.1.

    >>> pass_at_k(1, 4, 2)
    0.5
    """
    _check(n_correct, n_draws)
    if not 1 <= k <= n_draws:
        return None
    return 1 - comb(n_draws - n_correct, k) / comb(n_draws, k)


def pass_all_k(n_correct: int, n_draws: int, k: int) -> float | None:
    """Chance that all of k draws are right; unbiased; None when k exceeds the draws.

    >>> pass_all_k(2, 4, 2) == 1 / 6
    True
    """
    _check(n_correct, n_draws)
    if not 1 <= k <= n_draws:
        return None
    return comb(n_correct, k) / comb(n_draws, k)


def _check(n_correct: int, n_draws: int) -> None:
    if not 0 <= n_correct <= n_draws:
        raise ValueError(f"expected 0 <= n_correct <= n_draws, got {n_correct} of {n_draws}")
