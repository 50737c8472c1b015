"""Exact match and F1: the whole answer, never a part of it; what does not count is declared."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.records import Question, Reference, RewardSpec
from tamis.rewards import load_reward


def asked(answer: str | None) -> Question:
    return Question(prompt=[], reference=Reference(answer=answer))


def value(name: str, answer: str, reference: str, **parameters: Any) -> float | None:
    reward = load_reward(RewardSpec(name=name, parameters=json.dumps(parameters)))
    return reward.score(answer, asked(reference)).value  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize(
    "answer",
    [
        "Paris",
        " Paris \n",
        "Paris.",
        "**Paris**",
        "`Paris`",
        '"Paris"',
        "<think>London? No.</think>Paris",
        "The answer is Paris.",
        "So the answer is **Paris**.",
        "Answer: Paris",
        "It was long ago.\n#### Paris",
        "Thus \\boxed{\\text{Paris}}.",
        "Some words. <answer>Paris</answer>",
        "Pa\u200bris",
    ],
)
def test_an_answer_that_is_the_reference_scores_1(answer: str) -> None:
    assert value("exact", answer, "Paris") == 1.0
    assert value("f1", answer, "Paris") == 1.0


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "\u200b",
        "paris",
        "Paris, France",
        "London, Paris, Rome",
        "It may be Paris or Rome.",
        "The answer is Paris. The answer is Rome.",
        "\\boxed{Paris} \\boxed{Rome}",
        "<answer>Paris</answer><answer>Rome</answer>",
        "<answer>Paris",
        "\\boxed{Paris",
        "<think>Paris</think>",
        "<think>\\boxed{Paris}</think>Rome",
        "<think>Paris",
        "Parisian",
        "P",
    ],
)
def test_a_part_a_spray_or_another_spelling_scores_0(answer: str) -> None:
    assert value("exact", answer, "Paris") == 0.0


def test_what_does_not_count_is_declared() -> None:
    assert value("exact", "the U.S.A!", "USA", ignore_case=True) == 0.0
    assert value("exact", "The red house", "red house", ignore_articles=True) == 1.0
    assert value("exact", "RED house", "red house", ignore_case=True) == 1.0
    assert value("exact", "red, house!", "red house", ignore_punctuation=True) == 1.0
    assert value("exact", "red  house", "red house", read="whole") == 1.0
    assert value("exact", "**red house**", "red house", read="whole") == 0.0


@pytest.mark.parametrize(
    "answer", ["B", "(B)", "B.", "B) Paris", "The answer is B. Paris", "**B**"]
)
def test_a_choice_may_be_named_by_its_label_alone_or_with_its_text(answer: str) -> None:
    assert value("exact", answer, "B") == 1.0


@pytest.mark.parametrize("answer", ["A", "b", "AB", "A, B", "A or B", "Boston", "B C", "A) B"])
def test_another_choice_or_several_score_0(answer: str) -> None:
    assert value("exact", answer, "B") == 0.0


def test_each_of_several_accepted_answers_passes() -> None:
    accepted = json.dumps(["New York", "NYC"])
    assert [value("exact", one, accepted) for one in ("NYC", "New York", accepted)] == [1, 1, 0]
    assert value("f1", "New York City", accepted) == pytest.approx(0.8)
    assert value("exact", "[1, 2]", "[1, 2]") == 1.0
    assert value("exact", "[0, 1)", "[0, 1)") == 1.0


@pytest.mark.parametrize("answer", [None, "", " \u200b", "[]", '["a", ""]', '["a", 1]'])
def test_a_missing_empty_or_mixed_reference_is_ungradable(answer: str | None) -> None:
    for name in ("exact", "f1"):
        reward = load_reward(RewardSpec(name=name))
        assert reward.ungradable(asked(answer)) is not None
        score = reward.score("a", asked(answer))  # type: ignore[attr-defined]
        assert (score.value, bool(score.reason)) == (None, True)


def test_f1_counts_each_word_as_often_as_it_stands_there() -> None:
    assert value("f1", "red red red house", "red house") == pytest.approx(2 * 2 / 6)
    assert value("f1", "house red", "red house") == 1.0
    assert value("f1", "blue car", "red house") == 0.0
    assert value("f1", "?!", "red house") == 0.0
    assert value("f1", "红房子", "红房") == pytest.approx(4 / 5)


def test_saying_every_word_there_is_pays_little() -> None:
    spray = " ".join(f"word{place}" for place in range(200)) + " red house"
    assert (value("f1", spray, "red house") or 0) < 0.03


@given(st.text(max_size=60), st.text(min_size=1, max_size=20))
def test_values_lie_in_0_to_1_and_an_exact_answer_is_a_whole_f1(answer: str, gold: str) -> None:
    exact = value("exact", answer, gold)
    f1 = value("f1", answer, gold)
    assert exact in (None, 0.0, 1.0)
    assert f1 is None or 0.0 <= f1 <= 1.0
    if exact == 1.0 and f1 is not None and len(gold.strip()) > 1:
        assert f1 == 1.0
