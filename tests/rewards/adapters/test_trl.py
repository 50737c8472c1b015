"""Rewards as TRL calls them: keyword lists, texts and messages, None, workers, and columns that are wrong."""

from __future__ import annotations

import asyncio
import inspect
import multiprocessing
import pickle
import re
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tamis.errors import RewardError
from tamis.records import Question
from tamis.rewards.adapters.trl import RewardFunction, reward_function

from ...export.code_questions import BODY, HANGING, RIGHT, SOON, WRONG, completion, task, ungradable

FOUR = '{"answer": "4"}'
LAST = '{"last_number": true}'
CODE = RewardFunction("code")
NUMERIC = RewardFunction("numeric")


def columns(*questions: Question) -> dict[str, list[Any]]:
    """The columns of these questions, as the export for TRL writes them."""
    return {
        "prompts": [msgspec.to_builtins(question.prompt) for question in questions],
        "question_id": [question.id for question in questions],
        "reward_name": [question.reward and question.reward.name for question in questions],
        "reward_parameters": [
            question.reward and question.reward.parameters for question in questions
        ],
        "reference": [
            question.reference and msgspec.json.encode(question.reference).decode()
            for question in questions
        ],
    }


def numeric(said: list[Any], **given: list[Any]) -> list[float | None]:
    """What the reward `numeric` gives to these completions of one question."""
    n = len(said)
    usual: dict[str, Any] = {
        "prompts": ["2+2?"] * n,
        "question_id": ["q"] * n,
        "reward_name": ["numeric"] * n,
        "reward_parameters": [None] * n,
        "reference": [FOUR] * n,
    }
    beside = {"completion_ids": [[1]] * n, "trainer_state": None, "log_metric": print}
    return NUMERIC(completions=said, **usual | given, **beside)


def test_a_reward_is_named_and_comes_back_from_a_pickle_as_it_was() -> None:
    reward = RewardFunction("code", parameters=SOON)
    assert reward.__name__ == "code"
    assert pickle.loads(pickle.dumps(reward)) == reward
    assert pickle.loads(pickle.dumps(reward_function)) is reward_function
    # axolotl counts them, TRL asks whether to await
    assert len(inspect.signature(reward).parameters) >= 2
    assert not inspect.iscoroutinefunction(reward.__call__)


def test_texts_and_messages_are_graded_alike() -> None:
    texts = ["\\boxed{4}", "\\boxed{5}"]
    messages = [[{"role": "assistant", "content": text}] for text in texts]
    parts = [[{"role": "assistant", "content": [{"type": "text", "text": text}]}] for text in texts]
    assert numeric(texts) == numeric(messages) == numeric(parts) == [1.0, 0.0]


def test_an_answer_behind_tool_calls_is_graded() -> None:
    call = {"type": "function", "function": {"name": "add", "arguments": {"a": 2, "b": 2}}}
    said = [
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "name": "add", "content": "4"},
        {"role": "assistant", "content": "\\boxed{4}"},
    ]
    assert numeric([said]) == [1.0]


def test_rows_of_other_rewards_and_what_cannot_be_graded_are_left_out() -> None:
    names, references = ["numeric", "code", "numeric", None], [FOUR, FOUR, None, FOUR]
    scores = numeric(["\\boxed{4}"] * 4, reward_name=names, reference=references)
    assert scores == [1.0, None, None, None]


def test_each_row_is_graded_with_its_own_parameters_or_those_of_the_function() -> None:
    assert numeric(["So 4"] * 2, reward_parameters=[None, LAST]) == [0.0, 1.0]
    guessing = RewardFunction("numeric", parameters=LAST)
    assert guessing(["2+2?"], ["So 4"], reference=[FOUR]) == [1.0]


def test_a_data_set_needs_only_references_where_the_function_names_the_reward() -> None:
    assert NUMERIC(["2+2?"] * 2, ["\\boxed{4}"] * 2, reference=[{"answer": "4"}, None]) == [
        1.0,
        None,
    ]


def test_code_is_graded_by_its_tests_and_a_hang_costs_no_other_test() -> None:
    asked = [completion()] * 5 + [task(), ungradable()]
    largest = "```python\ndef largest(numbers):\n    return max(numbers)\n```"
    said = [RIGHT, WRONG, HANGING, BODY, "I do not know.", largest, RIGHT]
    scores = CODE(completions=said, **columns(*asked))
    two_of_three = pytest.approx(2 / 3)
    assert scores == [1.0, two_of_three, two_of_three, 1.0, 0.0, two_of_three, None]


