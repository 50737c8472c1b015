"""What OpenAI's fine-tuning API says of a row, by its documents; no run of the API stands behind it.

Each rule names its document: *guide* is one of the fine-tuning guides, *schema* the API description
(FineTuneChatRequestInput, FineTunePreferenceRequestInput, FineTuneReinforcementRequestInput and the
messages they are made of), *cookbook* the notebook "Data preparation and analysis for chat model
fine-tuning". All as read in 2026. A file with one bad row is refused whole, so a bad row *crashes*.
Not said by any row, and so not here: a file needs at least 10 rows (guide, supervised), reinforcement
wants a second file for validation (guide), and rows longer than the model's limit are cut (cookbook).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tamis.export.targets.base import RowVerdict
from tamis.schema import Kind

Row = Mapping[str, Any]

# schema: the turns of each file
_SUPERVISED = ("system", "user", "assistant", "tool", "function")
_REINFORCED = ("developer", "user", "assistant", "tool")
# cookbook, and schema for tool_calls, tool_call_id, refusal and audio
_KEYS = frozenset(
    "role content name weight function_call tool_calls tool_call_id refusal audio".split()
)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MOST_TOOLS = 128


def replay(kind: Kind, rows: Sequence[Row]) -> list[RowVerdict]:
    """One verdict for each row, accepted or crashes."""
    judge = _JUDGES[kind]
    return [_verdict(judge(row)) for row in rows]


def _verdict(reason: str | None) -> RowVerdict:
    if reason is None:
        return RowVerdict(verdict="accepted")
    return RowVerdict(verdict="crashes", reason=reason)


def _conversation(row: Row) -> str | None:
    messages = row.get("messages")
    fault = _turns_fault("messages", messages, _SUPERVISED) or _tools_fault(row)
    if fault is not None:
        return fault
    # cookbook, check 7
    if not any(one["role"] == "assistant" for one in messages or ()):
        return "messages: no message of the assistant"
    return None


def _preference(row: Row) -> str | None:
    asked = row.get("input")
    if not isinstance(asked, Mapping):
        return "input: not an object"
    fault = _turns_fault("input.messages", asked.get("messages"), _SUPERVISED)
    fault = fault or _tools_fault(asked)
    for key in ("preferred_output", "non_preferred_output"):
        fault = fault or _output_fault(key, row.get(key))
    return fault


def _output_fault(key: str, output: Any) -> str | None:
    """schema: at most one message, of the assistant; guide: the one that ends the conversation."""
    fault = _turns_fault(key, output, ("assistant",))
    if fault is None and len(output) != 1:
        return f"{key}: not one message"
    return fault


def _question(row: Row) -> str | None:
    messages = row.get("messages")
    fault = _turns_fault("messages", messages, _REINFORCED) or _tools_fault(row)
    if fault is not None:
        return fault
    # guide, reinforcement: the model answers the last turn
    if messages and messages[-1]["role"] != "user":
        return "messages: the last turn is not the user's"
    return None


def _turns_fault(where: str, messages: Any, roles: Sequence[str]) -> str | None:
    """cookbook, checks 2 to 6; schema: at least one message."""
    if not isinstance(messages, list) or not messages:
        return f"{where}: not a list with messages"
    for place, message in enumerate(messages):
        fault = _message_fault(message, roles)
        if fault is not None:
            return f"{where}[{place}]{fault}"
    return None


def _message_fault(message: Any, roles: Sequence[str]) -> str | None:
    if not isinstance(message, Mapping):
        return ": not an object"
    if message.get("role") not in roles:
        return f".role: not one of {', '.join(roles)}"
    unknown = sorted(set(message) - _KEYS)
    if unknown:
        return f".{unknown[0]}: not a key of a message"
    return _content_fault(message) or _weight_fault(message) or _calls_fault(message)


def _content_fault(message: Row) -> str | None:
    """schema: content may be missing or null only on a reply that calls; cookbook: never blank."""
    content = message.get("content")
    if isinstance(content, list):
        known = all(isinstance(part, Mapping) and "type" in part for part in content)
        return None if content and known else ".content: not a list of parts"
    if content is None:
        calls = message.get("tool_calls") or message.get("function_call")
        return None if message["role"] == "assistant" and calls else ".content: none, and no calls"
    if not isinstance(content, str):
        return ".content: not a text"
    return None if content or message["role"] == "tool" else ".content: empty"


def _weight_fault(message: Row) -> str | None:
    """schema: 0 or 1, on a message of the assistant."""
    if "weight" not in message:
        return None
    if message["role"] != "assistant":
        return ".weight: on a message that is not the assistant's"
    is_flag = message["weight"] in (0, 1) and not isinstance(message["weight"], bool)
    return None if is_flag else ".weight: not 0 or 1"


def _calls_fault(message: Row) -> str | None:
    """schema: calls on replies only, each with id, type, name and arguments as text; results name one."""
    if message["role"] == "tool" and not isinstance(message.get("tool_call_id"), str):
        return ".tool_call_id: not a text"
    calls = message.get("tool_calls")
    if calls is None:
        return None
    if message["role"] != "assistant" or not isinstance(calls, list) or not calls:
        return ".tool_calls: not a list of calls on a reply"
    return None if all(map(_is_call, calls)) else ".tool_calls: a call without id, name or text"


def _is_call(call: Any) -> bool:
    if not isinstance(call, Mapping) or not isinstance(call.get("id"), str):
        return False
    inner = call.get("function")
    if call.get("type") != "function" or not isinstance(inner, Mapping):
        return False
    return isinstance(inner.get("name"), str) and isinstance(inner.get("arguments"), str)


def _tools_fault(holder: Row) -> str | None:
    """schema: functions with names of 64 letters, digits, `_` and `-`, at most 128; a flag for parallel."""
    if not isinstance(holder.get("parallel_tool_calls", True), bool):
        return "parallel_tool_calls: not true or false"
    tools = holder.get("tools")
    if tools is None:
        return None
    if not isinstance(tools, list) or len(tools) > _MOST_TOOLS:
        return f"tools: not a list of at most {_MOST_TOOLS}"
    return None if all(map(_is_tool, tools)) else "tools: one that is no named function"


def _is_tool(tool: Any) -> bool:
    if not isinstance(tool, Mapping) or tool.get("type") != "function":
        return False
    inner = tool.get("function")
    name = inner.get("name") if isinstance(inner, Mapping) else None
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


_JUDGES: dict[Kind, Callable[[Row], str | None]] = {
    "conversations": _conversation,
    "preferences": _preference,
    "questions": _question,
}
