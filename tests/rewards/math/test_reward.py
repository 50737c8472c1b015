"""The maths reward: honest notations pass, attacks and near misses do not, and every score says why."""

from __future__ import annotations

import asyncio
import gzip
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.errors import RewardError
from tamis.records import Message, Question, Reference, RewardSpec, Rollout, Score
from tamis.rewards import load_reward
from tamis.rewards.math import MathReward


def ask(reference: str | None = "7", prompt: str = "") -> Question:
    return Question(
        prompt=[Message(role="user", content=prompt)], reference=Reference(answer=reference)
    )


def score(answer: str, reference: str | None = "7", prompt: str = "", **declared: Any) -> Score:
    return MathReward(**declared).score(answer, ask(reference, prompt))


SAID = {
    "a box": r"So it is \boxed{7}.",
    "a box with a space": r"\boxed {7}",
    "a framed box": r"\fbox{7}",
    "a box in a box": r"\boxed{\boxed{7}}",
    "braces around all of a box": r"\boxed{{7}}",
    "two boxes that agree": r"\boxed{7}, that is \boxed{7.0}",
    "an empty box beside": r"\boxed{7} and \boxed{}",
    "prose about the macro": r"I write \boxed notation: \boxed{7}",
    "hashes": "3 + 4\n#### 7",
    "a phrase": "The answer is 7.",
    "a phrase with joy": "The answer is 7!",
    "a phrase with maths": r"The answer is $7$ apples per day.",
    "a bold phrase": "**Final answer:** **7**",
    "a calculation behind the phrase": "The answer is 3 + 4 = 7.",
    "Chinese": "答案是7。",
    "A colon": "A: 7",
    "an answer block": "<answer>7</answer>",
    "a box in an answer block": r"<answer>so \boxed{7}</answer>",
    "after the thought": r"<think>\boxed{3}</think>\boxed{7}",
    "a thought first": "I first thought 3. The answer is 7.",
    "a check behind the box": r"\boxed{7}. The answer is 7, as 3 + 4 = 7.",
}


@pytest.mark.parametrize("answer", SAID.values(), ids=SAID.keys())
def test_the_final_answer_is_found_however_it_is_said(answer: str) -> None:
    assert score(answer).parts["accuracy"] == 1.0


NOT_SAID = {
    "right box first": (r"\boxed{7} no, \boxed{3}", "conflicting_answers"),
    "right box last": (r"\boxed{3} no, \boxed{7}", "conflicting_answers"),
    "a box, then another answer": (r"\boxed{7}. The answer is 3.", "conflicting_answers"),
    "many boxes": (r"\boxed{7}" * 40, "conflicting_answers"),
    "only in the thought": (r"<think>\boxed{7}</think>", "no_answer"),
    "an unfinished thought": (r"<think>\boxed{7}", "unfinished_think"),
    "a thought opened again": (r"<think>a</think>\boxed{7}<think>", "unfinished_think"),
    "a box that never closes": (r"\boxed{7", "unbalanced_box"),
    "a box that never closes behind a right one": (r"\boxed{7} \boxed{7", "unbalanced_box"),
    "an answer block that never closes": ("<answer>7", "unbalanced_answer"),
    "nothing": ("", "no_answer"),
    "a last number": ("maybe 1 2 3 7", "no_answer"),
    "an empty box": (r"\boxed{}", "no_answer"),
    "too long": ("pad" * 100_000 + r"\boxed{7}", "too_long"),
    "an echo": (r"\boxed{2+5}", "unevaluated"),
    "an integral": (r"\boxed{\int_0^7 1 dx}", "unevaluated"),
    "a limit": (r"\boxed{\lim_{x\to7} x}", "unevaluated"),
    "a tower": (r"\boxed{9^{9^{9}}}", ""),
    "parentheses": (r"\boxed{" + "(" * 100 + "7" + ")" * 100 + "}", "too_big"),
    "a full-width digit": ("\\boxed{\uff17}", "unreadable_answer"),
    "an enumeration": (r"\boxed{7 8 9}", "unreadable_answer"),
    "another unit": (r"\boxed{7\text{ m}}", ""),
}


