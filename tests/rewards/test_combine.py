"""Several rewards as one: weights, gate, clamps, and what an ungradable part does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from itertools import permutations
from typing import Any, ClassVar

import msgspec
import pytest

from tamis.errors import RewardError
from tamis.records import Message, Question, Reference, RewardSpec, Rollout, Score
from tamis.rewards import REWARDS, load_reward, score_one
from tamis.rewards.base import Reward
from tamis.rewards.part_statistics import part_statistics

NUMERIC = {"name": "numeric", "weight": 1.0}
FORMAT = {"name": "format", "weight": 0.1, "parameters": {"think_tokens": 2}}
LENGTH = {"name": "length", "weight": 0.2, "parameters": {"at_most": 20}}
THREE = [NUMERIC, FORMAT, LENGTH]
SEVEN = Question(prompt=[], reference=Reference(answer="7"))
RIGHT = "<think>3 + 4</think>The answer is 7."
WRONG = "<think>3 + 4</think>The answer is 8."
BARE = "The answer is 7."


def combined(parts: Sequence[Any], **more: Any) -> Reward:
    text = json.dumps({"parts": parts, **more})
    return load_reward(RewardSpec(name="combine", parameters=text))


def score(reward: Reward, answer: str, question: Question = SEVEN) -> Score:
    return asyncio.run(score_one(reward, answer, question))


def test_values_are_summed_by_weight_and_named_by_part() -> None:
    found = score(combined(THREE), RIGHT)
    assert found.value == pytest.approx(1.3)
    expected = {
        "accuracy": 1.0,
        "numeric": 1.0,
        "numeric.accuracy": 1.0,
        "format": 1.0,
        "format.format": 1.0,
        "length": 1.0,
        "length.n_tokens": 6.0,
    }
    assert found.parts == expected
    assert found.answer == "7"


def test_a_shut_gate_pays_nothing_but_the_part_that_is_the_gate() -> None:
    ungated, gated = combined(THREE), combined(THREE, gate="numeric")
    assert score(ungated, WRONG).value == pytest.approx(0.3)
    found = score(gated, WRONG)
    assert (found.value, found.parts["accuracy"]) == (0.0, 0.0)
    assert found.parts["format"] == 1.0  # seen, not paid
    assert "gated" in found.flags
    assert score(gated, RIGHT).value == pytest.approx(1.3)
    assert score(gated, BARE).value == pytest.approx(1.2)


def test_the_sum_stays_within_its_bounds() -> None:
    assert score(combined(THREE, at_most=1.0), RIGHT).value == 1.0
    penalty = [NUMERIC, {"name": "length", "weight": -2.0}]
    assert score(combined(penalty), WRONG).value == 0.0
    assert score(combined(penalty, at_least=-1.0), WRONG).value == -1.0
    assert score(combined([{**NUMERIC, "weight": 0}, LENGTH]), RIGHT).value == pytest.approx(0.2)


def test_a_question_that_a_part_cannot_grade_is_ungradable_unless_it_is_skipped() -> None:
    parts = [NUMERIC, {"name": "exact", "weight": 1.0}, LENGTH]
    no_number = Question(prompt=[], reference=Reference(answer="Paris"))
    strict = combined(parts)
    assert strict.ungradable(no_number) == "numeric: the reference `Paris` is not a number"
    assert score(strict, "Paris", no_number).value is None
    lenient = combined(parts, missing="skip")
    found = score(lenient, "Paris", no_number)
    assert found.value == pytest.approx(2.2)  # the sum of the weights stays
    assert "numeric" not in found.parts
    assert score(lenient, "Rome", no_number).value == pytest.approx(2.2 * 0.2 / 1.2)


def test_the_gate_is_never_skipped_and_something_must_be_left() -> None:
    no_reference = Question(prompt=[])
    gated = combined([NUMERIC, LENGTH], gate="numeric", missing="skip")
    assert gated.ungradable(no_reference) is not None
    assert combined([NUMERIC, LENGTH], missing="skip").ungradable(no_reference) is None
    assert combined([NUMERIC, {**LENGTH, "weight": 0}], missing="skip").ungradable(no_reference)


class Scripted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Counts what it is asked, and fails where it is told to."""

    name: ClassVar[str] = "judge"
    version: ClassVar[str] = "1"
    asked: ClassVar[list[str]] = []

    def ungradable(self, question: Question) -> str | None:
        """Every question can be graded."""
        return None

    async def score_many(
        self, rollouts: Sequence[Rollout], questions: Sequence[Question]
    ) -> list[Score]:
        """1, or no score for an answer that says so."""
        texts = [rollout.messages[-1].content or "" for rollout in rollouts]
        self.asked.extend(texts)
        return [Score(value=None if "fail" in text else 1.0, reason="down") for text in texts]


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setitem(REWARDS, "judge", f"{__name__}:Scripted")
    Scripted.asked.clear()
    return Scripted.asked


