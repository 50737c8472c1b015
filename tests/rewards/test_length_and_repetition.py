"""Length and repetition: bounded, no more for more than enough, nothing for what cannot be seen."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import RewardError
from tamis.records import Question, RewardSpec, Score
from tamis.rewards import load_reward

ASKED = Question(prompt=[])
PROSE = (
    "The sum of the first hundred numbers is found by pairing them from both ends. One and a hundred make "
    "a hundred and one, two and ninety-nine do as well, and so on until fifty and fifty-one are reached. "
    "That gives fifty pairs with the same sum, which means the total must be five thousand and fifty. Gauss is "
    "said to have seen this as a schoolboy, to the surprise of a teacher who had hoped for some quiet."
)
CHINESE = "从一加到一百，可以把首尾两数配成一对，每对之和都是一百零一，共有五十对，所以总和等于五千零五十。"


def score(name: str, answer: str, **parameters: Any) -> Score:
    reward = load_reward(RewardSpec(name=name, parameters=json.dumps(parameters)))
    return reward.score(answer, ASKED)  # type: ignore[attr-defined,no-any-return]


def values(*lengths: int, **parameters: Any) -> list[float | None]:
    return [score("length", "word " * n, **parameters).value for n in lengths]


def test_length_grows_to_the_range_and_falls_over_the_buffer_and_stays_there() -> None:
    given = {"at_least": 10, "at_most": 20, "buffer": 10}
    assert values(0, 5, 10, 20, 25, 30, 31, 4000, **given) == [0, 0.5, 1, 1, 0.5, 0, 0, 0]
    assert values(20, 21, at_most=20) == [1, 0]
    assert values(0, 1, 50_000, at_least=0) == [0, 1, 0]  # the last is over the cap of characters


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), st.integers(0, 200))
def test_length_is_bounded_and_never_pays_more_for_more_than_enough(
    least: int, more: int, buffer: int, n: int
) -> None:
    parameters = {"at_least": least, "at_most": least + more, "buffer": buffer}
    found = [
        value or 0.0 for value in values(*range(least + more, least + more + 5), n, **parameters)
    ]
    assert all(0.0 <= value <= 1.0 for value in found)
    assert all(before >= after for before, after in pairwise(found[:5]) if least + more)


def test_what_nobody_sees_has_no_length() -> None:
    for padding in (" " * 500, "\n" * 500, "\u200b" * 500, "\u00ad\ufeff" * 300, "." * 500):
        assert score("length", f"one {padding} two").parts["n_tokens"] == 2.0
        assert score("length", padding).value == 0.0
    assert score("length", "o\u200bn\u200be").parts["n_tokens"] == 1.0


@pytest.mark.parametrize("glue", ["", "_", "\u2060", "\u200b"])
def test_words_run_together_are_no_single_word(glue: str) -> None:
    said = PROSE.replace(" ", glue)
    assert score("length", said, at_most=30).value == 0.0
    assert score("length", "Lebensmitteleinzelhandel", at_most=1).value == 1.0


def test_chinese_is_counted_by_characters() -> None:
    assert score("length", "今天天气很好。").parts["n_tokens"] == 6.0


def test_the_text_that_is_measured_is_a_parameter() -> None:
    answer = "<think>one two three</think>four five"
    found = {of: score("length", answer, of=of).parts["n_tokens"] for of in ("answer", "thinking")}
    assert found == {"answer": 2.0, "thinking": 3.0}
    assert score("length", "<think>one two", of="answer").flags == ("unfinished_think",)
    assert score("length", "one two</think>three", of="thinking").parts["n_tokens"] == 2.0


def test_tokens_of_a_tokenizer_are_counted_and_a_row_may_not_name_a_path() -> None:
    from tamis.rewards.length import LengthReward

    folder = str(Path(__file__).parent.parent / "data" / "chat_tokenizer")
    found = LengthReward(tokenizer=folder).score("one two three \ud800", ASKED)
    assert found.parts["n_tokens"] >= 3
    with pytest.raises(RewardError, match="expected a name like ORG/NAME"):
        score("length", "a", tokenizer=folder)


@pytest.mark.parametrize(
    "parameters",
    ['{"at_least": 5, "at_most": 4}', '{"buffer": 3}', '{"at_least": -1}', '{"most": 1}'],
)
def test_an_empty_range_or_an_unknown_parameter_is_refused(parameters: str) -> None:
    with pytest.raises(RewardError, match="length"):
        load_reward(RewardSpec(name="length", parameters=parameters))


@pytest.mark.parametrize("text", [PROSE, CHINESE, "42", "Yes.", PROSE + "\n\n" + CHINESE])
def test_honest_text_repeats_nothing(text: str) -> None:
    assert score("repetition", text).value == 1.0


@pytest.mark.parametrize(
    "text",
    [
        PROSE * 20,
        CHINESE * 20,
        "wait, " * 100,
        "ha" * 500,
        "哈" * 300,
        "a" * 1000,
        (PROSE + "\n") * 8,
        "Let me check. " * 50,
    ],
)
def test_loops_are_repetition_in_every_script(text: str) -> None:
    found = score("repetition", text)
    assert (found.value or 0.0) < 0.3
    assert "repetitive" in found.flags


def test_a_paragraph_said_twice_costs_and_three_times_costs_more() -> None:
    once, twice, thrice = (score("repetition", f"{PROSE} " * n).value or 0.0 for n in (1, 2, 3))
    assert once > twice > thrice


def test_silence_is_not_the_best_answer() -> None:
    assert score("repetition", "").value == 0.0
    assert score("repetition", " \u200b\n").flags == ("empty",)


def test_a_loop_in_the_reasoning_is_seen_only_where_one_looks() -> None:
    answer = f"<think>{'wait, ' * 200}</think>42"
    assert (score("repetition", answer).value or 0.0) < 0.3
    assert (score("repetition", answer, of="thinking").value or 0.0) < 0.3
    assert score("repetition", answer, of="answer").value == 1.0


@given(st.text(max_size=300))
def test_repetition_stays_in_0_to_1(text: str) -> None:
    assert 0.0 <= (score("repetition", text).value or 0.0) <= 1.0


def test_many_different_words_are_not_repetition() -> None:
    chance = random.Random(7)
    text = " ".join("".join(chance.choices("abcdefghij", k=6)) for _ in range(3000))
    assert score("repetition", text).value == 1.0
