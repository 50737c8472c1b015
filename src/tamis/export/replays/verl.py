"""What verl does with a row, replayed without verl: read in verl 0.9.1 and transformers 5.10.4.

Sources: utils/dataset/rl_dataset.py (`maybe_filter_out_long_prompts`, which counts a prompt that the
template fails on as too long), utils/dataset/multiturn_sft_dataset.py (`__getitem__`, with the
exported `dataset.py`), and the naive reward manager. Lengths are not replayed, they need the model's
own tokenizer; nor is what a model's own template refuses: the loader tells both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tamis.export.replays.json_text import read_json
from tamis.export.replays.trl import tools_fault
from tamis.export.targets.base import RowVerdict
from tamis.schema import Kind

Row = Mapping[str, Any]


def replay(kind: Kind, rows: Sequence[Row]) -> list[RowVerdict]:
    """One verdict for each row; message lists may be lists, or JSON text as they stand in the file."""
    judge = {"conversations": _conversation, "questions": _question}[kind]
    return [judge(row) for row in rows]


def _conversation(row: Row) -> RowVerdict:
    messages = read_json(row.get("messages"))
    fault = _messages_fault(messages) or tools_fault(row.get("tools"))
    if fault is not None:
        return RowVerdict(verdict="crashes", reason=fault)
    if not any(_is_trained(message) for message in messages):
        return RowVerdict(verdict="dropped", reason="messages: no reply that is trained on")
    return RowVerdict(verdict="accepted")


def _messages_fault(messages: Any) -> str | None:
    if not isinstance(messages, list):
        return "messages: not a list of messages"
    if not messages:
        return "messages: no message"
    for place, message in enumerate(messages):
        if not (isinstance(message, dict) and "role" in message and "content" in message):
            return f"messages[{place}]: not an object with role and content"
    return None


def _is_trained(message: Mapping[str, Any]) -> bool:
    is_out = message.get("weight") == 0 or message.get("train") is False
    return message["role"] == "assistant" and not is_out


def _question(row: Row) -> RowVerdict:
    if not row.get("prompt"):
        return RowVerdict(verdict="dropped", reason="prompt: no message to render")
    for name in ("reward_model", "extra_info"):
        if not isinstance(row.get(name), Mapping):
            return RowVerdict(verdict="crashes", reason=f"{name}: not an object")
    reference = row["extra_info"].get("reference")
    if reference is not None and not isinstance(read_json(reference), Mapping):
        return RowVerdict(verdict="crashes", reason="extra_info.reference: not JSON of an object")
    return RowVerdict(verdict="accepted")
