"""Tool calls written as JSON in the text of a turn: `{"name": ..., "arguments": ...}`, or a list of them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from tamis.errors import RowError
from tamis.formats import exact
from tamis.formats.openai_messages import is_json
from tamis.records import ToolCall

_CALL_KEYS = frozenset({"name", "arguments"})
# the exact reader judges deeper nesting
_DEEP = exact.MAX_DEPTH // 2


class _Call(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    arguments: Raw


_decode_call = msgspec.json.Decoder(_Call).decode
_encode = msgspec.json.Encoder().encode


def plain_call(written: str) -> ToolCall | None:
    """The call of a text that is spelled as `calls_text` spells one; None for any other text.

    What `parse_calls_text` would say, many times faster: most calls are written so.
    """
    if not written.startswith('{"name": "') or written.count("{") + written.count("[") > _DEEP:
        return None
    try:
        text = written.encode()
        call = _decode_call(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None
    arguments = bytes(call.arguments)
    # a repeated key, another order or other white space makes another text
    is_usual = text == b'{"name": ' + _encode(call.name) + b', "arguments": ' + arguments + b"}"
    if not is_usual or arguments[:1] == b'"':
        return None
    return ToolCall(name=call.name, arguments=arguments.decode())


def parse_calls_text(written: str) -> list[ToolCall]:
    """The calls in a function_call turn. A text that is no call becomes one without a name.

    It keeps the whole text as its arguments, so that a check can report it.
    """
    broken = [ToolCall(name="", arguments=written)]
    try:
        raw = Raw(written.strip().encode())
        if exact.is_list(raw):
            members = [exact.members(call, "$") for call in exact.elements(raw, "$")]
        else:
            members = [exact.open_row(bytes(raw))]
    except (RowError, UnicodeEncodeError, msgspec.DecodeError, RecursionError):
        return broken
    if not members or not all(_CALL_KEYS.issubset(call) for call in members):
        return broken
    if any(not exact.is_text(call["name"]) for call in members):
        return broken
    return [_parse_call(call) for call in members]


def _parse_call(call: dict[str, Raw]) -> ToolCall:
    name = exact.text(call.pop("name"), "$.name")
    arguments = call.pop("arguments")
    marker: dict[str, object] = {}
    if exact.is_text(arguments):
        marker["arguments"] = "text"
        written = exact.text(arguments, "$.arguments")
    else:
        written = exact.json_text(arguments)
    id_ = None
    if "id" in call and exact.is_text(call["id"]):
        id_ = exact.text(call.pop("id"), "$.id")
    extra = None if "_tamis" in call else exact.rest_text(call, marker, "$")
    return ToolCall(name=name, arguments=written, id=id_, extra=extra)


def calls_text(calls: Sequence[ToolCall]) -> str:
    """The calls as a function_call turn writes them: an object, or a list of several."""
    written = [_call_text(call) for call in calls]
    return written[0] if len(written) == 1 else "[" + ", ".join(written) + "]"


def _call_text(call: ToolCall) -> str:
    rest, marker = exact.split_rest(call.extra)
    as_text = bytes(marker.get("arguments", b"")) == b'"text"' or not is_json(call.arguments)
    arguments = msgspec.json.encode(call.arguments).decode() if as_text else call.arguments
    pairs = [("name", msgspec.json.encode(call.name).decode()), ("arguments", arguments)]
    if call.id is not None:
        pairs.append(("id", msgspec.json.encode(call.id).decode()))
    pairs += [(key, exact.json_text(raw)) for key, raw in rest.items()]
    return "{" + ", ".join(f"{msgspec.json.encode(k).decode()}: {v}" for k, v in pairs) + "}"
