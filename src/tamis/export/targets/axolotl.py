"""axolotl: SFT through chat templates, DPO on plain turns, GRPO through TRL with rewards of ours.

Messages of a conversation are JSON text, which its chat_template strategy decodes: arguments of two
rows cannot clash in type, and no row gets the keys of another. Its DPO strategy keeps role and content
of a message and drops the rest, tool calls and tools too (issue 3824), so rows that have them are
refused. Read in axolotl 0.19.0: prompt_strategies/chat_template.py (`_get_messages`, `_get_tools`,
`transform_message`), prompt_strategies/dpo/chat_template.py, utils/data/rl.py.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tamis.export.replays.axolotl import replay
from tamis.export.targets.base import Handover, Shape, Target
from tamis.export.targets.hf_messages import as_json_text, template_messages
from tamis.export.targets.plain_turns import (
    grading_columns,
    no_tools,
    one_reply,
    plain_turns,
    prompt_messages,
    sides,
    tools_text,
)
from tamis.export.targets.templates import render

FILE = "data/train.jsonl"


def conversation_row(written: dict[str, Any]) -> dict[str, Any]:
    """`messages` and `tools` of an `openai` row as JSON texts; a loss flag becomes `train`."""
    messages = template_messages(written["messages"])
    for message in messages:
        if "weight" in message:
            message["train"] = bool(message.pop("weight"))
    return {"messages": as_json_text(messages), "tools": tools_text(written)}


def preference_row(written: dict[str, Any]) -> dict[str, Any]:
    """`messages` (the prompt), `chosen` and `rejected` of a `trl_preference` row.

    Raises: InputError for tools, tool calls, reasoning, empty texts, and sides of several messages.
    """
    no_tools(written, "axolotl's DPO")
    prompt, *replies = sides(written)
    row: dict[str, Any] = {"messages": plain_turns(prompt, "prompt", "axolotl's DPO")}
    for name, messages in zip(("chosen", "rejected"), replies, strict=True):
        reply = one_reply(messages, name, "axolotl's DPO")
        row[name] = plain_turns([reply], name, "axolotl's DPO")[0]
    return row


def question_row(written: dict[str, Any]) -> dict[str, Any]:
    """`prompt` of a `trl_prompt` row, and what `reward.py` grades with.

    Raises: InputError for a question that names no reward, or a prompt of more than plain turns.
    """
    no_tools(written, "axolotl's GRPO")
    prompt = plain_turns(prompt_messages(written), "prompt", "axolotl's GRPO")
    return {"prompt": prompt, **grading_columns(written, "axolotl's GRPO")}


def axolotl_files(handover: Handover) -> dict[str, str]:
    """`config.yaml`, and for questions `reward.py` with one named function for each reward and
    `prompts.py`, which hands the rows on.
    """
    values: dict[str, Any] = msgspec.structs.asdict(handover)
    values["names"] = sorted({name for name, _ in handover.rewards})
    config = {"config.yaml": render("axolotl/config.yaml.jinja", **values)}
    if handover.kind != "questions":
        return config
    scripts = ("prompts.py", "reward.py")
    return {**config, **{name: render(f"axolotl/{name}.jinja", **values) for name in scripts}}


TARGET = Target(
    name="axolotl",
    about="axolotl: SFT with chat_template, DPO on plain turns, GRPO through TRL",
    shapes={
        "conversations": Shape(format="openai", file=FILE, adapt=conversation_row),
        "preferences": Shape(format="trl_preference", file=FILE, adapt=preference_row),
        "questions": Shape(format="trl_prompt", file=FILE, adapt=question_row),
    },
    files=axolotl_files,
    replay=replay,
    loader="axolotl",
    over_limit="dropped",
)
