"""TRL: SFT on what the assistant says, DPO on preferences, GRPO on questions with rewards of ours.

Rows go to Parquet. Message lists are columns of JSON, which `datasets` (4.7 and later, what TRL asks
for) gives back exactly: as structs, Arrow would merge the arguments of all tool calls into one type,
invent a null for each key another row has, and crash on two types for one key. `tools` is JSON
text, which SFTTrainer and DPOTrainer decode (read in TRL 1.16.0: trainer/sft_trainer.py and
trainer/dpo_trainer.py, `tokenize_fn`). Nothing is inferred, so a text that looks like a date stays one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import takewhile
from typing import Any

import msgspec
import pyarrow as pa

from tamis.errors import InputError
from tamis.export.replays.trl import replay
from tamis.export.targets.base import Handover, Shape, Target
from tamis.export.targets.hf_messages import (
    as_json_text,
    template_messages,
    without_loss_flags,
)
from tamis.export.targets.templates import render

FILE = "train.parquet"
_STRINGS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"')
# more digits than a 64-bit float holds, or an exponent beyond it
_LONG_NUMBER = re.compile(r"[0-9.]{18,}|[eE]\+?[0-9]{3,}")
_SCRIPTS = {"conversations": "sft", "preferences": "dpo", "questions": "grpo"}


def conversation_row(written: dict[str, Any]) -> dict[str, Any]:
    """Columns `messages` and `tools` of an `openai` row, both as JSON text.

    Raises: InputError for a reply that its author took out of the loss: SFTTrainer cannot.
    """
    messages = without_loss_flags(written["messages"], "TRL")
    return {
        "messages": plain_numbers(as_json_text(template_messages(messages)), "messages"),
        "tools": as_json_text(written.get("tools")),
    }


def preference_row(written: dict[str, Any]) -> dict[str, Any]:
    """Columns `prompt`, `chosen`, `rejected` and `tools` of a `trl_preference` row, as JSON text.

    Texts become one message each, and what both sides start with becomes the prompt, since all rows of
    a column have one type. Raises: InputError where one of the three is empty: DPOTrainer crashes.
    """
    prompt = _turns(written.get("prompt") or [], "user")
    chosen = _turns(written["chosen"], "assistant")
    rejected = _turns(written["rejected"], "assistant")
    if not prompt:
        pairs = zip(chosen[:-1], rejected[:-1], strict=False)
        n_shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        prompt, chosen, rejected = chosen[:n_shared], chosen[n_shared:], rejected[n_shared:]
    sides = {"prompt": prompt, "chosen": chosen, "rejected": rejected}
    for name, side in sides.items():
        if not side:
            raise InputError(
                f"{name}: expected at least one message, got none; DPO needs all three"
            )
    return {
        **{
            name: plain_numbers(as_json_text(template_messages(side)), name)
            for name, side in sides.items()
        },
        "tools": as_json_text(written.get("tools")),
    }


def plain_numbers(text: str | None, name: str) -> str | None:
    """The JSON text, which `datasets` decodes with numbers of 64 bits.

    Raises: InputError for a number that it would bend, or whose size stops the whole load.
    """
    if text is not None and _LONG_NUMBER.search(text):
        found = _LONG_NUMBER.search(_STRINGS.sub('""', text))
        if found is not None:
            raise InputError(
                f"{name}: expected numbers that 64 bits hold, got {found.group()[:40]} in a tool call; "
                "write it as a text"
            )
    return text


def _turns(side: Any, role: str) -> list[dict[str, Any]]:
    turns = [{"role": role, "content": side}] if isinstance(side, str) else side
    return [{key: turn[key] for key in turn if key not in ("weight", "train")} for turn in turns]


def question_row(written: dict[str, Any]) -> dict[str, Any]:
    """Columns of a `trl_prompt` row: `prompt` as JSON text, and what `reward.py` grades with.

    Raises: InputError for a question that names no reward, or declares tools: GRPOTrainer takes
    tools as Python functions in its script, never from a row.
    """
    refuse_tools(written, "GRPOTrainer")
    prompt = _turns(written["prompt"], "user")
    return {"prompt": as_json_text(template_messages(prompt)), **grading_columns(written)}


def refuse_tools(written: Mapping[str, Any], trainer: str) -> None:
    """InputError for a question that declares tools, to a trainer that would not show them."""
    if written.get("tools") is not None:
        raise InputError(
            f"tools: expected none, got some; {trainer} takes tools from its own settings, not from "
            "a row: remove them and declare them there"
        )


def grading_columns(written: Mapping[str, Any]) -> dict[str, Any]:
    """`question_id`, `reward_name`, `reward_parameters` and `reference` (JSON text) of a `trl_prompt` row.

    Raises: InputError for a question that names no reward.
    """
    if not written.get("reward_name"):
        raise InputError("reward: expected the name of a reward, got none; name one")
    return {
        "question_id": written["question_id"],
        "reward_name": written["reward_name"],
        "reward_parameters": as_json_text(written.get("reward_parameters")),
        "reference": as_json_text(written.get("reference")),
    }


def trl_files(handover: Handover) -> dict[str, str]:
    """`train.py`, and for questions `reward.py` with one named function for each reward."""
    values: dict[str, Any] = msgspec.structs.asdict(handover)
    values["names"] = sorted({name for name, _ in handover.rewards})
    script = render(f"trl/{_SCRIPTS[handover.kind]}.py.jinja", **values)
    if handover.kind != "questions":
        return {"train.py": script}
    return {"train.py": script, "reward.py": render("trl/reward.py.jinja", **values)}


TARGET = Target(
    name="trl",
    about="TRL (Hugging Face): SFTTrainer, DPOTrainer and GRPOTrainer",
    shapes={
        "conversations": Shape(
            format="openai",
            file=FILE,
            adapt=conversation_row,
            schema=pa.schema([("messages", pa.json_()), ("tools", pa.string())]),
        ),
        "preferences": Shape(
            format="trl_preference",
            file=FILE,
            adapt=preference_row,
            schema=pa.schema(
                [
                    *((name, pa.json_()) for name in ("prompt", "chosen", "rejected")),
                    ("tools", pa.string()),
                ]
            ),
        ),
        "questions": Shape(
            format="trl_prompt",
            file=FILE,
            adapt=question_row,
            schema=pa.schema(
                [
                    ("prompt", pa.json_()),
                    *(
                        (name, pa.string())
                        for name in ("question_id", "reward_name", "reward_parameters", "reference")
                    ),
                ]
            ),
        ),
    },
    files=trl_files,
    replay=replay,
    loader="trl",
)
