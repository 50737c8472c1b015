"""ShareGPT rows: `conversations` of from and value, with function_call and observation turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from tamis.errors import InputError, RowError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.layout import Layout
from tamis.formats.openai_messages import is_json, put_train, take_train
from tamis.formats.roles import CALL_WORDS, CANONICAL, SHAREGPT, canonical_role
from tamis.formats.tools import AS_TEXT, put_tools, take_tools
from tamis.kernels.json_tables import AT_TOP, NO_WORD, TRAIN_WORD
from tamis.records import Conversation, Message, ToolCall

_CALL_KEYS = frozenset({"name", "arguments"})


def matches(row: Mapping[str, Any]) -> bool:
    """`conversations` is a list of objects with from and value."""
    turns = row.get("conversations")
    return (
        isinstance(turns, list)
        and all(isinstance(turn, dict) and "from" in turn and "value" in turn for turn in turns)
        and not any(key in row for key in ("chosen", "rejected"))
    )


def parse(rest: dict[str, Raw]) -> Conversation:
    """One row, exactly. A top-level `system` becomes the first message."""
    marker: dict[str, object] = {}
    if "conversations" not in rest:
        raise RowError("$.conversations: expected a list, got nothing (the key is missing)")
    turns = exact.elements(rest.pop("conversations"), "$.conversations")
    messages = [_parse_turn(turn, f"$.conversations[{place}]") for place, turn in enumerate(turns)]
    if "system" in rest and exact.is_text(rest["system"]):
        messages.insert(0, system_message(exact.text(rest.pop("system"), "$.system")))
    tools = take_tools(rest, marker, AS_TEXT)
    return Conversation(messages=messages, tools=tools, meta=exact.rest_text(rest, marker, "$"))


def system_message(content: str) -> Message:
    """The system text that stood at the top level of a row."""
    return Message(role="system", content=content, extra=_SYSTEM_MARK)


_SYSTEM_PLACE: dict[str, object] = {"place": "system"}
_SYSTEM_MARK = exact.rest_text({}, _SYSTEM_PLACE, "")


def _parse_turn(raw: Raw, path: str) -> Message:
    rest = exact.members(raw, path)
    for key in ("from", "value"):
        if key not in rest:
            raise RowError(f"{path}.{key}: expected text, got nothing (the key is missing)")
    word = exact.text(rest.pop("from"), f"{path}.from")
    value = rest.pop("value")
    written = None if exact.is_null(value) else exact.text(value, f"{path}.value")
    marker: dict[str, object] = {}
    fields: dict[str, Any] = {"train": take_train(rest, marker)}
    if word in CALL_WORDS and written is not None:
        fields["role"] = "assistant"
        fields["tool_calls"] = parse_calls_text(written)
        if word != "function_call":
            marker["role"] = word
        if calls_text(fields["tool_calls"]) != written:
            marker["value"] = written
    else:
        fields["role"], fields["content"] = canonical_role(word), written
        if SHAREGPT.get(fields["role"], fields["role"]) != word:
            marker["role"] = word
    return Message(**fields, extra=exact.rest_text(rest, marker, path))


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
    extra = None if "_tamis" in call else exact.rest_text(call, marker, "$")
    return ToolCall(name=name, arguments=written, extra=extra)


def calls_text(calls: Sequence[ToolCall]) -> str:
    """The calls as a function_call turn writes them: an object, or a list of several."""
    written = [_call_text(call) for call in calls]
    return written[0] if len(written) == 1 else "[" + ", ".join(written) + "]"


def _call_text(call: ToolCall) -> str:
    rest, marker = exact.split_rest(call.extra)
    as_text = bytes(marker.get("arguments", b"")) == b'"text"' or not is_json(call.arguments)
    arguments = msgspec.json.encode(call.arguments).decode() if as_text else call.arguments
    pairs = [("name", msgspec.json.encode(call.name).decode()), ("arguments", arguments)]
    # an id or a type of another format has no place here; the author's own keys do
    pairs += [(key, exact.json_text(raw)) for key, raw in rest.items()]
    return "{" + ", ".join(f"{msgspec.json.encode(k).decode()}: {v}" for k, v in pairs) + "}"


def write(row: Row) -> dict[str, Any]:
    """The members of a ShareGPT row; InputError where a message has both text and tool calls."""
    rest, marker = exact.split_rest(row["meta"])
    written: dict[str, Any] = {"conversations": []}
    for place, message in enumerate(row["messages"]):
        own_keys, mark = exact.split_rest(message["extra"])
        if place == 0 and "place" in mark and message["role"] == "system":
            written["system"] = message["content"]
        else:
            written["conversations"] += _write_turns(message, own_keys, mark, f"messages[{place}]")
    put_tools(written, row["tools"], marker, AS_TEXT)
    return {**written, **rest}


def _write_turns(
    message: dict[str, Any], own_keys: dict[str, Raw], mark: dict[str, Raw], path: str
) -> list[dict[str, Any]]:
    for field in ("reasoning", "parts"):
        if message[field] is not None:
            raise InputError(f"{path}.{field}: ShareGPT turns hold text only")
    turns: list[dict[str, Any]] = []
    if message["content"] is not None or not message["tool_calls"]:
        word = _word(message["role"], mark)
        turns.append({"from": word, "value": message["content"]})
    if message["tool_calls"]:
        calls = [ToolCall(**call) for call in message["tool_calls"]]
        word = "tool_call" if bytes(mark.get("role", b"")) == b'"tool_call"' else "function_call"
        turns.append({"from": word, "value": _value(calls, mark)})
    for turn in turns:
        if message["train"] is not None:
            put_train(turn, message["train"], mark)
        turn.update(own_keys)
    return turns


def _word(role: str, mark: dict[str, Raw]) -> str:
    if "role" in mark:
        word = msgspec.json.decode(mark["role"], type=str)
        if canonical_role(word) == role:
            return word
    return SHAREGPT.get(role, role)


def _value(calls: list[ToolCall], mark: dict[str, Raw]) -> str:
    if "value" in mark:
        written = msgspec.json.decode(mark["value"], type=str)
        if parse_calls_text(written) == calls:
            return written
    return calls_text(calls)


def _marks(word: str, marks: int) -> dict[str, object]:
    """The marker of a turn, as `_parse_turn` makes it."""
    if marks & AT_TOP:
        return dict(_SYSTEM_PLACE)
    marker: dict[str, object] = {"flag": "train"} if marks & TRAIN_WORD else {}
    role = canonical_role(word)
    if SHAREGPT.get(role, role) != word:
        marker["role"] = word
    return marker


def _written_calls(word: str, value: str) -> Message:
    return _parse_turn(Raw(msgspec.json.encode({"from": word, "value": value})), "$")


_LAYOUT = Layout(
    top=("conversations", "tools", "system"),
    message=("from", "value", NO_WORD, NO_WORD, NO_WORD, NO_WORD),
    roles=(*CANONICAL.items(), *((word, "assistant") for word in sorted(CALL_WORDS))),
    n_plain_roles=len(CANONICAL),
    marks=_marks,
    has_text_only=True,
    calls=_written_calls,
)
FORMAT = Format(
    name="sharegpt",
    kind="conversations",
    about="conversations of from and value, function_call and observation turns, system, tools",
    matches=matches,
    parse=parse,
    write=write,
    layout=_LAYOUT,
)
