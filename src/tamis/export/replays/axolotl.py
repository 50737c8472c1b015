"""What axolotl does with a row, replayed without it: read in axolotl 0.19.0, transformers 5.16.1.

Sources: prompt_strategies/chat_template.py (`_get_messages`, `_get_tools`, `transform_message`,
`_tokenize_single_prompt`), prompt_strategies/dpo/chat_template.py, and the rendering of chat templates
in transformers. `dropped` is a row of which no token is trained. Not replayed: lengths, which need the
model's own tokenizer, and what a model's own template refuses: the loader tells both.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tamis.export.replays.verdict import ACCEPTED, crashes, dropped
from tamis.export.targets.base import RowVerdict
from tamis.schema import Kind

Row = Mapping[str, Any]
_SAYING = ("assistant", "gpt")
_DPO_ROLES = ("user", "assistant", "system", "tool")


def replay(kind: Kind, rows: Sequence[Row]) -> list[RowVerdict]:
    """One verdict for each row; messages of a conversation may be a list, or JSON text."""
    return [_JUDGES[kind](row) for row in rows]


def _conversation(row: Row) -> RowVerdict:
    messages: Any = row.get("messages")
    if isinstance(messages, str):
        try:
            messages = json.loads(messages)
        except json.JSONDecodeError:
            return crashes("messages: not JSON")
    fault = _messages_fault(messages) or _tools_fault(row.get("tools"))
    if fault is not None:
        return crashes(fault)
    if not any(_is_trained(message) for message in messages):
        return dropped("messages: nothing of it is trained")
    return ACCEPTED


def _messages_fault(messages: Any) -> str | None:
    if not isinstance(messages, list) or not all(isinstance(one, dict) for one in messages):
        return "messages: not a list of objects"
    if not messages:
        return "messages: no message"
    if messages[0].get("role") is None:
        return "messages: the first has no role"
    for message in messages:
        for call in message.get("tool_calls") or []:
            fault = _call_fault(call)
            if fault is not None:
                return fault
    return None


def _call_fault(call: Mapping[str, Any]) -> str | None:
    called = call.get("function")
    if isinstance(called, dict) and "arguments" not in called:
        return "tool_calls: a function without arguments"
    arguments = (called or {}).get("arguments")
    if not isinstance(arguments, str) or _is_json(arguments):
        return None
    return "tool_calls: arguments are a text that is no JSON"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except json.JSONDecodeError:
        return False
    return True


def _is_trained(message: Mapping[str, Any]) -> bool:
    """A message that is in the loss and has something to say."""
    train = message.get("train")
    wanted = message.get("role") in _SAYING if train is None else bool(train)
    fields = ("content", "reasoning_content", "tool_calls")
    return wanted and any(message.get(field) for field in fields)


def _tools_fault(tools: Any) -> str | None:
    if isinstance(tools, str):
        if not _is_json(tools):
            return "tools: not JSON"
        tools = json.loads(tools)
        if tools is None:
            return "tools: not a list"
    if tools is None:
        return None
    if not isinstance(tools, list):
        return "tools: not a list"
    if not all(isinstance(tool, dict) for tool in tools):
        return "tools: not a list of objects"
    parameters = [(tool.get("function") or {}).get("parameters") for tool in tools]
    if any(isinstance(text, str) and not _is_json(text) for text in parameters):
        return "tools: parameters are a text that is no JSON"
    return None


def _preference(row: Row) -> RowVerdict:
    messages: Any = row.get("messages")
    if not isinstance(messages, str):
        if not isinstance(messages, list) or not messages:
            return crashes("messages: no message")
        if any(message.get("role") not in _DPO_ROLES for message in messages):
            return crashes("messages: a role that it does not know")
    for name in ("chosen", "rejected"):
        fault = _side_fault(row.get(name))
        if fault is not None:
            return crashes(f"{name}: {fault}")
    return ACCEPTED


def _side_fault(side: Any) -> str | None:
    if isinstance(side, str):
        return None
    if isinstance(side, list):
        side = side[-1] if side else None
    if not isinstance(side, dict):
        return "no message"
    if side.get("role") not in _DPO_ROLES:
        return "a role that it does not know"
    return None if isinstance(side.get("content"), str) else "no text"


def _question(row: Row) -> RowVerdict:
    return ACCEPTED if row.get("prompt") else crashes("prompt: no message")


_JUDGES: dict[Kind, Callable[[Row], RowVerdict]] = {
    "conversations": _conversation,
    "preferences": _preference,
    "questions": _question,
}
