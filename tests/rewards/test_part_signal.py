"""The chance that a group differs in a part: exact, unbiased, for any values, beside the formula of two values."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.calibrate.intervals import informative_probability
from tamis.records import Score
from tamis.rewards.part_statistics import PartSignal, part_signal


def scores(values: list[float]) -> list[Score]:
    return [Score(value=value, parts={"accuracy": float(value >= 1)}) for value in values]


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0, 1.1]), min_size=2, max_size=9), st.integers(2, 5))
def test_the_share_is_that_of_all_groups_one_could_draw(values: list[float], size: int) -> None:
    value, accuracy = part_signal([scores(values)], group_size=size)
    groups = list(combinations(values, size))
    if not groups:
        assert (value.share, value.n_groups) == (None, 0)
        return
    differ = sum(len(set(group)) > 1 for group in groups)
    assert value.share == pytest.approx(differ / len(groups))
    n_right = sum(one >= 1 for one in values)
    assert accuracy.share == pytest.approx(informative_probability(n_right, len(values), size))


def test_questions_are_averaged_and_short_ones_left_out() -> None:
    groups = [scores([0.0, 1.0]), scores([1.0, 1.0]), scores([0.0])]
    assert part_signal(groups, group_size=2)[0] == PartSignal(name="value", share=0.5, n_groups=2)


def test_an_answer_without_a_value_counts_in_no_group() -> None:
    [found] = part_signal([[Score(value=1.0), Score(value=None), Score(value=0.0)]], group_size=2)
    assert (found.share, found.n_groups) == (1.0, 1)


def test_a_part_that_only_some_answers_have_is_told_over_these() -> None:
    some = [Score(value=1.0, parts={"judge": 0.5}), Score(value=0.0), Score(value=0.0)]
    told = {part.name: part.n_groups for part in part_signal([some], group_size=2)}
    assert told == {"value": 1, "judge": 0}


def test_a_group_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 2 or more, got 1"):
        part_signal([], group_size=1)
