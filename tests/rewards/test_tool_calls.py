"""Tool calls: exactly the accepted ones, typed, counted, and never guessed from prose."""

from __future__ import annotations

import asyncio
import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tamis.records import Message, Question, Reference, RewardSpec, Rollout, ToolCall
from tamis.rewards import load_reward, score_one
from tamis.rewards.base import Reward
from tamis.rewards.tool_calls import ToolCallsReward

TOOLS = json.dumps(
    [
        {
            "name": "add",
            "parameters": {
                "type": "object",
                "properties": {
                    "a": {"type": "integer"},
                    "b": {"type": "number"},
                    "unit": {"type": "string", "default": "cm"},
                    "deep": {"type": "boolean"},
                    "tags": {"type": "array", "items": {"type": "string"}},
                },
                "required": ["a"],
            },
        },
        {
            "name": "math.log",
            "parameters": {"type": "dict", "properties": {"x": {"type": "float"}}},
        },
    ]
)


def asked(calls: Any, *, tools: str | None = TOOLS) -> Question:
    answer = calls if isinstance(calls, str) else json.dumps(calls)
    return Question(
        prompt=[Message(role="user", content="Do it.")],
        reference=Reference(answer=answer),
        tools=tools,
    )


def said(name: str, /, **arguments: Any) -> str:
    return f"<tool_call>{json.dumps({'name': name, 'arguments': arguments})}</tool_call>"


def value(answer: str, question: Question, **parameters: Any) -> float | None:
    return reward(**parameters).score(answer, question).value  # type: ignore[attr-defined]


def reward(**parameters: Any) -> Reward:
    return load_reward(RewardSpec(name="tool_calls", parameters=json.dumps(parameters)))


ADD_ONE = asked([{"name": "add", "arguments": {"a": 1}}])


@pytest.mark.parametrize(
    "answer",
    [
        said("add", a=1),
        "I will add.\n" + said("add", a=1),
        "<tool_call>add(a=1)</tool_call>",
        "<tool_call>{'name': 'add', 'arguments': {'a': 1}}</tool_call>",
        "<tool_call><function=add><parameter=a>\n1\n</parameter></function></tool_call>",
        '[TOOL_CALLS][{"name": "add", "arguments": {"a": 1}}]',
        '<|python_tag|>{"name": "add", "parameters": {"a": 1}}',
        "[add(a=1)]",
        "<think>I could call <tool_call>add(a=9)</tool_call></think>" + said("add", a=1),
        said("add", a=1, unit="cm"),
        said("add", a=1.0),
    ],
)
def test_the_accepted_call_scores_1_in_every_dialect(answer: str) -> None:
    assert value(answer, ADD_ONE) == 1.0


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "add(a=1)",
        '```json\n{"name": "add", "arguments": {"a": 1}}\n```',
        f"The format is `{said('add', a=1)}`.",
        f"<think>{said('add', a=1)}</think>",
        f"<think>{said('add', a=1)}",
        said("add", a="1"),
        said("add", a=True),
        said("add", a=1.5),
        said("add", a=2),
        said("add", a=[1]),
        said("add"),
        said("add", a=1, b=2),
        said("add", a=1, unit="mm"),
        said("sub", a=1),
        said("add", a=1) + said("add", a=1),
        said("add", a=1) + said("math.log", x=1),
        said("add", a=1) + "<tool_call>nonsense</tool_call>",
        said("add", a=1) + "<tool_call>",
        "<tool_call>add(1)</tool_call>",
        '<tool_call>{"name": "add", "arguments": {"a": 2, "a": 1}}</tool_call>',
        said("add", a=1) + "<tool_response>3</tool_response>",
    ],
)
def test_anything_else_than_the_accepted_call_scores_0(answer: str) -> None:
    assert value(answer, ADD_ONE) == 0.0


