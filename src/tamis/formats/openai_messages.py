"""OpenAI messages inside a row, read exactly and written back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw

from tamis.errors import InputError, RowError
from tamis.formats import exact
from tamis.formats.exact import MARKER
from tamis.formats.plain import joined
from tamis.formats.roles import canonical_role
from tamis.records import Message, ToolCall

_TEXTS = {"reasoning_content": "reasoning", "tool_call_id": "tool_call_id", "name": "name"}
# OpenAI, ours and axolotl, axolotl, ms-swift, LLaMA-Factory
_FLAGS = ("weight", "train", "training", "loss", "loss_weight")
_TRUTH = {b"0": False, b"0.0": False, b"false": False, b"1": True, b"1.0": True, b"true": True}
# what most messages have none of
_MORE = ("extra", "tool_calls", "reasoning", "parts", "tool_call_id", "name", "train")
# gpt-oss (Harmony) and some servers say it so
_REASONING_ALIASES = ("thinking", "reasoning")


def parse_messages(raw: Raw, path: str) -> list[Message]:
    """A list of {role, content, ...}."""
    return [
        parse_message(message, f"{path}[{place}]")
        for place, message in enumerate(exact.elements(raw, path))
    ]


def parse_message(raw: Raw, path: str) -> Message:
    """One message; keys Tamis does not read stay in `extra` as their author wrote them."""
    rest = exact.members(raw, path)
    marker: dict[str, object] = {}
    nulls: list[str] = []
    if "role" not in rest:
        raise RowError(f"{path}.role: expected text, got nothing (the key is missing)")
    word = exact.text(rest.pop("role"), f"{path}.role")
    if canonical_role(word) != word:
        marker["role"] = word
    fields: dict[str, Any] = {"role": canonical_role(word)}
    if "content" not in rest:
        marker["absent"] = ["content"]
    else:
        content = rest.pop("content")
        if exact.is_list(content):
            fields["parts"] = exact.json_text(content)
            fields["content"] = joined_parts(content, f"{path}.content")
        elif not exact.is_null(content):
            fields["content"] = exact.text(content, f"{path}.content")
    for key, field in _TEXTS.items():
        if key in rest:
            value = rest.pop(key)
            if exact.is_null(value):
                nulls.append(key)
            else:
                fields[field] = exact.text(value, f"{path}.{key}")
    if "reasoning" not in fields:
        _take_reasoning(rest, fields, marker, path)
    if "tool_calls" in rest:
        calls = rest.pop("tool_calls")
        if exact.is_null(calls):
            nulls.append("tool_calls")
        else:
            fields["tool_calls"] = parse_calls(calls, f"{path}.tool_calls")
    elif "function_call" in rest:
        _take_function_call(rest, fields, marker, path)
    fields["train"] = take_train(rest, marker)
    if nulls:
        marker["null"] = nulls
    return Message(**fields, extra=exact.rest_text(rest, marker, path))


def _take_reasoning(
    rest: dict[str, Raw], fields: dict[str, Any], marker: dict[str, object], path: str
) -> None:
    """Reasoning under another name; what is no text stays where it is."""
    for key in _REASONING_ALIASES:
        if key in rest and exact.is_text(rest[key]):
            fields["reasoning"] = exact.text(rest.pop(key), f"{path}.{key}")
            marker["reasoning"] = key
            return


def _take_function_call(
    rest: dict[str, Raw], fields: dict[str, Any], marker: dict[str, object], path: str
) -> None:
    """The older single call {name, arguments as text}; anything else stays where it is."""
    raw = rest["function_call"]
    call = exact.members(raw, f"{path}.function_call") if bytes(raw)[:1] == b"{" else {}
    if set(call) == {"name", "arguments"} and all(map(exact.is_text, call.values())):
        del rest["function_call"]
        marker["function_call"] = True
        texts = {
            key: exact.text(value, f"{path}.function_call.{key}") for key, value in call.items()
        }
        fields["tool_calls"] = [ToolCall(**texts)]


def take_train(rest: dict[str, Raw], marker: dict[str, object]) -> bool | None:
    """The author's loss flag under any of its names; a value that is no flag stays in `rest`."""
    for key in _FLAGS:
        value = bytes(rest.get(key, b""))
        if value in _TRUTH:
            del rest[key]
            train = _TRUTH[value]
            if key != _FLAGS[0]:
                marker["flag"] = key
            if value != _usual_flag(key, train):
                marker["flag_value"] = Raw(value)
            return train
    return None


def _usual_flag(key: str, train: bool) -> bytes:
    return str(int(train)).encode() if key == _FLAGS[0] else str(train).lower().encode()


def joined_parts(raw: Raw, path: str) -> str | None:
    """The text of a content list: its text parts one after another, None without any."""
    texts = []
    for place, part in enumerate(exact.elements(raw, path)):
        if exact.is_text(part):
            texts.append(exact.text(part, f"{path}[{place}]"))
            continue
        found = exact.members(part, f"{path}[{place}]")
        if bytes(found.get("type", b"")) == b'"text"' and "text" in found:
            texts.append(exact.text(found["text"], f"{path}[{place}].text"))
    return "".join(texts) if texts else None


def parse_calls(raw: Raw, path: str) -> list[ToolCall]:
    """A list of {id, type, function: {name, arguments}}, or of the flat {name, arguments}."""
    return [
        parse_call(call, f"{path}[{place}]") for place, call in enumerate(exact.elements(raw, path))
    ]