def test_one_function_may_grade_every_row_by_the_reward_it_names() -> None:
    asked = columns(completion(), ungradable())
    asked["prompts"].append("2+2?")
    for name, value in (("reward_name", "numeric"), ("reference", FOUR)):
        asked[name].append(value)
    for name in ("question_id", "reward_parameters"):
        asked[name].append(None)
    assert reward_function(completions=[RIGHT, RIGHT, "\\boxed{4}"], **asked) == [1.0, None, 1.0]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            {"reference": None},
            r"`numeric`: expected a column `reference`, got reward_name; .*--for trl",
        ),
        ({"reference": []}, r"`numeric`: expected 1 values in column `reference`, .* got 0"),
        ({"reference": ["{"]}, r"`numeric`: row 0\.reference: expected answer, solution, tests"),
        (
            {"reference": ['{"answer": 4}']},
            r"row 0\.reference: .*Expected `str \| null`, got `int`",
        ),
        ({"reference": [FOUR], "reward_parameters": ["{"]}, "parameters of reward `numeric`"),
        (
            {"reference": [FOUR], "reward_parameters": [{"a": 1}]},
            "expected texts in .* got str and dict",
        ),
        (
            {"reference": [FOUR], "completions": [7]},
            r"row 0\.completion: expected a text, .* got int",
        ),
        (
            {"reference": [FOUR], "completions": [["4"]]},
            r"row 0\.completion: expected a text, .* got str",
        ),
        ({"reference": [FOUR], "prompts": [[{"content": "?"}]]}, r"row 0\.prompt: .* got content"),
    ],
)
def test_what_is_wrong_with_the_columns_is_said_in_one_line(
    given: dict[str, Any], told: str
) -> None:
    usual = {"prompts": ["?"], "completions": ["4"], "reward_name": ["numeric"]}
    called = {key: value for key, value in (usual | given).items() if value is not None}
    with pytest.raises(RewardError, match=told) as raised:
        NUMERIC(**called)
    assert "\n" not in str(raised.value)


def test_rows_that_name_no_reward_are_refused_where_the_function_names_none() -> None:
    with pytest.raises(
        RewardError, match="reward_function: expected a column `reward_name`, got ref"
    ):
        reward_function(["?"], ["4"], reference=[FOUR])


def test_each_part_is_logged_as_the_mean_over_the_answers_that_have_it() -> None:
    logged: dict[str, float] = {}
    scores = reward_function(
        prompts=["?"] * 4,
        completions=["\\boxed{4}", "\\boxed{5}", "It is four.", "\\boxed{4}"],
        reward_name=["numeric", "numeric", "length", "math"],
        reward_parameters=[None, None, '{"at_most": 50}', None],
        reference=[FOUR, FOUR, None, None],
        log_metric=logged.__setitem__,
    )
    assert scores == [1.0, 0.0, 1.0, None]
    # nothing of `math`: its question has no reference
    assert logged == {
        "rewards/numeric/accuracy/mean": 0.5,
        "rewards/length/n_tokens/mean": 3.0,
    }


def test_a_running_event_loop_does_not_matter() -> None:
    async def inside() -> list[float | None]:
        return CODE(completions=[RIGHT], **columns(completion()))

    assert asyncio.run(inside()) == [1.0]


def test_the_same_answer_gets_the_same_score_in_any_thread() -> None:
    asked = columns(completion(), completion(), task())
    said = [
        RIGHT,
        WRONG,
        "```python\ndef largest(numbers):\n    return max(numbers, default=None)\n```",
    ]
    alone = CODE(completions=said, **asked)
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda _: CODE(completions=said, **asked), range(12)))
    assert together == [alone] * 12


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("way", ["fork", "spawn", "forkserver"])
def test_a_worker_process_grades_code_as_its_parent_does(way: str) -> None:
    asked = columns(completion(), completion(), ungradable())
    here = CODE(completions=[RIGHT, WRONG, RIGHT], **asked)
    context = multiprocessing.get_context(way)
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        there = [
            pool.submit(CODE, asked["prompts"], [RIGHT, WRONG, RIGHT], **_columns_only(asked))
            for _ in range(4)
        ]
        assert [one.result() for one in there] == [here] * 4
    assert CODE(completions=[RIGHT, WRONG, RIGHT], **asked) == here


def _columns_only(asked: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return {name: column for name, column in asked.items() if name != "prompts"}


def test_what_failed_once_is_graded_again_and_left_out_with_a_warning_after_that(
    failing: Callable[[int], None], caplog: pytest.LogCaptureFixture
) -> None:
    reward = RewardFunction("failing")
    failing(1)
    assert reward(["?", "?"], ["a", "b"], reference=[None, None]) == [1.0, 1.0]
    assert caplog.messages == []
    failing(2)
    assert reward(["?"], ["a"], reference=[None]) == [None]
    [told] = caplog.messages
    assert "`failing`: 1 of 1 answers could not be graded" in told
    assert told.endswith("the machine was away")


def test_the_guide_says_what_happens() -> None:
    page = Path(__file__).parents[3] / "docs" / "guides" / "hand-over.md"
    [code] = re.findall(
        r"^```python\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    exec(compile(code, str(page), "exec"), {})
