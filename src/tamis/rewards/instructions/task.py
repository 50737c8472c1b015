"""The instructions of a question, out of its tests."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from tamis.records import Question
from tamis.rewards.instructions.checks import CHECKS, FirstWord
from tamis.text.dialects import read_json

STYLE = "instructions"
_MOST = 100


class Wanted(msgspec.Struct, frozen=True, eq=False):
    """One instruction: its kind, and its arguments."""

    kind: str
    arguments: msgspec.Struct

    def is_followed(self, text: str) -> bool:
        """Whether a text keeps to it. An empty text keeps to none."""
        return bool(text.strip()) and CHECKS[self.kind][1](text, self.arguments)


class Task(msgspec.Struct, frozen=True, eq=False):
    """All instructions of a question in their order, or why they cannot be read."""

    wanted: tuple[Wanted, ...] = ()
    problem: str | None = None


def task_of(question: Question) -> Task:
    """The instructions in `reference.tests`, or why there are none that can be checked."""
    tests = question.reference.tests if question.reference else None
    return Task(problem="the reference has no tests") if tests is None else _task(tests)


@lru_cache(maxsize=4096)
def _task(tests: str) -> Task:
    try:
        found = read_json(tests)
    except ValueError as why:
        return Task(problem=f"the tests are not JSON: {why}")
    if not isinstance(found, dict) or found.get("style") != STYLE:
        return Task(problem=f"the tests are not in the style `{STYLE}`")
    others = found.keys() - {"style", "ids", "kwargs"}
    if others:
        return Task(problem=f"the tests hold other members: {', '.join(sorted(others))[:80]}")
    ids, kwargs = found.get("ids"), found.get("kwargs")
    if not isinstance(ids, list) or not ids or len(ids) > _MOST:
        return Task(problem=f"ids: expected a list of 1 to {_MOST} kinds")
    kwargs = [None] * len(ids) if kwargs is None else kwargs
    if not isinstance(kwargs, list) or len(kwargs) != len(ids):
        return Task(problem="kwargs: expected a list with the arguments of each id")
    wanted: list[Wanted] = []
    for place, (kind, given) in enumerate(zip(ids, kwargs, strict=True)):
        one = _wanted(kind, given)
        if isinstance(one, str):
            return Task(problem=f"instruction {place + 1}: {one}")
        wanted.append(one)
    return Task(tuple(wanted))


def _wanted(kind: Any, given: Any) -> Wanted | str:
    """One instruction, or what is wrong with it."""
    if not isinstance(kind, str) or kind not in CHECKS:
        near = difflib.get_close_matches(str(kind), CHECKS, n=1, cutoff=0.8)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        return f"unknown kind `{str(kind)[:80]}`{hint}"
    if not isinstance(given, Mapping | None):
        return f"`{kind}`: expected an object of arguments or null"
    # tables hold every argument of every kind, null where it is not one of this kind
    held = {key: _whole(value) for key, value in (given or {}).items() if value is not None}
    try:
        arguments = msgspec.convert(held, CHECKS[kind][0])
    except msgspec.ValidationError as why:
        return f"`{kind}`: {str(why)[:120]}"
    problem = _impossible(arguments)
    return Wanted(kind, arguments) if problem is None else f"`{kind}`: {problem}"


def _whole(value: Any) -> Any:
    """Tables with nulls hold counts as floats."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _impossible(arguments: msgspec.Struct) -> str | None:
    """Why arguments of the right types ask for nothing that can be checked."""
    for name, value in msgspec.structs.asdict(arguments).items():
        if isinstance(value, int) and value < 0:
            return f"{name}: expected 0 or more, got {value}"
        if isinstance(value, str) and not value.strip():
            return f"{name}: expected a text, got an empty one"
        if isinstance(value, list) and not (value and all(one.strip() for one in value)):
            return f"{name}: expected texts, got none or an empty one"
    if isinstance(arguments, FirstWord) and not (
        1 <= arguments.nth_paragraph <= arguments.num_paragraphs
    ):
        return f"nth_paragraph: expected 1 to {arguments.num_paragraphs}"
    return None
