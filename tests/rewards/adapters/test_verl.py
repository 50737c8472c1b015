"""The reward as verl calls it: one answer at a time, the same keys for all, from threads and processes."""

from __future__ import annotations

import asyncio
import multiprocessing
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import msgspec
import pytest

from tamis.errors import RewardError
from tamis.records import Question
from tamis.rewards.adapters.verl import compute_score

from ...export.code_questions import BODY, HANGING, RIGHT, WRONG, completion, ungradable


def extra(question: Question) -> dict[str, Any]:
    """The `extra_info` of a question, as the export for verl writes it, and what verl adds."""
    assert question.reward is not None
    reference = question.reference and msgspec.json.encode(question.reference).decode()
    return {
        "question_id": question.id,
        "reward_name": question.reward.name,
        "reward_parameters": question.reward.parameters,
        "reference": reference,
        "prompt": msgspec.json.encode(question.prompt).decode(),
        "num_turns": 1,
        "rollout_reward_scores": {},
    }


def score(said: str, question: Question) -> dict[str, float | str]:
    """What verl's manager gets for an answer."""
    return compute_score("tamis", said, "", extra_info=extra(question), reward_router_address=None)


def test_right_wrong_hanging_and_ungradable_answers_have_the_same_keys() -> None:
    found = [score(said, completion()) for said in (RIGHT, BODY, WRONG, HANGING, "")]
    found.append(score(RIGHT, ungradable()))
    two_of_three = pytest.approx(2 / 3)
    assert {tuple(one) for one in found} == {("score", "acc", "gradable", "pred")}
    assert [one["score"] for one in found] == [1.0, 1.0, two_of_three, two_of_three, 0.0, 0.0]
    assert [one["acc"] for one in found] == [1.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    assert [one["gradable"] for one in found] == [1.0] * 5 + [0.0]
    assert "def is_square" in str(found[0]["pred"])


def test_a_long_answer_is_shown_by_its_beginning() -> None:
    long = f"```python\ndef is_square(number):\n    return True\n{'# x' * 2000}\n```"
    assert len(str(score(long, completion())["pred"])) == 1000


def test_any_number_of_calls_may_run_at_once_beside_a_running_loop() -> None:
    said = [RIGHT, WRONG, "", BODY] * 6
    alone = [score(text, completion()) for text in said[:4]] * 6

    async def together() -> list[Any]:
        # as verl's reward managers call it
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(8) as pool:
            runs = [loop.run_in_executor(pool, score, text, completion()) for text in said]
            return [score(RIGHT, completion()), *await asyncio.gather(*runs)]

    first, *found = asyncio.run(together())
    assert first == alone[0]
    assert found == alone


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_it_is_picklable_and_grades_in_worker_processes(way: str) -> None:
    assert pickle.loads(pickle.dumps(compute_score)) is compute_score
    here = score(RIGHT, completion())
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(way)) as pool:
        runs = [
            pool.submit(compute_score, "tamis", RIGHT, "", extra(completion())) for _ in range(4)
        ]
        assert [run.result() for run in runs] == [here] * 4


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (None, r"extra_info: expected `prompt`, got nothing; .*tamis export"),
        ({"prompt": "[]", "index": 3}, "extra_info: expected `reward_name`, got prompt, index"),
        ({"prompt": "2+2?", "reward_name": "numeric"}, "prompt: expected messages as JSON"),
        ({"prompt": "[]", "reward_name": None, "reference": None}, "got NoneType and NoneType"),
        (
            {"prompt": "[]", "reward_name": "numeric", "reference": "4"},
            "reference: expected answer",
        ),
    ],
)
def test_rows_that_no_export_wrote_are_refused_in_one_line(given: Any, told: str) -> None:
    with pytest.raises(RewardError, match=told) as raised:
        compute_score("gsm8k", "4", "4", extra_info=given)
    assert "\n" not in str(raised.value)


def test_an_answer_that_could_not_be_graded_twice_is_an_error_and_no_zero(
    failing: Callable[[int], None],
) -> None:
    given = {"reward_name": "failing", "reference": None, "prompt": "[]"}
    failing(1)
    assert compute_score("tamis", "a", "", given)["score"] == 1.0
    failing(2)
    with pytest.raises(RewardError, match="could not be graded, tried twice: the machine was away"):
        compute_score("tamis", "a", "", given)
