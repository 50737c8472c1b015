"""Which question a rollout answers: by id, by the question's own key, or by the exact text asked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from tamis.dataset import open_dataset
from tamis.errors import InputError
from tamis.formats import exact
from tamis.records import Question

UNKNOWN = "question unknown"
SAME_KEY = "several questions have this key"
SAME_TEXT = "several questions have this text"

# Where formats of rollouts leave what was asked: a text, or a list of messages.
_ASKED = ("question", "prompt", "input", "problem")
_HEAD = ("id", "source", "line", "prompt", "meta")
_GRADED_BY = ("reward", "reference")
# Rollouts of one question stand together: few questions are in use at a time.
_MAX_OPEN = 1024


class Found(msgspec.Struct, frozen=True):
    """A rollout's question, or the cause and the detail of there being none."""

    question: Question | None
    cause: str = ""
    detail: str = ""


class QuestionBook:
    """The questions of a data set, found by what a rollout says of its question.

    A rollout's `question_id` is looked up among the ids, then among the questions' own keys (an id
    without its file); what is found nowhere is looked up by the text that was asked, which must be the
    question's to the character. Where several questions fit it must not matter which: they have the
    same reward and reference. Otherwise none is taken.
    """

    def __init__(self, rows: pa.Table) -> None:
        self._rows = rows
        self._ids: dict[str, int] = {}
        self._keys: dict[str, list[int]] = {}
        self._texts: dict[str, list[int]] = {}
        self._open = lru_cache(_MAX_OPEN)(self._read)
        place = 0
        for batch in rows.select(list(_HEAD)).to_batches():
            for row in batch.to_pylist():
                self._add(row, place)
                place += 1

    def _add(self, row: Mapping[str, Any], place: int) -> None:
        self._ids.setdefault(row["id"], place)
        key = row["id"].removeprefix(f"{row['source']}:")
        if key != str(row["line"]) or key == _own_key(row["meta"]):
            self._keys.setdefault(key, []).append(place)
        text = _asked_key(row["prompt"] or ())
        if text is not None:
            self._texts.setdefault(text, []).append(place)

    def find(self, question_id: str, meta: str | None) -> Found:
        """The question that a rollout names, or asked by what its `meta` says; else why there is none."""
        place = self._ids.get(question_id)
        if place is not None:
            return Found(self._open(place))
        keyed = self._keys.get(question_id, [])
        if keyed:
            return self._only(keyed, SAME_KEY, question_id)
        asked = _asked_in(meta)
        found = [] if asked is None else self._texts.get(asked, [])
        if found:
            return self._only(found, SAME_TEXT, str(asked)[:200])
        tried = "" if asked is None else ", nor has one the text that was asked"
        return Found(None, UNKNOWN, f"no question has the id `{question_id}`{tried}")

    def _only(self, places: Sequence[int], cause: str, said: str) -> Found:
        first = self._open(places[0])
        for place in places[1:]:
            other = self._open(place)
            if (other.reward, other.reference) != (first.reward, first.reference):
                detail = f"{first.id} and {other.id}, which are graded otherwise: {said}"
                return Found(None, cause, detail)
        return Found(first)

    def _read(self, place: int) -> Question:
        row = self._rows.slice(place, 1).to_pylist()[0]
        return question_of(row)


def question_of(row: Mapping[str, Any]) -> Question:
    """A row of questions as a record: a null prompt is no messages, a null reward name no reward."""
    reward = row["reward"]
    has_reward = reward is not None and reward["name"] is not None
    held = {name: row[name] for name in Question.__struct_fields__ if row.get(name) is not None}
    return msgspec.convert(
        {**held, "prompt": row["prompt"] or [], "reward": reward if has_reward else None}, Question
    )


@lru_cache(maxsize=4)
def open_book(path: str, fingerprint: str) -> QuestionBook:
    """The book of a data set of questions; read once in each process.

    Raises: InputError when the data set holds something else by now, or other rows than it did.
    """
    dataset = open_dataset(Path(path))
    if dataset.kind != "questions":
        raise InputError(f"{path}: expected questions, got {dataset.kind}")
    if dataset.fingerprint != fingerprint:
        raise InputError(f"{path}: its questions have changed; run the command again")
    return QuestionBook(dataset.table([*dict.fromkeys((*_HEAD, *_GRADED_BY, "tools", "parents"))]))


def _own_key(meta: str | None) -> str | None:
    if meta is None or "id" not in meta:
        return None
    return exact.own_key(exact.members(meta.encode(), "meta"))


def _asked_in(meta: str | None) -> str | None:
    """What was asked, as a key of texts; None where the row does not say."""
    if meta is None:
        return None
    said = json.loads(meta)
    # NeMo-Gym's rollouts hold the whole request
    request = said.get("responses_create_params")
    for held in (said, request if isinstance(request, dict) else {}):
        for name in _ASKED:
            asked = held.get(name)
            if isinstance(asked, str):
                return asked
            if isinstance(asked, list) and all(isinstance(one, dict) for one in asked):
                return _asked_key(asked)
    return None


def _asked_key(messages: Sequence[Mapping[str, Any]]) -> str | None:
    """A lone user message is its text, a longer exchange the JSON text of its turns; no system messages."""
    turns = [
        [said.get("role"), said.get("content")] for said in messages if said.get("role") != "system"
    ]
    if not turns or any(content is None for _, content in turns):
        return None
    if len(turns) == 1 and turns[0][0] == "user" and isinstance(turns[0][1], str):
        return turns[0][1]
    return json.dumps(turns, ensure_ascii=False)
