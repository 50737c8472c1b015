"""Our own rows of rollouts: a question's id, the answer, how it was drawn, and its score.

`question_id` and the answer are needed: `messages` (without those of the prompt), or `completion` or
`response` as a text or a list of messages. Known beside them: `model`, `sampling`, `sample`,
`finish_reason`, `prompt_tokens`, `completion_tokens`, and `score` {value, parts, reason, answer, flags}.

`question_id` names the question, not the row: a row is named by its own `id`, or by its line.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from tamis.errors import InputError, RowError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.openai_messages import parse_messages, write_messages
from tamis.formats.plain import joined, roles_are, turn
from tamis.records import Message, Rollout, Score

_ANSWERS = ("messages", "completion", "response")
_TEXTS = ("model", "finish_reason")
_COUNTS = ("sample", "prompt_tokens", "completion_tokens")
_QUESTIONS = ("prompt", "question", "instruction", "query", "input", "problem")
# what an answer without its question has beside it, and a conversation has not
_SIGNS = ("sample", "sampling", "finish_reason", "score")
_SCORE = ("value", "parts", "reason", "answer", "flags")
_LARGEST = 2**31 - 1


def matches(row: Mapping[str, Any]) -> bool:
    """`question_id`, and an answer that stands alone: without its question, or with how it was drawn."""
    if not isinstance(row.get("question_id"), str | int) or not _has_answer(row):
        return False
    if any(key in row for key in _SIGNS):
        return True
    messages = row.get("messages")
    if isinstance(messages, list):
        first = messages[0] if messages else None
        return isinstance(first, dict) and first.get("role") == "assistant"
    return not any(key in row for key in _QUESTIONS)


def _has_answer(row: Mapping[str, Any]) -> bool:
    if isinstance(row.get("messages"), list):
        return True
    return any(isinstance(row.get(key), str | list) for key in _ANSWERS[1:])


def parse(rest: dict[str, Raw]) -> Rollout:
    """One rollout."""
    marker: dict[str, object] = {}
    question_id = _take_question_id(rest, marker)
    fields: dict[str, Any] = {name: _take_text(rest, name, marker) for name in _TEXTS}
    fields |= {name: _take_count(rest, name, marker) for name in _COUNTS}
    if fields["sample"] is None:
        marker["no_sample"] = True
    rollout = Rollout(
        question_id=question_id,
        messages=_take_answer(rest, marker),
        sampling=None if "sampling" not in rest else exact.json_text(rest.pop("sampling")),
        score=_take_score(rest, marker),
        **{**fields, "model": fields["model"] or "", "sample": fields["sample"] or 0},
    )
    if fields["model"] == "":
        marker["model"] = ""
    return msgspec.structs.replace(rollout, meta=exact.rest_text(rest, marker, "$"))


def _take_question_id(rest: dict[str, Raw], marker: dict[str, object]) -> str:
    if "question_id" not in rest:
        raise RowError("$.question_id: expected a text, got nothing (the key is missing)")
    raw = rest.pop("question_id")
    if exact.is_text(raw):
        given = exact.text(raw, "$.question_id")
        if not given:
            raise RowError("$.question_id: expected the id of a question, got an empty text")
        return given
    number = exact.key_of(bytes(raw))
    if number is None:
        raise RowError(
            f"$.question_id: expected a text or a whole number, got {exact.kind_of(bytes(raw))}"
        )
    marker["question_id"] = "number"
    return number


def _take_answer(rest: dict[str, Raw], marker: dict[str, object]) -> list[Message]:
    key = next((key for key in _ANSWERS if key in rest), None)
    if key is None:
        raise RowError("$.messages: expected an answer, got nothing (the key is missing)")
    raw = rest.pop(key)
    if key != _ANSWERS[0]:
        marker["answer"] = key
    if exact.is_text(raw) and key != _ANSWERS[0]:
        marker["is_text"] = True
        return turn("assistant", exact.text(raw, f"$.{key}"))
    return parse_messages(raw, f"$.{key}")


def _take_known(rest: dict[str, Raw], key: str, marker: dict[str, object]) -> Raw | None:
    """The value of a key; None where it is missing or null, which the marker remembers."""
    if key not in rest:
        return None
    raw = rest.pop(key)
    if exact.is_null(raw):
        marker.setdefault("null", []).append(key)  # type: ignore[attr-defined]
        return None
    return raw


def _take_text(rest: dict[str, Raw], key: str, marker: dict[str, object]) -> str | None:
    raw = _take_known(rest, key, marker)
    if raw is None:
        return None
    return exact.text(raw, f"$.{key}")


def _take_count(rest: dict[str, Raw], key: str, marker: dict[str, object]) -> int | None:
    raw = _take_known(rest, key, marker)
    if raw is None:
        return None
    written = bytes(raw)
    if not written.isdigit() or int(written[:12]) > _LARGEST:
        raise RowError(f"$.{key}: expected a whole number from 0, got {exact.kind_of(written)}")
    return int(written)


def _take_score(rest: dict[str, Raw], marker: dict[str, object]) -> Score | None:
    """The score; one of another shape, like a bare number, stays among the author's keys."""
    raw = bytes(rest.get("score", b""))
    if raw[:1] != b"{":
        return None
    held = exact.members(raw, "$.score")
    if not {"value"} <= set(held) <= set(_SCORE):
        return None
    try:
        score = msgspec.json.decode(raw, type=Score)
    except msgspec.ValidationError as error:
        raise RowError(f"$.score: {str(error).replace(' - at `', ', at `')}") from error
    numbers = [*score.parts.values(), *([] if score.value is None else [score.value])]
    if not all(map(math.isfinite, numbers)):
        raise RowError("$.score: expected finite numbers, got one that is not")
    if _score_members(score) != msgspec.json.decode(raw):
        marker["score"] = rest["score"]
    del rest["score"]
    return score


