"""Items of OpenAI's Responses API as messages: what stands in `input` and in `output`.

Source: OpenAI API reference, Responses: items of type message (or none), function_call,
function_call_output and reasoning.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw

from tamis.errors import InputError, RowError
from tamis.formats import exact
from tamis.formats.openai_messages import joined_parts, parse_message, write_message
from tamis.formats.plain import take_text
from tamis.records import Message, ToolCall

_CALL, _RESULT, _REASONING = "function_call", "function_call_output", "reasoning"
_TEXT_TYPES = (b'"input_text"', b'"output_text"')


def parse_items(raw: Raw, path: str) -> list[Message]:
    """A message for each item; its keys that no message has stay in `extra`."""
    return [
        _parse_item(item, f"{path}[{place}]")
        for place, item in enumerate(exact.elements(raw, path))
    ]


def _parse_item(raw: Raw, path: str) -> Message:
    item = exact.members(raw, path)
    kind = _kind(item, path)
    if kind == _CALL:
        return _parse_call(item, path)
    if kind == _RESULT:
        return _parse_result(item, path)
    if kind not in ("", "message"):
        got = exact.kind_of(bytes(item["type"]))
        raise RowError(f"{path}.type: expected message, {_CALL} or {_RESULT}, got {got}")
    message = parse_message(raw, path)
    return message if message.parts is None else _with_chat_parts(message, path)


def _with_chat_parts(message: Message, path: str) -> Message:
    """The content list as chat messages have it, a text where it is nothing but text."""
    raw = Raw((message.parts or "").encode())
    parts = [_chat_part(part, f"{path}.content[{n}]") for n, part in enumerate(_parts(raw, path))]
    written = msgspec.json.encode(parts)
    rest, marker = exact.split_rest(message.extra)
    is_text = all(set(part) == {"type", "text"} for part in parts) and parts
    return msgspec.structs.replace(
        message,
        content=joined_parts(Raw(written), f"{path}.content"),
        parts=None if is_text else written.decode(),
        extra=exact.rest_text(rest, {**marker, "content": raw}, path),
    )


def _parts(raw: Raw, path: str) -> list[Raw]:
    return exact.elements(raw, f"{path}.content")


def _chat_part(raw: Raw, path: str) -> dict[str, Raw]:
    part = exact.members(raw, path)
    if bytes(part.get("type", b"")) in _TEXT_TYPES and "text" in part:
        exact.text(part["text"], f"{path}.text")
        part["type"] = Raw(b'"text"')
    return part


def _kind(item: dict[str, Raw], path: str) -> str:
    return exact.text(item["type"], f"{path}.type") if "type" in item else ""


def _parse_call(item: dict[str, Raw], path: str) -> Message:
    del item["type"]
    call = ToolCall(
        name=take_text(item, "name", path),
        arguments=take_text(item, "arguments", path),
        id=take_text(item, "call_id", path),
    )
    extra = exact.rest_text(item, {"item": _CALL}, path)
    return Message(role="assistant", tool_calls=[call], extra=extra)


def _parse_result(item: dict[str, Raw], path: str) -> Message:
    del item["type"]
    return Message(
        role="tool",
        content=take_text(item, "output", path),
        tool_call_id=take_text(item, "call_id", path),
        extra=exact.rest_text(item, {}, path),
    )


def parse_output(raw: Raw, path: str) -> list[Message]:
    """The items of an answer as turns: reasoning, text and calls up to a result are one message.

    Only read: the ids of the items are left out.
    """
    messages: list[Message] = []
    for place, given in enumerate(exact.elements(raw, path)):
        here = f"{path}[{place}]"
        item = exact.members(given, here)
        if _kind(item, here) == _REASONING:
            _add(messages, Message(role="assistant", reasoning=_reasoning(item, here)))
        else:
            _add(messages, msgspec.structs.replace(_parse_item(given, here), extra=None))
    return messages


def _reasoning(item: dict[str, Raw], path: str) -> str | None:
    found = []
    for key in ("summary", "content"):
        if key in item and not exact.is_null(item[key]):
            for place, part in enumerate(exact.elements(item[key], f"{path}.{key}")):
                members = exact.members(part, f"{path}.{key}[{place}]")
                found.append(take_text(members, "text", f"{path}.{key}[{place}]"))
    return "\n\n".join(found) if found else None


def _add(messages: list[Message], item: Message) -> None:
    """Append the item, or fill it into the last message where that is the turn's beginning."""
    last = messages[-1] if messages else None
    if last is None or last.role != "assistant" or item.role != "assistant":
        messages.append(item)
    elif item.tool_calls is not None:
        calls = [*(last.tool_calls or ()), *item.tool_calls]
        messages[-1] = msgspec.structs.replace(last, tool_calls=calls)
    elif item.content is not None and last.content is None and last.tool_calls is None:
        messages[-1] = msgspec.structs.replace(item, reasoning=last.reasoning)
    else:
        messages.append(item)


def write_items(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The items of these messages; a message with text and calls becomes several.

    Raises: InputError for reasoning, which only an API can put into `input`, and for a call or a result
    without an id.
    """
    items: list[dict[str, Any]] = []
    for place, message in enumerate(messages):
        items += _items(message, f"prompt[{place}]")
    return items


def _items(message: dict[str, Any], path: str) -> list[dict[str, Any]]:
    if message["reasoning"] is not None and "reasoning_content" not in (message["extra"] or ""):
        raise InputError(f"{path}.reasoning: this format has no place for it")
    rest, marker = exact.split_rest(message["extra"])
    if message["role"] == "tool" and "role" not in marker and "absent" not in marker:
        if message["tool_call_id"] is None:
            raise InputError(f"{path}.tool_call_id: expected the id of a call, got null")
        result = {"type": _RESULT, "call_id": message["tool_call_id"]}
        return [{**result, "output": message["content"], **rest}]
    calls = [_call_item(call, f"{path}.tool_calls") for call in message["tool_calls"] or ()]
    if "item" in marker:
        return [{**call, **rest} for call in calls]
    has_text = message["content"] is not None or not calls
    return [*([_message_item(message, path)] if has_text else []), *calls]


def _call_item(call: dict[str, Any], path: str) -> dict[str, Any]:
    if call["id"] is None:
        raise InputError(f"{path}.id: expected an id, got null; results name their call by it")
    return {
        "type": _CALL,
        "call_id": call["id"],
        "name": call["name"],
        "arguments": call["arguments"],
    }


def _message_item(message: dict[str, Any], path: str) -> dict[str, Any]:
    _, marker = exact.split_rest(message["extra"])
    item = write_message({**message, "tool_calls": None})
    if "content" in marker and _is_same(marker["content"], message, path):
        item["content"] = marker["content"]
    elif isinstance(item.get("content"), list | Raw):
        kind = "output_text" if message["role"] == "assistant" else "input_text"
        parts = msgspec.json.decode(msgspec.json.encode(item["content"]), type=list[dict[str, Raw]])
        item["content"] = [
            {**part, "type": kind} if bytes(part.get("type", b"")) == b'"text"' else part
            for part in parts
        ]
    return item


def _is_same(raw: Raw, message: dict[str, Any], path: str) -> bool:
    """Whether the author's content list still says what the message says."""
    before = _with_chat_parts(Message(role="user", parts=exact.json_text(raw)), path)
    return (before.content, before.parts) == (message["content"], message["parts"])
