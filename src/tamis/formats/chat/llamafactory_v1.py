"""LLaMA-Factory's v1 rows: `messages` whose content is a list of {type, value}."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from msgspec import Raw

from tamis.errors import InputError, RowError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.call_texts import calls_text, parse_calls_text
from tamis.formats.openai_messages import author_role
from tamis.formats.plain import joined, take_text
from tamis.formats.roles import canonical_role
from tamis.formats.tools import AS_TEXT, put_tools, take_tools
from tamis.records import Conversation, Message, ToolCall

_WEIGHTS = {b"0": False, b"0.0": False, b"1": True, b"1.0": True}
_TYPES = frozenset({"text", "reasoning", "tool_call"})


def matches(row: Mapping[str, Any]) -> bool:
    """`messages` holds a content list whose parts have a value."""
    messages = row.get("messages")
    contents = (
        [m.get("content") for m in messages or () if isinstance(m, dict)]
        if isinstance(messages, list)
        else []
    )
    parts = [part for content in contents if isinstance(content, list) for part in content]
    return bool(parts) and all(isinstance(part, dict) and "value" in part for part in parts)


def parse(rest: dict[str, Raw]) -> Conversation:
    """One row, exactly."""
    marker: dict[str, object] = {}
    if "messages" not in rest:
        raise RowError("$.messages: expected a list, got nothing (the key is missing)")
    messages = parse_v1_messages(rest.pop("messages"), "$.messages")
    tools = take_tools(rest, marker, AS_TEXT)
    return Conversation(messages=messages, tools=tools, meta=exact.rest_text(rest, marker, "$"))


def parse_v1_messages(raw: Raw, path: str) -> list[Message]:
    """A list of {role, content: [{type, value}], loss_weight}."""
    return [
        _parse_message(message, f"{path}[{place}]")
        for place, message in enumerate(exact.elements(raw, path))
    ]


def _parse_message(raw: Raw, path: str) -> Message:
    rest = exact.members(raw, path)
    marker: dict[str, object] = {}
    word = take_text(rest, "role", path)
    if canonical_role(word) != word:
        marker["role"] = word
    if "content" not in rest:
        raise RowError(f"{path}.content: expected a list, got nothing (the key is missing)")
    parts = rest.pop("content")
    said = _said(parts, f"{path}.content")
    weight = bytes(rest.get("loss_weight", b""))
    if weight in _WEIGHTS:
        marker["loss_weight"] = rest.pop("loss_weight")
    return Message(
        role=canonical_role(word),
        content=said.content,
        reasoning=said.reasoning,
        tool_calls=list(said.calls) or None,
        train=_WEIGHTS.get(weight),
        parts=exact.json_text(parts),
        extra=exact.rest_text(rest, marker, path),
    )


class _Said(NamedTuple):
    """What a content list says; `types` are the types of its parts."""

    content: str | None
    reasoning: str | None
    calls: tuple[ToolCall, ...]
    types: frozenset[str]


def _said(raw: Raw, path: str) -> _Said:
    texts: dict[str, list[str]] = {}
    for place, part in enumerate(exact.elements(raw, path)):
        members = exact.members(part, f"{path}[{place}]")
        kind = take_text(members, "type", f"{path}[{place}]")
        value = take_text(members, "value", f"{path}[{place}]") if kind in _TYPES else ""
        texts.setdefault(kind, []).append(value)
    joined = {kind: "".join(pieces) for kind, pieces in texts.items()}
    calls = [call for value in texts.get("tool_call", ()) for call in parse_calls_text(value)]
    return _Said(joined.get("text"), joined.get("reasoning"), tuple(calls), frozenset(texts))


def write(row: Row) -> dict[str, Any]:
    """The members of a row, every message as a content list."""
    rest, marker = exact.split_rest(row["meta"])
    written: dict[str, Any] = {"messages": write_v1_messages(row["messages"], "messages")}
    put_tools(written, row["tools"], marker, AS_TEXT)
    return joined(written, rest)


def write_v1_messages(messages: list[dict[str, Any]], path: str) -> list[dict[str, Any]]:
    """Messages as {role, content: [{type, value}], loss_weight}."""
    return [_write_message(message, f"{path}[{n}]") for n, message in enumerate(messages)]


def _write_message(message: dict[str, Any], path: str) -> dict[str, Any]:
    own_keys, marker = exact.split_rest(message["extra"])
    for field in ("tool_call_id", "name"):
        if message[field] is not None:
            raise InputError(f"{path}.{field}: LLaMA-Factory v1 has no place for it")
    written: dict[str, Any] = {
        "role": author_role(message["role"], marker),
        "content": _write_parts(message, path),
    }
    if message["train"] is not None:
        own = marker.get("loss_weight")
        is_same = own is not None and _WEIGHTS.get(bytes(own)) == message["train"]
        written["loss_weight"] = own if is_same else float(message["train"])
    return {**written, **own_keys}


def _write_parts(message: dict[str, Any], path: str) -> Raw | list[dict[str, str]]:
    calls = tuple(ToolCall(**call) for call in message["tool_calls"] or ())
    if message["parts"] is not None:
        raw = Raw(message["parts"].encode())
        said = _said_or_none(raw)
        if said is None or not said.types <= _TYPES:
            if said is not None and said[:3] == (message["content"], message["reasoning"], calls):
                return raw
            raise InputError(f"{path}.parts: LLaMA-Factory v1 has no place for them")
        if said[:3] == (message["content"], message["reasoning"], calls):
            return raw
    parts = []
    if message["reasoning"] is not None:
        parts.append({"type": "reasoning", "value": message["reasoning"]})
    if message["content"] is not None:
        parts.append({"type": "text", "value": message["content"]})
    parts += [{"type": "tool_call", "value": calls_text([call])} for call in calls]
    return parts


def _said_or_none(raw: Raw) -> _Said | None:
    """What a content list says, None where it is one of another format."""
    try:
        return _said(raw, "parts")
    except RowError:
        return None


FORMAT = Format(
    name="llamafactory_v1",
    kind="conversations",
    about="messages of role and content parts {type, value}, loss_weight, tools",
    matches=matches,
    parse=parse,
    write=write,
)
