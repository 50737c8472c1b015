"""Gold lint for `tool_calls`: do the accepted calls pass, and do they fit the tools on offer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tamis.errors import RewardError
from tamis.records import Finding, Question, Rule
from tamis.rewards.answers import one_line
from tamis.rewards.base import Reward
from tamis.rewards.giveaways import said_in_prompt
from tamis.rewards.gold import finding
from tamis.rewards.tool_calls.reward import ToolCallsReward
from tamis.rewards.tool_calls.wanted import OPTIONAL, Task, WantedArgument, task_of
from tamis.text.schemas import declared_types, property_schema

GOLD_FAILS = Rule(
    id="tool_calls/gold-fails",
    severity="error",
    dimension="correctness",
    summary="an answer that makes the accepted calls themselves does not score 1",
    fix="write the accepted values as the JSON that a call would hold",
    good='[{"add": {"a": [1]}}]',
    bad='[{"add": {"a": [1.5]}}] where the tool takes an integer',
)
UNDECLARED = Rule(
    id="tool_calls/undeclared-argument",
    severity="warning",
    dimension="correctness",
    summary="an accepted call needs an argument that its tool does not declare",
    fix="declare it in the tool's parameters, or take it out of the accepted call",
    good="accepted add(a), declared a",
    bad="accepted add(a, b), declared a",
)
WRONG_TYPE = Rule(
    id="tool_calls/wrong-type",
    severity="warning",
    dimension="correctness",
    summary="an accepted value is not of the type that its tool declares, so a model that keeps to the tool fails",
    fix="correct the value or the declared type",
    good="accepted 1, declared integer",
    bad='accepted "1", declared integer',
)
ANSWER_IN_PROMPT = Rule(
    id="tool_calls/answer-in-prompt",
    severity="warning",
    dimension="difficulty",
    summary="the prompt makes the accepted calls itself: sent back as it is, it scores 1",
    fix="take the example out of the prompt, or use one of another call",
    good="Add 3 and 4.",
    bad="Add 3 and 4, like <tool_call>add(a=3, b=4)</tool_call>.",
)
RULES: tuple[Rule, ...] = (GOLD_FAILS, UNDECLARED, WRONG_TYPE, ANSWER_IN_PROMPT)
_JSON_TYPES = {
    bool: {"boolean"},
    int: {"integer", "number"},
    float: {"number"},
    str: {"string"},
    list: {"array"},
    dict: {"object"},
    type(None): {"null"},
}


async def lint(
    reward: Reward, questions: Sequence[Question], *, n_repeats: int = 3
) -> list[list[Finding]]:
    """The findings in each question. Calls compare the same every time: nothing is repeated."""
    if not isinstance(reward, ToolCallsReward):
        raise RewardError(
            f"reward `{reward.name}`: expected tool_calls, for which this lint is made"
        )
    return [_lint_one(reward, question) for question in questions]


def _lint_one(reward: ToolCallsReward, question: Question) -> list[Finding]:
    task = task_of(question)
    found = [*_misfits(task)]
    score = reward.score(reference_answer(task), question)
    if score.value != 1.0:
        told = f"the accepted calls themselves score {score.value:g}: {score.reason}"
        found.append(finding(GOLD_FAILS, "reference.answer", told))
    # where no call is wanted, any prompt sent back makes none
    return [*found, *(said_in_prompt(ANSWER_IN_PROMPT, reward, question) if task.calls else [])]


def reference_answer(task: Task) -> str:
    """An answer that makes the accepted calls, with the first accepted value of each argument."""
    if not task.calls:
        return "No call is needed."
    calls = [
        {
            "name": call.name,
            "arguments": {
                key: _first(argument)
                for key, argument in call.arguments.items()
                if not argument.is_optional or _first(argument) != OPTIONAL
            },
        }
        for call in task.calls
    ]
    written = [json.dumps(call, ensure_ascii=True) for call in calls]
    return "".join(f"<tool_call>{one}</tool_call>" for one in written)


def _first(argument: WantedArgument) -> Any:
    given = [value for value in argument.values if not (argument.is_optional and value == OPTIONAL)]
    value = (given or list(argument.values))[0]
    return _resolved(value) if argument.has_choices else value


def _resolved(value: Any) -> Any:
    """The first choice of each member of an object of choices, see `matching`."""
    if isinstance(value, dict):
        firsts = {
            key: one[0] if isinstance(one, list) and one else one for key, one in value.items()
        }
        return {key: one for key, one in firsts.items() if one != OPTIONAL}
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        return [_resolved(one) for one in value]
    return value


def _misfits(task: Task) -> Iterator[Finding]:
    """Arguments that the tools do not declare, and values of other types."""
    for call in task.calls:
        schema: Mapping[str, Any] = task.tools.by_name.get(call.name, {})
        for key, argument in call.arguments.items():
            where = f"`{call.name}`: `{one_line(key, 40)}`"
            if schema.get("properties") and key not in schema["properties"]:
                yield finding(UNDECLARED, "reference.answer", f"{where} is not declared")
                continue
            types = declared_types(property_schema(schema, key))
            values = [v for v in argument.values if not (argument.is_optional and v == OPTIONAL)]
            wrong = [value for value in values if not _fits(value, types)]
            if wrong:
                shown = one_line(json.dumps(wrong[0]), 40)
                told = f"{where} accepts `{shown}`, declared is {' or '.join(sorted(types))}"
                yield finding(WRONG_TYPE, "reference.answer", told)


def _fits(value: Any, types: frozenset[str]) -> bool:
    if not types:
        return True
    is_whole = isinstance(value, float) and value.is_integer()
    return bool(types & _JSON_TYPES[type(value)]) or (is_whole and "integer" in types)
