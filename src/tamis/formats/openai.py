"""OpenAI chat rows: `messages`, with tool calls, and `tools`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Literal

import msgspec
from msgspec import Raw

from tamis.errors import RowError
from tamis.formats import exact
from tamis.formats.base import MARKER, Format, Row
from tamis.formats.bulk import Members, TopLevel, decode_lines, is_deep
from tamis.formats.columns import RowColumns
from tamis.formats.openai_messages import parse_messages, write_messages
from tamis.formats.roles import canonical_role
from tamis.formats.tools import AS_LIST, put_tools, take_tools
from tamis.records import Conversation, ToolCall

_FOUR = frozenset({"system", "user", "assistant", "tool"})
_ARGUMENTS = msgspec.json.Decoder(str)


def matches(row: Mapping[str, Any]) -> bool:
    """`messages` is a list of objects with a role."""
    messages = row.get("messages")
    return (
        isinstance(messages, list)
        and all(isinstance(message, dict) and "role" in message for message in messages)
        and not any(key in row for key in ("chosen", "rejected", "chosen_messages"))
    )


def parse(rest: dict[str, Raw]) -> Conversation:
    """One row, exactly."""
    marker: dict[str, object] = {}
    if "messages" not in rest:
        raise RowError("$.messages: expected a list, got nothing (the key is missing)")
    messages = parse_messages(rest.pop("messages"), "$.messages")
    tools = take_tools(rest, marker, AS_LIST)
    return Conversation(messages=messages, tools=tools, meta=exact.rest_text(rest, marker, "$"))


def write(row: Row) -> dict[str, Any]:
    """The members of an OpenAI row."""
    rest, marker = exact.split_rest(row["meta"])
    written: dict[str, Any] = {"messages": write_messages(row["messages"])}
    put_tools(written, row["tools"], marker, AS_LIST)
    return {**written, **rest}


class _Function(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    name: str
    arguments: Raw


class _Call(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    function: _Function
    id: str = None  # type: ignore[assignment]  # absent, never null: null goes to the exact reader
    type: Literal["function"] = None  # type: ignore[assignment]


class _Message(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    role: str
    content: str | None
    reasoning_content: str = None  # type: ignore[assignment]
    tool_calls: list[_Call] = None  # type: ignore[assignment]
    tool_call_id: str = None  # type: ignore[assignment]
    name: str = None  # type: ignore[assignment]


class BulkReader:
    """Ordinary OpenAI rows, many at once."""

    def __init__(self) -> None:
        self._top: TopLevel | None = None

    def decode(self, lines: Sequence[bytes]) -> list[Any]:
        """Typed rows; the unread top-level keys are learnt from the first lines."""
        if self._top is None:
            self._top = TopLevel([("messages", list[_Message]), ("tools", Raw)], lines[:64])
        top = self._top
        rows = decode_lines(lines, top.decode, self)
        return [None if row is None or not self._is_plain(row) else row for row in rows]

    def _is_plain(self, row: Any) -> bool:
        tools = row.tools
        if tools is not None and (bytes(tools)[:1] != b"[" or is_deep(tools)):
            return False
        return self._top is not None and not self._top.is_deep(row)

    def members(self, rows: Sequence[Any]) -> Members:
        """Role and content of each message, tools, and the unread keys."""
        assert self._top is not None
        raws = self._top.raws(rows)
        raws += [
            (place, bytes(row.tools)) for place, row in enumerate(rows) if row.tools is not None
        ]
        counts = [1 + 2 * len(row.messages) for row in rows]
        for place, _ in raws:
            counts[place] += 1
        return Members(counts, raws)

    def more_members(self, row: Any) -> tuple[int, list[bytes]]:
        """What messages have beside role and content."""
        count = 0
        raws: list[bytes] = []
        for message in row.messages:
            count += sum([getattr(message, name) is not None for name in _MORE])
            for call in message.tool_calls or ():
                count += 3 + (call.id is not None) + (call.type is not None)
                raws.append(bytes(call.function.arguments))
        return count, raws

    def extend(self, columns: RowColumns, rows: Sequence[Any]) -> None:
        """Append decoded rows."""
        assert self._top is not None
        flat = list(chain.from_iterable([row.messages for row in rows]))
        words = [message.role for message in flat]
        named: dict[str, list[Any]] = {"role": words}
        if not _FOUR.issuperset(words):
            named["extra"] = [_role_mark(word) for word in words]
            named["role"] = [canonical_role(word) for word in words]
        calls = {}
        more = {
            place: message
            for place, message in enumerate(flat)
            if message.tool_calls is not None
            or message.tool_call_id is not None
            or message.name is not None
            or message.reasoning_content is not None
        }
        if more:
            for name in ("tool_call_id", "name"):
                named[name] = [getattr(message, name) for message in flat]
            named["reasoning"] = [message.reasoning_content for message in flat]
            for place, message in more.items():
                if message.tool_calls is not None:
                    calls[place] = [_tool_call(call) for call in message.tool_calls]
        named["content"] = [message.content for message in flat]
        counts = [len(row.messages) for row in rows]
        columns.lists["messages"].extend(counts, len(flat), calls, **named)
        columns.plain["tools"].extend(
            [None if row.tools is None else bytes(row.tools).decode() for row in rows]
        )
        columns.plain["meta"].extend(self._top.meta(rows))
        columns.keys.extend(self._top.own_keys(rows))


_MORE = ("reasoning_content", "tool_calls", "tool_call_id", "name")


def _role_mark(word: str) -> str | None:
    if canonical_role(word) == word:
        return None
    return exact.rest_text({}, {"role": word}, "")


def _tool_call(call: _Call) -> ToolCall:
    raw = bytes(call.function.arguments)
    marker: dict[str, object] = {}
    if raw[:1] == b'"':
        arguments = _ARGUMENTS.decode(raw)
    else:
        arguments = raw.decode()
        marker["arguments"] = "json"
    if call.type is None:
        marker["type"] = False
    extra = exact.rest_text({}, marker, "") if marker else None
    return ToolCall(name=call.function.name, arguments=arguments, id=call.id, extra=extra)


FORMAT = Format(
    name="openai",
    kind="conversations",
    about=f"messages with role and content, tool calls, tools; unread keys kept, marks under {MARKER}",
    matches=matches,
    parse=parse,
    write=write,
    bulk=BulkReader,
)
