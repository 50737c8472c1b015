"""Bins: how a column of numbers becomes a handful of bars with round edges."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from tamis.reports.contents import Bin

FloatArray = npt.NDArray[np.float64]

# About this many bars: enough to see a shape, few enough to read the table behind it.
_MAX_BARS = 24


def round_step(span: float, *, whole: bool) -> float:
    """The smallest step of the form 1, 2 or 5 times a power of ten that gives at most 24 bars.

    >>> round_step(230, whole=True)
    10
    """
    smallest: float = 1 if whole else 10.0 ** math.floor(math.log10(span / _MAX_BARS))
    power: float = 10 ** math.floor(math.log10(max(span / _MAX_BARS, smallest)))
    steps = (factor * power for factor in (1, 2, 5, 10))
    return next(step for step in steps if span / step <= _MAX_BARS)


def bin_numbers(values: FloatArray, kept: FloatArray | None, *, whole: bool) -> list[Bin]:
    """Bars over all `values`, with how many of them were `kept`; (n,) finite numbers, n > 0.

    The last bar is open-ended where a long tail (beyond the 99th percentile) would flatten the rest.
    """
    edges, is_open = _edges(values, whole=whole)
    counts = _counted(values, edges)
    kept_counts = _counted(kept, edges) if kept is not None else None
    bars = []
    for i, count in enumerate(counts):
        last = i == len(counts) - 1
        low, high = float(edges[i]), float(edges[i + 1])
        bars.append(
            Bin(
                label=_label(low, high, whole=whole, is_open=is_open and last),
                low=low,
                high=None if is_open and last else high,
                count=int(count),
                kept=None if kept_counts is None else int(kept_counts[i]),
            )
        )
    return bars


def _edges(values: FloatArray, *, whole: bool) -> tuple[FloatArray, bool]:
    smallest, largest = float(values.min()), float(values.max())
    top = float(np.quantile(values, 0.99))
    is_open = largest - smallest > 1.5 * (top - smallest) > 0
    top = top if is_open else largest
    # whole numbers get bars [k, k + step), so the largest needs room above it
    span = top - smallest + (1 if whole else 0)
    if span == 0:
        return np.array([smallest, smallest + 1]), False
    step = round_step(span, whole=whole)
    first = math.floor(smallest / step)
    last = max(math.ceil(round((top + (1 if whole else 0)) / step, 9)), first + 1)
    # rounded, because 3 * 0.05 is 0.15000000000000002
    edges = [float(f"{place * step:.12g}") for place in range(first, last + 1)]
    if is_open:
        edges.append(max(largest, edges[-1] + step))
    return np.array(edges, dtype=np.float64), is_open


def _counted(values: FloatArray, edges: FloatArray) -> npt.NDArray[np.int64]:
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), bins=edges)
    return counts.astype(np.int64)


def _label(low: float, high: float, *, whole: bool, is_open: bool) -> str:
    if is_open:
        return f"{show_number(low)} and more"
    if whole and high - low == 1:
        return show_number(low)
    if whole:
        return f"{show_number(low)}–{show_number(high - 1)}"
    # edges are round: three digits would make two of them one
    return f"{low:.6g}–{high:.6g}"


def show_number(value: float) -> str:
    """A number for people: thousands apart, three digits for fractions.

    >>> show_number(12345.0), show_number(0.25)
    ('12,345', '0.25')
    """
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
