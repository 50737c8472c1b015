"""OpenAI fine-tuning files: supervised, preference (DPO) and reinforcement with a grader beside the rows.

Rows are JSON lines of the API's own shapes, and hold nothing the API does not name. Rules and shapes:
OpenAI's guides "Supervised fine-tuning", "Direct preference optimization", "Reinforcement fine-tuning"
and "Graders", and the schemas FineTuneChatRequestInput, FineTunePreferenceRequestInput and
FineTuneReinforcementRequestInput of its API description, all as read in 2026. The guides say that the
platform takes no new users.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tamis.errors import InputError
from tamis.export.replays.openai import replay
from tamis.export.targets.base import Handover, Shape, Target
from tamis.export.targets.hf_messages import as_json_text
from tamis.export.targets.plain_turns import grading_columns, one_reply, prompt_messages
from tamis.export.targets.templates import render

FILE = "train.jsonl"
# What `grader.py.jinja` grades; the API runs neither Tamis nor any other package of ours.
GRADED = ("numeric",)
_KEPT = ("role", "content", "name", "tool_calls", "tool_call_id")
_METHODS = {"conversations": "supervised", "preferences": "dpo", "questions": "reinforcement"}


def conversation_row(written: dict[str, Any]) -> dict[str, Any]:
    """`messages`, and for rows with tools `tools` and `parallel_tool_calls`, of an `openai` row.

    `weight` (0 or 1) stays on replies. `parallel_tool_calls` is true, the API's own default: a row does
    not say otherwise. Raises: InputError for reasoning, for which these files have no place, for a turn
    of others that is to be trained on, for calls and results without ids, and for tools that are no list.
    """
    messages = [_message(one, f"messages[{n}]") for n, one in enumerate(written["messages"])]
    return {"messages": messages, **_tools(written)}


def preference_row(written: dict[str, Any]) -> dict[str, Any]:
    """`input`, `preferred_output` and `non_preferred_output` of an `openai_dpo` row.

    Raises: InputError where a side is not one reply, and where `conversation_row` does.
    """
    asked = written["input"]
    prompt = _untrained(asked["messages"], "input.messages")
    if not prompt:
        raise InputError("input.messages: expected at least one message, got none; add the prompt")
    sides = {key: written[key] for key in ("preferred_output", "non_preferred_output")}
    replies = {
        key: _untrained([one_reply(side, key, "OpenAI")], key) for key, side in sides.items()
    }
    return {"input": {"messages": prompt, **_tools(asked)}, **replies}


def question_row(written: dict[str, Any]) -> dict[str, Any]:
    """`messages` and `tools` of a `trl_prompt` row, and what `grader.json` grades with.

    System turns become developer turns, the same thing for reasoning models, which alone are trained
    this way. `reference_answer` is the answer, else the worked solution. Raises: InputError for a
    reward the grader cannot grade with, for a question without either, and where `conversation_row` does.
    """
    columns = grading_columns(written, "OpenAI")
    if columns["reward_name"] not in GRADED:
        raise InputError(
            f"reward: expected {', '.join(GRADED)}, which grader.json can grade, got "
            f"{columns['reward_name']}; export to a trainer that runs Tamis's own rewards"
        )
    if columns["reward_parameters"] not in (None, "{}"):
        raise InputError(
            f"reward.parameters: expected none, which grader.json knows, got "
            f"{columns['reward_parameters']}; drop them"
        )
    messages = _untrained(prompt_messages(written), "prompt")
    for message in messages:
        if message["role"] == "system":
            message["role"] = "developer"
    tools = _tools(written)
    tools.pop("parallel_tool_calls", None)  # no key of these rows
    return {
        "messages": messages,
        **tools,
        "question_id": columns["question_id"],
        "reference_answer": _answer(columns["reference"]),
    }


def _answer(reference: str | None) -> str:
    said = msgspec.json.decode(reference or "{}", type=dict[str, str])
    answer = said.get("answer", said.get("solution"))
    if answer is None:
        raise InputError("reference: expected an answer or a solution, got neither; add one")
    return answer


def _untrained(messages: Sequence[Mapping[str, Any]], where: str) -> list[dict[str, Any]]:
    """Messages of a part where flags of the loss mean nothing."""
    bare = [{k: v for k, v in one.items() if k not in ("weight", "train")} for one in messages]
    return [_message(one, f"{where}[{place}]") for place, one in enumerate(bare)]


def _message(message: Mapping[str, Any], where: str) -> dict[str, Any]:
    if message.get("reasoning_content"):
        raise InputError(
            f"{where}.reasoning_content: expected none, got some; OpenAI's files have no place for it: "
            "drop such rows, or --flatten reasoning"
        )
    if message["role"] == "tool" and message.get("tool_call_id") is None:
        raise InputError(
            f"{where}.tool_call_id: expected the id of a call, got null; calls that stand in the text have "
            "none: drop such rows, or --flatten tools"
        )
    kept = {key: message[key] for key in _KEPT if message.get(key) is not None}
    if kept.get("tool_calls"):
        kept["tool_calls"] = [_call(call, where) for call in kept["tool_calls"]]
    flag = message.get("weight", message.get("train"))
    if message["role"] == "assistant" and flag is not None:
        kept["weight"] = int(flag)
    elif flag:
        raise InputError(
            f"{where}.weight: expected a flag on replies only, got one on a turn of {message['role']}; "
            "OpenAI trains on replies: drop the flag"
        )
    return kept


def _call(call: Mapping[str, Any], where: str) -> dict[str, Any]:
    if call.get("id") is None:
        raise InputError(
            f"{where}.tool_calls.id: expected an id, got null; results name their call by it"
        )
    inner = call["function"]
    arguments = as_json_text(inner["arguments"])
    function = {"name": inner["name"], "arguments": arguments}
    return {"id": call["id"], "type": "function", "function": function}


def _tools(written: Mapping[str, Any]) -> dict[str, Any]:
    if written.get("tools") is None:
        return {}
    if isinstance(written["tools"], str):
        raise InputError("tools: expected a JSON list of tools, got another text; mend it")
    return {"tools": written["tools"], "parallel_tool_calls": True}


def openai_files(handover: Handover) -> dict[str, str]:
    """`train.sh`, which uploads the rows and starts the job, and for questions `grader.json`."""
    values = msgspec.structs.asdict(handover)
    script = render("openai/train.sh.jinja", method=_METHODS[handover.kind], **values)
    if handover.kind != "questions":
        return {"train.sh": script}
    grader = {
        "type": "python",
        "name": "tamis_numeric",
        "source": render("openai/grader.py.jinja"),
        "image_tag": "2025-05-08",
    }
    return {
        "train.sh": script,
        "grader.json": msgspec.json.format(msgspec.json.encode(grader)).decode(),
    }


TARGET = Target(
    name="openai",
    about="OpenAI's fine-tuning API: supervised, dpo and reinforcement",
    shapes={
        "conversations": Shape(
            format="openai", file=FILE, adapt=conversation_row, holds_parts=True
        ),
        "preferences": Shape(
            format="openai_dpo", file=FILE, adapt=preference_row, holds_parts=True
        ),
        "questions": Shape(format="trl_prompt", file=FILE, adapt=question_row),
    },
    files=openai_files,
    replay=replay,
)
