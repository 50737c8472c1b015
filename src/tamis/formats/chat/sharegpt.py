"""ShareGPT rows: turns of from and value, with function_call and observation turns, and their variants."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw

from tamis.errors import InputError, RowError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.call_texts import calls_text, parse_calls_text, plain_call
from tamis.formats.layout import Layout
from tamis.formats.openai_messages import put_train, take_train
from tamis.formats.plain import joined
from tamis.formats.roles import CALL_WORDS, CANONICAL, SHAREGPT, SWIFT, canonical_role
from tamis.formats.systems import SYSTEM_PLACE, is_top_system, system_message
from tamis.formats.tools import AS_TEXT, put_tools, take_tools
from tamis.kernels.json_tables import AT_TOP, NO_WORD, TRAIN_WORD
from tamis.records import Conversation, Message, ToolCall


class Keys(NamedTuple):
    """The keys of the list of turns, of a turn's role and of its text, and the words for roles.

    calls: the role word of a turn that is a tool call
    """

    turns: str
    role: str
    text: str
    words: Mapping[str, str] = SHAREGPT
    calls: str = "function_call"


_USUAL = Keys("conversations", "from", "value")
# Names of the same turns elsewhere; the scanner reads the usual one only.
_VARIANTS = {
    "sharegpt_role_value": Keys("conversations", "role", "value"),
    "sharegpt_from_content": Keys("conversations", "from", "content"),
    "sharegpt_conversation": Keys("conversation", "from", "value"),
    "sharegpt_items": Keys("items", "from", "value"),
    "sharegpt_dialog": Keys("dialog", "from", "value"),
    "sharegpt_dialogue": Keys("dialogue", "from", "value"),
    # tool calls as turns of their own are what tells these from OpenAI's messages
    "ms_swift": Keys("messages", "role", "content", SWIFT, "tool_call"),
}
_SWIFT_ONLY = frozenset({"tool_call", "tool_response", "function_call", "observation"})
# what only rows of other formats have; a turn holds them beside its own keys
_NAMES = ("name", "tool_call_id")


def _matches(keys: Keys, row: Mapping[str, Any]) -> bool:
    turns = row.get(keys.turns)
    return (
        isinstance(turns, list)
        and all(
            isinstance(turn, dict) and keys.role in turn and keys.text in turn for turn in turns
        )
        and (bool(turns) or keys is _USUAL)
        and (keys.words is not SWIFT or any(str(turn["role"]) in _SWIFT_ONLY for turn in turns))
        and not any(key in row for key in ("chosen", "rejected"))
    )


def _parse(keys: Keys, rest: dict[str, Raw]) -> Conversation:
    """One row, exactly. A top-level `system` becomes the first message."""
    marker: dict[str, object] = {}
    if keys.turns not in rest:
        raise RowError(f"$.{keys.turns}: expected a list, got nothing (the key is missing)")
    messages = parse_turns(rest.pop(keys.turns), f"$.{keys.turns}", keys)
    if "system" in rest and exact.is_text(rest["system"]):
        messages.insert(0, system_message(exact.text(rest.pop("system"), "$.system")))
    tools = take_tools(rest, marker, AS_TEXT)
    return Conversation(messages=messages, tools=tools, meta=exact.rest_text(rest, marker, "$"))


def parse_turns(raw: Raw, path: str, keys: Keys = _USUAL) -> list[Message]:
    """A list of turns."""
    turns = exact.elements(raw, path)
    return [parse_turn(turn, f"{path}[{place}]", keys) for place, turn in enumerate(turns)]


def parse_turn(raw: Raw, path: str, keys: Keys = _USUAL) -> Message:
    """One turn; a function_call turn becomes an assistant message with tool calls."""
    rest = exact.members(raw, path)
    for key in (keys.role, keys.text):
        if key not in rest:
            raise RowError(f"{path}.{key}: expected text, got nothing (the key is missing)")
    word = exact.text(rest.pop(keys.role), f"{path}.{keys.role}")
    value = rest.pop(keys.text)
    written = None if exact.is_null(value) else exact.text(value, f"{path}.{keys.text}")
    marker: dict[str, object] = {}
    fields: dict[str, Any] = {"train": take_train(rest, marker)}
    for key in _NAMES:
        if key in rest and exact.is_text(rest[key]):
            fields[key] = exact.text(rest.pop(key), f"{path}.{key}")
    if word in CALL_WORDS and written is not None:
        fields["role"] = "assistant"
        call = plain_call(written)
        fields["tool_calls"] = parse_calls_text(written) if call is None else [call]
        if word != keys.calls:
            marker["role"] = word
        if call is None and calls_text(fields["tool_calls"]) != written:
            marker["value"] = written
    else:
        fields["role"], fields["content"] = canonical_role(word), written
        if keys.words.get(fields["role"], fields["role"]) != word:
            marker["role"] = word
    return Message(**fields, extra=exact.rest_text(rest, marker, path))


def _write(keys: Keys, row: Row) -> dict[str, Any]:
    """The members of a row; InputError where a message has what a turn cannot hold."""
    rest, marker = exact.split_rest(row["meta"])
    messages = row["messages"]
    written: dict[str, Any] = {}
    if messages and is_top_system(messages[0]):
        written["system"] = messages[0]["content"]
        messages = messages[1:]
    first = len(row["messages"]) - len(messages)
    written[keys.turns] = [
        turn
        for place, message in enumerate(messages, first)
        for turn in write_turns(message, f"messages[{place}]", keys)
    ]
    put_tools(written, row["tools"], marker, AS_TEXT)
    return joined(written, rest)


def write_turns(message: dict[str, Any], path: str, keys: Keys = _USUAL) -> list[dict[str, Any]]:
    """The turns of a message: one for its text, one for its calls; InputError for what has no place."""
    own_keys, mark = exact.split_rest(message["extra"])
    for field in ("reasoning", "parts"):
        if message[field] is not None:
            raise InputError(f"{path}.{field}: ShareGPT turns hold text only")
    turns: list[dict[str, Any]] = []
    if message["content"] is not None or not message["tool_calls"]:
        word = _word(message["role"], mark, keys)
        turns.append({keys.role: word, keys.text: message["content"]})
    if message["tool_calls"]:
        calls = [ToolCall(**call) for call in message["tool_calls"]]
        word = keys.calls
        if "role" in mark and (own := msgspec.json.decode(mark["role"])) in CALL_WORDS:
            word = own
        turns.append({keys.role: word, keys.text: _value(calls, mark)})
    for turn in turns:
        if message["train"] is not None:
            put_train(turn, message["train"], mark)
        turn.update({key: message[key] for key in _NAMES if message[key] is not None})
        turn.update(own_keys)
    return turns


def _word(role: str, mark: dict[str, Raw], keys: Keys) -> str:
    if "role" in mark:
        word = msgspec.json.decode(mark["role"], type=str)
        if canonical_role(word) == role:
            return word
    return keys.words.get(role, role)


def _value(calls: list[ToolCall], mark: dict[str, Raw]) -> str:
    if "value" in mark:
        written = msgspec.json.decode(mark["value"], type=str)
        if parse_calls_text(written) == calls:
            return written
    return calls_text(calls)


def _marks(word: str, marks: int) -> dict[str, object]:
    """The marker of a turn, as `parse_turn` makes it."""
    if marks & AT_TOP:
        return dict(SYSTEM_PLACE)
    marker: dict[str, object] = {"flag": "train"} if marks & TRAIN_WORD else {}
    role = canonical_role(word)
    if SHAREGPT.get(role, role) != word:
        marker["role"] = word
    return marker


def _written_calls(word: str, value: str) -> Message:
    call = plain_call(value) if word == _USUAL.calls else None
    if call is not None:
        return Message(role="assistant", tool_calls=[call])
    return parse_turn(Raw(msgspec.json.encode({"from": word, "value": value})), "$")


_LAYOUT = Layout(
    top=("conversations", "tools", "system"),
    message=("from", "value", NO_WORD, NO_WORD, NO_WORD, NO_WORD),
    roles=(*CANONICAL.items(), *((word, "assistant") for word in sorted(CALL_WORDS))),
    n_plain_roles=len(CANONICAL),
    marks=_marks,
    has_text_only=True,
    calls=_written_calls,
)
FORMATS = tuple(
    Format(
        name=name,
        kind="conversations",
        about=f"{keys.turns} of {keys.role} and {keys.text}, function_call turns, system, tools",
        matches=partial(_matches, keys),
        parse=partial(_parse, keys),
        write=partial(_write, keys),
        layout=_LAYOUT if keys is _USUAL else None,
    )
    for name, keys in {"sharegpt": _USUAL, **_VARIANTS}.items()
)