def parse_call(raw: Raw, path: str) -> ToolCall:
    """One tool call; `arguments` is the JSON text inside a text, or the object's own text."""
    rest = exact.members(raw, path)
    marker: dict[str, object] = {}
    if "function" in rest:
        inner_path = f"{path}.function"
        inner = exact.members(rest.pop("function"), inner_path)
    else:
        marker["flat"] = True
        inner_path, inner = path, rest
    for key in ("name", "arguments"):
        if key not in inner:
            raise RowError(
                f"{inner_path}.{key}: expected a value, got nothing (the key is missing)"
            )
    name = exact.text(inner.pop("name"), f"{inner_path}.name")
    arguments = inner.pop("arguments")
    if exact.is_text(arguments):
        written = exact.text(arguments, f"{inner_path}.arguments")
    else:
        written = exact.json_text(arguments)
        marker["arguments"] = "json"
    if inner is not rest and inner:
        marker["function"] = dict(inner)
    kind = rest.pop("type", None)
    if kind is None:
        marker["type"] = False
    elif bytes(kind) != b'"function"':
        rest["type"] = kind
    id_ = rest.pop("id", None)
    if id_ is not None and not exact.is_text(id_):
        rest["id"], id_ = id_, None
    return ToolCall(
        name=name,
        arguments=written,
        id=None if id_ is None else exact.text(id_, f"{path}.id"),
        extra=exact.rest_text(rest, marker, path),
    )


def write_messages(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Canonical messages as OpenAI messages, author's own keys restored."""
    return [write_message(message) for message in messages]


def write_message(message: dict[str, Any]) -> dict[str, Any]:
    """One message. Without a word of the author, `content` is written even when null."""
    if all(message[field] is None for field in _MORE):
        return {"role": message["role"], "content": message["content"]}
    rest, marker = exact.split_rest(message["extra"])
    written: dict[str, Any] = {"role": author_role(message["role"], marker)}
    content: Any = message["content"]
    if message["parts"] is not None:
        content = write_parts(message["parts"], content)
    if content is not None or b"content" not in bytes(marker.get("absent", b"")):
        written["content"] = content
    nulls = msgspec.json.decode(marker["null"], type=list[str]) if "null" in marker else []
    for key, field in _TEXTS.items():
        if message[field] is not None or key in nulls:
            written[key] = message[field]
    if "reasoning" in marker and message["reasoning"] is not None:
        own = msgspec.json.decode(marker["reasoning"], type=str)
        written[own] = written.pop("reasoning_content")
    if message["tool_calls"] is not None or "tool_calls" in nulls:
        calls = message["tool_calls"]
        if calls is not None and "function_call" in marker and _is_plain(calls):
            written["function_call"] = {key: calls[0][key] for key in ("name", "arguments")}
            return joined(_with_train(written, message, marker), rest)
        written["tool_calls"] = None if calls is None else [write_call(call) for call in calls]
    return joined(_with_train(written, message, marker), rest)


def _is_plain(calls: Sequence[dict[str, Any]]) -> bool:
    """Whether this is one call of a name and arguments, nothing more."""
    return len(calls) == 1 and calls[0]["id"] is None and calls[0]["extra"] is None


def _with_train(
    written: dict[str, Any], message: dict[str, Any], marker: dict[str, Raw]
) -> dict[str, Any]:
    if message["train"] is not None:
        put_train(written, message["train"], marker)
    return written


def put_train(written: dict[str, Any], train: bool, marker: dict[str, Raw]) -> None:
    """The loss flag as the author spelled it, `weight` when nobody said."""
    key = msgspec.json.decode(marker["flag"], type=str) if "flag" in marker else _FLAGS[0]
    value = bytes(marker.get("flag_value", b""))
    if _TRUTH.get(value) is train:
        written[key] = Raw(value)
    else:
        written[key] = int(train) if key == _FLAGS[0] else train


def author_role(role: str, marker: dict[str, Raw]) -> str:
    """The author's word for the role, as long as it still means this role."""
    if "role" in marker:
        word = msgspec.json.decode(marker["role"], type=str)
        if canonical_role(word) == role:
            return word
    return role


def write_parts(parts: str, content: str | None) -> Raw | list[Any] | str | None:
    """The author's content list, with its text replaced when a Rewrite changed `content`."""
    raw = Raw(parts.encode())
    if joined_parts(raw, "content") == content:
        return raw
    if content is None:
        raise InputError(
            "content: expected the text of the content list, got null; edit `parts` too"
        )
    kept: list[Any] = []
    placed = False
    for part in exact.elements(raw, "content"):
        is_text = (
            exact.is_text(part)
            or bytes(exact.members(part, "content").get("type", b"")) == b'"text"'
        )
        if not is_text:
            kept.append(part)
        elif not placed:
            kept.append({"type": "text", "text": content})
            placed = True
    return kept


def write_call(call: dict[str, Any]) -> dict[str, Any]:
    """One tool call, in the shape its author used; the API's own shape when nobody said."""
    rest, marker = exact.split_rest(call["extra"])
    arguments: Any = call["arguments"]
    if "arguments" in marker and is_json(arguments):
        arguments = Raw(arguments.encode())
    inner = {"name": call["name"], "arguments": arguments}
    if "function" in marker:
        inner.update(exact.members(marker["function"], MARKER))
    written: dict[str, Any] = {} if call["id"] is None else {"id": call["id"]}
    if "type" not in rest and "type" not in marker:
        written["type"] = "function"
    if "flat" in marker:
        written.update(inner)
    else:
        written["function"] = inner
    return joined(written, rest)


def is_json(text: str) -> bool:
    """Whether a text is JSON (an edited text may no longer be)."""
    try:
        msgspec.json.decode(text, type=Raw)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True
