"""The accepted calls of a question, out of its reference."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from tamis.records import Question
from tamis.text.dialects import arguments_object, read_json
from tamis.text.schemas import Tools, read_tools

# An argument whose accepted values hold this text may be left out (BFCL's mark).
OPTIONAL = ""
MAX_CALLS = 64


class WantedArgument(msgspec.Struct, frozen=True):
    """The accepted values of one argument; in `has_choices` those of the objects in them are lists of accepted ones."""

    values: tuple[Any, ...]
    is_optional: bool = False
    has_choices: bool = False


class WantedCall(msgspec.Struct, frozen=True, eq=False):
    """One call that must be made: its tool and each of its arguments."""

    name: str
    arguments: Mapping[str, WantedArgument]


class Task(msgspec.Struct, frozen=True, eq=False):
    """What is wanted of an answer: the calls, none perhaps, and the tools on offer. Or the `problem`."""

    calls: tuple[WantedCall, ...] = ()
    tools: Tools = Tools()
    problem: str | None = None


def task_of(question: Question) -> Task:
    """The accepted calls of a question and its tools, or why they cannot be read."""
    answer = question.reference.answer if question.reference else None
    if answer is None:
        return Task(problem="the reference has no accepted calls (no call at all is `[]`)")
    return _task(answer, question.tools)


@lru_cache(maxsize=4096)
def _task(answer: str, tools_text: str | None) -> Task:
    try:
        listed = read_json(answer)
    except ValueError as why:
        return Task(problem=f"the accepted calls are not JSON: {why}")
    listed = [listed] if isinstance(listed, dict) else listed
    if not isinstance(listed, list):
        return Task(problem="expected a JSON list of accepted calls")
    if len(listed) > MAX_CALLS:
        return Task(problem=f"more than {MAX_CALLS} accepted calls")
    tools = Tools() if tools_text is None else read_tools(tools_text)
    if tools.problem is not None:
        return Task(problem=f"the tools cannot be read: {tools.problem}")
    calls: list[WantedCall] = []
    for place, written in enumerate(listed):
        call = _wanted_call(written)
        if isinstance(call, str):
            return Task(problem=f"accepted call {place + 1}: {call}")
        if tools_text is not None and call.name not in tools.by_name:
            return Task(problem=f"accepted call {place + 1}: no tool `{call.name[:80]}` is offered")
        calls.append(call)
    return Task(tuple(calls), tools)


def _wanted_call(written: Any) -> WantedCall | str:
    """A call in the plain form, in OpenAI's or in BFCL's, or what is wrong with it."""
    if not isinstance(written, dict):
        return "expected an object"
    if isinstance(written.get("function"), dict) and "name" in written["function"]:
        written = written["function"]
    if isinstance(written.get("name"), str):
        return _plain_call(written)
    if len(written) != 1:
        return "expected `name` and `arguments`, or one tool with its accepted values"
    [(name, arguments)] = written.items()
    if not isinstance(arguments, dict):
        return f"`{name[:80]}`: expected an object of arguments"
    if not all(isinstance(values, list) and values for values in arguments.values()):
        return f"`{name[:80]}`: expected a list of accepted values for each argument"
    found = {
        key: WantedArgument(tuple(values), _may_be_missing(values), has_choices=True)
        for key, values in arguments.items()
    }
    return WantedCall(name, found)


def _plain_call(written: Mapping[str, Any]) -> WantedCall | str:
    arguments = arguments_object(written.get("arguments", written.get("parameters")))
    if arguments is None:
        return "expected an object of arguments, or its JSON text"
    return WantedCall(
        written["name"], {key: WantedArgument((value,)) for key, value in arguments.items()}
    )


def _may_be_missing(values: list[Any]) -> bool:
    return any(isinstance(value, str) and value == OPTIONAL for value in values)
