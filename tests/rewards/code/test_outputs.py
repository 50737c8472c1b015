"""What a program printed against what it should have printed."""

from __future__ import annotations

import pytest

from tamis.rewards.code.outputs import is_same_output


@pytest.mark.parametrize("printed", ["1 2\n3\n", "1 2  \r\n3", "1 2\n3\n\n \n"])
def test_exact_overlooks_only_what_nobody_sees(printed: str) -> None:
    assert is_same_output(printed, "1 2\n3\n")


@pytest.mark.parametrize("printed", ["1  2\n3", " 1 2\n3", "1 2 3", "\n1 2\n3", "1 2\n\n3", ""])
def test_exact_sees_everything_else(printed: str) -> None:
    assert not is_same_output(printed, "1 2\n3\n")


def test_tokens_overlook_where_the_white_space_stands() -> None:
    assert is_same_output(" 1\t2\n\n3 ", "1 2\n3", compare="tokens")
    assert not is_same_output("12 3", "1 2 3", compare="tokens")


@pytest.mark.parametrize(
    ("printed", "expected"),
    [("0.3333333", "0.33333333"), ("1e3", "1000.0"), ("7.0", "7"), ("-.5", "-0.5"), ("yes", "yes")],
)
def test_floats_may_differ_a_little(printed: str, expected: str) -> None:
    assert is_same_output(printed, expected, compare="floats")


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("1000009", "1000000"),
        ("1000001", "1000000"),
        ("YES", "yes"),
        ("1_000", "1000"),
        ("５", "5"),
        ("nan", "0.5"),
        ("inf", "1e308"),
        ("1e999999999", "0.5"),
        ("0.34", "0.33"),
        ("0.5 0.5", "0.5"),
        ("0", "1e-7x"),
    ],
)
def test_floats_overlook_nothing_but_the_last_digits(printed: str, expected: str) -> None:
    assert not is_same_output(printed, expected, compare="floats")


def test_an_endless_number_costs_nothing() -> None:
    assert not is_same_output("9" * 1_000_000, "0.5", compare="floats")


def test_a_flood_of_tokens_is_another_output() -> None:
    for printed in ("1 2 3", " 1 2 3 4 5 ", "1 2\n" * 9, "1"):
        assert not is_same_output(printed, "1 2", compare="tokens")
    assert is_same_output("\n 1\t2 \n\n", " 1 2", compare="tokens")
