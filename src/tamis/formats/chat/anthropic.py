"""Anthropic's messages: content blocks of text, thinking, tool_use and tool_result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from tamis.errors import InputError, RowError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.openai_messages import is_json, joined_parts
from tamis.formats.plain import joined, take_text
from tamis.formats.tools import AS_LIST, INPUT_SCHEMA, put_tools, take_tools
from tamis.records import Conversation, Message, ToolCall

_BLOCKS = frozenset({"tool_use", "tool_result", "thinking", "redacted_thinking"})

_ONLY_OF = {"tool_use": "assistant", "thinking": "assistant", "tool_result": "user"}


def matches(row: Mapping[str, Any]) -> bool:
    """Some message holds a block of tool use or thinking."""
    messages = row.get("messages")
    if not isinstance(messages, list) or not all(isinstance(m, dict) for m in messages):
        return False
    blocks = [
        block for m in messages if isinstance(m.get("content"), list) for block in m["content"]
    ]
    return any(isinstance(block, dict) and block.get("type") in _BLOCKS for block in blocks)


def parse(rest: dict[str, Raw]) -> Conversation:
    """One row. Results of tools become tool messages, before the rest of the user's message."""
    marker: dict[str, object] = {}
    if "messages" not in rest:
        raise RowError("$.messages: expected a list, got nothing (the key is missing)")
    messages = []
    if "system" in rest and not exact.is_null(rest["system"]):
        messages.append(_parse_system(rest.pop("system")))
    for place, raw in enumerate(exact.elements(rest.pop("messages"), "$.messages")):
        messages += _parse_message(raw, f"$.messages[{place}]")
    tools = take_tools(rest, marker, AS_LIST)
    return Conversation(messages=messages, tools=tools, meta=exact.rest_text(rest, marker, "$"))


def _parse_system(raw: Raw) -> Message:
    if exact.is_text(raw):
        return Message(role="system", content=exact.text(raw, "$.system"))
    content = joined_parts(raw, "$.system")
    return Message(role="system", content=content, parts=exact.json_text(raw))


def _parse_message(raw: Raw, path: str) -> list[Message]:
    rest = exact.members(raw, path)
    role = take_text(rest, "role", path)
    if role not in ("user", "assistant"):
        raise RowError(f"{path}.role: expected user or assistant, got `{role}`")
    if "content" not in rest:
        raise RowError(f"{path}.content: expected text or blocks, got nothing (the key is missing)")
    content = rest.pop("content")
    if exact.is_text(content):
        said = [Message(role=role, content=exact.text(content, f"{path}.content"))]
        parts = None
    else:
        said = _said(role, content, f"{path}.content")
        parts = exact.json_text(content)
    # the blocks of one message stand with the first of those that it became
    marker: dict[str, object] = {"group": len(said)} if len(said) > 1 else {}
    first = msgspec.structs.replace(said[0], parts=parts, extra=exact.rest_text(rest, marker, path))
    return [first, *said[1:]]


def _said(role: str, raw: Raw, path: str) -> list[Message]:
    """The messages that the blocks of one message say."""
    texts: list[str] = []
    thoughts: list[str] = []
    calls: list[ToolCall] = []
    results: list[Message] = []
    for place, block in enumerate(exact.elements(raw, path)):
        where = f"{path}[{place}]"
        members = exact.members(block, where)
        kind = take_text(members, "type", where)
        if _ONLY_OF.get(kind, role) != role:
            raise RowError(
                f"{where}: expected {kind} in a message of the {_ONLY_OF[kind]}, got {role}"
            )
        if kind == "text":
            texts.append(take_text(members, "text", where))
        elif kind == "thinking":
            thoughts.append(take_text(members, "thinking", where))
        elif kind == "tool_use":
            calls.append(_parse_call(members, where))
        elif kind == "tool_result":
            results.append(_parse_result(members, where))
    own = Message(
        role=role,
        content="".join(texts) if texts else None,
        reasoning="".join(thoughts) if thoughts else None,
        tool_calls=calls or None,
    )
    is_only_results = bool(results) and not texts and not thoughts and not calls
    return results if is_only_results else [*results, own]


def _parse_call(members: dict[str, Raw], path: str) -> ToolCall:
    if "input" not in members:
        raise RowError(f"{path}.input: expected an object, got nothing (the key is missing)")
    arguments = exact.json_text(members["input"])
    return ToolCall(
        name=take_text(members, "name", path),
        arguments=arguments,
        id=take_text(members, "id", path),
    )


def _parse_result(members: dict[str, Raw], path: str) -> Message:
    asked = take_text(members, "tool_use_id", path)
    content = members.get("content")
    if content is None or exact.is_null(content):
        said = None
    elif exact.is_text(content):
        said = exact.text(content, f"{path}.content")
    else:
        said = joined_parts(content, f"{path}.content")
    return Message(role="tool", content=said, tool_call_id=asked)


