"""What the reason of a score says of a value stays short and true, whatever the value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.rewards.code.shown import show_claim, show_difference, show_mismatch
from tamis.rewards.code.split import Shape
from tamis.sandbox.values import encode

_LEAVES = st.none() | st.booleans() | st.integers() | st.text()
_PLAIN = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
)


@pytest.mark.parametrize(
    "value", [[1, "a"], (1, [2, (3,)][0]), {"k": [1, 2]}, {3}, "it's", None, True, 1.5, [[], {}]]
)
def test_small_values_are_shown_as_python_writes_them(value: object) -> None:
    assert show_claim(encode(value)) == repr(value)


@given(_PLAIN)
def test_what_is_shown_is_short(value: object) -> None:
    assert len(show_claim(encode(value))) <= 60
    assert len(show_mismatch(Shape("==", value, "sorted"), encode(value))) <= 160


@pytest.mark.parametrize(
    "raw",
    [["list"], ["list", 3], ["dict", [1, [2]]], [[]], {"a": 1}, ["object", None, 1], [], ["?", []]],
)
def test_malformed_claims_are_shown_too(raw: object) -> None:
    assert 0 < len(show_claim(raw)) <= 60


def test_deep_long_and_huge_claims_are_cut() -> None:
    deep: object = 1
    for _ in range(500):
        deep = ["list", [deep, deep]]
    assert len(show_claim(deep)) <= 60
    assert show_claim(["list", [7] * 100_000]) == "[7, 7, 7, 7, 7, 7, ...]"
    assert "too long" in show_mismatch(Shape("==", 10**6000), 1)


def test_the_first_line_that_differs_is_named() -> None:
    assert show_difference("1\n2", "1\n2\n3") == "line 3: expected '3', got no line"
    assert show_difference("1 \n2\n\n", "1\n2") == "white space"
