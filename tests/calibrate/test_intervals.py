"""Intervals and estimates against values worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.calibrate.band import Band, Place
from tamis.calibrate.intervals import (
    informative_probability,
    informative_probability_at,
    pass_all_k,
    pass_at_k,
    wilson,
)
from tamis.errors import RecipeError


@pytest.mark.parametrize(
    ("n_correct", "n_draws", "low", "high"),
    [
        (0, 16, 0.0, 0.194),
        (3, 16, 0.066, 0.430),
        (8, 16, 0.280, 0.720),
        (0, 4, 0.0, 0.490),
        (0, 64, 0.0, 0.057),
        (16, 16, 0.806, 1.0),
        (0, 0, 0.0, 1.0),
    ],
)
def test_wilson_agrees_with_hand_values(
    n_correct: int, n_draws: int, low: float, high: float
) -> None:
    found = wilson(n_correct, n_draws)
    assert (round(found.low, 3), round(found.high, 3)) == (low, high)


@given(st.integers(0, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_rate_and_mirrors(counts: tuple[int, int]) -> None:
    n_correct, n_draws = counts
    found, mirrored = wilson(n_correct, n_draws), wilson(n_draws - n_correct, n_draws)
    assert 0 <= found.low <= found.high <= 1
    assert found.low == pytest.approx(1 - mirrored.high)
    if n_draws:
        assert found.low <= n_correct / n_draws <= found.high


@pytest.mark.parametrize(
    ("rate", "group", "chance"),
    [(0.05, 8, 0.337), (0.1, 8, 0.570), (0.3, 8, 0.942), (0.02, 16, 0.276), (0.01, 64, 0.474)],
)
def test_the_chance_of_signal_agrees_with_hand_values(
    rate: float, group: int, chance: float
) -> None:
    assert round(informative_probability_at(rate, group), 3) == chance


def test_estimates_from_counts_agree_with_counting_by_hand() -> None:
    # 2 right of 4: of the 6 pairs, 1 all right, 1 all wrong, 4 mixed
    assert informative_probability(2, 4, 2) == pytest.approx(4 / 6)
    assert pass_at_k(2, 4, 2) == pytest.approx(5 / 6)
    assert pass_all_k(2, 4, 2) == pytest.approx(1 / 6)


def test_a_group_larger_than_the_draws_has_no_estimate() -> None:
    assert informative_probability(2, 4, 5) is None
    assert pass_at_k(2, 4, 5) is None
    assert pass_all_k(2, 4, 5) is None


def test_more_right_than_drawn_is_refused() -> None:
    with pytest.raises(ValueError, match="got 5 of 4"):
        wilson(5, 4)


def test_the_band_keeps_its_ends_and_says_how_sure_it_is() -> None:
    band = Band()
    assert band.place(2, 10) == Place(0.2, True, False)
    assert band.place(8, 16) == Place(0.5, True, True)
    assert band.place(0, 16) == Place(0.0, False, True)
    assert band.place(0, 4) == Place(0.0, False, False)
    assert band.place(0, 0) == Place(None, None, False)


def test_a_band_upside_down_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"got 0\.9 and 0\.1"):
        Band(low=0.9, high=0.1)