def test_a_judge_is_asked_only_where_the_gate_is_open(judge: list[str]) -> None:
    reward = combined([{"name": "judge", "weight": 0.5}, NUMERIC], gate="numeric")
    answers = [RIGHT, WRONG, BARE]
    rollouts = [
        Rollout(question_id="", model="", messages=[Message(role="assistant", content=text)])
        for text in answers
    ]
    found = asyncio.run(reward.score_many(rollouts, [SEVEN] * 3))
    assert [one.value for one in found] == [1.5, 0.0, 1.5]
    assert judge == [RIGHT, BARE]


def test_a_judge_that_fails_leaves_the_answer_without_a_value(judge: list[str]) -> None:
    reward = combined([NUMERIC, {"name": "judge", "weight": 0.5}], gate="numeric")
    found = score(reward, f"fail {BARE}")
    assert (found.value, found.reason) == (None, "judge: down")
    assert score(reward, f"fail {WRONG}").value == 0.0


def test_scores_do_not_hang_on_the_batch_or_its_order() -> None:
    reward = combined(THREE, gate="numeric")
    answers = [RIGHT, WRONG, BARE, ""]
    alone = [score(reward, answer) for answer in answers]
    for order in permutations(range(4)):
        rollouts = [
            Rollout(
                question_id="", model="", messages=[Message(role="assistant", content=answers[i])]
            )
            for i in order
        ]
        found = asyncio.run(reward.score_many(rollouts, [SEVEN] * 4))
        assert found == [alone[i] for i in order]


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({}, "missing required field `parts`"),
        ({"parts": []}, "one or more"),
        ({"parts": [NUMERIC, NUMERIC]}, "label of its own"),
        ({"parts": [NUMERIC], "gate": "math"}, "gate: expected one of numeric"),
        ({"parts": [{"name": "numerc"}]}, "did you mean `numeric`"),
        ({"parts": [{"name": "numeric", "parameters": {"x": 1}}]}, "unknown field `x`"),
        ({"parts": [{"name": "combine", "parameters": {}}]}, "`combine` within `combine`"),
        ({"parts": [NUMERIC], "at_least": 2.0, "at_most": 1.0}, "at_most"),
        ({"parts": [{"name": "code", "parameters": {"allow_weak": True}}]}, "allow_weak"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(parameters: Any, told: str) -> None:
    with pytest.raises(RewardError, match=told):
        load_reward(RewardSpec(name="combine", parameters=json.dumps(parameters)))


def test_the_same_reward_may_be_there_twice_under_labels() -> None:
    parts = [
        {"name": "length", "label": "long", "parameters": {"at_least": 3}},
        {"name": "length", "label": "short", "parameters": {"at_most": 4}},
    ]
    found = score(combined(parts), "one two three four five")
    assert (found.parts["long"], found.parts["short"]) == (1.0, 0.0)


def test_statistics_tell_a_part_that_does_nothing_and_one_that_rules() -> None:
    reward = combined(THREE)
    groups = [
        [score(reward, answer) for answer in (RIGHT, WRONG, BARE)],
        [score(reward, RIGHT)] * 3,
    ]
    weights = {"numeric": 1.0, "format": 0.1, "length": 0.2}
    found = {one.name: one for one in part_statistics(groups, weights=weights)}
    assert (found["length"].variance, found["length"].constant_group_rate) == (0.0, 1.0)
    assert (found["numeric"].mean, found["numeric"].constant_group_rate) == (5 / 6, 0.5)
    assert found["value"].n_scores == 6
    shares = [found[name].variance_share or 0.0 for name in weights]
    assert sum(shares) == pytest.approx(1.0)
    assert shares[0] > 0.9


def test_answers_without_a_value_are_in_no_statistics() -> None:
    groups = [[Score(value=None), Score(value=1.0)], [Score(value=None)], []]
    [found] = part_statistics(groups)
    assert (found.n_scores, found.n_groups, found.constant_group_rate) == (1, 0, None)
