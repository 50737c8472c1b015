"""ms-swift: SFT, DPO and GRPO on messages with the roles tool_call and tool_response.

Its loader keeps role, content and loss of a message and deletes all other keys, so reasoning stands in
think tags inside the content, and each call is a message of its own. Messages are JSON text, which its
loader decodes: nothing of two rows can clash in type. A message with loss false is left out of the
loss but for its end of turn, which ms-swift trains on all the same (as recorded). Read in ms-swift 4.6.0:
swift/dataset/preprocessor/core.py (MessagesPreprocessor, `_check_messages`, `_normalize_tools`),
swift/template/template_inputs.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tamis.errors import InputError
from tamis.export.replays.ms_swift import replay
from tamis.export.targets.base import Handover, Shape, Target
from tamis.export.targets.hf_messages import as_json_text
from tamis.export.targets.plain_turns import (
    call_text,
    grading_columns,
    prompt_messages,
    sides,
    tools_text,
    with_reasoning,
)
from tamis.export.targets.templates import render

FILE = "data/train.jsonl"
_ROLES = {"system": "system", "user": "user", "assistant": "assistant", "tool": "tool_response"}


def conversation_row(written: dict[str, Any]) -> dict[str, Any]:
    """`messages` and `tools` of an `openai` row as JSON texts; a loss flag becomes `loss`."""
    messages = _messages(written["messages"], "messages")
    return {"messages": as_json_text(messages), "tools": tools_text(written)}


def preference_row(written: dict[str, Any]) -> dict[str, Any]:
    """`messages` (prompt and chosen), `rejected_messages` and `tools` of a `trl_preference` row."""
    prompt, chosen, rejected = sides(written)
    started = _messages(prompt, "prompt")
    return {
        "messages": as_json_text([*started, *_messages(chosen, "chosen")]),
        "rejected_messages": as_json_text([*started, *_messages(rejected, "rejected")]),
        "tools": tools_text(written),
    }


def question_row(written: dict[str, Any]) -> dict[str, Any]:
    """`messages` and `tools` of a `trl_prompt` row as JSON texts, and what `reward.py` grades with.

    Raises: InputError for a question that names no reward.
    """
    messages = _messages(prompt_messages(written), "prompt")
    return {
        "messages": as_json_text(messages),
        "tools": tools_text(written),
        **grading_columns(written, "ms-swift"),
    }


def _messages(messages: Sequence[Mapping[str, Any]], where: str) -> list[dict[str, Any]]:
    written: list[dict[str, Any]] = []
    for place, message in enumerate(messages):
        written += _one_message(message, f"{where}[{place}]")
    return written


def _one_message(message: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    role = message["role"]
    if role not in _ROLES:
        raise InputError(f"{where}.role: expected one of {', '.join(_ROLES)}, got {role!r}")
    loss = {"loss": bool(message["weight"])} if "weight" in message else {}
    calls = [
        {"role": "tool_call", "content": call_text(call, f"{where}.tool_calls[{n}]"), **loss}
        for n, call in enumerate(message.get("tool_calls") or [])
    ]
    text = with_reasoning(message, where)
    if calls and not text:
        return calls
    return [{"role": _ROLES[role], "content": text, **loss}, *calls]


def ms_swift_files(handover: Handover) -> dict[str, str]:
    """`train.sh`, and for questions `reward.py`, a plugin with one reward that asks each row for its own."""
    values = msgspec.structs.asdict(handover)
    script = {"train.sh": render("ms_swift/train.sh.jinja", **values)}
    if handover.kind != "questions":
        return script
    return {**script, "reward.py": render("ms_swift/reward.py.jinja", **values)}


TARGET = Target(
    name="ms-swift",
    about="ms-swift: swift sft, and swift rlhf with dpo or grpo",
    shapes={
        "conversations": Shape(format="openai", file=FILE, adapt=conversation_row),
        "preferences": Shape(format="trl_preference", file=FILE, adapt=preference_row),
        "questions": Shape(format="trl_prompt", file=FILE, adapt=question_row),
    },
    files=ms_swift_files,
    replay=replay,
    loader="ms_swift",
    over_limit="dropped",
)
