"""NeMo-Gym: questions as Responses requests, graded by a resources server of Tamis's own rewards.

Rows are JSON lines. The server that stands beside them reads `tamis`; `question` and `expected_answer` are
for the servers of NeMo-Gym that compare answers, such as math_with_judge. Read in NVIDIA-NeMo/Gym:
its documentation "Prepare and validate data", nemo_gym/openai_utils.py
(NeMoGymResponseCreateParamsNonStreaming), base_resources_server.py, config_types.py
(DatasetConfig) and train_data_utils.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from tamis.errors import InputError
from tamis.export.replays.nemo_gym import replay
from tamis.export.targets.base import Handover, Shape, Target
from tamis.export.targets.hf_messages import as_json_text
from tamis.export.targets.templates import render

FILE = "data/train.jsonl"


def question_row(written: dict[str, Any]) -> dict[str, Any]:
    """`responses_create_params`, `question`, `expected_answer` and `tamis` of a `nemo_gym` row.

    `question` is the last text of the user; `expected_answer` is left out where there is none. Tools get
    the keys `strict` and `parameters`, null where unsaid: without them NeMo-Gym skips the row in silence.
    Raises: InputError for a question that names no reward, and for a message without text.
    """
    own = as_json_text(written.get("tamis")) or "{}"
    if "reward" not in msgspec.json.decode(own, type=dict[str, Raw]):
        raise InputError("reward: expected the name of a reward, got none; name one")
    given = written["responses_create_params"]
    raw = given["input"]
    items = [{"role": "user", "content": raw}] if isinstance(raw, str) else raw
    asked = [_item(one, f"prompt[{place}]") for place, one in enumerate(items)]
    parameters: dict[str, Any] = {"input": asked}
    if given.get("tools") is not None:
        parameters["tools"] = _tools(given["tools"])
    row: dict[str, Any] = {"responses_create_params": parameters}
    row |= {"question": _last_text(asked), "tamis": own}
    if written.get("expected_answer") is not None:
        row["expected_answer"] = as_json_text(written["expected_answer"])
    return row


def _item(item: Mapping[str, Any], where: str) -> dict[str, Any]:
    """An item without the flags of the loss, which mean nothing in a prompt."""
    kept = {key: value for key, value in item.items() if key not in ("weight", "train")}
    if "role" in kept and not isinstance(kept.get("content"), str):
        raise InputError(
            f"{where}.content: expected text, got none or a list of parts; NeMo-Gym names parts in its own "
            "way: --flatten parts"
        )
    return kept


def _last_text(items: Sequence[Mapping[str, Any]]) -> str:
    asked = [item["content"] for item in items if item.get("role") == "user"]
    if not asked:
        raise InputError("prompt: expected a turn of the user, got none; add the question")
    return str(asked[-1])


def _tools(tools: Any) -> list[dict[str, Any]]:
    if isinstance(tools, str):
        raise InputError("tools: expected a JSON list of tools, got another text; mend it")
    described = msgspec.json.decode(msgspec.json.encode(tools), type=list[dict[str, Raw]])
    return [{"type": "function", "parameters": None, "strict": None, **tool} for tool in described]


def nemo_gym_files(handover: Handover) -> dict[str, str]:
    """A resources server (`app.py`, its config and what it needs installed), and `train.sh`."""
    values = msgspec.structs.asdict(handover)
    return {
        "app.py": render("nemo_gym/app.py.jinja", **values),
        "tamis_questions.yaml": render("nemo_gym/tamis_questions.yaml.jinja", **values),
        "requirements.txt": render("nemo_gym/requirements.txt.jinja", **values),
        "train.sh": render("nemo_gym/train.sh.jinja", **values),
    }


TARGET = Target(
    name="nemo-gym",
    about="NeMo-Gym (NVIDIA): questions for a resources server, trained on by NeMo-RL",
    shapes={"questions": Shape(format="nemo_gym", file=FILE, adapt=question_row)},
    files=nemo_gym_files,
    replay=replay,
)