@pytest.mark.parametrize(("answer", "flag"), NOT_SAID.values(), ids=NOT_SAID.keys())
def test_what_is_no_single_final_answer_scores_zero_and_says_so(answer: str, flag: str) -> None:
    found = score(answer, "7 s" if "unit" in flag or "text{ m" in answer else "7")
    assert (found.value, found.parts["accuracy"]) == (0.0, 0.0)
    assert found.reason
    assert not flag or flag in found.flags


@pytest.mark.parametrize(
    "answer", ["7 or 8", "7, 8", "either 7 or 3", "7 if x > 0, else 3", "7 + 1"]
)
def test_a_phrase_that_goes_on_is_not_one_answer(answer: str) -> None:
    assert score(f"The answer is {answer}.").value == 0.0


def test_the_last_line_counts_only_when_declared_and_is_flagged() -> None:
    assert score("It works.\n7").flags == ("no_answer",)
    found = score("It works.\n7", fallback="last_line")
    assert (found.value, found.flags) == (1.0, ("last_line",))


def test_boxes_that_list_the_items_of_a_set_are_one_answer() -> None:
    assert score(r"\boxed{7} and \boxed{3}", r"\{3, 7\}").value == 1.0
    assert score(r"\boxed{7} and \boxed{3}", "(3, 7)").value == 0.0


THOUGHT = (
    "<think>We add three and four apples: counting on from three gives four, five, six, seven."
    "</think>"
)


def test_bonuses_are_paid_on_top_of_a_right_answer_only() -> None:
    right = score(THOUGHT + r"\boxed{7}")
    assert (right.value, right.parts) == (
        1.2,
        {"accuracy": 1.0, "format": 0.1, "reasoning": 0.1},
    )
    wrong = score(THOUGHT + r"\boxed{3}")
    assert (wrong.value, wrong.parts) == (
        0.0,
        {"accuracy": 0.0, "format": 0.0, "reasoning": 0.0},
    )


@pytest.mark.parametrize("padding", ["", "." * 200, "hmm " * 100, " \u200b" * 300, "x" * 500])
def test_padding_is_no_reasoning(padding: str) -> None:
    assert score(rf"<think>{padding}</think>\boxed{{7}}").parts["reasoning"] == 0.0


def test_the_format_bonus_wants_the_declared_format() -> None:
    assert score(THOUGHT + "The answer is 7.").parts["format"] == 0.0
    assert score(THOUGHT + "The answer is 7.", answer_format="phrase").parts["format"] == 0.1
    assert score(r"\boxed{7}").parts["format"] == 0.0
    assert score(r"<think></think>\boxed{7}").parts["format"] == 0.0
    assert score(THOUGHT + r"\boxed{7}", format_bonus=0, reasoning_bonus=0).value == 1.0


@pytest.mark.parametrize(
    "reference", [None, "", "  ", r"\sum_{k} k", "1, 2, \\ldots, 7", "nan", "7)(((", "1/0", "٧"]
)
def test_a_question_without_a_readable_reference_is_not_gradable(reference: str | None) -> None:
    found = score(r"\boxed{7}", reference)
    assert (found.value, found.parts) == (None, {})
    assert found.reason


def test_the_reference_may_stand_in_the_worked_solution() -> None:
    boxed = Reference(solution=r"Thus $x = \boxed{\frac{1}{2}}$.")
    hashed = Reference(solution="1/2\n#### 0.5")
    for reference in (boxed, hashed):
        question = Question(prompt=[], reference=reference)
        assert MathReward().score(r"\boxed{0.5}", question).value == 1.0


@pytest.mark.parametrize(
    ("prompt", "answer", "reference"),
    [
        (r"What is $2^{10}$?", "2^{10}", "1024"),
        (r"Rationalize $\frac{1}{\sqrt{2}}$.", r"\frac{1}{\sqrt{2}}", r"\frac{\sqrt{2}}{2}"),
        ("Expand $(x+1)^2$.", "(x+1)^2", "x^2+2x+1"),
        ("Factor $x^2+2x+1$.", "x^2 + 2x + 1", "(x+1)^2"),
        (r"Reduce $\frac{14}{2}$.", r"\dfrac{14}{2}", "7"),
    ],
)
def test_the_question_sent_back_is_no_answer(prompt: str, answer: str, reference: str) -> None:
    assert score(rf"\boxed{{{answer}}}", reference, prompt).flags == ("echo",)


