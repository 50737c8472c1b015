"""What TRL does with a row, replayed without TRL: read in TRL 1.16.0 and transformers 5.10.4.

Sources: trl/data_utils.py (`is_conversational`), the `tokenize_fn` of trl/trainer/sft_trainer.py and
dpo_trainer.py, `_tokenize_prompts` of grpo_trainer.py, and the rendering of chat templates in
transformers. Lengths are not replayed, they need the model's own tokenizer; nor is what a model's own
template refuses (two user turns in a row, say): the loader tells both.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tamis.export.replays.json_text import read_json
from tamis.export.targets.base import RowVerdict
from tamis.schema import Kind

Row = Mapping[str, Any]


def replay(kind: Kind, rows: Sequence[Row]) -> list[RowVerdict]:
    """One verdict for each row; message lists may be lists, or JSON text as they stand in the file."""
    judge = _JUDGES[kind]
    return [_verdict(judge(row)) for row in rows]


def _verdict(reason: str | None) -> RowVerdict:
    if reason is None:
        return RowVerdict(verdict="accepted")
    return RowVerdict(verdict="crashes", reason=reason)


def _conversation(row: Row) -> str | None:
    messages = read_json(row.get("messages"))
    fault = _list_fault("messages", messages) or tools_fault(row.get("tools"))
    if fault is not None:
        return fault
    if not any(_role(message) == "assistant" for message in messages):
        return "messages: no message of the assistant, so nothing is trained"
    return None


def _preference(row: Row) -> str | None:
    # any of the three may be the one that decides whether a row is conversational
    faults = [
        _list_fault(name, read_json(row.get(name))) for name in ("prompt", "chosen", "rejected")
    ]
    return next(filter(None, faults), None) or tools_fault(row.get("tools"))


def _question(row: Row) -> str | None:
    prompt = read_json(row.get("prompt"))
    fault = _list_fault("prompt", prompt)
    # GRPOTrainer looks for images in the content of every message before it renders
    if fault is None and not all(isinstance(each, dict) and "content" in each for each in prompt):
        fault = "prompt: a message without content"
    return fault


def _list_fault(name: str, messages: Any) -> str | None:
    if not isinstance(messages, list):
        return f"{name}: not a list of messages"
    if not messages:
        return f"{name}: no message"
    if not (isinstance(messages[0], dict) and "role" in messages[0]):
        return f"{name}: the first message has no role"
    return None


def tools_fault(tools: Any) -> str | None:
    """Why tools, as a value or as JSON text, cannot be shown to a chat template; None when they can."""
    if isinstance(tools, str):
        try:
            tools = json.loads(tools)
        except json.JSONDecodeError:
            return "tools: not JSON"
    if tools is None or tools == {}:
        return None
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
        return "tools: not a list of objects"
    return None


def _role(message: Any) -> Any:
    return message.get("role") if isinstance(message, dict) else None


_JUDGES: dict[Kind, Callable[[Row], str | None]] = {
    "conversations": _conversation,
    "preferences": _preference,
    "questions": _question,
}
