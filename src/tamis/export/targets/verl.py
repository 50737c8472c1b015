"""verl: SFT on conversations, RL on questions with a reward function of ours. It has no trainer of preferences.

Rows go to Parquet. A question is verl's usual struct, which its other tools read too; what `reward.py`
grades with stands in `extra_info`, as text. For conversations verl reads structs with pandas: Arrow
would merge the schemas of all tools into one and show a template nulls that nobody wrote. So
`messages` and `tools` are JSON text, and `dataset.py`, which verl loads by its `data.custom_cls`, decodes
them. Read in verl 0.9.1: utils/dataset/rl_dataset.py and multiturn_sft_dataset.py,
experimental/reward_loop/reward_manager/naive.py.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import msgspec
import pyarrow as pa

from tamis.errors import InputError
from tamis.export.replays.verl import replay
from tamis.export.targets.base import Handover, Shape, Target
from tamis.export.targets.hf_messages import as_json_text, template_messages
from tamis.export.targets.templates import render
from tamis.export.targets.trl import grading_columns, refuse_tools

FILE = "train.parquet"
_TURN = pa.struct([("role", pa.string()), ("content", pa.string())])
_GRADED = pa.struct([("style", pa.string()), ("ground_truth", pa.string())])
_EXTRA = pa.struct(
    [
        ("split", pa.string()),
        ("index", pa.int64()),
        *(
            (name, pa.string())
            for name in ("question_id", "reward_name", "reward_parameters", "reference", "prompt")
        ),
    ]
)


def conversation_row(written: dict[str, Any]) -> dict[str, Any]:
    """Columns `messages` and `tools` of an `openai` row, both as JSON text; loss flags stay."""
    return {
        "messages": as_json_text(template_messages(written["messages"])),
        "tools": as_json_text(written.get("tools")),
    }


def question_row(written: dict[str, Any]) -> dict[str, Any]:
    """The columns of a `verl_rl` row, with texts only inside `extra_info`.

    `extra_info.index` is a number made from the question's id, the same in every export.
    Raises: InputError for a question that names no reward or declares tools, and for a prompt with more
    than roles and texts: verl's struct has no place for a call.
    """
    refuse_tools(written, "verl")
    columns = grading_columns(_own_columns(written))
    truth = written["reward_model"]["ground_truth"]
    return {
        "data_source": "tamis",
        "prompt": [_turn(turn, place) for place, turn in enumerate(written["prompt"])],
        "ability": columns["reward_name"],
        "reward_model": {"style": "rule", "ground_truth": as_json_text(truth) or ""},
        "extra_info": {
            "split": "train",
            "index": zlib.crc32(columns["question_id"].encode()),
            **columns,
            "prompt": as_json_text(written["prompt"]),
        },
    }


def _own_columns(written: Mapping[str, Any]) -> dict[str, Any]:
    """What `extra_info.tamis` says (see `formats/question/own_keys.py`), under the names of columns."""
    text = as_json_text((written.get("extra_info") or {}).get("tamis"))
    own = msgspec.json.decode(text or "{}")
    reward = own.get("reward") or {}
    return {
        "question_id": own.get("id"),
        "reward_name": reward.get("name"),
        "reward_parameters": reward.get("parameters"),
        "reference": own.get("reference"),
    }


def _turn(turn: Mapping[str, Any], place: int) -> dict[str, Any]:
    odd = [key for key, value in turn.items() if key not in _PLAIN_KEYS and value is not None]
    if odd or not isinstance(turn.get("content"), str):
        found = f"`{odd[0]}`" if odd else "content that is no text"
        raise InputError(
            f"prompt[{place}]: expected a role and a text, got {found}; verl's rows have no place for "
            "it: export to trl"
        )
    return {"role": turn["role"], "content": turn["content"]}


# loss flags mean nothing in a prompt
_PLAIN_KEYS = frozenset(["role", "content", "weight", "train"])


def verl_files(handover: Handover) -> dict[str, str]:
    """`train.sh`, and `dataset.py` for conversations or `reward.py` for questions."""
    values = msgspec.structs.asdict(handover)
    script = {"conversations": "sft", "questions": "grpo"}[handover.kind]
    beside = {"conversations": "dataset.py", "questions": "reward.py"}[handover.kind]
    return {
        "train.sh": render(f"verl/{script}.sh.jinja", **values),
        beside: render(f"verl/{beside}.jinja", **values),
    }


TARGET = Target(
    name="verl",
    about="verl: its SFT trainer, and GRPO with a reward function",
    shapes={
        "conversations": Shape(
            format="openai",
            file=FILE,
            adapt=conversation_row,
            schema=pa.schema([("messages", pa.json_()), ("tools", pa.string())]),
        ),
        "questions": Shape(
            format="verl_rl",
            file=FILE,
            adapt=question_row,
            schema=pa.schema(
                [
                    ("data_source", pa.string()),
                    ("prompt", pa.list_(_TURN)),
                    ("ability", pa.string()),
                    ("reward_model", _GRADED),
                    ("extra_info", _EXTRA),
                ]
            ),
        ),
    },
    files=verl_files,
    replay=replay,
    loader="verl",
    over_limit="stops the training",
)
