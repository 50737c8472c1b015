"""prime-rl: SFT on conversations, and RL on questions through a taskset for its library `verifiers`.

Rows go to Parquet with fixed types, arguments of calls and tools as JSON text, which prime-rl decodes. A
question names its reward and reference in `info.tamis`, as JSON text; the taskset that stands beside the
rows grades with them. Verifiers 0.4 has no `load_environment` of a module any more, so there is none.
Read in prime-rl, commit 00a0a32: trainer/sft/data.py and utils/chat_template.py, docs/configuration.md,
examples/basic; and in verifiers 0.4.0: v1/task.py, v1/taskset.py and v1/utils/loaders.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pyarrow as pa

from tamis.errors import InputError
from tamis.export.replays.prime_rl import replay
from tamis.export.targets.base import Handover, Shape, Target
from tamis.export.targets.hf_messages import as_json_text, without_loss_flags
from tamis.export.targets.plain_turns import plain_turns
from tamis.export.targets.templates import render
from tamis.export.targets.trl import refuse_tools

FILE = "train.parquet"
# The name verifiers imports the taskset by, with `_` for `-`.
ENVIRONMENT = "tamis-questions"
_NAME = "prime-rl"
_TEXTS = ("content", "reasoning_content", "tool_call_id", "name")
_FUNCTION = pa.struct([("name", pa.string()), ("arguments", pa.string())])
_CALL = pa.struct([("id", pa.string()), ("type", pa.string()), ("function", _FUNCTION)])
_MESSAGE = pa.struct(
    [
        ("role", pa.string()),
        *((name, pa.string()) for name in _TEXTS),
        ("tool_calls", pa.list_(_CALL)),
    ]
)
_TURN = pa.struct([("role", pa.string()), ("content", pa.string())])


def conversation_row(written: dict[str, Any]) -> dict[str, Any]:
    """`messages` of an `openai` row, and `tools` as JSON text.

    Raises: InputError for a reply out of the loss (prime-rl trains on all replies), for content that is
    a list of parts, and for arguments with a null or that are no JSON object: prime-rl drops nulls.
    """
    messages = without_loss_flags(written["messages"], _NAME)
    return {
        "messages": [_message(one, f"messages[{n}]") for n, one in enumerate(messages)],
        "tools": as_json_text(written.get("tools")),
    }


def _message(message: Mapping[str, Any], where: str) -> dict[str, Any]:
    for name in _TEXTS:
        if not isinstance(message.get(name), str | None):
            raise InputError(f"{where}.{name}: expected text, got a list of parts; flatten parts")
    calls = message.get("tool_calls")
    kept: dict[str, Any] = {name: message.get(name) for name in ("role", *_TEXTS)}
    kept["tool_calls"] = None if calls is None else [_call(call, where) for call in calls]
    return kept


def _call(call: Mapping[str, Any], where: str) -> dict[str, Any]:
    inner = call["function"]
    arguments = as_json_text(inner["arguments"]) or ""
    try:
        decoded = msgspec.json.decode(arguments, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise InputError(
            f"{where}.arguments: expected a JSON object, got {arguments[:40]!r}; mend the call"
        ) from error
    if _has_null(decoded):
        raise InputError(
            f"{where}.arguments: expected no null, got one; prime-rl drops keys that are null before it "
            "renders: leave out the row, or the key"
        )
    function = {"name": inner["name"], "arguments": arguments}
    return {"id": call.get("id"), "type": "function", "function": function}


def _has_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(one is None or _has_null(one) for one in value.values())
    return isinstance(value, list) and any(map(_has_null, value))


def question_row(written: dict[str, Any]) -> dict[str, Any]:
    """`prompt`, `answer`, `info` (JSON text) and `task` (the reward's name) of a `verifiers` row.

    Raises: InputError for a question that names no reward, for tools, which prime-rl takes from an
    environment, and for a prompt with more than roles and texts.
    """
    refuse_tools(written, _NAME)
    own = msgspec.json.decode(as_json_text((written.get("info") or {}).get("tamis")) or "{}")
    reward = own.get("reward")
    if reward is None:
        raise InputError("reward: expected the name of a reward, got none; name one")
    asked = written["prompt"] if "prompt" in written else written["question"]
    messages = [{"role": "user", "content": asked}] if isinstance(asked, str) else asked
    return {
        "prompt": plain_turns(messages, "prompt", _NAME),
        "answer": as_json_text(written.get("answer")) or "",
        "info": as_json_text({"tamis": own}),
        "task": reward["name"],
    }


def prime_rl_files(handover: Handover) -> dict[str, str]:
    """`train.sh` and `sft.toml`, or `rl.toml` and the module of the taskset."""
    values: dict[str, Any] = msgspec.structs.asdict(handover)
    values["environment"] = ENVIRONMENT
    script = {"train.sh": render("prime_rl/train.sh.jinja", **values)}
    if handover.kind == "conversations":
        return {**script, "sft.toml": render("prime_rl/sft.toml.jinja", **values)}
    module = f"{ENVIRONMENT.replace('-', '_')}.py"
    return {
        **script,
        "rl.toml": render("prime_rl/rl.toml.jinja", **values),
        module: render("prime_rl/environment.py.jinja", **values),
    }


TARGET = Target(
    name=_NAME,
    about="prime-rl (Prime Intellect): sft, and rl through a taskset of verifiers",
    shapes={
        "conversations": Shape(
            format="openai",
            file=FILE,
            adapt=conversation_row,
            schema=pa.schema([("messages", pa.list_(_MESSAGE)), ("tools", pa.string())]),
        ),
        "questions": Shape(
            format="verifiers",
            file=FILE,
            adapt=question_row,
            schema=pa.schema(
                [
                    ("prompt", pa.list_(_TURN)),
                    *((name, pa.string()) for name in ("answer", "info", "task")),
                ]
            ),
        ),
    },
    files=prime_rl_files,
    replay=replay,
)
