"""Texts passed over hold nothing for the exact reader, whatever they are made of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tamis.checks.equations import wrong_equations
from tamis.kernels.plain_equations import plainly_right


def is_plainly_right(*texts: str) -> list[bool]:
    """The verdict on each of some texts that lie in one buffer."""
    written = [text.encode() for text in texts]
    offsets = np.cumsum([0, *map(len, written)]).astype(np.int64)
    content = np.frombuffer(b"".join(written), dtype=np.uint8)
    return list(map(bool, plainly_right(content, offsets, np.arange(len(texts)))))


@pytest.mark.parametrize(
    "text",
    [
        "He has 5 + 3 = 8 pens.",
        "First. 17 * 3 = 51, and 17 + 3 = 20.",
        "so 10 / 3 = 3.33 each",
        "2*3/4-1 = 0.5",
        "1,200 + 1 = 1,201",
        "共有 5 × 3 = 15 个，10 ÷ 4 = 2.5。",
        "She sold 48/2 = <<48/2=24>>24 clips for 9 * 2 = $<<9*2=18>>18.",
        "- 5 + 3 = 8\n- 6 + 3 = 9",
        "`limit=5` and url?a=b",
    ],
)
def test_plain_right_equations_are_passed_over(text: str) -> None:
    assert is_plainly_right(text) == [True]


@pytest.mark.parametrize(
    "text",
    [
        "5 + 3 = 9",
        "<<5+3=8>>9 pens",
        "<<5+3=8>>\t9 pens",
        "<<a=5>>6",
        "7 / 2 = 3",
        "plus 5 + 3 = 8",
        "5 + 3 = 8 = 9",
        "4 equals 5 + 1",
        "99999999999999 * 99999999999999 * 99 = 1",
        "5 / 0 = 0",
    ],
)
def test_whatever_is_not_plainly_right_goes_to_the_exact_reader(text: str) -> None:
    assert is_plainly_right(text) == [False]


def test_texts_are_judged_by_themselves() -> None:
    assert is_plainly_right("5 + 3 ", "= 9", "", "5 + 3 = 8", "1 + 1 = 3") == [
        True,
        True,
        True,
        True,
        False,
    ]


_PIECES = st.sampled_from(
    "5 3 8 2 15 0.5 1,200 007 10 = = = + - * / × ÷ ** ( ) [ % ² $ <<5+3=8>> << >> ` ``` x of by plus times "
    "equals a step the . , : ; ! ? - \\times \\ _ 加 所以 。 ， 个 第 … ~ | > <".split(" ")
)
_SPACES = st.sampled_from(["", " ", " ", "  ", "\n", "\t", "\u3000", "\r\n"])
_TEXTS = st.lists(st.tuples(_PIECES, _SPACES), min_size=3, max_size=24).map(
    lambda parts: "".join(piece + space for piece, space in parts)
)
_RIGHT = st.sampled_from(
    ["5 + 3 = 8", "5+3=8", "3 * 5 = 15", "7 / 2 = 3.5", "48/2 = <<48/2=24>>24"]
)


@settings(max_examples=600, deadline=None)
@given(before=_TEXTS, equation=_RIGHT, glue=_SPACES, after=_TEXTS)
@example(before="2 * ", equation="5 + 3 = 8", glue="", after="")
@example(before="", equation="5 + 3 = 8", glue=" ", after="` `* 2")
def test_a_text_passed_over_holds_no_wrong_equation(
    before: str, equation: str, glue: str, after: str
) -> None:
    text = before + equation + glue + after
    if is_plainly_right(text) == [True]:
        assert wrong_equations(text) == []
