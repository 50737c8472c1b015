"""What is equal to what, by which rule: one line for each claim, in both directions where it should be."""

from __future__ import annotations

from typing import Any

import pytest

from tamis.records import Question, Reference
from tamis.rewards.math import MathReward


def is_right(gold: str, answer: str, **declared: Any) -> bool:
    question = Question(prompt=[], reference=Reference(answer=gold))
    found = MathReward(**declared).score(rf"\boxed{{{answer}}}", question)
    assert found.value is not None, found.reason
    return found.value == 1.0


EQUAL = [
    ("1234", "1,234"),
    ("1234", "1{,}234"),
    ("1234", r"1\,234"),
    ("1234567", "1 234 567"),
    ("1234567", "1'234'567"),
    ("0.25", ".25"),
    ("1/2", r"\frac12"),
    ("1/2", "½"),
    ("7/3", r"2\frac{1}{3}"),
    ("-3/4", r"\frac{-3}{4}"),
    (r"\cos 40^\circ", r"\cos(40°)"),
    (r"3\tan 10^\circ", r"3 \tan{10^{\circ}}"),
    (r"\sin 18^\circ", r"\sin \frac{\pi}{10}"),
    ("5/12", r"5 \over 12"),
    ("2/15", r"{2\over3}\over 5"),
    ("x + 3/4", r"x + {3\over4}"),
    (r"\frac{1+\sqrt5}{2}, \frac{1-\sqrt5}{2}", r"1 \pm \sqrt5 \over 2"),
    (r"\binom{9}{2}", r"9 \choose 2"),
    ("1/6", r"0.1\overline{6}"),
    ("120000", r"1.2 \times 10^5"),
    ("300000", "3 x 10^5"),
    (r"\frac{\sqrt{3}}{2}", r"\sqrt{\frac{3}{4}}"),
    (r"2\sqrt{3}", r"\sqrt{12}"),
    (r"\frac{1}{\sqrt{2}}", r"\frac{\sqrt{2}}{2}"),
    (r"\frac{1}{1+\sqrt{2}}", r"\sqrt{2}-1"),
    (r"\sqrt[3]{16}", r"2\sqrt[3]{2}"),
    (r"\sqrt{-4}", "2i"),
    (r"\frac{1}{1+i}", r"\frac{1-i}{2}"),
    (r"2\pi + 1", r"1 + 2π"),
    (r"90^\circ", r"\frac{\pi}{2}"),
    ("(x+1)^2", "x^2+2x+1"),
    (r"\frac{1}{x} + \frac{1}{y}", r"\frac{x+y}{xy}"),
    ("xy", r"x \cdot y"),
    ("ab", "ba"),
    (r"\{1, 2\}", r"\{2, 1\}"),
    ("1, 2", "2, 1"),
    ("3, -3", r"\pm 3"),
    (r"1+\sqrt2, 1-\sqrt2", r"1 \pm \sqrt{2}"),
    ("x = 3, x = 7", "3 or 7"),
    ("(1, 2)", "x = 1, y = 2"),
    ("(1, 2)", "(x, y) = (1, 2)"),
    (r"(-\infty, 3)", "x < 3"),
    (r"x \ge 2", r"[2, \infty)"),
    ("1 < x < 3", r"x \in (1, 3)"),
    ("x > 1", r"\{x \mid x > 1\}"),
    (r"(1,2] \cup (2,3)", "(1,3)"),
    (r"(-\infty,2)\cup(2,\infty)", r"x \ne 2"),
    (r"\mathbb{R} \setminus \{2\}", r"x \ne 2"),
    (r"\emptyset", "no solution"),
    (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", "[[1, 2], [3, 4]]"),
    ("3x + 2y = 6", "6 - 3x - 2y = 0"),
    ("y = 2x + 3", "2x - y + 3 = 0"),
    ("2x + 3", "y = 2x + 3"),
    ("x > y", "y < x"),
    ("3:2", "6:4"),
    ("10 km", "10000 m"),
    ("5 m", "5m"),
    ("36 km/h", r"10\ \mathrm{m/s}"),
    ("1 L", r"1000\text{ cm}^3"),
    ("2.5 hours", "2 hours 30 minutes"),
    ("$1.50", "150 cents"),
    ("7:30 pm", "19:30"),
    ("March 5, 2024", "2024-03-05"),
    ("yes", "Yes."),
    ("Monday", r"\text{monday}"),
    ("1101_2", r"1101_{\text{two}}"),
]


@pytest.mark.parametrize(("one", "two"), EQUAL)
def test_equal_answers_are_equal_in_both_directions(one: str, two: str) -> None:
    assert (is_right(one, two), is_right(two, one)) == (True, True)


ONE_WAY = [
    ("7", "7 apples", "a unit that the reference leaves out"),
    ("7", r"7\%", "a percent sign that the reference leaves out"),
    ("7:30", "7:30 pm", "the half of the day"),
    ("B", "(B) 12", "a choice with its text"),
    ("12", "(B) 12", "the text of a choice"),
    ("B", "b", "a choice in lower case"),
    ("120", "5!", None),
    ("7", "2+5", None),
    ("1591", r"37 \times 43", None),
    ("7", r"\sqrt{49}", None),
    (r"\pi/4", r"\arctan 1", None),
    (r"\sqrt{2}", r"2\cos(\pi/4)", None),
]


@pytest.mark.parametrize(("gold", "answer", "why"), ONE_WAY)
def test_what_the_reference_leaves_open_or_has_carried_out(
    gold: str, answer: str, why: str | None
) -> None:
    assert is_right(gold, answer) == (why is not None)


DIFFERENT = [
    (r"\cos 40^\circ", r"\cos 40"),
    (r"\cos 40^\circ", r"\cos 50^\circ"),
    ("5/12", r"12 \over 5"),
    ("5/12", r"5 \over 12 \over 1"),
    ("5/12, 3", r"5 \over 12, 3"),
    ("5/12", r"5 \over"),
    ("7", "7.0005"),
    ("123456", "123460"),
    ("1e-7", "0"),
    ("1e-7", "2e-7"),
    ("0.3333333", "0.3333334"),
    ("0.333", r"\frac13"),
    ("5", "5!"),
    ("25", ".25"),
    ("7", "7x"),
    ("7", "7i"),
    ("4", r"4\sqrt{2}"),
    (r"\frac{1}{2004!}", r"\frac{1}{2006!}"),
    ("2^{-99}", "2^{-98}"),
    ("(1, 2)", "[1, 2]"),
    ("(1, 2)", r"\{1, 2\}"),
    ("(1, 2)", "1, 2"),
    ("(1, 2)", "(2, 1)"),
    ("1, 2", "1"),
    (r"\pm 3", "3"),
    ("7", "3 = 7"),
    ("7", "ab = 7"),
    ("7", "x = 1 = 7"),
    ("7", "1 = 2 = 3 = 7"),
    ("x = 7", "y = 7"),
    ("a = b", "c = d"),
    ("x > 3", r"x \ge 3"),
    ("x > y", "x < y"),
    (r"[5, \infty)", r"[5, \infty]"),
    ("10 km", "10 cm"),
    ("7 m", "7 apples"),
    ("7 m", "7s"),
    ("7", "7m"),
    ("7 m", r"7\text{ m}^2"),
    (r"10\%", "0.1"),
    ("7:30 pm", "7:30 am"),
    ("14:30", "2:30 am"),
    ("2024-03-05", "2024-05-03"),
    ("B", "C"),
    ("B", "(B) or (C)"),
    ("ABC", "BCA"),
    ("red", "der"),
    ("1", "True"),
    ("7", "inf"),
    ("0.333", r"0.333\ldots"),
    ("7", r"\approx 7"),
    ("7", "--7"),
    ("7", "7 and"),
    ("7", "0_7"),
    ("777", "0,777"),
    ("7", "7 + __import__('os').getpid()*0"),
    (r"\begin{pmatrix}1&2\end{pmatrix}", r"\begin{pmatrix}1\\2\end{pmatrix}"),
    ("x^2", "x^3"),
    ("|x|", "x"),
    (r"\ln(x^2)", r"2 \ln x"),
]


@pytest.mark.parametrize(("gold", "answer"), DIFFERENT)
def test_different_answers_are_wrong(gold: str, answer: str) -> None:
    assert not is_right(gold, answer)


BY_ALGEBRA = [
    (r"\frac{x^2-1}{x-1}", "x + 1"),
    (r"\tan x", r"\frac{\sin x}{\cos x}"),
    (r"\sin 2x", r"2 \sin x \cos x"),
    ("|x|", r"\sqrt{x^2}"),
    ("e^{x+1}", r"e \cdot e^x"),
    (r"\log_2 3", r"\frac{\ln 3}{\ln 2}"),
    (r"\sqrt{3+2\sqrt{2}}", r"1+\sqrt{2}"),
    (r"\ln 4", r"2 \ln 2"),
    (r"\{\sin^2 x, 1\}", r"1 - \cos^2 x, 1"),
]


@pytest.mark.parametrize(("one", "two"), BY_ALGEBRA)
def test_algebra_proves_what_no_rule_decides(one: str, two: str) -> None:
    assert (is_right(one, two), is_right(two, one)) == (True, True)
    # without algebra nothing is credited
    question = Question(prompt=[], reference=Reference(answer=one))
    found = MathReward(symbolic=False).score(rf"\boxed{{{two}}}", question)
    assert found.value in (0.0, None)


@pytest.mark.parametrize(
    ("gold", "answer", "declared", "right"),
    [
        ("0.12", r"12\%", {"percent": "value"}, True),
        ("12", r"12\%", {"percent": "value"}, False),
        ("10 km", "10", {"units": "required"}, False),
        ("10 km", "10 cm", {"units": "ignored"}, True),
        ("1.234,5", "1234,5", {"separators": "eu"}, True),
        ("1234.5", "1.234,5", {"separators": "eu", "reference_separators": "en"}, True),
        ("1234567", "12,34,567", {"separators": "in"}, True),
        ("0.333", r"\frac13", {"tolerance": 0.01}, True),
        ("0.333", r"\frac13", {"significant_digits": 3}, True),
        ("0.333", "0.334", {"significant_digits": 3}, False),
        ("7", "7.001", {"tolerance": 0.01}, False),
        ("1, 2", "2, 1", {"ordered": True}, False),
        ("2024-04-03", "03/04/2024", {"dates": "dmy"}, True),
        ("2024-04-03", "03/04/2024", {"dates": "mdy"}, False),
        ("B", "Sydney", {"choices": {"A": "Canberra", "B": "Sydney"}}, True),
        ("B", "Canberra", {"choices": {"A": "Canberra", "B": "Sydney"}}, False),
    ],
)
def test_a_declared_policy_decides(
    gold: str, answer: str, declared: dict[str, Any], right: bool
) -> None:
    assert is_right(gold, answer, **declared) == right
