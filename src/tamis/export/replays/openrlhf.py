"""What OpenRLHF does with a row, replayed without it: read in OpenRLHF 0.11.2, transformers 5.16.1.

Sources: datasets/sft_dataset.py (multiturn), reward_dataset.py, prompts_dataset.py, and the rendering
of chat templates in transformers. `dropped` is a row of which no token is trained. Not replayed:
lengths, which need the model's own tokenizer, and what a model's own template refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tamis.export.replays.json_text import read_json
from tamis.export.replays.verdict import ACCEPTED, crashes, dropped
from tamis.export.targets.base import RowVerdict
from tamis.schema import Kind

Row = Mapping[str, Any]


def replay(kind: Kind, rows: Sequence[Row]) -> list[RowVerdict]:
    """One verdict for each row; message lists may be lists, or JSON text as they stand in the file."""
    return [_JUDGES[kind](row) for row in rows]


def _conversation(row: Row) -> RowVerdict:
    messages = read_json(row.get("messages"))
    if not isinstance(messages, list) or not all(isinstance(one, dict) for one in messages):
        return crashes("messages: not a list of objects")
    if len(messages) < 2:
        return crashes("messages: nothing stands before the last one")
    if any("role" not in message for message in messages):
        return crashes("messages: one has no role")
    if messages[0]["role"] == "assistant":
        return crashes("messages: nothing stands before the first reply")
    if any(_is_without_arguments(call) for call in _calls(messages)):
        return crashes("tool_calls: a function without arguments")
    if not any(message["role"] == "assistant" for message in messages):
        return dropped("messages: nothing of it is trained")
    return ACCEPTED


def _calls(messages: Sequence[Mapping[str, Any]]) -> list[Any]:
    return [call for message in messages for call in message.get("tool_calls") or []]


def _is_without_arguments(call: Any) -> bool:
    called = call.get("function") if isinstance(call, dict) else None
    return isinstance(called, dict) and "arguments" not in called


def _preference(row: Row) -> RowVerdict:
    prompt, chosen, rejected = (
        read_json(row.get(name)) for name in ("prompt", "chosen", "rejected")
    )
    if not prompt:
        return crashes("prompt: no message")
    for name, side in (("chosen", chosen), ("rejected", rejected)):
        if type(side) is not type(prompt):
            return crashes(f"{name}: not of the type of the prompt")
    return ACCEPTED


def _question(row: Row) -> RowVerdict:
    prompt = read_json(row.get("prompt"))
    if not isinstance(prompt, (list, str, dict)) or not prompt:
        return crashes("prompt: no message")
    if isinstance(prompt, list) and not all(isinstance(message, dict) for message in prompt):
        return crashes("prompt: not a list of objects")
    return ACCEPTED


_JUDGES: dict[Kind, Callable[[Row], RowVerdict]] = {
    "conversations": _conversation,
    "preferences": _preference,
    "questions": _question,
}
