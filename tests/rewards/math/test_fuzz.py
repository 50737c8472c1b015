"""Fuzzing the maths reward: nothing crashes, nothing hangs, no mutated wrong answer is credited.

`TAMIS_FUZZ_S` is how long each trial runs, 3 seconds by default. A failure names its seed: the trial with that
seed alone shows it again.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Callable

import pytest

from tamis.records import Question, Reference
from tamis.rewards.math import MathReward

SECONDS = float(os.environ.get("TAMIS_FUZZ_S", "3"))
# Processor time of one answer outside the worker, far above what the slowest honest one takes.
CAP_S = 1.0
PLAIN = MathReward(symbolic=False)
GOLD = "48611"

SNIPPETS = [
    *(
        r"\frac{1}{2}",
        r"\sqrt{3}",
        r"\sqrt[3]{8}",
        "x^2",
        "e^{i\\pi}",
        r"\pm 2",
        "3-2i",
        "5!",
        "0.1",
    ),
    *(
        r"\{1,2\}",
        "(1,2)",
        "[1,2)",
        r"\cup",
        r"(-\infty,3]",
        "x>3",
        r"x \in",
        "x=3",
        "and",
        "or",
        ",",
    ),
    *(r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", "[[1,2],[3,4]]", r"\text{ cm}", "km/h", r"90^\circ"),
    *(
        "7:30 pm",
        "March 5, 2024",
        "(B) 12",
        "yes",
        "1101_2",
        "3:2",
        r"\log_2 8",
        r"\sin^2 x",
        "|x|",
    ),
    *(r"\left(", r"\right)", r"\boxed{", "}", "{", "$", "####", "The answer is ", "\n", "<think>"),
    *(
        "</think>",
        "<answer>",
        "</answer>",
        "9^{9^{9}}",
        "1e999",
        "\u0664",
        "\uff17",
        "π",
        "½",
        "²",
        "√2",
    ),
    *(
        r"\binom{5}{2}",
        r"\overline{6}",
        "1,234",
        "1 234",
        r"1\,234",
        "%",
        r"\%",
        "=",
        "+",
        "-",
        "--",
        "^",
        "_",
    ),
    *(
        r"\mathbb{R}",
        r"\setminus",
        r"\emptyset",
        r"\mid",
        r"\approx",
        r"\ldots",
        r"\over",
        r"\choose",
    ),
]

WRONG = [
    ("7", "8"),
    ("7", "-7"),
    ("7", "3 = 7"),
    ("1/2", r"\frac{2}{1}"),
    (r"\frac{\sqrt{3}}{2}", r"\frac{\sqrt{2}}{3}"),
    ("(1,2)", "(2,1)"),
    ("(1,2)", "[1,2]"),
    (r"\{1,2\}", r"\{1,3\}"),
    ("x^2+1", "x^2-1"),
    ("x>3", "x<3"),
    ("10 km", "10 cm"),
    ("B", "C"),
    ("3-2i", "3+2i"),
    (r"2\pi", r"\pi^2"),
    (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\begin{pmatrix}1&3\\2&4\end{pmatrix}"),
    ("0.5", "0.05"),
    ("1/3", "0.3333"),
]


def question(gold: str) -> Question:
    return Question(prompt=[], reference=Reference(answer=gold))


def for_a_while(trial: Callable[[random.Random], None]) -> None:
    """Run a trial with one seed after the other."""
    began = int(os.environ.get("TAMIS_FUZZ_SEED", "0"))
    deadline = time.monotonic() + SECONDS
    seed = began
    while time.monotonic() < deadline:
        try:
            trial(random.Random(seed))
        except Exception as error:
            error.add_note(f"TAMIS_FUZZ_SEED={seed}")
            raise
        seed += 1


def graded(answer: str, gold: str = GOLD) -> float | None:
    began = time.process_time()
    found = PLAIN.score(answer, question(gold))
    assert time.process_time() - began < CAP_S, answer
    return found.value


def only_right_by_its_digits(answer: str) -> None:
    value = graded(answer)
    assert value == 0.0 or GOLD in re.sub(r"[^0-9]", "", answer), answer


def test_random_characters_are_graded_quickly_and_never_credited() -> None:
    def trial(chance: random.Random) -> None:
        n = chance.choice((1, 5, 40, 400))
        letters = chance.choice(
            (range(32, 127), range(1, 0x3000), b"0123456789.,()[]{}\\^_$%=+-*/ex ")
        )
        text = "".join(chr(chance.choice(letters)) for _ in range(n))
        only_right_by_its_digits(text)
        only_right_by_its_digits(rf"\boxed{{{text}}}")

    for_a_while(trial)


def test_broken_latex_is_graded_quickly_and_never_credited() -> None:
    def trial(chance: random.Random) -> None:
        pieces = [chance.choice(SNIPPETS) for _ in range(chance.choice((1, 2, 3, 5, 9, 30)))]
        text = chance.choice(("", " ")).join(pieces)
        for _ in range(chance.randint(0, 3)):
            place = chance.randrange(len(text) + 1)
            text = text[:place] + chance.choice(("", "{", "}", "\\", "7", ")")) + text[place + 1 :]
        for whole in (text, rf"\boxed{{{text}}}", f"The answer is {text}."):
            only_right_by_its_digits(whole)

    for_a_while(trial)


def test_any_text_can_be_the_reference() -> None:
    def trial(chance: random.Random) -> None:
        gold = " ".join(chance.choice(SNIPPETS) for _ in range(chance.randint(1, 4)))
        answer = " ".join(chance.choice(SNIPPETS) for _ in range(chance.randint(1, 4)))
        assert graded(rf"\boxed{{{answer}}}", gold) in (None, 0.0, 1.0)

    for_a_while(trial)


def set_otherwise(answer: str, chance: random.Random) -> str:
    """The same answer set in another way."""
    changes: list[Callable[[str], str]] = [
        lambda text: f" {text} ",
        lambda text: f"${text}$",
        lambda text: rf"\({text}\)",
        lambda text: text + ".",
        lambda text: rf"\displaystyle {text}",
        lambda text: text.replace("(", r"\left(").replace(")", r"\right)"),
        lambda text: text.replace(r"\frac", r"\dfrac"),
        lambda text: text.replace("+", " + ").replace("=", " = "),
        lambda text: text.replace(",", ", "),
        lambda text: f"**{text}**",
    ]
    for _ in range(chance.randint(0, 3)):
        answer = chance.choice(changes)(answer)
    return answer


def test_a_wrong_answer_stays_wrong_however_it_is_set() -> None:
    def trial(chance: random.Random) -> None:
        gold, wrong = chance.choice(WRONG)
        said = set_otherwise(wrong, chance)
        form = chance.choice((r"\boxed{%s}", "#### %s", "The answer is %s", "<answer>%s</answer>"))
        assert graded(form % said, set_otherwise(gold, chance)) in (None, 0.0), (gold, said)

    for_a_while(trial)


@pytest.mark.slow
def test_algebra_on_broken_latex_neither_crashes_nor_credits() -> None:
    reward = MathReward(time_limit_s=0.5)
    golds = [
        f"x+{GOLD}",
        rf"{GOLD} \sin x",
        rf"\frac{{1}}{{x+{GOLD}}}",
        rf"\ln {GOLD}",
        rf"\sqrt{{2+\sqrt{{{GOLD}}}}}",
    ]

    def trial(chance: random.Random) -> None:
        pieces = [
            chance.choice((*SNIPPETS, "x", r"\sin x", r"\ln x"))
            for _ in range(chance.randint(1, 4))
        ]
        answer = chance.choice(("", "+", "^")).join(pieces)
        found = reward.score(rf"\boxed{{{answer}}}", question(chance.choice(golds)))
        assert found.value == 0.0, answer

    for_a_while(trial)