@pytest.mark.parametrize(
    ("prompt", "answer", "reference"),
    [
        ("Is 1/2 or 1/3 larger?", "1/2", "0.5"),
        (r"A side is \sqrt{2} long. How long is another?", r"\sqrt{2}", r"\frac{2}{\sqrt{2}}"),
        ("Which of x+1 and x-1 is larger?", "x+1", "1+x"),
        ("Is it 7 or 8?", "7", "7"),
    ],
)
def test_a_plain_answer_may_stand_in_the_question(prompt: str, answer: str, reference: str) -> None:
    assert score(rf"\boxed{{{answer}}}", reference, prompt).value == 1.0


def _rollout(answer: str) -> Rollout:
    said = [
        Message(role="assistant", content="The answer is 0."),
        Message(role="assistant", content=answer),
    ]
    return Rollout(question_id="q", model="m", messages=said)


WORK = [
    (r"\boxed{\sin^2 x + \cos^2 x + x}", "x + 1"),
    (r"\boxed{7}", "7"),
    (r"\boxed{x}", r"\sqrt{x^2}"),
    (r"\boxed{3}", "7"),
    (r"\boxed{7}", ""),
    (r"\boxed{\ln 4}", r"2 \ln 2"),
]


def test_scores_do_not_hang_on_order_batch_thread_or_repetition() -> None:
    reward = MathReward()
    alone = [reward.score(answer, ask(gold)) for answer, gold in WORK]
    assert [found.value for found in alone] == [1.0, 1.0, 0.0, 0.0, None, 1.0]
    for order in (range(6), [5, 4, 3, 2, 1, 0], [0, 0, 1, 2, 2, 5]):
        rollouts = [_rollout(WORK[place][0]) for place in order]
        questions = [ask(WORK[place][1]) for place in order]
        found = asyncio.run(reward.score_many(rollouts, questions))
        assert found == [alone[place] for place in order]
    with ThreadPoolExecutor(4) as pool:
        threaded = list(pool.map(lambda work: reward.score(work[0], ask(work[1])), WORK * 2))
    assert threaded == alone * 2


def test_the_reward_is_loaded_by_name_with_its_parameters() -> None:
    reward = load_reward(RewardSpec(name="math", parameters='{"percent": "value"}'))
    assert reward == MathReward(percent="value")
    with pytest.raises(RewardError, match="unknown field `percents`"):
        load_reward(RewardSpec(name="math", parameters='{"percents": "value"}'))