def test_numbers_are_equal_only_where_the_schema_declares_a_number() -> None:
    question = asked([{"name": "add", "arguments": {"a": 1, "b": 2}}])
    assert value(said("add", a=1, b=2.0), question) == 1.0
    assert value(said("add", a=1.0, b=2), question) == 1.0
    assert value(said("add", a="1.0", b=2), question) == 0.0
    bare = asked([{"name": "add", "arguments": {"a": 1, "b": 2.0}}], tools=None)
    assert value(said("add", a=1, b=2), bare) == 1.0
    assert value(said("add", a=1.0, b=2), bare) == 0.0


def test_true_is_not_1_and_1_is_not_true() -> None:
    question = asked([{"name": "add", "arguments": {"a": 1, "deep": True}}])
    assert value(said("add", a=1, deep=True), question) == 1.0
    assert value(said("add", a=1, deep=1), question) == 0.0
    assert value(said("add", a=True, deep=True), question) == 0.0


def test_no_call_wanted_pays_for_an_answer_without_a_call_only() -> None:
    question = asked([])
    assert value("It is sunny.", question) == 1.0
    assert value(said("add", a=1), question) == 0.0
    assert value("<tool_call>broken</tool_call>", question) == 0.0
    assert value(" \u200b", question) == 0.0
    assert value("<think>hm", question) == 0.0


def test_several_accepted_values_and_arguments_that_may_be_left_out() -> None:
    question = asked([{"add": {"a": [1, 2], "unit": ["m", "metre", ""]}}])
    assert value(said("add", a=2, unit="metre"), question) == 1.0
    assert value(said("add", a=1), question) == 1.0
    assert value(said("add", unit="m"), question) == 0.0
    assert value(said("add", a=1, unit="km"), question) == 0.0


def test_texts_differ_by_case_and_punctuation_unless_declared_loose() -> None:
    question = asked([{"add": {"a": [1], "unit": ["New York, NY"]}}])
    assert value(said("add", a=1, unit="new york NY"), question) == 0.0
    assert value(said("add", a=1, unit="new york NY"), question, strings="loose") == 1.0


def test_calls_are_counted_as_a_multiset_in_any_order_unless_ordered() -> None:
    question = asked([{"add": {"a": [1]}}, {"add": {"a": [1]}}, {"add": {"a": [2]}}])
    one, two = said("add", a=1), said("add", a=2)
    assert value(two + one + one, question) == 1.0
    assert value(one + two, question) == 0.0
    assert value(one + one + one, question) == 0.0
    assert value(two + one + one, question, ordered=True) == 0.0
    assert value(one + one + two, question, ordered=True) == 1.0


def test_choices_are_matched_as_well_as_they_can_be() -> None:
    question = asked([{"add": {"a": [1, 2]}}, {"add": {"a": [1]}}])
    assert value(said("add", a=1) + said("add", a=2), question) == 1.0
    assert value(said("add", a=2) + said("add", a=2), question) == 0.0


def test_f1_pays_for_the_share_and_takes_off_for_calls_too_many() -> None:
    question = asked([{"add": {"a": [1]}}, {"add": {"a": [2]}}])
    one = said("add", a=1)
    assert value(one, question, score="f1") == pytest.approx(2 / 3)
    assert value(one + one + one, question, score="f1") == pytest.approx(2 / 5)
    spray = "".join(said("add", a=a) for a in range(10))
    assert value(spray, question, score="f1") == pytest.approx(4 / 12)
    score = ToolCallsReward(score_as="f1").score(spray, question)
    assert score.parts == {"accuracy": 0.0, "precision": 0.2, "recall": 1.0}


def test_structured_calls_of_all_turns_count_and_results_never_do() -> None:
    question = asked([{"add": {"a": [1]}}, {"add": {"a": [2]}}])
    messages = [
        Message(role="assistant", tool_calls=[ToolCall(name="add", arguments='{"a": 1}')]),
        Message(role="tool", content=said("add", a=7)),
        Message(role="assistant", tool_calls=[ToolCall(name="add", arguments='{"a": 2}')]),
        Message(role="tool", content="3"),
        Message(role="assistant", content="Done."),
    ]
    rollout = Rollout(question_id="", messages=messages, model="")
    [score] = asyncio.run(reward().score_many([rollout], [question]))
    assert score.value == 1.0


