"""Rows of `verifiers` environments, as prime-rl trains on them: prompt or question, answer, info, task.

Source: verifiers documentation, "Environments", section Datasets (0.1): `prompt` or `question`, and
`answer`, `info` (an object, or one as JSON text) and `task` for the reward functions. The rubric is
code of the environment: a row has a reward only where our own keys in `info.tamis` say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.openai_messages import write_messages
from tamis.formats.plain import roles_are, take_text, turn
from tamis.formats.question.fields import (
    not_read_as,
    put_answer,
    take_answer,
    take_messages,
    with_rest,
)
from tamis.formats.question.own_keys import Grading, agree, put_held, put_own, take_own
from tamis.formats.tools import AS_LIST, WRAPPED, put_tools, take_tools
from tamis.records import Message, Question, Reference


def matches(row: Mapping[str, Any]) -> bool:
    """A prompt or a question with an `info`, and beside it a `task` or an `answer`."""
    info = row.get("info")
    is_info = isinstance(info, dict) or (isinstance(info, str) and info.lstrip().startswith("{"))
    is_asked = isinstance(row.get("prompt"), list | str) or isinstance(row.get("question"), str)
    return is_info and is_asked and ("task" in row or "answer" in row) and "completion" not in row


def parse(rest: dict[str, Raw]) -> Question:
    """One question; `info` and `task` stay as they are."""
    marker: dict[str, object] = {}
    tools = take_tools(rest, marker, AS_LIST)
    prompt = _take_prompt(rest, marker)
    answer = take_answer(rest, "answer", marker)
    own = take_own(rest, marker, "info")
    reward, reference = agree(own, _plain(answer), answer, "$.answer")
    meta = exact.rest_text(rest, marker, "$")
    return Question(prompt=prompt, reward=reward, reference=reference, tools=tools, meta=meta)


def _take_prompt(rest: dict[str, Raw], marker: dict[str, object]) -> list[Message]:
    if "prompt" not in rest and "question" in rest:
        marker["text_key"] = "question"
        return turn("user", take_text(rest, "question"))
    if "prompt" in rest and exact.is_text(rest["prompt"]):
        marker["text_key"] = "prompt"
        return turn("user", take_text(rest, "prompt"))
    return take_messages(rest, "prompt")


def _plain(answer: str | None) -> Grading:
    return Grading(None, None if answer is None else Reference(answer=answer))


def write(row: Row) -> dict[str, Any]:
    """The members of a row for `verifiers`; what it has no place for stands in `info.tamis`."""
    rest, marker = exact.split_rest(row["meta"])
    not_read_as(row, FORMAT.name, "tools", "answer")
    prompt = row["prompt"]
    key = bytes(marker.get("text_key", b""))
    written: dict[str, Any] = {}
    if key and roles_are(prompt, "user"):
        written[key.decode().strip('"')] = prompt[0]["content"]
    else:
        written["prompt"] = write_messages(prompt)
    put_tools(written, row["tools"], marker, AS_LIST)
    answer = None if row["reference"] is None else row["reference"]["answer"]
    put_answer(written, "answer", answer, marker)
    own: dict[str, Any] = {}
    put_own(own, row, marker, FORMAT.name, _plain(answer))
    put_held(written, rest, "info", own)
    return with_rest(written, rest)


FORMAT = Format(
    name="verifiers",
    kind="questions",
    about="verifiers and prime-rl: prompt or question, answer, info, task",
    matches=matches,
    parse=parse,
    write=write,
    tools=WRAPPED,
)
