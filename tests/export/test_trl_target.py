"""Rows and files for TRL: what is written, what is refused, and how the reward file grades."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow.parquet as pq
import pytest

from tamis.errors import InputError
from tamis.export.targets.base import Handover
from tamis.export.targets.trl import TARGET, conversation_row, preference_row, question_row
from tamis.records import Conversation, Preference, Question, Reference, RewardSpec

from .exporting import assistant, clashing, export, user

NUMERIC = RewardSpec(name="numeric", parameters='{"last_number": true}')
ANSWER = '{"answer": "4"}'


def test_arguments_that_clash_in_type_are_kept_apart_as_objects(tmp_path: Path) -> None:
    export(TARGET, "conversations", clashing(), tmp_path, model="m", max_tokens=9)
    rows = pq.read_table(tmp_path / "train.parquet").to_pylist()
    calls = [json.loads(row["messages"])[1]["tool_calls"][0] for row in rows]
    assert [call["function"]["arguments"] for call in calls] == [
        {"at": 1, "deep": True},
        {"at": ["one", {"x": 2.5}]},
    ]
    # the author's own figures, not a float's
    assert '"x": 2.50' in rows[1]["messages"]


def test_arguments_that_are_no_object_stay_text() -> None:
    call = {"type": "function", "function": {"name": "f", "arguments": "[1]"}}
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "tool_calls": [call]}]
    [_, said] = json.loads(conversation_row({"messages": turns})["messages"])
    assert said["tool_calls"] == [call]


def test_a_reply_out_of_the_loss_is_refused_by_name() -> None:
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "!", "weight": 0}]
    with pytest.raises(InputError, match=r"messages\[1\]\.weight: .* TRL trains on all replies"):
        conversation_row({"messages": turns})


def test_texts_and_a_shared_start_become_the_same_columns_of_messages() -> None:
    asked, yes, no = ({"role": r, "content": c} for r, c in (("user", "?"), *_SAID))
    expected = {"prompt": [asked], "chosen": [yes], "rejected": [no]}
    for written in (
        {"prompt": "?", "chosen": "yes", "rejected": "no"},
        {"chosen": [asked, yes], "rejected": [asked, no]},
        expected,
    ):
        row = preference_row(dict(written))
        assert {name: json.loads(row[name]) for name in expected} == expected
        assert row["tools"] is None


_SAID = (("assistant", "yes"), ("assistant", "no"))


@pytest.mark.parametrize("side", ["prompt", "chosen", "rejected"])
def test_a_preference_without_one_of_its_three_parts_is_refused(side: str) -> None:
    turn = [{"role": "user", "content": "?"}]
    written = {"prompt": turn, "chosen": turn, "rejected": turn, side: []}
    with pytest.raises(InputError, match=f"{side}: expected at least one message"):
        preference_row(written)


def test_a_question_brings_all_that_its_reward_needs(tmp_path: Path) -> None:
    question = Question(
        id="q1", prompt=[user("2+2?")], reward=NUMERIC, reference=Reference(answer="4")
    )
    export(TARGET, "questions", [question], tmp_path, model="m", max_tokens=9)
    [row] = pq.read_table(tmp_path / "train.parquet").to_pylist()
    assert json.loads(row.pop("reference")) == {"answer": "4"}
    assert json.loads(row.pop("prompt")) == [{"role": "user", "content": "2+2?"}]
    assert row == {
        "question_id": "q1",
        "reward_name": "numeric",
        "reward_parameters": NUMERIC.parameters,
    }


def test_a_question_that_names_no_reward_or_declares_tools_is_refused() -> None:
    with pytest.raises(InputError, match="reward: expected the name of a reward"):
        question_row({"prompt": "?", "reward_name": None})
    with pytest.raises(InputError, match="tools: expected none"):
        question_row({"prompt": "?", "tools": "[]"})


@pytest.fixture
def reward(tmp_path: Path) -> Iterator[ModuleType]:
    """The exported `reward.py`, loaded as `reward`."""
    rewards = (("numeric", None), ("numeric", NUMERIC.parameters))
    handover = Handover(
        kind="questions", n_rows=1, file="f", model="m", max_tokens=9, rewards=rewards
    )
    path = tmp_path / "reward.py"
    path.write_text(TARGET.files(handover)["reward.py"], encoding="utf-8")
    spec = importlib.util.spec_from_file_location("reward", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["reward"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["reward"]


def graded(reward: ModuleType, completions: list[Any], **columns: list[Any]) -> Any:
    """What the function `numeric` gives, called as TRL calls it."""
    n = len(completions)
    usual = {
        "question_id": ["q"] * n,
        "reward_name": ["numeric"] * n,
        "reward_parameters": [None] * n,
        "reference": [ANSWER] * n,
    }
    prompts = [[{"role": "user", "content": "2+2?"}]] * n
    said = {"completion_ids": [[1]] * n, "trainer_state": None, "log_metric": None}
    return reward.numeric(prompts=prompts, completions=completions, **usual | columns, **said)


def test_there_is_one_function_for_each_reward_with_its_name(reward: ModuleType) -> None:
    assert [function.__name__ for function in reward.REWARDS] == ["numeric"]
    assert pickle.loads(pickle.dumps(reward.numeric)) == reward.numeric


def test_texts_and_message_lists_are_graded_alike(reward: ModuleType) -> None:
    texts = ["\\boxed{4}", "\\boxed{5}"]
    lists = [[{"role": "assistant", "content": text}] for text in texts]
    assert graded(reward, texts) == graded(reward, lists) == [1.0, 0.0]


def test_each_row_is_graded_with_its_own_parameters(reward: ModuleType) -> None:
    scores = graded(reward, ["So 4"] * 2, reward_parameters=[None, NUMERIC.parameters])
    assert scores == [0.0, 1.0]


def test_what_names_another_reward_or_cannot_be_graded_is_none(reward: ModuleType) -> None:
    said = ["\\boxed{4}"] * 3
    names = ["numeric", "other", "numeric"]
    assert graded(reward, said, reward_name=names, reference=[ANSWER, ANSWER, None]) == [
        1.0,
        None,
        None,
    ]


def test_grading_works_inside_a_running_event_loop(reward: ModuleType) -> None:
    async def inside() -> Any:
        return graded(reward, ["\\boxed{4}"])

    assert asyncio.run(inside()) == [1.0]


@pytest.mark.parametrize("kind", sorted(TARGET.shapes))
def test_the_script_is_python_and_names_the_model_and_the_limit(kind: Any) -> None:
    model = 'it\'s "odd"\\'
    handover = Handover(kind=kind, n_rows=7, file="train.parquet", model=model, max_tokens=321)
    script = TARGET.files(handover)["train.py"]
    code = compile(script, "train.py", "exec")
    main = next(c for c in code.co_consts if getattr(c, "co_name", "") == "main")
    assert model in main.co_consts
    assert 321 in main.co_consts


@pytest.mark.parametrize(
    ("kind", "record"),
    [
        ("conversations", Conversation(messages=[user("?"), assistant("!")])),
        (
            "preferences",
            Preference(prompt=[user("?")], chosen=[assistant("!")], rejected=[assistant("")]),
        ),
        ("questions", Question(prompt=[user("?")], reward=NUMERIC)),
    ],
)
def test_rows_as_they_stand_in_the_file_are_replayed(
    kind: Any, record: Any, tmp_path: Path
) -> None:
    export(TARGET, kind, [record], tmp_path, model="m", max_tokens=9)
    rows = pq.read_table(tmp_path / "train.parquet").to_pylist()
    assert TARGET.replay is not None
    assert [one.verdict for one in TARGET.replay(kind, rows)] == ["accepted"]