def write(row: Row) -> dict[str, Any]:
    """The members of a row; results of tools that follow each other become one user message."""
    rest, marker = exact.split_rest(row["meta"])
    messages = row["messages"]
    written: dict[str, Any] = {}
    place = 0
    if messages and messages[0]["role"] == "system":
        written["system"] = _write_system(messages[0])
        place = 1
    written["messages"] = []
    while place < len(messages):
        n_here = _n_together(messages, place)
        group = messages[place : place + n_here]
        written["messages"].append(_write_group(group, f"messages[{place}]"))
        place += n_here
    put_tools(written, row["tools"], marker, AS_LIST)
    return joined(written, rest)


def _write_system(message: dict[str, Any]) -> Any:
    if message["parts"] is not None:
        raw = Raw(message["parts"].encode())
        if joined_parts(raw, "parts") == message["content"]:
            return raw
    return message["content"]


def _n_together(messages: Sequence[dict[str, Any]], place: int) -> int:
    """How many messages from here on stand in one of Anthropic's."""
    _, mark = exact.split_rest(messages[place]["extra"])
    if "group" in mark:
        return min(msgspec.json.decode(mark["group"], type=int), len(messages) - place)
    # what has blocks of its own was a message of its own
    n_tools = 0
    for message in messages[place:]:
        if message["role"] != "tool" or message["parts"] is not None:
            break
        n_tools += 1
    return max(n_tools, 1)


def _write_group(group: Sequence[dict[str, Any]], path: str) -> dict[str, Any]:
    own_keys, _ = exact.split_rest(group[0]["extra"])
    role = "assistant" if group[0]["role"] == "assistant" else "user"
    if group[0]["parts"] is not None:
        raw = Raw(group[0]["parts"].encode())
        if _is_said_by(group, role, raw):
            return {"role": role, "content": raw, **own_keys}
    alone = group[0]
    has_blocks = any(alone[field] is not None for field in ("reasoning", "parts", "tool_calls"))
    if len(group) == 1 and alone["role"] != "tool" and not has_blocks:
        return {"role": _role(alone, path), "content": _content(alone, path), **own_keys}
    blocks = [block for message in group for block in _blocks(message, path)]
    return {"role": role, "content": blocks, **own_keys}


def _is_said_by(group: Sequence[dict[str, Any]], role: str, raw: Raw) -> bool:
    try:
        said = _said(role, raw, "parts")
    except RowError:  # blocks of another format
        return False
    fields = ("role", "content", "reasoning", "tool_call_id")
    found = [[getattr(message, field) for field in fields] for message in said]
    calls = [[(c.name, c.arguments, c.id) for c in message.tool_calls or ()] for message in said]
    return found == [[message[field] for field in fields] for message in group] and calls == [
        [(c["name"], c["arguments"], c["id"]) for c in message["tool_calls"] or ()]
        for message in group
    ]


def _role(message: dict[str, Any], path: str) -> str:
    for field in ("name", "train"):
        if message[field] is not None:
            raise InputError(f"{path}.{field}: Anthropic messages have no place for it")
    if message["role"] not in ("user", "assistant"):
        raise InputError(f"{path}.role: expected user or assistant, got {message['role']}")
    role: str = message["role"]
    return role


def _content(message: dict[str, Any], path: str) -> str:
    if message["content"] is None:
        raise InputError(f"{path}.content: expected text, got null")
    content: str = message["content"]
    return content


def _blocks(message: dict[str, Any], path: str) -> list[dict[str, Any]]:
    if message["parts"] is not None:
        raise InputError(f"{path}.parts: changed since it was read, or of another format")
    if message["role"] == "tool":
        if message["tool_call_id"] is None:
            raise InputError(f"{path}.tool_call_id: expected the id of the call, got null")
        result = {"type": "tool_result", "tool_use_id": message["tool_call_id"]}
        return [result if message["content"] is None else {**result, "content": message["content"]}]
    _role(message, path)
    blocks: list[dict[str, Any]] = []
    if message["reasoning"] is not None:
        blocks.append({"type": "thinking", "thinking": message["reasoning"]})
    if message["content"] is not None:
        blocks.append({"type": "text", "text": message["content"]})
    for place, call in enumerate(message["tool_calls"] or ()):
        if call["id"] is None or not is_json(call["arguments"]):
            raise InputError(
                f"{path}.tool_calls[{place}]: expected an id and arguments that are JSON"
            )
        blocks.append(
            {
                "type": "tool_use",
                "id": call["id"],
                "name": call["name"],
                "input": Raw(call["arguments"].encode()),
            }
        )
    return blocks


FORMAT = Format(
    name="anthropic",
    kind="conversations",
    about="messages of content blocks: text, thinking, tool_use, tool_result; system, tools",
    matches=matches,
    parse=parse,
    write=write,
    tools=INPUT_SCHEMA,
)
