"""OpenRLHF: SFT, DPO and group-relative RL on rows rendered by the model's own chat template.

Rows go to Parquet, message lists as columns of JSON, which `datasets` (4.7 and later) gives back
exactly: as structs Arrow would merge the arguments of all calls into one type. Its loaders never show
`tools` to the template, so rows that declare tools are refused. The label of a question is the JSON
text that `reward.py` grades with. Read in OpenRLHF 0.11.2: datasets/sft_dataset.py,
reward_dataset.py, prompts_dataset.py, utils/agent.py (SingleTurnAgentExecutor).
"""

from __future__ import annotations

from typing import Any

import msgspec
import pyarrow as pa

from tamis.export.replays.openrlhf import replay
from tamis.export.targets.base import Handover, Shape, Target
from tamis.export.targets.hf_messages import as_json_text, template_messages, without_loss_flags
from tamis.export.targets.plain_turns import grading_columns, no_tools, prompt_messages, sides
from tamis.export.targets.templates import render

FILE = "data/train.parquet"


def conversation_row(written: dict[str, Any]) -> dict[str, Any]:
    """`messages` of an `openai` row as JSON text.

    Raises: InputError for tools, and for a reply out of the loss: OpenRLHF trains on all replies.
    """
    no_tools(written, "OpenRLHF")
    messages = without_loss_flags(written["messages"], "OpenRLHF")
    return {"messages": as_json_text(template_messages(messages))}


def preference_row(written: dict[str, Any]) -> dict[str, Any]:
    """`prompt`, `chosen` and `rejected` of a `trl_preference` row as JSON text; no tools."""
    no_tools(written, "OpenRLHF")
    named = zip(("prompt", "chosen", "rejected"), sides(written), strict=True)
    return {name: as_json_text(template_messages(messages)) for name, messages in named}


def question_row(written: dict[str, Any]) -> dict[str, Any]:
    """`prompt` of a `trl_prompt` row as JSON text, and `label`, the JSON text to grade with.

    The label repeats the prompt: OpenRLHF shows its reward function only what a chat template made of it.
    Raises: InputError for tools, and for a question that names no reward.
    """
    no_tools(written, "OpenRLHF")
    prompt = template_messages(prompt_messages(written))
    return {
        "prompt": as_json_text(prompt),
        "label": as_json_text({**grading_columns(written, "OpenRLHF"), "prompt": prompt}),
    }


def openrlhf_files(handover: Handover) -> dict[str, str]:
    """`train.sh`, and for questions `reward.py` with the `reward_func` that OpenRLHF calls."""
    values = msgspec.structs.asdict(handover)
    script = {"train.sh": render("openrlhf/train.sh.jinja", **values)}
    if handover.kind != "questions":
        return script
    return {**script, "reward.py": render("openrlhf/reward.py.jinja", **values)}


def _columns(*names: str, label: bool = False) -> pa.Schema:
    texts = [("label", pa.string())] if label else []
    return pa.schema([*((name, pa.json_()) for name in names), *texts])


TARGET = Target(
    name="openrlhf",
    about="OpenRLHF: train_sft, train_dpo and train_ppo_ray with group_norm",
    shapes={
        "conversations": Shape(
            format="openai", file=FILE, adapt=conversation_row, schema=_columns("messages")
        ),
        "preferences": Shape(
            format="trl_preference",
            file=FILE,
            adapt=preference_row,
            schema=_columns("prompt", "chosen", "rejected"),
        ),
        "questions": Shape(
            format="trl_prompt",
            file=FILE,
            adapt=question_row,
            schema=_columns("prompt", label=True),
        ),
    },
    files=openrlhf_files,
    replay=replay,
    loader="openrlhf",
)
