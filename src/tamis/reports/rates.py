"""Rates with their intervals."""

from __future__ import annotations

from tamis.calibrate.intervals import wilson
from tamis.reports.contents import Rate


def rate_of(count: int, n: int) -> Rate:
    """`count` of `n` as a rate with its interval; nulls when n is 0, because nothing was looked at."""
    if n == 0:
        return Rate(count=count, n=n, rate=None, low=None, high=None)
    interval = wilson(count, n)
    return Rate(count=count, n=n, rate=count / n, low=interval.low, high=interval.high)
