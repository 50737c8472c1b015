"""Gold lint of exact, f1, json_schema, tool_calls, instructions and combine."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tamis.errors import RewardError
from tamis.records import Finding, Message, Question, Reference, RewardSpec
from tamis.rewards.base import LINTS, load_reward
from tamis.rewards.giveaways import chance_of
from tamis.rewards.gold import lint_questions, load_lint

TOOLS = json.dumps(
    [{"name": "add", "parameters": {"properties": {"a": {"type": "integer"}}, "required": ["a"]}}]
)
CHOICES = "Which?\nA. one\nB. two\nC. three\nD. four"


def question(
    prompt: str, name: str, *, parameters: Any = None, tools: str | None = None, **held: Any
) -> Question:
    return Question(
        prompt=[Message(role="user", content=prompt)],
        reward=RewardSpec(name=name, parameters=json.dumps(parameters) if parameters else None),
        reference=Reference(**held),
        tools=tools,
    )


def lint(*questions: Question) -> list[list[Finding]]:
    return asyncio.run(lint_questions(questions))


def rules(one: Question) -> list[str]:
    return [finding.rule for finding in lint(one)[0]]


def instructions(*wanted: tuple[str, Any], prompt: str = "Do it") -> Question:
    ids, kwargs = [kind for kind, _ in wanted], [arguments for _, arguments in wanted]
    tests = json.dumps({"style": "instructions", "ids": ids, "kwargs": kwargs})
    return question(prompt, "instructions", tests=tests)


def schema(written: Any, prompt: str = "Do it", **held: Any) -> Question:
    return question(prompt, "json_schema", parameters={"schema": written}, **held)


OBJECT = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}


@pytest.mark.parametrize(
    "sound",
    [
        question("What is the capital of France?", "exact", answer="Paris"),
        question("Name a red house", "f1", answer='["red house", "the red house"]'),
        schema(OBJECT),
        schema(OBJECT, answer='{"n": 7}'),
        question("Add 1", "tool_calls", answer='[{"add": {"a": [1, 2]}}]', tools=TOOLS),
        question("Hello", "tool_calls", answer="[]", tools=TOOLS),
        instructions(("startend:quotation", {})),
        instructions(
            ("length_constraints:number_words", {"num_words": 9, "relation": "at least"}),
            ("length_constraints:number_words", {"num_words": 20, "relation": "less than"}),
        ),
        question("Be short", "length"),
        question("Say it in English please", "language"),
    ],
)
def test_sound_questions_have_no_findings(sound: Question) -> None:
    assert rules(sound) == []


@pytest.mark.parametrize(
    ("faulty", "rule"),
    [
        (question("q", "exact"), "gold/ungradable"),
        (question("q", "exact", answer=" "), "gold/ungradable"),
        (question("q", "f1", answer='["7", 7]'), "gold/ungradable"),
        (question("q", "exact", answer="Answer: a. Answer: b"), "exact/gold-fails"),
        (question("q? The answer is Rome", "exact", answer="Rome"), "exact/answer-in-prompt"),
        (question(CHOICES, "exact", answer="B"), "exact/guessable"),
        (question("Is it so?", "exact", answer="yes"), "exact/guessable"),
        (question("How many?", "f1", answer="2"), "exact/guessable"),
        (schema({"type": "object"}), "json_schema/accepts-anything"),
        (schema({}), "json_schema/accepts-anything"),
        (schema({"type": "nonsense"}), "gold/ungradable"),
        (schema(OBJECT, answer='{"m": 7}'), "json_schema/gold-fails"),
        (schema(OBJECT, 'Like this:\n```json\n{"n": 1}\n```'), "json_schema/answer-in-prompt"),
        (question("q", "tool_calls", tools=TOOLS), "gold/ungradable"),
        (
            question("q", "tool_calls", answer='[{"sub": {"a": [1]}}]', tools=TOOLS),
            "gold/ungradable",
        ),
        (
            question("q", "tool_calls", answer='[{"add": {"a": [1], "b": [2]}}]', tools=TOOLS),
            "tool_calls/undeclared-argument",
        ),
        (
            question("q", "tool_calls", answer='[{"add": {"a": ["1"]}}]', tools=TOOLS),
            "tool_calls/wrong-type",
        ),
        (
            question("q", "tool_calls", answer='[{"add": {"a": [1.5]}}]', tools=TOOLS),
            "tool_calls/gold-fails",
        ),
        (
            question(
                "Say <tool_call>add(a=1)</tool_call>",
                "tool_calls",
                answer='[{"add": {"a": [1]}}]',
                tools=TOOLS,
            ),
            "tool_calls/answer-in-prompt",
        ),
        (instructions(("punctuation:no_comma", {})), "instructions/trivial"),
        (instructions(("startend:quotation", {}), prompt='"Do it"'), "instructions/echo"),
        (
            instructions(
                ("change_case:english_capital", {}), ("change_case:english_lowercase", {})
            ),
            "instructions/contradictory",
        ),
        (
            instructions(
                ("keywords:existence", {"keywords": ["River"]}),
                ("keywords:forbidden_words", {"forbidden_words": ["river"]}),
            ),
            "instructions/contradictory",
        ),
        (
            instructions(
                ("length_constraints:number_words", {"num_words": 9, "relation": "less than"}),
                ("length_constraints:number_words", {"num_words": 9, "relation": "at least"}),
            ),
            "instructions/contradictory",
        ),
        (
            instructions(
                ("keywords:frequency", {"keyword": "a", "frequency": 3, "relation": "at least"}),
                ("keywords:frequency", {"keyword": "a", "frequency": 2, "relation": "less than"}),
            ),
            "instructions/contradictory",
        ),
        (instructions(("no:such", {})), "gold/ungradable"),
    ],
)
def test_a_fault_is_found_by_its_rule(faulty: Question, rule: str) -> None:
    assert rule in rules(faulty)


def test_bounds_of_different_words_do_not_contradict() -> None:
    both = instructions(
        ("keywords:frequency", {"keyword": "a", "frequency": 3, "relation": "at least"}),
        ("keywords:frequency", {"keyword": "b", "frequency": 2, "relation": "less than"}),
    )
    assert rules(both) == []


def test_the_chance_of_a_guess_is_told_where_it_is_known() -> None:
    asked = Question(prompt=[Message(role="user", content=CHOICES)])
    found = chance_of(asked, "D")
    assert found is not None
    assert found.rate == 0.25
    assert chance_of(asked, "E") is None
    assert chance_of(Question(prompt=[]), "B") is None
    [[told]] = lint(question(CHOICES, "exact", answer="B"))
    assert told.message == "`B` is one of 4 choices: a blind guess is right 25% of the time"
    assert told.severity == "info"


def test_the_lint_of_a_combination_is_that_of_its_parts() -> None:
    parts = [{"name": "exact"}, {"name": "length"}, {"name": "f1", "weight": 0}]
    one = question("Is it?", "combine", parameters={"parts": parts}, answer="Yes")
    assert rules(one) == ["exact/guessable"]


@pytest.mark.parametrize("name", ["combine", "exact", "json_schema", "tool_calls", "instructions"])
def test_a_lint_refuses_another_reward(name: str) -> None:
    own = load_lint(name)
    assert own is not None
    with pytest.raises(RewardError, match="expected"):
        asyncio.run(own.lint(load_reward(RewardSpec(name="repetition")), []))


def test_every_lint_can_be_loaded() -> None:
    assert all(load_lint(name) is not None for name in LINTS)


def test_the_published_calls_of_bfcl_pass_as_they_stand(real_data: Path) -> None:
    rows, answers = (
        [json.loads(line) for line in (real_data / name).read_text().splitlines()]
        for name in ("BFCL_simple_python.json", "BFCL_simple_python_answers.json")
    )
    questions = [
        Question(
            prompt=[Message(role="user", content=row["question"][0][0]["content"])],
            reward=RewardSpec(name="tool_calls"),
            reference=Reference(answer=json.dumps(answer["ground_truth"])),
            tools=json.dumps(row["function"]),
        )
        for row, answer in zip(rows, answers, strict=True)
    ]
    found = [finding.message for one in lint(*questions) for finding in one]
    assert len(questions) == 400
    # one published answer takes a boolean where the tool declares a text
    assert found == ["`game_result.get_winner`: `venue` accepts `true`, declared is string"]
