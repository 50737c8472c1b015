"""What prime-rl does with a row, by its code and documents; it is on no registry, and was not run.

Sources: prime-rl, commit 00a0a32, trainer/sft/data.py (`SFTDataset._process`: `resolve_messages`, tools,
`should_mask`, and the skipping of rows without a trained token) and utils/chat_template.py; for questions
verifiers 0.4.0, v1/task.py (`TaskData`), as the exported taskset fills it. Lengths are not replayed,
they need the model's own tokenizer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tamis.export.replays.json_text import read_json
from tamis.export.replays.trl import tools_fault
from tamis.export.targets.base import RowVerdict
from tamis.schema import Kind

Row = Mapping[str, Any]

_ROLES = ("system", "user", "assistant", "tool")


def replay(kind: Kind, rows: Sequence[Row]) -> list[RowVerdict]:
    """One verdict for each row."""
    judge = {"conversations": _conversation, "questions": _question}[kind]
    return [judge(row) for row in rows]


def _conversation(row: Row) -> RowVerdict:
    fault, messages = _resolved(row)
    fault = fault or _roles_fault(messages) or tools_fault(row.get("tools", row.get("tool_defs")))
    if fault is not None:
        return RowVerdict(verdict="crashes", reason=fault)
    if not any(message["role"] == "assistant" for message in messages):
        return RowVerdict(verdict="dropped", reason="messages: no message of the assistant")
    return RowVerdict(verdict="accepted")


def _resolved(row: Row) -> tuple[str | None, list[Any]]:
    """`messages` before `prompt` and `completion`, where a text is one turn."""
    if "messages" in row:
        return _normalized("messages", row["messages"], "assistant")
    if "prompt" not in row or "completion" not in row:
        return "messages: none, nor both prompt and completion", []
    asked_fault, asked = _normalized("prompt", row["prompt"], "user")
    said_fault, said = _normalized("completion", row["completion"], "assistant")
    return asked_fault or said_fault, asked + said


def _normalized(where: str, messages: Any, role: str) -> tuple[str | None, list[Any]]:
    if messages is None:
        return None, []
    listed = messages if isinstance(messages, list) else [messages]
    turns = [{"role": role, "content": one} if isinstance(one, str) else one for one in listed]
    if not all(isinstance(turn, Mapping) for turn in turns):
        return f"{where}: neither texts nor objects", []
    return None, turns


def _roles_fault(messages: Sequence[Row]) -> str | None:
    for place, message in enumerate(messages):
        if message.get("role") not in _ROLES:
            return f"messages[{place}].role: not one of {', '.join(_ROLES)}"
        if not all(map(_is_readable, message.get("tool_calls") or ())):
            return f"messages[{place}].tool_calls: arguments that are no JSON"
    return None


def _is_readable(call: Any) -> bool:
    inner = call.get("function", {}) if isinstance(call, Mapping) else None
    if not isinstance(inner, Mapping):
        return False
    arguments = inner.get("arguments")
    if isinstance(arguments, str):
        try:
            json.loads(arguments)
        except json.JSONDecodeError:
            return False
    return True


def _question(row: Row) -> RowVerdict:
    """The taskset beside the rows builds all its tasks at once, so one bad row stops the load."""
    reason = _prompt_fault(row.get("prompt")) or _info_fault(row.get("info"))
    if reason is not None:
        return RowVerdict(verdict="crashes", reason=reason)
    return RowVerdict(verdict="accepted")


def _prompt_fault(prompt: Any) -> str | None:
    if not isinstance(prompt, list) or not prompt:
        return "prompt: not a list with messages"
    for place, message in enumerate(prompt):
        is_turn = isinstance(message, Mapping) and message.get("role") in _ROLES
        if not is_turn or not isinstance(message.get("content"), str):
            return f"prompt[{place}]: not an object with role and text"
    return None


def _info_fault(info: Any) -> str | None:
    told = read_json(info)
    own = told.get("tamis") if isinstance(told, Mapping) else None
    if not isinstance(info, str) or not isinstance(own, Mapping):
        return "info: not the JSON text of an object with `tamis`"
    return None if own.get("id") and own.get("reward") else "info.tamis: no id, or no reward"
