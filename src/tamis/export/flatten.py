"""What a trainer has no place for, put where it has one: each way only when it was asked for by name.

A row that a target refuses is tried again with the ways that were asked for, in the order of this
table. Every change is told, row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from tamis.formats.columns import LISTS
from tamis.formats.openai_messages import is_json
from tamis.schema import MESSAGE, Kind

Row = dict[str, Any]
Message = dict[str, Any]


class Change(NamedTuple):
    """One thing that was put elsewhere or left out: by which way, and where it had been."""

    way: str
    path: str
    became: str


def _reasoning(message: Message) -> str | None:
    if message["reasoning"] is None:
        return None
    content = message["content"] or ""
    message["content"] = f"<think>\n{message['reasoning']}\n</think>\n\n{content}"
    message["reasoning"] = None
    return "think tags at the start of content"


def _tool_calls(message: Message) -> str | None:
    if message["tool_calls"] is not None:
        calls = [_call_block(call) for call in message["tool_calls"]]
        message["content"] = "\n".join([*filter(None, [message["content"]]), *calls])
        message["tool_calls"] = None
        return f"{len(calls)} tool_call blocks in content"
    if message["role"] == "tool":
        said = message["content"] or ""
        message.update(
            role="user",
            content=f"<tool_response>\n{said}\n</tool_response>",
            tool_call_id=None,
            name=None,
        )
        return "a tool_response block of a user message"
    return None


def _call_block(call: dict[str, Any]) -> str:
    arguments = call["arguments"] if is_json(call["arguments"]) else _text(call["arguments"])
    return f'<tool_call>\n{{"name": {_text(call["name"])}, "arguments": {arguments}}}\n</tool_call>'


def _text(value: str) -> str:
    return msgspec.json.encode(value).decode()


def _loss_flags(message: Message) -> str | None:
    if message["train"] is None:
        return None
    message["train"] = None
    return "left out: the trainer's own rule says what is trained"


def _parts(message: Message) -> str | None:
    if message["parts"] is None:
        return None
    message["parts"] = None
    message["content"] = message["content"] or ""
    return "its text parts alone; pictures and other parts left out"


def _names(message: Message) -> str | None:
    if message["name"] is None and message["tool_call_id"] is None:
        return None
    message["name"] = message["tool_call_id"] = None
    return "left out"


# In the order in which they are applied.
_OF_MESSAGES: dict[str, Callable[[Message], str | None]] = {
    "parts": _parts,
    "reasoning": _reasoning,
    "tools": _tool_calls,
    "loss_flags": _loss_flags,
    "names": _names,
}
WAYS: dict[str, str] = {
    "parts": "content lists become their text; other parts are left out",
    "reasoning": "separate reasoning becomes think tags at the start of content",
    "tools": "tools, calls and results become text in Hermes tags",
    "loss_flags": "the author's per-message loss flags are left out",
    "names": "names of speakers and ids of calls are left out",
}


def flattened(row: Row, kind: Kind, ways: Sequence[str]) -> tuple[Row, list[Change]]:
    """A copy of the row with these ways applied, and what they changed."""
    given = {**row, **{name: [dict(m) for m in row[name]] for name in LISTS[kind]}}
    changes = []
    for way, change in _OF_MESSAGES.items():
        if way not in ways:
            continue
        for name in LISTS[kind]:
            for place, message in enumerate(given[name]):
                became = change(message)
                if became is not None:
                    changes.append(Change(way, f"{name}[{place}]", became))
    # last, for it may put a message before the others
    if "tools" in ways and given.get("tools") is not None:
        changes.append(_tools_to_system(given, LISTS[kind][0]))
    return given, changes


def _tools_to_system(row: Row, first_list: str) -> Change:
    """The tools on offer as a part of the system text, as Hermes writes them."""
    told = (
        "You may call these tools. They are described as JSON inside <tools></tools>:\n"
        f"<tools>\n{row['tools']}\n</tools>\n"
        'To call one, answer with <tool_call>\n{"name": ..., "arguments": {...}}\n</tool_call>'
    )
    messages = row[first_list]
    if messages and messages[0]["role"] == "system" and messages[0]["content"] is not None:
        messages[0]["content"] = f"{messages[0]['content']}\n\n{told}"
    else:
        fields = dict.fromkeys(field.name for field in MESSAGE)
        messages.insert(0, {**fields, "role": "system", "content": told})
    row["tools"] = None
    return Change("tools", "tools", "a part of the system text")
