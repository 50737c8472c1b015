"""Messages and tools in the shape that chat templates read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tamis.errors import InputError
from tamis.records import Message, ToolCall

ChatMessage = dict[str, Any]
_FIELDS = frozenset(Message.__struct_fields__)
# Where the reader of a format keeps spellings it has to restore: nothing an author wrote.
_MARKER = "_tamis"


def chat_messages(messages: Sequence[Message | Mapping[str, Any]]) -> list[ChatMessage]:
    """What a template is handed for canonical messages: records, or dictionaries with their fields.

    A key whose value is null is left out; reasoning stands under `reasoning_content` and `thinking`;
    a call's arguments are an object where their text is one; a content list (`parts`) is decoded and
    handed over as it is. Keys of the author's own are kept, the loss flag is not.

    Raises:  InputError for a dictionary that is no canonical message.
    Source:  transformers 5.24, `utils/chat_template_utils.py` (nulls, names of the reasoning).
    """
    return [
        _message(_record(message, f"messages[{place}]")) for place, message in enumerate(messages)
    ]


def chat_tools(tools: str | None) -> list[Any] | None:
    """The tools on offer as objects, from their JSON text; None without tools.

    Raises: InputError when the text is not a JSON list.
    """
    if tools is None:
        return None
    found = _decoded(tools, "tools")
    if not isinstance(found, list):
        raise InputError(
            f"tools: expected a JSON list, got {type(found).__name__}; write them as a list"
        )
    return found or None


def _record(message: Message | Mapping[str, Any], path: str) -> Message:
    if isinstance(message, Message):
        return message
    unknown = sorted(message.keys() - _FIELDS)
    if unknown:
        raise InputError(
            f"{path}: expected the fields of a message, got `{unknown[0]}`; read the row with its format"
        )
    try:
        return msgspec.convert(message, Message)
    except msgspec.ValidationError as error:
        raise InputError(f"{path}: {error}; read the row with its format") from error


def _message(message: Message) -> ChatMessage:
    written: ChatMessage = {"role": message.role}
    if message.parts is not None:
        written["content"] = _decoded(message.parts, "parts")
    elif message.content is not None:
        written["content"] = message.content
    if message.reasoning is not None:
        written["thinking"] = written["reasoning_content"] = message.reasoning
    if message.tool_calls:
        written["tool_calls"] = [_call(call) for call in message.tool_calls]
    for key, value in (("tool_call_id", message.tool_call_id), ("name", message.name)):
        if value is not None:
            written[key] = value
    return _own_keys(message.extra) | written


def _call(call: ToolCall) -> dict[str, Any]:
    written: dict[str, Any] = {
        "type": "function",
        "function": {"name": call.name, "arguments": _arguments(call.arguments)},
    }
    if call.id is not None:
        written["id"] = call.id
    return _own_keys(call.extra) | written


def _arguments(text: str) -> Any:
    """Arguments as an object; what is not the text of an object stays text, as its author wrote it."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return found if isinstance(found, dict) else text


def _own_keys(extra: str | None) -> dict[str, Any]:
    """Keys of the author's own that are not null."""
    if extra is None:
        return {}
    found = _decoded(extra, "extra")
    return {key: value for key, value in found.items() if key != _MARKER and value is not None}


def _decoded(text: str, path: str) -> Any:
    try:
        # not msgspec: it would make floats of whole numbers beyond 64 bits
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected JSON text, got {error}; mend the row") from error
