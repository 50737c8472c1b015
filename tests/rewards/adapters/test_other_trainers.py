"""Code as OpenRLHF, ms-swift, prime-rl and NeMo-Gym have it graded: each hands the prompt on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tamis.errors import RewardError
from tamis.records import Message, Question, Reference, RewardSpec, ToolCall
from tamis.rewards.adapters import ms_swift, own_keys
from tamis.rewards.adapters.openrlhf import reward_func

from ...export.code_questions import RIGHT, WRONG, completion, task, ungradable

TWO_OF_THREE = pytest.approx(2 / 3)


def row(question: Question) -> dict[str, Any]:
    """What reward files read of a question."""
    assert question.reward is not None
    return {
        "question_id": question.id,
        "reward_name": question.reward.name,
        "reward_parameters": question.reward.parameters or "{}",
        "reference": msgspec.json.encode(question.reference).decode()
        if question.reference
        else "{}",
        "prompt": msgspec.to_builtins(question.prompt),
    }


def rewarded(said: str, question: Question) -> dict[str, Any]:
    """What OpenRLHF gets for an answer, decoded with special tokens."""
    prompt = f"<|im_start|>user\n{question.prompt[0].content}<|im_end|>\n<|im_start|>assistant\n"
    return reward_func([f"{prompt}{said}<|im_end|>"], [prompt], [json.dumps(row(question))])


def test_openrlhf_gets_a_number_for_every_answer() -> None:
    found = [rewarded(said, completion()) for said in (RIGHT, WRONG, "")]
    assert [one["rewards"] for one in found] == [1.0, TWO_OF_THREE, 0.0]
    assert [one["extra_logs"]["not_gradable"] for one in found] == [0.0, 0.0, 0.0]
    assert [one["extra_logs"]["accuracy"] for one in found] == [1.0, 0.0, 0.0]
    assert rewarded(RIGHT, ungradable()) == {
        "rewards": 0.0,
        "scores": 0.0,
        "extra_logs": {"not_gradable": 1.0, "accuracy": 0.0},
    }


def test_openrlhf_labels_that_no_export_wrote_are_refused_in_one_line() -> None:
    with pytest.raises(RewardError, match=r"label: expected `prompt`, got answer; .*tamis export"):
        reward_func(["?4"], ["?"], ['{"answer": "4"}'])
    with pytest.raises(RewardError, match="label: expected a JSON object"):
        reward_func(["?4"], ["?"], ["4"])


def columns(said: list[str], *questions: Question) -> dict[str, Any]:
    """The columns that ms-swift hands on, with the completions behind the messages."""
    rows = [row(question) for question in questions]
    prompts = [one.pop("prompt") for one in rows]
    told: dict[str, Any] = {key: [one[key] for one in rows] for key in rows[0]}
    pairs = zip(prompts, said, strict=True)
    told["messages"] = [[*asked, {"role": "assistant", "content": text}] for asked, text in pairs]
    return {**told, "trainer_state": None, "prompt_id": [""] * len(rows)}


def test_ms_swift_has_each_row_graded_by_its_own_reward() -> None:
    said = [RIGHT, WRONG, "", RIGHT, RIGHT]
    asked = columns(said, *[completion()] * 3, task(), ungradable())
    assert ms_swift.scores(said, **asked) == [1.0, TWO_OF_THREE, 0.0, 0.0, None]


def test_ms_swift_is_told_of_a_failure_since_it_would_count_none_as_zero(
    failing: Callable[[int], None],
) -> None:
    failing(2)
    given = {"reward_name": ["failing"], "reference": [None], "messages": [[]]}
    with pytest.raises(RewardError, match="could not be graded"):
        ms_swift.scores(["a"], **given)
    with pytest.raises(RewardError, match="row 0: expected `reward_name`"):
        ms_swift.scores(["a"], messages=[[]])


@pytest.mark.parametrize(
    ("said", "value", "gradable"),
    [(RIGHT, 1.0, 1.0), (WRONG, TWO_OF_THREE, 1.0), ("", 0.0, 1.0)],
)
def test_the_key_that_prime_rl_and_nemo_gym_carry_grades_with_the_prompt(
    said: str, value: float, gradable: float
) -> None:
    asked = completion()
    own = {"id": asked.id, "reward": asked.reward, "reference": asked.reference}
    question = own_keys.question_of(msgspec.json.encode(own).decode(), asked.prompt)
    assert question == asked
    number = asyncio.run(own_keys.grade(said, question))
    assert (number.value, number.gradable) == (value, gradable)


TOOLS = [{"name": "book", "parameters": {"properties": {"seats": {"type": "integer"}}}}]


def booking() -> Question:
    """A question whose right call is right only to those who know the tool's schema."""
    answer = '[{"name": "book", "arguments": {"seats": 2}}]'
    return Question(
        id="b",
        prompt=[Message(role="user", content="Two seats, please.")],
        reward=RewardSpec(name="tool_calls"),
        reference=Reference(answer=answer),
        tools=json.dumps(TOOLS),
    )


def test_the_tools_on_offer_reach_the_reward() -> None:
    asked = booking()
    own = {"id": asked.id, "reward": asked.reward, "reference": asked.reference}
    text = msgspec.json.encode(own).decode()
    call = ToolCall(name="book", arguments='{"seats": 2.0}')
    found = {}
    for tools in (TOOLS, json.dumps(TOOLS), None, "", []):
        question = own_keys.question_of(text, asked.prompt, tools)
        found[str(tools)] = asyncio.run(own_keys.grade("", question, [call])).value
    assert list(found.values()) == [1.0, 1.0, 0.0, 0.0, 0.0][: len(found)]
    said = '<tool_call>{"name": "book", "arguments": {"seats": 2.0}}</tool_call>'
    with_tools = {**columns([said], asked), "tools": [asked.tools]}
    assert ms_swift.scores([said], **with_tools) == [1.0]
    assert ms_swift.scores([said], **{**with_tools, "tools": [None]}) == [0.0]


def test_a_key_that_no_export_wrote_is_refused_in_one_line() -> None:
    with pytest.raises(RewardError, match="tamis: expected id, reward and reference as JSON"):
        own_keys.question_of('{"id": "q"}', [])
