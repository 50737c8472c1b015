"""LLaMA-Factory: SFT and DPO on ShareGPT rows. It has no RL with rewards by rule, so no questions.

Rows are its `sharegpt` formatting, since its `openai` formatting appends a line of its own to the
system text. Reasoning stands in think tags inside the value; a call stands in a function_call turn, as
JSON, behind its text in `<tool_call>` tags when the message also says something. Its turns alternate,
so the answers to parallel calls share one observation, a line each. All values are texts: nothing of
two rows can clash in type. Read in LLaMA-Factory 0.9.5: data/converter.py (SharegptDatasetConverter),
data/formatter.py (FunctionFormatter), data/processor/supervised.py and pairwise.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tamis.errors import InputError
from tamis.export.replays.llamafactory import replay
from tamis.export.targets.base import Handover, Shape, Target
from tamis.export.targets.hf_messages import without_loss_flags
from tamis.export.targets.plain_turns import (
    call_text,
    one_reply,
    sides,
    tools_text,
    with_reasoning,
)
from tamis.export.targets.templates import render

FILE = "data/train.jsonl"
_WORDS = {"system": "system", "user": "human", "assistant": "gpt", "tool": "observation"}


def conversation_row(written: dict[str, Any]) -> dict[str, Any]:
    """`conversations` and `tools` of an `openai` row.

    Raises: InputError for a reply out of the loss, a list of parts, or arguments that are no object.
    """
    messages = without_loss_flags(written["messages"], "LLaMA-Factory")
    return {"conversations": _turns(messages, "messages"), "tools": tools_text(written)}


def preference_row(written: dict[str, Any]) -> dict[str, Any]:
    """`conversations` (the prompt), `chosen`, `rejected` and `tools` of a `trl_preference` row.

    Raises: InputError where a side is more than one message.
    """
    prompt, *replies = sides(written)
    row: dict[str, Any] = {"conversations": _turns(prompt, "prompt")}
    for name, messages in zip(("chosen", "rejected"), replies, strict=True):
        row[name] = _turn(one_reply(messages, name, "LLaMA-Factory"), f"{name}[0]")
    return {**row, "tools": tools_text(written)}


def _turns(messages: Sequence[Mapping[str, Any]], where: str) -> list[dict[str, str]]:
    turns: list[dict[str, str]] = []
    for place, message in enumerate(messages):
        turn = _turn(message, f"{where}[{place}]")
        if turns and turn["from"] == turns[-1]["from"] == "observation":
            turns[-1] = {**turn, "value": f"{turns[-1]['value']}\n{turn['value']}"}
        else:
            turns.append(turn)
    return turns


def _turn(message: Mapping[str, Any], where: str) -> dict[str, str]:
    role = message["role"]
    if role not in _WORDS:
        raise InputError(f"{where}.role: expected one of {', '.join(_WORDS)}, got {role!r}")
    calls = message.get("tool_calls")
    value = with_reasoning(message, where)
    if not calls:
        return {"from": _WORDS[role], "value": value}
    texts = [call_text(call, f"{where}.tool_calls[{n}]") for n, call in enumerate(calls)]
    written = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    if message.get("content"):
        written = f"<tool_call>{written}</tool_call>"
    return {"from": "function_call", "value": value + written}


def llamafactory_files(handover: Handover) -> dict[str, str]:
    """`dataset_info.json`, which says how to read the rows, and `train.yaml`, what to train."""
    columns = {"messages": "conversations", "tools": "tools"}
    entry: dict[str, Any] = {"file_name": handover.file, "formatting": "sharegpt"}
    if handover.kind == "preferences":
        entry["ranking"] = True
        columns |= {"chosen": "chosen", "rejected": "rejected"}
    info = json.dumps({"tamis": {**entry, "columns": columns}}, indent=2) + "\n"
    values: dict[str, Any] = msgspec.structs.asdict(handover)
    return {
        "dataset_info.json": info,
        "train.yaml": render("llamafactory/train.yaml.jinja", **values),
    }


TARGET = Target(
    name="llamafactory",
    about="LLaMA-Factory: SFT and DPO from sharegpt rows",
    shapes={
        "conversations": Shape(format="openai", file=FILE, adapt=conversation_row),
        "preferences": Shape(format="trl_preference", file=FILE, adapt=preference_row),
    },
    files=llamafactory_files,
    replay=replay,
    loader="llamafactory",
)
