"""What every reward keeps: its range, None only for questions, the same score anywhere, a light import, no crash."""

from __future__ import annotations

import asyncio
import json
import math
import pickle
import random
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tamis.errors import RewardError
from tamis.records import Message, Question, Reference, RewardSpec, Rollout, Score
from tamis.rewards import REWARDS, load_reward
from tamis.rewards.base import Reward, reward_class

TOOLS = json.dumps([{"name": "add", "parameters": {"properties": {"a": {"type": "integer"}}}}])
SCHEMA = {"type": "object", "required": ["answer"]}
IDS = ["punctuation:no_comma", "length_constraints:number_sentences", "detectable_format:title"]
INSTRUCTIONS = {
    "style": "instructions",
    "ids": IDS,
    "kwargs": [None, {"num_sentences": 2, "relation": "at least"}, None],
}
PARTS = [{"name": "numeric"}, {"name": "format", "weight": 0.1}, {"name": "length", "weight": 0.1}]
ASSERTS = {"style": "asserts", "asserts": ["assert add(3, 4) == 7"]}
THINK = "Three and four together make seven, which one can count on the fingers."
# Each reward with parameters, a question that it grades, and an answer that it likes.
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "code": ({}, {"tests": json.dumps(ASSERTS)}, "```python\ndef add(a, b): return a + b\n```"),
    "combine": (
        {"parts": PARTS, "gate": "numeric"},
        {"answer": "7"},
        f"<think>{THINK}</think>Answer: 7",
    ),
    "exact": ({}, {"answer": "seven"}, "Answer: seven"),
    "f1": ({}, {"answer": "the number seven"}, "the number seven"),
    "format": ({}, {}, f"<think>{THINK}</think>7"),
    "instructions": ({}, {"tests": json.dumps(INSTRUCTIONS)}, "<<Seven>>\nIt is. It was."),
    "json_schema": ({"schema": SCHEMA}, {}, '{"answer": 7}'),
    "language": ({"language": "en"}, {}, "The answer to the question is seven."),
    "length": ({"at_least": 2, "at_most": 50, "buffer": 10}, {}, "It is seven."),
    "math": ({}, {"answer": "7"}, f"<think>{THINK}</think>\\boxed{{7}}"),
    "numeric": ({}, {"answer": "7"}, "The answer is 7."),
    "repetition": ({}, {}, "It is seven."),
    "tool_calls": ({}, {"answer": '[{"add": {"a": [7]}}]'}, "<tool_call>add(a=7)</tool_call>"),
}
# A judge asks a model, so its own tests hold it to the same.
NAMES = sorted(set(REWARDS) - {"judge"})
HEAVY = {
    *(
        "numpy",
        "pyarrow",
        "sympy",
        "openai",
        "numba",
        "pycld2",
        "jsonschema_rs",
        "tokenizers",
        "jinja2",
    ),
    *("typer", "fastapi", "sqlalchemy", "pandas", "torch", "duckdb", "httpx", "aiohttp"),
}
FULL = 190_000  # just below the cap on characters
HOSTILE = [
    "",
    "\x00",
    "\x00" * 1000,
    "7\x00",
    "\ud800",
    "\udfff\ud800 7",
    "\ufeff\u200b\u2060",
    "\u202e7\u202c",
    "a\u0301" * 20_000,
    "👩‍👩‍👧‍👦" * 5_000,
    "a" * 1_000_000,
    "<" * 1_000_000,
    *(
        one * (FULL // len(one))
        for one in (" ", "\n", "7", "(", "[", "{", "*", "-", "`", '"', "\\", "^", "$")
    ),
    *(
        one * (FULL // len(one))
        for one in (
            "<think>",
            "</think>",
            "<think></think>",
            "<think>`",
            "<answer>",
            "<answer></answer>",
            "<tool_call>",
            "<tool_call></tool_call>",
            "<tool_call>{",
            "[TOOL_CALLS]",
            '[TOOL_CALLS]{"',
            "<|python_tag|>",
            "```",
            "```json\n",
            "~~~\n",
            "\\boxed{",
            "\\boxed{7}",
            "\\frac{1}{",
            "\\left(",
            "#### 7\n",
            "The answer is ",
            "Answer: 7\n",
            "A: \n",
            '\\"',
            '{"a":',
            "<<",
            "[a",
            "a. ",
            "1. ",
            "p.",
            "***",
            "* \n",
            "7,",
            "7/",
            "7^",
            "7=",
            "9!",
            "\r\n",
            "汉",
            "é ",
            "<|im_end|>",
            "http://",
        )
    ),
    "[" * 5000 + "]" * 5000,
    "<think>" * 3 + THINK + "</think>" * 3 + "7",
    "\\boxed{" + "{" * 5000 + "}" * 5000 + "}",
    "9^{9^{9^{9}}}",
    "\\boxed{9^{9^{9^{9}}}}",
    "__import__('os').system('true')",
]


def reward_of(name: str) -> Reward:
    return load_reward(RewardSpec(name=name, parameters=json.dumps(CASES[name][0])))


def question_of(name: str) -> Question:
    return Question(
        prompt=[Message(role="user", content="How much is three and four, in one word?")],
        reference=Reference(**CASES[name][1]),
        tools=TOOLS,
    )


def rollout(answer: str | None) -> Rollout:
    said = [] if answer is None else [Message(role="assistant", content=answer)]
    return Rollout(question_id="", model="", messages=said)


def scores(name: str, answers: list[str]) -> list[Score]:
    asked = [question_of(name)] * len(answers)
    return asyncio.run(reward_of(name).score_many([rollout(one) for one in answers], asked))


def bounds(name: str) -> tuple[float, float]:
    return getattr(reward_of(name), "bounds", (0.0, 1.2 if name == "math" else 1.0))


def assert_kept(name: str, found: Score) -> None:
    """In its range, with a reason, parts and flags as they should be."""
    low, high = bounds(name)
    assert found.value is not None
    assert low <= found.value <= high
    assert found.reason
    assert all(math.isfinite(part) for part in found.parts.values())
    assert len(set(found.flags)) == len(found.flags)


def answers_of(name: str) -> list[str]:
    liked = CASES[name][2]
    return [liked, "I do not know.", "", f"<think>{THINK}</think>{liked}", f"<think>{THINK}", "8"]


def test_every_reward_is_held_to_the_contract() -> None:
    assert set(CASES) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_equal_rewards_are_one_to_dictionaries_and_survive_a_pickle(name: str) -> None:
    parameters, _, _ = CASES[name]
    made = [_fresh(name, parameters) for _ in range(2)]
    assert made[0] is not made[1]
    assert len({*made, pickle.loads(pickle.dumps(made[0]))}) == 1


def test_rewards_that_differ_in_a_mapping_are_two() -> None:
    told = [{"choices": {"A": "1"}}, {"choices": {"A": "2"}}, {"choices": {"A": "1"}}]
    assert len({_fresh("math", parameters) for parameters in told}) == 2


def _fresh(name: str, parameters: dict[str, Any]) -> Reward:
    """A reward that no cache has handed out before."""
    made: Reward = msgspec.convert(parameters, reward_class(name))
    return made


@pytest.mark.parametrize("name", NAMES)
def test_a_good_answer_scores_the_most_and_an_unfinished_reasoning_is_no_answer(name: str) -> None:
    good, *others = scores(name, answers_of(name))
    for found in (good, *others):
        assert_kept(name, found)
    assert good.value == max(found.value or 0.0 for found in (good, *others))
    assert good.value is not None
    assert good.value >= 1.0


@pytest.mark.parametrize("name", NAMES)
def test_no_assistant_message_is_an_answer_like_any_other(name: str) -> None:
    for answer in (None, ""):
        [found] = asyncio.run(reward_of(name).score_many([rollout(answer)], [question_of(name)]))
        assert found.value == 0.0


@pytest.mark.parametrize("name", NAMES)
def test_the_same_answer_scores_the_same_in_any_order_thread_and_repetition(name: str) -> None:
    answers = answers_of(name)
    once = scores(name, answers)
    order = list(range(len(answers))) * 2
    random.Random(5).shuffle(order)
    again = scores(name, [answers[place] for place in order])
    assert [one.value for one in again] == [once[place].value for place in order]
    with ThreadPoolExecutor(4) as pool:
        threaded = list(pool.map(lambda answer: scores(name, [answer])[0], answers * 2))
    assert [one.value for one in threaded] == [one.value for one in once] * 2
    if name != "code":  # its reasons may tell of the sandbox
        assert again == [once[place] for place in order]
        assert threaded == once * 2


@pytest.mark.parametrize("name", NAMES)
def test_a_question_is_ungradable_for_all_answers_or_none(name: str) -> None:
    reward = reward_of(name)
    bare = Question(prompt=[], reference=None)
    reason = reward.ungradable(bare)
    answers = answers_of(name)
    found = asyncio.run(reward.score_many([rollout(one) for one in answers], [bare] * len(answers)))
    assert {one.value is None for one in found} == {reason is not None}
    assert reward.ungradable(question_of(name)) is None


@pytest.mark.parametrize("name", NAMES)
def test_unknown_and_broken_parameters_are_refused(name: str) -> None:
    for parameters in ('{"no_such_parameter": 1}', "[]", "7", "{", '{"name": "other"}'):
        with pytest.raises(RewardError, match=name):
            load_reward(RewardSpec(name=name, parameters=parameters))


@pytest.mark.parametrize("name", NAMES)
def test_importing_a_reward_loads_nothing_heavy(name: str) -> None:
    module = REWARDS[name].partition(":")[0]
    code = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    roots = {one.partition(".")[0] for one in json.loads(done.stdout.splitlines()[-1])}
    assert roots & HEAVY == set()


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", NAMES)
def test_hostile_text_neither_crashes_nor_hangs_a_reward(name: str) -> None:
    for found in scores(name, HOSTILE):
        assert_kept(name, found)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "code"])
@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.text(max_size=200))
def test_any_text_gets_a_score_within_range(name: str, text: str) -> None:
    for answer in (text, f"<think>{text}</think>{text}", f"{CASES[name][2]}{text}"):
        [found] = scores(name, [answer])
        assert_kept(name, found)


def _spoiled(liked: str) -> Iterator[str]:
    yield f"<think>{liked}</think>"
    yield f"<think>{liked}"


@pytest.mark.parametrize(
    "name", ["code", "combine", "exact", "f1", "json_schema", "math", "numeric", "tool_calls"]
)
def test_a_right_answer_in_the_reasoning_alone_is_none(name: str) -> None:
    for answer in _spoiled(CASES[name][2].replace(f"<think>{THINK}</think>", "")):
        [found] = scores(name, [answer])
        assert found.value == 0.0
