"""Rates with their intervals."""

from __future__ import annotations

import math

from tamis.reports.contents import Rate

# The two-sided 95 % point of the normal distribution.
Z95 = 1.959963984540054


def wilson(count: int, n: int) -> tuple[float, float]:
    """The 95 % Wilson interval of `count` of `n`: where the true rate may well lie.

    Unlike the plain rate ± error it stays inside [0, 1] and is honest at 0 and at n.

    Source:  Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    Raises:  ValueError when n is not positive or count is outside 0..n.

    >>> [round(end, 3) for end in wilson(0, 16)]
    [0.0, 0.194]
    """
    if not 0 <= count <= n or n == 0:
        raise ValueError(f"wilson: expected 0 <= count <= n and n > 0, got {count} of {n}")
    share = count / n
    spread = Z95 * math.sqrt(share * (1 - share) / n + Z95**2 / (4 * n**2))
    middle = share + Z95**2 / (2 * n)
    scale = 1 + Z95**2 / n
    # the ends are exact at the edges: rounding must not turn a certain 0 into 1e-18
    low = 0.0 if count == 0 else (middle - spread) / scale
    high = 1.0 if count == n else (middle + spread) / scale
    return low, high


def rate_of(count: int, n: int) -> Rate:
    """`count` of `n` as a rate with its interval; nulls when n is 0, because nothing was looked at."""
    if n == 0:
        return Rate(count=count, n=n, rate=None, low=None, high=None)
    low, high = wilson(count, n)
    return Rate(count=count, n=n, rate=count / n, low=low, high=high)