def test_a_dotted_tool_may_be_called_with_underscores() -> None:
    question = asked([{"math.log": {"x": [2.5]}}])
    assert value(said("math_log", x=2.5), question) == 1.0
    assert value(said("math.log", x=2.5), question) == 1.0


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "no accepted calls"),
        ("add(a=1)", "not JSON"),
        ('"add"', "expected a JSON list"),
        ("[1]", "accepted call 1: expected an object"),
        ('[{"add": {"a": 1}}]', "list of accepted values"),
        ('[{"sub": {"a": [1]}}]', "no tool `sub` is offered"),
    ],
)
def test_a_reference_that_cannot_be_read_is_ungradable_with_its_reason(
    answer: str | None, reason: str
) -> None:
    question = Question(prompt=[], reference=Reference(answer=answer), tools=TOOLS)
    assert reason in (reward().ungradable(question) or "")
    assert asyncio.run(score_one(reward(), said("add", a=1), question)).value is None


def _first(values: list[Any]) -> Any:
    """One accepted value; choices inside objects resolved as BFCL means them."""
    return _resolved(next((one for one in values if one != ""), values[0]))


def _resolved(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: choices[0] for key, choices in value.items() if choices[0] != ""}
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        return [_resolved(one) for one in value]
    return value


def _changed(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 17
    if isinstance(value, str):
        return value + " and more"
    if isinstance(value, list):
        return [*value, "one more"]
    return {**value, "one more": 1}


def _retyped(value: Any) -> Any:
    return json.dumps(value) if not isinstance(value, str) else [value]


def test_bfcl_simple_passes_its_references_and_pays_for_no_wrong_twin(real_data: Path) -> None:
    rows, answers = (
        [json.loads(line) for line in (real_data / name).read_text().splitlines()]
        for name in ("BFCL_simple_python.json", "BFCL_simple_python_answers.json")
    )
    bfcl = [
        asked(answer["ground_truth"], tools=json.dumps(row["function"]))
        for row, answer in zip(rows, answers, strict=True)
    ]
    twins: dict[str, int] = dict.fromkeys(
        ["value", "type", "missing", "extra argument", "extra call", "other tool", "none"], 0
    )
    n_right = 0
    for question in bfcl:
        [call] = json.loads(question.reference.answer)  # type: ignore[union-attr,arg-type]
        [(name, wanted)] = call.items()
        right = {key: _first(values) for key, values in wanted.items()}
        for key in [key for key in right if right[key] == "" and "" in wanted[key]]:
            del right[key]
        n_right += value(said(name, **right), question) == 1.0
        assert value(said(name.replace(".", "_"), **right), question) == 1.0
        for twin, answer in _twins(name, right, wanted):
            assert value(answer, question) == 0.0, (twin, name, answer)
            assert value(answer, question, strings="loose") == 0.0, (twin, name, answer)
            twins[twin] += 1
    assert (len(bfcl), n_right) == (400, 400)
    assert min(twins.values()) >= 300, twins


def _twins(name: str, right: dict[str, Any], wanted: dict[str, Any]) -> list[tuple[str, str]]:
    found = [
        ("extra argument", said(name, **right, surely_not_declared=1)),
        ("extra call", said(name, **right) * 2),
        ("other tool", said(f"{name}_2", **right)),
        ("none", f"I would call {name} with {json.dumps(right)}."),
    ]
    for key, given in right.items():
        for twin, other in [("value", _changed(given)), ("type", _retyped(given))]:
            if all(other != one or type(other) is not type(one) for one in wanted[key]):
                found.append((twin, said(name, **{**right, key: other})))
        if "" not in wanted[key]:
            rest = copy.copy(right)
            del rest[key]
            found.append(("missing", said(name, **rest)))
    return found
