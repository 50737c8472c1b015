"""Bars never lose a row, whatever the numbers look like."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tamis.reports.bins import bin_numbers
from tamis.reports.charts import histogram, round_ticks
from tamis.reports.contents import Bin

whole = st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=60)
broken = st.lists(
    st.floats(-1e12, 1e12, allow_nan=False), min_size=1, max_size=60
)  # fmt: skip


def check(values: list[float], *, is_whole: bool) -> None:
    numbers = np.array(values, dtype=np.float64)
    bars = bin_numbers(numbers, numbers[::2], whole=is_whole)
    assert sum(bar.count for bar in bars) == len(values)
    assert sum(bar.kept or 0 for bar in bars) == len(numbers[::2])
    assert all(bar.kept is not None and bar.kept <= bar.count for bar in bars)
    assert 1 <= len(bars) <= 27
    lows = [bar.low for bar in bars if bar.low is not None]
    assert lows == sorted(set(lows)) and len(lows) == len(bars)


@given(whole)
def test_whole_numbers_are_each_in_one_bar(values: list[int]) -> None:
    check([float(value) for value in values], is_whole=True)


@given(broken)
def test_fractions_are_each_in_one_bar(values: list[float]) -> None:
    check(values, is_whole=False)


def test_a_few_whole_numbers_get_a_bar_each() -> None:
    bars = bin_numbers(np.array([1.0, 2, 2, 4]), None, whole=True)
    assert [(bar.label, bar.count) for bar in bars] == [("1", 1), ("2", 2), ("3", 0), ("4", 1)]


def test_a_long_tail_goes_into_an_open_last_bar() -> None:
    bars = bin_numbers(np.array([*range(500), 100_000.0]), None, whole=True)
    assert (bars[-1].label, bars[-1].high, bars[-1].count) == ("500 and more", None, 1)


@given(st.integers(1, 10**12))
def test_ticks_are_few_and_round(most: int) -> None:
    ticks = round_ticks(most)
    assert 1 <= len(ticks) <= 5 and ticks[-1] <= most
    assert str(ticks[0]).rstrip("0") in {"1", "2", "5"}
    assert ticks == list(range(ticks[0], most + 1, ticks[0]))


def test_the_text_of_a_label_cannot_leave_its_picture() -> None:
    bar = Bin(label="</text><script>x</script>", low=None, high=None, count=1, kept=None)
    drawn = histogram("k", [bar], "a <b> title")
    assert "<script>" not in drawn and "a &lt;b&gt; title" in drawn
