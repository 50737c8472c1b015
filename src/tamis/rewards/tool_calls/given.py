"""The calls that an answer makes: structured ones, or those written in a dialect; never guessed from prose."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tamis.records import Message, ToolCall
from tamis.rewards.answers import MAX_ANSWER_CHARS
from tamis.rewards.strict_json import read_strictly
from tamis.text.dialects import Dialect, ParsedCall, read_json
from tamis.text.schemas import Tools, declared_types, property_schema
from tamis.text.tags import code_regions, outside
from tamis.text.think import after_last_think
from tamis.text.tools import ToolBlock, pythonic_block, tool_blocks
from tamis.text.words import visible

# What only the framework may write: a result that stands in the answer's own text is made up.
_RESULT = re.compile(r"<tool_(?:response|result)s?>|\[TOOL_RESULTS\]|<\|start_header_id\|>ipython")


class GivenCall(msgspec.Struct, frozen=True, eq=False):
    """One call of an answer; `arguments` is None where they cannot be read."""

    name: str
    arguments: Mapping[str, Any] | None


class Given(msgspec.Struct, frozen=True, eq=False):
    """The calls of an answer in order, whether it says anything else, and what is wrong with it."""

    calls: tuple[GivenCall, ...] = ()
    says_something: bool = False
    flags: tuple[str, ...] = ()


def given_calls(messages: Sequence[Message], tools: Tools) -> Given:
    """The calls of all assistant messages of a rollout; results and other roles are not looked at."""
    calls: list[GivenCall] = []
    flags: dict[str, None] = {}
    says_something = False
    for message in messages:
        if message.role != "assistant":
            continue
        said = calls_in_text(message.content or "", tools)
        says_something = says_something or said.says_something
        flags.update(dict.fromkeys(said.flags))
        # a server that hands out structured calls has read the text already
        calls += map(_structured, message.tool_calls) if message.tool_calls else said.calls
    return Given(tuple(calls), says_something, tuple(flags))


def calls_in_text(text: str, tools: Tools) -> Given:
    """The calls that a text writes behind its last think block, in the dialects of `text.tools`."""
    if len(text) > MAX_ANSWER_CHARS:
        return Given(flags=("too_long",))
    rest = after_last_think(text)
    if rest is None:
        return Given(flags=("unfinished_think",))
    whole = pythonic_block(rest, tools.by_name)
    blocks = [whole] if whole is not None else tool_blocks(rest)
    calls: list[GivenCall] = []
    flags: list[str] = []
    for block in blocks:
        if block.problem is not None:
            # it was meant as a call, and counts as one that is none of the accepted ones
            calls.append(GivenCall("", None))
            flags.append("malformed_call")
        calls += [_written(call, block.dialect, tools) for call in block.calls]
    if _has_result(rest):
        flags.append("fabricated_result")
    return Given(tuple(calls), bool(visible(rest)), tuple(dict.fromkeys(flags)))


def _has_result(text: str) -> bool:
    marks = [ToolBlock(*match.span(), *match.span()) for match in _RESULT.finditer(text)]
    return bool(marks and outside(marks, code_regions(text)))


def _structured(call: ToolCall) -> GivenCall:
    return GivenCall(call.name, _strict_object(call.arguments.strip() or "{}"))


def _strict_object(written: str) -> Mapping[str, Any] | None:
    try:
        value = read_strictly(written)
        if isinstance(value, str):  # JSON text of JSON text
            value = read_strictly(value)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _written(call: ParsedCall, dialect: Dialect | None, tools: Tools) -> GivenCall:
    if call.positional or call.arguments is None:
        return GivenCall(call.name, None)
    if call.arguments_text.startswith(("{", '"')):
        return GivenCall(call.name, _strict_object(call.arguments_text))
    if dialect == "xml":
        schema = tools.by_name.get(call.name, {})
        typed = {
            key: _typed(value, property_schema(schema, key))
            for key, value in call.arguments.items()
        }
        return GivenCall(call.name, typed)
    return GivenCall(call.name, call.arguments)


def _typed(value: Any, schema: Mapping[str, Any]) -> Any:
    """A value that the dialect can only write as text, read by its declared type; text where none is."""
    types = declared_types(schema)
    if not types or "string" in types:
        return value
    written = str(value).strip()
    if "boolean" in types and written.lower() in ("true", "false"):
        return written.lower() == "true"
    try:
        return read_json(written)
    except ValueError:
        return value
