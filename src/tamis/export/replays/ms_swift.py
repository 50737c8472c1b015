"""What ms-swift does with a row, replayed without it: read in ms-swift 4.6.0.

Sources: swift/dataset/preprocessor/core.py (MessagesPreprocessor, `_check_messages`,
`_normalize_tools`), swift/template/template_inputs.py, and the agent template `hermes`. It drops what
it cannot take (`strict` is off) and crashes on no row; `dropped` is also a row of which no token is
trained. Not replayed: lengths, which need the model's own tokenizer; what other agent templates ask of
a tool.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tamis.export.replays.json_text import read_json
from tamis.export.replays.verdict import ACCEPTED, dropped
from tamis.export.targets.base import RowVerdict
from tamis.schema import Kind

Row = Mapping[str, Any]
_ROLES = {
    **dict.fromkeys(("user", "human"), "user"),
    **dict.fromkeys(("assistant", "gpt", "bot"), "assistant"),
    **dict.fromkeys(("tool_call", "function_call", "function-call"), "tool_call"),
    **dict.fromkeys(("tool", "tool_response", "observation", "observations"), "tool"),
    "function_response": "tool",
    "system": "system",
}
_SAYING = ("assistant", "tool_call")


def replay(kind: Kind, rows: Sequence[Row]) -> list[RowVerdict]:
    """One verdict for each row; messages may be a list, or JSON text."""
    return [_verdict(_JUDGES[kind](row)) for row in rows]


def _verdict(fault: str | None) -> RowVerdict:
    return ACCEPTED if fault is None else dropped(fault)


def _conversation(row: Row) -> str | None:
    messages = _standard(row.get("messages"))
    fault = _messages_fault("messages", messages) or _tools_fault(row.get("tools"))
    if fault is None and not any(message["role"] in _SAYING for message in messages):
        fault = "messages: nothing of it is trained"
    return fault


def _preference(row: Row) -> str | None:
    fault = _messages_fault("messages", _standard(row.get("messages")))
    rejected = _standard(row.get("rejected_messages"))
    if fault is None and rejected:
        # of the rejected side its own check reads nothing but the template does
        fault = _roles_fault("rejected_messages", rejected)
    return fault or _tools_fault(row.get("tools"))


def _question(row: Row) -> str | None:
    fault = _messages_fault("messages", _standard(row.get("messages")))
    return fault or _tools_fault(row.get("tools"))


def _standard(written: Any) -> Any:
    """Messages with role and content in its own words; None where they are no list of objects."""
    messages = read_json(written)
    if not isinstance(messages, list) or not all(isinstance(one, dict) for one in messages):
        return None
    if messages and not messages[0].keys() & {"role", "content", "from", "value"}:
        return [turn for message in messages for turn in _pair(message)]
    standard = []
    for message in messages:
        role = message.get("role", message.get("from"))
        content = message.get("content", message.get("value"))
        calls = message.get("tool_calls") if role == "assistant" else None
        if content or not calls:
            standard.append({"role": _ROLES.get(role, role), "content": content})
        standard += [
            {"role": "tool_call", "content": call.get("function", call)} for call in calls or []
        ]
    return standard


def _pair(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A question and its reply written as one object, the roles for keys."""
    said = {_ROLES.get(key, key): value for key, value in message.items()}
    return [{"role": role, "content": said.get(role)} for role in ("user", "assistant")]


def _messages_fault(name: str, messages: Any) -> str | None:
    if messages is None:
        return f"{name}: not a list of objects"
    if any(message["content"] is None for message in messages):
        return f"{name}: one has no content"
    return _roles_fault(name, messages)


def _roles_fault(name: str, messages: Sequence[Mapping[str, Any]]) -> str | None:
    if any(message["role"] not in _ROLES.values() for message in messages):
        return f"{name}: a role that it does not know"
    rest = messages[1:] if messages and messages[0]["role"] == "system" else messages
    if not rest:
        return f"{name}: no message"
    if any(message["role"] == "system" for message in rest):
        return f"{name}: a system message that is not the first"
    calls = [message["content"] for message in messages if message["role"] == "tool_call"]
    if not all(_is_call(read_json(call)) for call in calls):
        return f"{name}: a call is no JSON object of name and arguments"
    return None


def _is_call(call: Any) -> bool:
    return isinstance(call, dict) and {"name", "arguments"} <= call.keys()


def _tools_fault(tools: Any) -> str | None:
    if isinstance(tools, str):
        try:
            tools = json.loads(tools)
        except json.JSONDecodeError:
            return "tools: not JSON"
    if tools is None or isinstance(tools, dict):
        return None
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
        return "tools: not a list of objects"
    return None


_JUDGES: dict[Kind, Callable[[Row], str | None]] = {
    "conversations": _conversation,
    "preferences": _preference,
    "questions": _question,
}
