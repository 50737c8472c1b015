"""The JSON reward: is the JSON of an answer valid by a schema."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar

import msgspec

from tamis.records import Question, Score
from tamis.rewards.answers import (
    MAX_ANSWER_CHARS,
    TextReward,
    hash_of,
    needs,
    one_line,
    too_long,
    zero,
)
from tamis.rewards.strict_json import read_strictly
from tamis.text.dialects import read_json
from tamis.text.schemas import Schema, compile_schema
from tamis.text.think import after_last_think

STYLE = "json_schema"
_FENCES = frozenset({"", "json", "json5", "jsonc"})
_FAILED = {"accuracy": 0.0}


class _Written(msgspec.Struct, frozen=True):
    """The JSON text of a schema, or what is wrong with the question."""

    text: str = ""
    problem: str | None = None


class JsonSchemaReward(TextReward, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """1 when the JSON of an answer is valid by the schema, else 0.

    Only what follows the last think block is read; an unfinished one scores 0. The JSON is the last fenced
    block that says `json` or nothing, else the whole text: prose around bare JSON is a fault. It must be
    one value without a key twice, without NaN, Infinity or a number beyond floats, in at most 100,000
    characters and 64 levels. 1.0 is an integer, as JSON Schema has it; True is none.

    The schema is the parameter `schema`, else the `schema` of `reference.tests` in the style `json_schema`.
    A question without one, or with one that is no JSON Schema or points outside itself, cannot be
    graded; nothing is fetched. A schema that takes anything pays for anything: see its gold lint.
    Parts: accuracy. Flags: `no_json`, `invalid`. Raises: RewardError without the package jsonschema_rs.
    """

    schema: dict[str, Any] | None = None
    name: ClassVar[str] = STYLE
    version: ClassVar[str] = "1"

    def __hash__(self) -> int:
        """Equal rewards hash alike."""
        return hash_of(self)

    def ungradable(self, question: Question) -> str | None:
        """Why there is no schema to hold an answer to; None when there is."""
        written = self._written(question)
        if written.problem is not None:
            return written.problem
        problem = _compiled(written.text).problem
        return None if problem is None else f"the schema cannot be used: {problem}"

    def score(self, answer: str, question: Question) -> Score:
        """The score of one answer text.

        >>> JsonSchemaReward(schema={"type": "object"}).score('{"a": 1}', Question(prompt=[])).value
        1.0
        """
        reason = self.ungradable(question)
        if reason is not None:
            return Score(value=None, reason=reason)
        if len(answer) > MAX_ANSWER_CHARS:
            return too_long(_FAILED)
        said = after_last_think(answer)
        if said is None:
            return zero("the reasoning is unfinished", "unfinished_think", parts=_FAILED)
        text = json_text(said)
        try:
            value = read_strictly(text)
            is_valid = self.compiled(question).accepts(value)
        except ValueError as why:
            return zero(f"no JSON: {one_line(why)}", "no_json", parts=_FAILED)
        if not is_valid:
            told = "the JSON is not valid by the schema"
            return zero(told, "invalid", parts=_FAILED, answer=text[:200])
        return Score(value=1.0, parts={"accuracy": 1.0}, reason="valid", answer=text[:200])

    def compiled(self, question: Question) -> Schema:
        """The schema of a question that can be graded."""
        return _compiled(self._written(question).text)

    def _written(self, question: Question) -> _Written:
        if self.schema is not None:
            return _Written(msgspec.json.encode(self.schema).decode())
        tests = question.reference.tests if question.reference else None
        return _Written(problem="there is no schema") if tests is None else _schema_in(tests)


def json_text(said: str) -> str:
    """The text that should be JSON: the last fenced block that may hold it, else everything."""
    from tamis.rewards.code.fences import plain_newlines, read_blocks

    blocks = [one for one in read_blocks(plain_newlines(said)) if one.language in _FENCES]
    return (blocks[-1].text if blocks else said).strip()


@lru_cache(maxsize=1024)
def _schema_in(tests: str) -> _Written:
    try:
        found = read_json(tests)
    except ValueError as why:
        return _Written(problem=f"the tests are not JSON: {why}")
    if not isinstance(found, dict) or found.get("style") != STYLE:
        return _Written(problem=f"the tests are not in the style `{STYLE}`")
    if set(found) != {"style", "schema"}:
        return _Written(problem="the tests hold other members than `style` and `schema`")
    return _Written(msgspec.json.encode(found["schema"]).decode())


def _compiled(written: str) -> Schema:
    try:
        return compile_schema(written)
    except ImportError as error:
        raise needs("jsonschema_rs", STYLE) from error