def test_importing_the_reward_loads_no_algebra_and_no_event_loop() -> None:
    code = (
        "import sys, tamis.rewards.math;"
        "print([m for m in ('sympy', 'mpmath', 'numpy', 'pyarrow', 'asyncio') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@settings(max_examples=200, deadline=None)
@given(st.fractions(max_denominator=1000), st.fractions(max_denominator=1000))
def test_fractions_are_right_exactly_when_they_are_equal(gold: Any, answer: Any) -> None:
    written = rf"\boxed{{\frac{{{answer.numerator}}}{{{answer.denominator}}}}}"
    assert score(written, str(gold)).value == float(gold == answer)
    assert score(rf"\boxed{{{gold}}}", str(gold)).value == 1.0


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_any_text_gets_a_score_and_only_the_answer_passes(text: str) -> None:
    assert score(text, "123456789.25").value == 0.0 or "123" in text


def _rows(folder: Path, name: str) -> list[dict[str, Any]]:
    path = folder / name
    if not path.exists():
        pytest.skip(f"{name} is not here")
    with gzip.open(path, "rb") as lines:
        return [msgspec.json.decode(line) for line in lines]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gsm8k_train.jsonl.gz", "gsm8k_test.jsonl.gz"])
def test_every_worked_solution_equals_its_own_reference(real_data: Path, name: str) -> None:
    reward = MathReward()
    wrong = []
    for row in _rows(real_data, name):
        prompt = [Message(role="user", content=row["question"])]
        question = Question(prompt=prompt, reference=Reference(solution=row["answer"]))
        found = reward.score(row["answer"], question)
        if found.parts.get("accuracy") != 1.0:
            wrong.append((row["question"], found))
    assert wrong == []


@pytest.mark.slow
def test_verdicts_on_real_rollouts_agree_with_their_authors(real_data: Path) -> None:
    reward = MathReward()
    differ = []
    for row in _rows(real_data, "gsm8k_rollouts.jsonl.gz"):
        prompt = [Message(role="user", content=row["question"])]
        gold = str(row["ground_truth"]).rsplit("A:", 1)[1].strip()
        question = Question(prompt=prompt, reference=Reference(answer=gold))
        for rollout in (value for value in row.values() if isinstance(value, dict)):
            found = reward.score(rollout["solution"], question)
            if (found.parts["accuracy"] == 1.0) != (str(rollout["is_correct"]) == "True"):
                differ.append((gold, rollout["solution"], found))
    assert differ == []


@pytest.mark.parametrize(
    "reference",
    [
        *(
            "[0, 1)",
            "x > 3",
            "Paris",
            r"12\text{ cm}",
            r"\{1, 2\}",
            "(2, 5)",
            "1, 2",
            r"{3 \over 7}",
        ),
        *(r"[0,1) \cup (2,3]", r"\left\langle 1, 2 \right\rangle", "12,500"),
    ],
)
def test_braces_around_all_of_a_box_set_nothing(reference: str) -> None:
    for braces in range(4):
        inside = "{" * braces + reference + "}" * braces
        assert score(rf"\boxed{{{inside}}}", reference).value == 1


def test_braces_around_a_list_may_make_a_set_but_no_tuple() -> None:
    assert score(r"\boxed{{2, 5}}", r"\{5, 2\}").value == 1
    assert score(r"\boxed{{2, 5}}", "(2, 5)").value == 0


def test_an_echo_in_braces_stays_an_echo() -> None:
    asked = "Expand (x+4)(x-1)."
    assert score(r"\boxed{{(x+4)(x-1)}}", "x^2+3x-4", asked).value == 0


def test_the_maths_reward_says_how_much_it_gives_at_most() -> None:
    assert MathReward().bounds == (0.0, pytest.approx(1.2))
    assert MathReward(format_bonus=0, reasoning_bonus=0).bounds == (0.0, 1.0)


@pytest.mark.parametrize(
    "answer",
    [
        "**Answer: {}**",
        "*Answer: {}*",
        "**The answer is {}.**",
        "**Final answer:** {}",
        "- **Answer: {}** (see above)",
    ],
)
@pytest.mark.parametrize("said", ["C", "18", "Oslo"])
def test_bold_around_a_phrase_is_no_part_of_the_answer(answer: str, said: str) -> None:
    assert score(answer.format(said), said).value == 1
    assert score(answer.format(said), "D").value == 0


@pytest.mark.parametrize(
    ("prompt", "answer", "value"),
    [
        ("Write it as p/q and find $p + q$.", r"\boxed{p+q = 31}", 1),
        ("What is the value of $a+b+c$?", "The answer is $a + b + c = 31$.", 1),
        ("Compute $2k$.", r"\boxed{2k=31}", 1),
        ("Write it as p/q and find $p + q$.", r"\boxed{p+q = 13}", 0),
        ("Find $k$ where $2k = 62$.", r"\boxed{2k=31}", 0),
        ("Find $p + q + r$.", r"\boxed{p+q=31}", 0),
        ("Find $p + q$.", r"\boxed{p=31}", 1),
        ("Compute 8.", r"\boxed{8=31}", 0),
    ],
)
def test_an_equation_for_what_is_asked_answers_with_its_right_side(
    prompt: str, answer: str, value: int
) -> None:
    assert score(answer, "31", prompt).value == value
