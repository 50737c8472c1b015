"""The numeric reward: honest forms pass, the catalogue of attacks does not."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import RewardError
from tamis.records import Message, Question, Reference, RewardSpec, Rollout, Score
from tamis.rewards import load_reward, score_one
from tamis.rewards.numeric import NumericReward


def score(answer: str, reference: str | None = "7", *, last_number: bool = False) -> Score:
    question = Question(prompt=[], reference=Reference(answer=reference))
    return NumericReward(last_number=last_number).score(answer, question)


HONEST = [
    (r"So it is \boxed{7}.", "7"),
    (r"\boxed{\frac{1}{2}}", "1/2"),
    (r"\boxed{\dfrac12}", "0.5"),
    (r"$\boxed{ 1{,}234 }$", "1234"),
    (r"\boxed{x = 7}", "7"),
    (r"\boxed{7\%}", "7"),
    (r"\boxed{7 \text{ apples}}", "7"),
    (r"\boxed {-3.50}", "-7/2"),
    (r"\boxed{7} It is \boxed{7.0}", "7"),
    (r"I will use the \boxed notation: \boxed{7}", "7"),
    (r"\boxed{7} and an empty \boxed{}", "7"),
    (r"\boxed{{13,800}}", "13800"),
    (r"\boxed{{36\,m^2}}", "36"),
    (r"\boxed{\textbf{7}}", "7"),
    (r"\boxed{12'480}", "12480"),
    (r"\boxed{91\ 125}", "91125"),
    (r"\boxed{4.5\times 10^6}", "4500000"),
    (r"\boxed{3\frac{1}{2}}", "3.5"),
    ("Answer: $\\bar{x}=3.3$", "3.3"),
    ("The final answer is $(-9)$.", "-9"),
    ("First 3.\n#### 1,000", "1000"),
    ("#### $18", "18"),
    ("A: 18", "18"),
    ("The answer is 7.", "7"),
    ("The answer is 3 + 4 = 7.", "7"),
    ("The answer is $1,234.50 per day.", "1234.5"),
    ("**Final answer:** 7 apples", "7"),
    ("The answer is: **7**", "7"),
    ("**Answer**: 7", "7"),
    ("Answer: \\(7\\)", "7"),
    ("答案是7。", "7"),
    ("答案:1/2", "0.5"),
    ("The answer is \u22127.", "-7"),
    ("<think>\\boxed{3}</think>The answer is 7.", "7"),
    ("I first thought 3. The answer is 7!", "7"),
    ("\\boxed{1e3}", "1000"),
    ("The answer is 2 1/2 hours.", "2.5"),
]


@pytest.mark.parametrize(("answer", "reference"), HONEST)
def test_an_honest_answer_is_credited(answer: str, reference: str) -> None:
    assert score(answer, reference).value == 1.0


ATTACKS = {
    "M01 right box first, wrong last": r"\boxed{7} no, \boxed{3}",
    "M02 spray of boxes": " ".join(rf"\boxed{{{n}}}" for n in (1, 2, 3, 4, 5, 6, 7)),
    "M03 two adjacent boxes": r"\boxed{3}, \boxed{7}",
    "M08 box only in the thought": r"<think>\boxed{7}</think> Done.",
    "M09 right in thought, wrong in answer": r"<think>\boxed{7}</think> The answer is 3.",
    "M10 thought never closed": r"<think>so \boxed{7}",
    "M10 thought opened again": r"<think>a</think> \boxed{7} <think> and",
    "M12 enumeration": "The answer is one of 1, 2, 3, 4, 5, 6, 7",
    "M12 enumeration behind the phrase": "The answer is 1, 2, 3 or 7",
    "M12 enumeration without spaces": "1,2,3,4,5,6,7",
    "M12 right first in a list": "The answer is 7, 8 or 9",
    "M12 either": "The answer is 7 or 3.",
    "M14 chain of equations": "Answer: 1=2=3=7",
    "M15 a number as left side": r"\boxed{3=7}",
    "M15 two letters as left side": r"\boxed{ab=7}",
    "M17 words that a clean-up deletes": "Answer: square ways integers 7 dollars",
    "M20 empty box": r"\boxed{}",
    "M20 nothing": "",
    "M21 substring": r"\boxed{700}",
    "M21 list in a box": r"\boxed{7 8 9}",
    "M21 seven point something": r"\boxed{7.1}",
    "M22 earlier commitment": "The answer is 7. " + "pad " * 500 + "The answer is 3.",
    "M25 echo of the question": r"\boxed{2+5}",
    "M25 integral": r"\boxed{\int_0^7 1 dx}",
    "M25 product behind the phrase": "The answer is 7 * 1",
    "M26 factorial": r"\boxed{7!/6!}",
    "M29 nearly": r"\boxed{7.0005}",
    "M32 infinite": r"\boxed{inf}",
    "M32 overflow": r"\boxed{1e999999}",
    "M33 nan": r"\boxed{nan}",
    "M35 full-width digit": "\\boxed{\uff17}",
    "M35 Arabic-Indic digit": r"\boxed{٧}",
    "M35 full-width digit behind the phrase": "The answer is \uff17",
    "conflict across forms": r"\boxed{7}\n\nThe answer is 3.",
    "hidden text": "<!-- \\boxed{7} -->\n\nThe answer is 3.",
    "garbage behind": "The answer is $7)))((+$",
    "text with a seven": r"\boxed{seven is not 7}",
    "a set": r"\boxed{{7,8}}",
    "M12 either, in a box": r"\boxed{7 or 8}",
    "M12 both, in a box": r"\boxed{7 and}",
    "M36 tuple": r"\boxed{(7,7)}",
    "M42 code": r"\boxed{7 + __import__('os').getpid()*0}",
    "M44 tower": r"\boxed{9^{9^{9}}}",
    "M45 nesting": r"\boxed{" + "(" * 3000 + "7" + ")" * 3000 + "}",
    "M48 boolean": r"\boxed{True}",
    "unbalanced box": r"\boxed{7",
    "right box, then one that never closes": r"\boxed{7} so \boxed{7",
    "underscore": r"\boxed{0_7}",
    "bad grouping": r"\boxed{0,7}",
    "a box and a clock": r"\boxed{7:30}",
    "two signs": r"\boxed{--7}",
    "divided by zero": r"\boxed{7/0}",
    "too long": "pad" * 100_000 + r"\boxed{7}",
    "no commitment": "maybe 1 2 3 7",
}


@pytest.mark.parametrize("answer", ATTACKS.values(), ids=ATTACKS.keys())
def test_an_attack_is_not_credited(answer: str) -> None:
    assert score(answer).value == 0.0


@pytest.mark.parametrize(
    "answer", [a for name, a in ATTACKS.items() if name[:3] in ("M12", "M22", "M35", "no ")]
)
def test_an_attack_is_not_credited_when_the_last_number_counts(answer: str) -> None:
    assert score(answer, last_number=True).value == 0.0


def test_the_last_number_counts_only_on_request_and_is_flagged() -> None:
    assert score("He has 3 + 4 = 7 apples.").flags == ("no_answer",)
    assert score("He has 3 + 4 = 7 apples.", last_number=True) == Score(
        value=1.0,
        parts={"accuracy": 1.0},
        reason="the same expression",
        answer="7 apples",
        flags=("last_number",),
    )


def test_conflicting_finals_say_so() -> None:
    assert score(r"\boxed{7}, \boxed{3}") == Score(
        value=0.0,
        parts={"accuracy": 0.0},
        reason="different final answers",
        answer="3",
        flags=("conflicting_answers",),
    )


def test_an_unfinished_thought_says_so() -> None:
    assert score("<think>7").flags == ("unfinished_think",)


@pytest.mark.parametrize(
    "reference",
    [None, "", "blue", "inf", "nan", "7 or 8", "2x", r"\sqrt{2}", "7/0", r"\frac{1}{1-1}", "x = y"],
)
def test_a_question_without_a_number_is_not_gradable(reference: str | None) -> None:
    found = score(r"\boxed{}", reference)
    assert (found.value, found.parts) == (None, {})
    assert found.reason


def test_a_unit_that_contradicts_the_reference_is_wrong() -> None:
    assert score(r"\boxed{10\text{ kg}}", "10 km").flags == ("unit_differs",)
    assert score(r"\boxed{10\text{ cm}}", "10 km").value == 0.0
    assert score("The answer is 10 cm.", "10 km").value == 0.0
    assert score("The answer is 10000 m.", "10 km").value == 1.0
    assert score("The answer is 10 in total.", "10 km").value == 1.0
    assert score(r"\boxed{10}", "10 km").value == 1.0


@pytest.mark.parametrize(
    ("answer", "reference"), [("0", "1e-7"), ("2e-7", "1e-7"), ("123460", "123456")]
)
def test_close_is_not_equal(answer: str, reference: str) -> None:
    assert score(rf"\boxed{{{answer}}}", reference).value == 0.0


@given(st.text(max_size=300))
def test_any_text_gets_a_score_and_only_a_number_passes(text: str) -> None:
    found = score(text, "123456789.25", last_number=True)
    assert found.value == 0.0 or "123" in text


@given(st.fractions(max_denominator=1000))
def test_every_fraction_equals_itself(value: object) -> None:
    assert score(rf"\boxed{{{value}}}", str(value)).value == 1.0


def test_a_bomb_of_braces_takes_linear_time() -> None:
    assert score("\\boxed{" * 25_000).flags == ("unbalanced_box",)
    assert score("1," * 90_000, last_number=True).value == 0.0
    assert score("the answer is " * 14_000).value == 0.0
    assert score("1" * 190_000 + "_", last_number=True).value == 0.0
    assert score("111," * 45_000 + "_", last_number=True).value == 0.0
    assert score("answer" + "*" * 190_000).value == 0.0


async def _score_last_message() -> list[Score]:
    rollout = Rollout(
        question_id="q",
        model="m",
        messages=[
            Message(role="assistant", content="The answer is 3."),
            Message(role="assistant", content="The answer is 7."),
        ],
    )
    question = Question(prompt=[], reference=Reference(solution="3 + 4\n#### 7"))
    return await NumericReward().score_many([rollout], [question])


def test_the_last_assistant_message_is_graded_against_the_worked_solution() -> None:
    import asyncio

    assert [found.value for found in asyncio.run(_score_last_message())] == [1.0]


def test_a_reward_is_loaded_by_name_with_its_parameters() -> None:
    import asyncio

    reward = load_reward(RewardSpec(name="numeric", parameters='{"last_number": true}'))
    question = Question(prompt=[], reference=Reference(answer="7"))
    assert asyncio.run(score_one(reward, "It is 7", question)).flags == ("last_number",)


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("numerik", None, "unknown reward `numerik`; did you mean `numeric`?"),
        (
            "numeric",
            '{"lastnumber": 1}',
            "parameters of reward `numeric`: unknown field `lastnumber`; did you mean `last_number`?",
        ),
        (
            "numeric",
            '{"tolerance": 1}',
            "parameters of reward `numeric`: unknown field `tolerance`; known: last_number",
        ),
    ],
)
def test_a_wrong_reward_is_refused_in_one_line(
    name: str, parameters: str | None, message: str
) -> None:
    with pytest.raises(RewardError) as caught:
        load_reward(RewardSpec(name=name, parameters=parameters))
    assert str(caught.value) == message


def test_rewards_load_no_heavy_library() -> None:
    code = (
        "import sys, tamis.rewards, tamis.rewards.numeric;"
        "print([m for m in ('pyarrow','numpy','openai','typer','numba','asyncio') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _rows(folder: Path, name: str) -> list[dict[str, object]]:
    path = folder / name
    if not path.exists():
        pytest.skip(f"{name} is not here")
    with gzip.open(path, "rb") as lines:
        return [msgspec.json.decode(line) for line in lines]


@pytest.mark.parametrize("name", ["gsm8k_train.jsonl.gz", "gsm8k_test.jsonl.gz"])
def test_every_worked_solution_equals_its_own_reference(real_data: Path, name: str) -> None:
    reward = NumericReward()
    wrong = [
        row["question"]
        for row in _rows(real_data, name)
        if reward.score(
            str(row["answer"]),
            Question(prompt=[], reference=Reference(solution=str(row["answer"]))),
        ).value
        != 1.0
    ]
    assert wrong == []


def test_verdicts_on_real_rollouts_agree_with_their_authors(real_data: Path) -> None:
    reward = NumericReward()
    differ = []
    for row in _rows(real_data, "gsm8k_rollouts.jsonl.gz"):
        reference = Reference(answer=str(row["ground_truth"]).rsplit("A:", 1)[1].strip())
        for rollout in (value for value in row.values() if isinstance(value, dict)):
            found = reward.score(rollout["solution"], Question(prompt=[], reference=reference))
            if (found.value == 1.0) != (str(rollout["is_correct"]) == "True"):
                differ.append(json.dumps(rollout))
    assert differ == []
