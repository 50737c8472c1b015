"""TRL's prompt-only rows: a `prompt` as a text or as messages, and columns for the reward functions.

Source: TRL documentation, "Dataset formats and types" (prompt-only), and the `solution` column that
its accuracy reward compares with (0.20). Which reward functions a column is for is said in the
trainer's call, not in the row: a row has a reward only where our own columns name one. Beside those
a prompt may be the JSON text of messages, and the answer need not stand in a column of its own: so
are the rows that `tamis export` writes for TRL.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.openai_messages import is_json, parse_messages, write_messages
from tamis.formats.plain import roles_are, take_text, turn
from tamis.formats.question.fields import (
    REFERENCE_FIELDS,
    not_read_as,
    take_messages,
    with_rest,
)
from tamis.formats.question.own_keys import Grading, agree, put_columns, take_columns
from tamis.formats.tools import AS_LIST, WRAPPED, put_tools, take_tools
from tamis.records import Message, Question, Reference

# The first of these that holds a text is the answer; `solution` is what TRL's own reward reads.
_ANSWERS = ("ground_truth", "answer", "solution")
_USUAL = "solution"


def matches(row: Mapping[str, Any]) -> bool:
    """`prompt` is a text, or a list of messages; nothing else is asked of the row."""
    prompt = row.get("prompt")
    is_list = isinstance(prompt, list) and all(
        isinstance(message, dict) and "role" in message for message in prompt
    )
    return is_list or isinstance(prompt, str)


def parse(rest: dict[str, Raw]) -> Question:
    """One question; a `solution` beside another answer is the worked solution."""
    marker: dict[str, object] = {}
    tools = take_tools(rest, marker, AS_LIST)
    own = take_columns(rest, marker)
    prompt = _take_prompt(rest, marker, is_own=own is not None)
    found = [key for key in _ANSWERS if exact.is_text(rest.get(key, Raw(b"null")))]
    answer = solution = None
    if found:
        answer = take_text(rest, found[0])
        if found[0] != _USUAL:
            marker["answer_key"] = found[0]
            if _USUAL in found and own is None:
                marker["worked"] = True
                solution = take_text(rest, _USUAL)
    grading = own or _plain(answer, solution)
    if found:
        grading = agree(own, grading, answer, f"$.{found[0]}")
    elif grading.reference is not None and grading.reference.answer is not None:
        marker["answer_key"] = ""
    reward, reference = grading
    meta = exact.rest_text(rest, marker, "$")
    return Question(prompt=prompt, reward=reward, reference=reference, tools=tools, meta=meta)


def _take_prompt(rest: dict[str, Raw], marker: dict[str, object], *, is_own: bool) -> list[Message]:
    if "prompt" in rest and not exact.is_text(rest["prompt"]):
        marker["prompt"] = "list"
        return take_messages(rest, "prompt")
    written = take_text(rest, "prompt")
    if is_own and _is_messages(written):
        marker["prompt_text"] = written
        return parse_messages(Raw(written.encode()), "$.prompt")
    return turn("user", written)


def _is_messages(written: str) -> bool:
    """Whether a text is a JSON list of objects with a role."""
    if not written.startswith("[{") or not is_json(written):
        return False
    messages = json.loads(written)
    return all(isinstance(message, dict) and "role" in message for message in messages)


def _plain(answer: str | None, solution: str | None) -> Grading:
    if answer is None and solution is None:
        return Grading(None, None)
    return Grading(None, Reference(answer=answer, solution=solution))


def write(row: Row) -> dict[str, Any]:
    """The members of a TRL row; the reward and the reference stand in columns of ours."""
    rest, marker = exact.split_rest(row["meta"])
    not_read_as(row, FORMAT.name, "tools", *_ANSWERS)
    written: dict[str, Any] = {}
    put_tools(written, row["tools"], marker, AS_LIST)
    reference = row["reference"] or dict.fromkeys(REFERENCE_FIELDS)
    key = _USUAL
    if "answer_key" in marker:
        key = msgspec.json.decode(marker["answer_key"], type=str)
    answer = reference["answer"] if key else None
    solution = reference["solution"] if "worked" in marker else None
    shown = {_USUAL: solution, key: answer}
    written |= {name: text for name, text in shown.items() if text is not None}
    put_columns(written, row, marker, FORMAT.name, _plain(answer, solution))
    is_own = "reward_name" in written
    if is_own and "question_id" not in rest:
        written["question_id"] = row["id"]
    written["prompt"] = _prompt(row["prompt"], marker, is_own=is_own)
    return with_rest(written, rest)


def _prompt(prompt: list[dict[str, Any]], marker: dict[str, Raw], *, is_own: bool) -> Any:
    if "prompt" not in marker and "prompt_text" not in marker and roles_are(prompt, "user"):
        said: str = prompt[0]["content"]
        # such a text would be read back as messages
        return write_messages(prompt) if is_own and _is_messages(said) else said
    messages = write_messages(prompt)
    if "prompt_text" not in marker:
        return messages
    before = msgspec.json.decode(marker["prompt_text"], type=str)
    is_same = json.loads(before) == json.loads(msgspec.json.encode(messages))
    return before if is_same else msgspec.json.encode(messages).decode()


FORMAT = Format(
    name="trl_prompt",
    kind="questions",
    about="TRL: a prompt, as text or messages, and columns that reward functions read",
    matches=matches,
    parse=parse,
    write=write,
    tools=WRAPPED,
    is_vague=True,
)
