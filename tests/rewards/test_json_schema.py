"""JSON by a schema: one value, written strictly, valid; what stands around it is a fault."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tamis.records import Question, Reference, RewardSpec, Score
from tamis.rewards import load_reward

SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "integer"}, "why": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}
ASKED = Question(prompt=[])


def score(answer: str, schema: Any = None) -> Score:
    parameters = json.dumps({"schema": SCHEMA if schema is None else schema})
    reward = load_reward(RewardSpec(name="json_schema", parameters=parameters))
    return reward.score(answer, ASKED)  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize(
    "answer",
    [
        '{"answer": 7}',
        ' \n{"answer": 7, "why": "3 + 4"}\n',
        'Here it is:\n```json\n{"answer": 7}\n```\nDone.',
        '```\n{"answer": 7}\n```',
        '```json\n{"answer": "x"}\n```\nNo:\n```json\n{"answer": 7}\n```',
        '<think>{"answer": 8}</think>{"answer": 7}',
    ],
)
def test_valid_json_scores_1(answer: str) -> None:
    assert score(answer).value == 1.0


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "7",
        "{}",
        '{"answer": "7"}',
        '{"answer": true}',
        '{"answer": 7, "more": 1}',
        '{"answer": 8, "answer": 7}',
        '{"answer": NaN}',
        '{"answer": 1e999}',
        '{"answer": 7',
        '{"answer": 7} and that is it',
        'It is {"answer": 7}',
        "{'answer': 7}",
        '{"answer": 7}{"answer": 7}',
        '```json\n{"answer": 7}\n```\n```json\nnothing\n```',
        '<think>{"answer": 7}',
        '<think>{"answer": 7}</think>',
        '{"answer": ' + "[" * 3000 + "]" * 3000 + "}",
        '{"answer": 7, "why": "' + "x" * 150_000 + '"}',
        '{"answer": 7, "why": "\\ud800"}',
        '{"answer": ' + "9" * 5000 + "}",
    ],
)
def test_invalid_or_loosely_written_json_scores_0(answer: str) -> None:
    assert score(answer).value == 0.0


def test_the_schema_may_stand_in_the_tests_of_the_question() -> None:
    reward = load_reward(RewardSpec(name="json_schema"))
    tests = json.dumps({"style": "json_schema", "schema": SCHEMA})
    question = Question(prompt=[], reference=Reference(tests=tests))
    assert reward.score('{"answer": 1}', question).value == 1.0  # type: ignore[attr-defined]
    assert reward.score("[]", question).value == 0.0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "tests",
    [
        None,
        "not JSON",
        '{"style": "asserts", "asserts": []}',
        '{"style": "json_schema", "schema": 7}',
        '{"style": "json_schema", "schema": {"type": "nothing"}}',
        '{"style": "json_schema", "schema": {"$ref": "http://example.com/a.json"}}',
        '{"style": "json_schema", "schema": {"$ref": "file:///etc/passwd"}}',
        '{"style": "json_schema", "schema": {}, "more": 1}',
    ],
)
def test_a_missing_broken_or_outward_schema_is_ungradable(tests: str | None) -> None:
    reward = load_reward(RewardSpec(name="json_schema"))
    question = Question(prompt=[], reference=Reference(tests=tests))
    assert reward.ungradable(question)
    assert reward.score("{}", question).value is None  # type: ignore[attr-defined]


def test_a_pattern_that_would_backtrack_for_ever_ends() -> None:
    schema = {"type": "string", "pattern": "^(a+)+$"}
    assert score(json.dumps("a" * 40 + "b"), schema).value == 0.0