def _score_members(score: Score) -> dict[str, Any]:
    return {**msgspec.to_builtins(score), "flags": list(score.flags)}


def write(row: Row) -> dict[str, Any]:
    """The row with what is known of it; what is not, is left out."""
    rest, marker = exact.split_rest(row["meta"])
    nulls = msgspec.json.decode(marker["null"], type=list[str]) if "null" in marker else []
    question_id: Any = row["question_id"]
    if "question_id" in marker and exact.key_of(question_id.encode()) == question_id:
        question_id = Raw(question_id.encode())
    written: dict[str, Any] = {"question_id": question_id}
    known = {name: row[name] for name in ("model", "finish_reason", *_COUNTS)}
    if "model" not in marker:
        known["model"] = row["model"] or None
    if "no_sample" in marker and not row["sample"]:
        known["sample"] = None
    written |= {key: value for key, value in known.items() if value is not None or key in nulls}
    if row["sampling"] is not None:
        written["sampling"] = Raw(row["sampling"].encode())
    written |= _answer(row["messages"], marker)
    if row["score"] is not None:
        written["score"] = _written_score(row["score"], marker)
    return joined(written, rest)


def _answer(messages: list[dict[str, Any]], marker: dict[str, Raw]) -> dict[str, Any]:
    key = msgspec.json.decode(marker["answer"], type=str) if "answer" in marker else _ANSWERS[0]
    if "is_text" in marker and roles_are(messages, "assistant"):
        return {key: messages[0]["content"]}
    if not messages and "answer" not in marker:
        raise InputError("messages: expected an answer, got none")
    return {key: write_messages(messages)}


def _written_score(score: dict[str, Any], marker: dict[str, Raw]) -> Any:
    parts = Raw((score["parts"] or "{}").encode())
    if "score" in marker:
        own = msgspec.json.decode(marker["score"], type=Score)
        plain = {**score, "parts": msgspec.json.decode(parts), "flags": score["flags"] or []}
        if _score_members(own) == plain:
            return marker["score"]
    return {**score, "parts": parts, "flags": score["flags"] or []}


FORMAT = Format(
    name="rollouts",
    kind="rollouts",
    about="our own: question_id, messages or completion or response, model, sample, score",
    matches=matches,
    parse=parse,
    write=write,
    own_keys=("id", "uuid"),
)
