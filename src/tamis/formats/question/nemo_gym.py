"""NeMo-Gym rows: the parameters of a Responses request, and fields that one resources server reads.

Source: NeMo Gym documentation, "Prepare Data" (0.5), and example rows of its resources servers.
Which server grades a row is said by its fields: unit tests are code, instruction ids are IFEval's;
`expected_answer` is read by many servers, each in its own way, and names no reward. Our own key
`tamis` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from tamis.errors import RowError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.plain import roles_are, turn
from tamis.formats.question.fields import (
    not_read_as,
    put_answer,
    take_answer,
    tests_text,
    with_rest,
)
from tamis.formats.question.own_keys import Grading, agree, put_own, take_own
from tamis.formats.question.responses import parse_items, write_items
from tamis.formats.tools import AS_LIST, FLAT, put_tools, take_tools
from tamis.records import Message, Question, Reference, RewardSpec

PARAMETERS = "responses_create_params"
_ANSWER = "expected_answer"
_READ = (_ANSWER, "instruction_id_list", "kwargs", "verifier_metadata")


def matches(row: Mapping[str, Any]) -> bool:
    """`responses_create_params` holds an input, and no model has answered yet."""
    parameters = row.get(PARAMETERS)
    return isinstance(parameters, dict) and "input" in parameters and "response" not in row


def parse(rest: dict[str, Raw]) -> Question:
    """One question; other parameters, verifier fields and the agent stay as they are."""
    marker: dict[str, object] = {}
    if PARAMETERS not in rest:
        raise RowError(f"$.{PARAMETERS}: expected an object, got nothing (the key is missing)")
    parameters = exact.members(rest.pop(PARAMETERS), f"$.{PARAMETERS}")
    prompt = _take_input(parameters, marker)
    tools = take_tools(parameters, marker, AS_LIST)
    left = exact.object_text((key, bytes(raw)) for key, raw in parameters.items())
    if left is not None:
        rest[PARAMETERS] = Raw(left.encode())
    answer = take_answer(rest, _ANSWER, marker)
    own = take_own(rest, marker)
    reward, reference = agree(own, _plain(rest, answer), answer, f"$.{_ANSWER}")
    meta = exact.rest_text(rest, marker, "$")
    return Question(prompt=prompt, reward=reward, reference=reference, tools=tools, meta=meta)


def _take_input(parameters: dict[str, Raw], marker: dict[str, object]) -> list[Message]:
    path = f"$.{PARAMETERS}.input"
    if "input" not in parameters:
        raise RowError(f"{path}: expected a list, got nothing (the key is missing)")
    raw = parameters.pop("input")
    if exact.is_text(raw):
        marker["input"] = "text"
        return turn("user", exact.text(raw, path))
    return parse_items(raw, path)


def _plain(rest: dict[str, Raw], answer: str | None) -> Grading:
    reward, tests = _verifier(rest)
    if answer is None and tests is None:
        return Grading(reward, None)
    return Grading(reward, Reference(answer=answer, tests=tests))


def _verifier(rest: dict[str, Raw]) -> tuple[RewardSpec | None, str | None]:
    """The reward and the tests that the verifier's fields stand for."""
    lists = [rest.get(key, Raw(b"null")) for key in ("instruction_id_list", "kwargs")]
    if all(map(exact.is_list, lists)):
        tests = tests_text("instructions", ids=lists[0], kwargs=lists[1])
        return RewardSpec(name="instructions"), tests
    held = _object(rest, "verifier_metadata")
    given = _object(held, "unit_tests")
    sides = [given.get(key, Raw(b"null")) for key in ("inputs", "outputs")]
    if not all(map(exact.is_list, sides)) or bytes(given.get("fn_name", b"null")) != b"null":
        return None, None
    inputs, outputs = (exact.elements(side, "$.verifier_metadata.unit_tests") for side in sides)
    if len(inputs) != len(outputs):
        raise RowError(
            f"$.verifier_metadata.unit_tests.outputs: expected {len(inputs)}, one for each input, "
            f"got {len(outputs)}"
        )
    pairs = zip(inputs, outputs, strict=True)
    cases = [b'{"input":%b,"output":%b}' % (bytes(left), bytes(right)) for left, right in pairs]
    return RewardSpec(name="code"), tests_text("stdin", cases=Raw(b"[" + b",".join(cases) + b"]"))


def _object(members: Mapping[str, Raw], key: str) -> dict[str, Raw]:
    raw = members.get(key, Raw(b"null"))
    return exact.members(raw, f"$.{key}") if bytes(raw)[:1] == b"{" else {}


def write(row: Row) -> dict[str, Any]:
    """The members of a NeMo-Gym row; what it has no place for stands in `tamis`."""
    rest, marker = exact.split_rest(row["meta"])
    not_read_as(row, FORMAT.name, *_READ)
    parameters: dict[str, Any] = {}
    if PARAMETERS in rest:
        parameters = dict(exact.members(rest.pop(PARAMETERS), f"meta.{PARAMETERS}"))
    prompt = row["prompt"]
    is_text = "input" in marker and roles_are(prompt, "user")
    parameters["input"] = prompt[0]["content"] if is_text else write_items(prompt)
    put_tools(parameters, row["tools"], marker, AS_LIST)
    written: dict[str, Any] = {PARAMETERS: parameters}
    answer = None if row["reference"] is None else row["reference"]["answer"]
    put_answer(written, _ANSWER, answer, marker)
    put_own(written, row, marker, FORMAT.name, _plain(rest, answer))
    return with_rest(written, rest)


FORMAT = Format(
    name="nemo_gym",
    kind="questions",
    about="NeMo-Gym: responses_create_params, expected_answer, fields of a verifier",
    matches=matches,
    parse=parse,
    write=write,
    tools=FLAT,
)
