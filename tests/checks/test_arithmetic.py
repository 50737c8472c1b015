"""Arithmetic: wrong equations of plain numbers are found; whatever is not one is let go."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.checks.arithmetic import Arithmetic
from tamis.checks.equations import wrong_equations

Find = Callable[..., list[list[dict[str, Any]]]]


def found(text: str) -> list[tuple[str, str]]:
    return [(equation.left, equation.right) for equation in wrong_equations(text)]


@pytest.mark.parametrize(
    ("text", "left", "right"),
    [
        ("That makes 17 + 26 = 42 tickets.", "17 + 26", "42"),
        ("17+26=44", "17+26", "44"),
        ("So it is 6 × 7 = 48.", "6 × 7", "48"),
        ("So it is 6 x 7 = 48.", "6 x 7", "48"),
        ("84 ÷ 4 = 22", "84 ÷ 4", "22"),
        ("84 − 4 = 81", "84 − 4", "81"),
        ("3 · 4 = 13", "3 · 4", "13"),
        ("(3 + 4) * 2 = 11", "(3 + 4) * 2", "11"),
        ("2^10 = 1000", "2^10", "1000"),
        ("5² + 1 = 27", "5² + 1", "27"),
        ("2 * 3 + 4 = 6 + 4 = 11", "6 + 4", "11"),
        ("It sold <<36*15=530>>530 cups.", "36*15", "530"),
        ("It sold 36*15 = <<36*15=540>>530 cups.", "36*15 ", "530"),
        ("30% of 90 = 28", "30% of 90", "28"),
        ("1,200 * 12 = 14,000", "1,200 * 12", "14,000"),
        ("$12.50 * 4 = $52", "12.50 * 4", "52"),
        ("10 / 3 = 3.43", "10 / 3", "3.43"),
        ("总共有 15 ＋ 8 ＝ 24 个苹果。", "15 ＋ 8", "24"),
        ("所以15加8等于24。", "15加8", "24"),
        ("他买了12×3=35个。", "12×3", "35"),
        ("12 plus 7 equals 18", "12 plus 7", "18"),
        ("- 12 + 7 = 18", "12 + 7", "18"),
        ("1) 12 + 7 = 18", "12 + 7", "18"),
        ("**12 + 7 = 18**", "12 + 7", "18"),
        ("$12 + 7 = 18$", "12 + 7", "18"),
        ("\\[ 12 \\times 7 = 85 \\]", "12 \\times 7", "85"),
        ("\\frac{48}{2} = 23", "\\frac{48}{2}", "23"),
        ("x = 5 + 3 = 9", "5 + 3", "9"),
        ("The result is -5 + 3 = -3.", "-5 + 3", "-3"),
    ],
)
def test_a_wrong_equation_is_found(text: str, left: str, right: str) -> None:
    assert [(a.strip(), b) for a, b in found(text)] == [(left.strip(), right)]


@pytest.mark.parametrize(
    "text",
    [
        "17 + 26 = 43",
        "1/3 = 0.33",
        "1 / 3 = 0.333",
        "2 / 3 = 0.67 and 2 / 3 = 0.66",
        "10 / 4 = 3",
        "22 / 7 ≈ 3.2",
        "22 / 7 = about 3.2",
        "22 / 7 is approximately 10 / 3 = 3.1",
        "0.1 + 0.2 = 0.30000000000000004",
        "25 / 1/4 = 100",
        "5/20 * 100 = 25%",
        "5 / 20 = 25%",
        "100% - 20% = 80%",
        "200 + 10% = 220",
        "5 * 3 = 15 + 2 = 17",
        "2x + 3 = 7",
        "x + 3 = 7",
        "3x + 4 - 4 = 28 - 4",
        "f(3) + 1 = 9",
        "Week 1 + Week 2 = 30",
        "x = 1 = 2",
        "i += 1 = 3",
        "assert 2 + 2 == 5",
        "```\ny = 2 + 2 = 5\n```",
        "Write `2 + 2 = 5` to the file.",
        "2020-11-05 = 10 days ago",
        "11/05/2020 = a Thursday",
        "pages 10-20 = 30 minutes",
        "0-59 = 1 point, 60-79 = 2 points",
        "version 1.2.3 + 4 = 5",
        "17 mod 5 = 2",
        "17 % 5 = 2",
        "10 + 7 = 5 (mod 12)",
        "In binary, 101 + 11 = 1000.",
        "30 + 30 = 1 hour",
        "4 * 25 = $1",
        "330 / 60 = 5 hours 30 minutes",
        "17 / 5 = 3 remainder 2",
        "17 ÷ 5 = 3……2",
        "17 ÷ 5 = 3 余 2",
        "3/4 = 75 pupils",
        "2 * 3 = 6 million",
        "5 + 3 = 9?",
        "If 1 + 1 = 3, then pigs fly.",
        "It is wrong to say that 1 + 1 = 3.",
        "1,5 + 2,5 = 4",
        "2,5 * 2 = 5",
        "3:30 + 2 = 5:30",
        "0900-0130 = 0730",
        "0x10 + 1 = 17",
        "5! + 1 = 121",
        "√16 + 1 = 5",
        "max(3, 4) + 1 = 5",
        "3 + 1/3 of $150 = 53",
        "4 / 0 = 0",
        "250 x 12 = 3 000 grams",
        "x 第5+3=9",
        "5 + 3 = 9x",
        "5 + 3 = 9 * y",
        "10**100**100 = 5",
        "=" * 500,
        "5 " + "+ 5 " * 300 + "= 3",
        "约 22 / 7 = 3.2",
        "甲减 5 + 3 = 9",
    ],
)
def test_what_is_right_or_no_plain_equation_is_let_go(text: str) -> None:
    assert found(text) == []


def test_a_dropped_fraction_is_only_noted(find: Find) -> None:
    talk = [{"role": "assistant", "content": "That is 400 / 6 = 66 sticks."}]
    [[finding]] = find(Arithmetic(), talk)
    assert (finding["rule"], finding["severity"]) == ("arithmetic/dropped-fraction", "info")


def test_the_finding_says_where_and_what_is_right(find: Find) -> None:
    talk = [
        {"role": "user", "content": "2 + 2 = 5"},
        {"role": "assistant", "content": "😀 先算：\n12 * 12 = 124。", "reasoning": "7 - 9 = 2"},
        {"role": "assistant", "content": None},
    ]
    [findings] = find(Arithmetic(), talk)
    assert [(f["path"], f["start"], f["end"], f["message"]) for f in findings] == [
        ("messages[1].content", 6, 19, "12 * 12 is 144, not 124"),
        ("messages[1].reasoning", 0, 9, "7 - 9 is -2, not 2"),
    ]
    assert {(f["rule"], f["severity"]) for f in findings} == {("arithmetic/wrong-result", "error")}


@st.composite
def equations(draw: st.DrawFn) -> tuple[str, Fraction]:
    numbers = draw(st.lists(st.integers(1, 999), min_size=2, max_size=5))
    signs = draw(st.lists(st.sampled_from("+-*/"), min_size=4, max_size=4))
    space = draw(st.sampled_from(["", " "]))
    written, terms = str(numbers[0]), [Fraction(numbers[0])]
    for sign, number in zip(signs, numbers[1:], strict=False):
        written += f"{space}{sign}{space}{number}"
        if sign in "*/":
            terms[-1] = terms[-1] * number if sign == "*" else terms[-1] / number
        else:
            terms.append(Fraction(number) if sign == "+" else -Fraction(number))
    return written, sum(terms, Fraction(0))


@given(
    equations(),
    st.integers(1, 50),
    st.sampled_from(["So we get {}.", "{}", "总共是{}个。", "<<{}>>"]),
)
def test_right_results_pass_and_wrong_ones_do_not(
    equation: tuple[str, Fraction], error: int, frame: str
) -> None:
    written, value = equation
    # rounded to two places, and then off by more than a rounding
    shown = str(value.numerator) if value.denominator == 1 else f"{float(value):.2f}"
    assert found(frame.format(f"{written} = {shown}")) == []
    if written.count("/") > 1 or value < 1 or "-" in written:
        return
    off = f"{float(value) + error:.2f}" if "." in shown else str(int(value) + error)
    assert len(found(frame.format(f"{written} = {off}"))) == 1


@given(st.text(alphabet="0123456789+-*/=().,%$ xX²<>一加等于\n`", max_size=60))
def test_no_text_breaks_it(text: str) -> None:
    for equation in wrong_equations(text):
        assert text[equation.start : equation.end].startswith(equation.left)


def test_annotations_of_real_solutions_are_right(real_data: Path) -> None:
    """Every finding in GSM8K is a slip in its prose: none is in a calculator annotation."""
    n_wrong = 0
    for name in ("gsm8k_train.jsonl.gz", "gsm8k_test.jsonl.gz"):
        with gzip.open(real_data / name, "rt", encoding="utf-8") as lines:
            for line in list(lines)[:2000]:
                answer = json.loads(line)["answer"]
                wrong = wrong_equations(answer)
                assert not any(answer[: e.start].endswith("<<") for e in wrong)
                n_wrong += len(wrong)
    assert n_wrong == 9


@pytest.mark.parametrize(
    ("text", "left", "right"),
    [
        ("5 pens/kid * 25 kids = <<5*25=125>>132 pens", "<<5*25=125>>", "132"),
        ("So he paid 10*4=$<<10*4=40>>42.", "10*4", "42"),
        ("She has a total of 12+19 = <<12+19=31>>41 toys.", "12+19", "41"),
    ],
)
def test_a_result_copied_wrongly_from_its_annotation_is_found(
    text: str, left: str, right: str
) -> None:
    assert found(text) == [(left, right)]


def test_annotations_with_a_unit_or_a_thin_space_behind_are_let_go() -> None:
    assert (
        found("<<350*50=17500.0>>17 500, <<.2*100=20>>20%, <<10/4=2.5>>2.50, <<1/3=0.33333>>.33")
        == []
    )


@pytest.mark.parametrize(
    "text",
    [
        "30 + 30 = 1 hour",
        "2 * 60 = 7200 seconds",
        "4 * 25 = 1 dollar",
        "4 * 25 = $1",
        "3 × 12 = 3 dozen",
        "7 + 7 = 2 weeks",
        "50 × 2 = 1 元",
        "5 角 × 2，即 5 × 2 = 1 元",
        "5 × 13 = 6500 分",
        "17 / 5 = 3 and 2 are left",
        "7 / 2 = 3 and 1/2",
        "On a clock 9 + 5 = 2",
        "330 / 60 = 5 hours and 30 minutes",
    ],
)
def test_the_same_amount_in_another_unit_is_no_mistake(text: str) -> None:
    assert wrong_equations(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "5 × 13 = 650 元",
        "再加2元，8 + 2 = 1 元。",
        "5 * 13 = 650 dollars",
        "6/3 = .5 hour",
        "4 * 25 = $10000",
        "14 * 20 = 140 minutes",
        "2 * 3 = 60 hours",
        "Together that makes 120, since 30 × 3 = 900 and 30 + 90 = 120.",
        "In total 158 + 160 = 308 pieces of the wall clock are ready to ship.",
        "两处相加 239 + 128 = 376，也就是铜锅还有367件可以发货。",
    ],
)
def test_a_factor_that_is_of_no_unit_excuses_nothing(text: str) -> None:
    assert len(wrong_equations(text)) == 1
