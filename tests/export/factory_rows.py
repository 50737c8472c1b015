"""Good rows for four trainers, with all that has broken their loaders before, and a small export of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from tamis.export.targets.axolotl import TARGET as AXOLOTL
from tamis.export.targets.base import Handover, Target
from tamis.export.targets.llamafactory import TARGET as LLAMAFACTORY
from tamis.export.targets.ms_swift import TARGET as MS_SWIFT
from tamis.export.targets.openrlhf import TARGET as OPENRLHF
from tamis.formats.registry import get_format
from tamis.records import (
    Conversation,
    Message,
    Preference,
    Question,
    Reference,
    RewardSpec,
    ToolCall,
)
from tamis.schema import Kind

TARGETS = {target.loader: target for target in (LLAMAFACTORY, AXOLOTL, MS_SWIFT, OPENRLHF)}
# What these loaders cannot keep, so that the export refuses it by name.
NO_TOOLS = {("openrlhf", "conversations"), ("openrlhf", "preferences"), ("axolotl", "preferences")}
NO_CALLS = {("axolotl", "preferences")}
TOOLS = json.dumps(
    [
        {
            "type": "function",
            "function": {
                "name": "find",
                "description": "Finds a place.",
                "parameters": {
                    "type": "object",
                    "properties": {"place": {"type": "string", "description": "Which one."}},
                    "required": ["place"],
                },
            },
        }
    ]
)


def _ask(text: str) -> Message:
    return Message(role="user", content=text)


def _say(text: str | None, **fields: Any) -> Message:
    return Message(role="assistant", content=text, **fields)


def _calls(*arguments: str) -> list[ToolCall]:
    return [ToolCall(name="find", arguments=text, id=f"c{n}") for n, text in enumerate(arguments)]


def _result(text: str, id_: str = "c0") -> Message:
    return Message(role="tool", content=text, tool_call_id=id_)


# Two rows with a text and a number under one key: what makes Arrow crash, or invent nulls.
CALLING = [
    [
        _ask("Where is Bern?"),
        _say(None, tool_calls=_calls('{"place": "Bern"}')),
        _result("46.9"),
        _say("At 46.9."),
    ],
    [
        _ask("And 7?"),
        _say(
            "I look.",
            reasoning="A number.",
            tool_calls=_calls('{"place": 7, "near": [1, null]}', '{"place": {}}'),
        ),
        _result("none"),
        _result("none", "c1"),
        _say("There is none."),
    ],
]
PLAIN = [
    [_ask("Hello"), _say("Hi.")],
    [
        Message(role="system", content="Be brief."),
        _ask("2+2?"),
        _say("4", reasoning="Two and two."),
        _ask("3+3?"),
        _say("6"),
    ],
    [_ask("2024-05-01"), _say("2024-05-02")],
]


def good_rows(trainer: str, kind: Kind) -> list[dict[str, Any]]:
    """Canonical rows that this trainer can hold."""
    tools = None if (trainer, kind) in NO_TOOLS else TOOLS
    rows: list[Any]
    if kind == "questions":
        rows = _questions()
    elif kind == "conversations":
        rows = [Conversation(messages=messages) for messages in PLAIN]
        rows += [Conversation(messages=messages, tools=tools) for messages in CALLING]
    else:
        rows = _preferences(tools, with_calls=(trainer, kind) not in NO_CALLS)
    return [msgspec.to_builtins(row) for row in rows]


def _preferences(tools: str | None, *, with_calls: bool) -> list[Any]:
    rows = [
        Preference(prompt=[_ask("2+2?")], chosen=[_say("4")], rejected=[_say("5")]),
        Preference(
            prompt=PLAIN[1][:2], chosen=[_say("It is 4.")], rejected=[_say("I think it is 22.")]
        ),
    ]
    if with_calls:
        rows += [
            Preference(
                prompt=messages[:1],
                chosen=[messages[1]],
                rejected=[_say("I do not know.")],
                tools=tools,
            )
            for messages in CALLING
        ]
    return rows


def _questions() -> list[Any]:
    numeric = RewardSpec(name="numeric")
    guessing = RewardSpec(name="numeric", parameters='{"last_number": true}')
    asked = [Message(role="system", content="Think."), _ask("3*4?")]
    return [
        Question(id="q0", prompt=[_ask("2+2?")], reward=numeric, reference=Reference(answer="4")),
        Question(id="q1", prompt=asked, reward=guessing, reference=Reference(solution="#### 12")),
    ]


def written_rows(target: Target, kind: Kind) -> list[dict[str, Any]]:
    """The good rows as the target writes them."""
    shape = target.shapes[kind]
    write, adapt = get_format(shape.format).write, shape.adapt
    assert write is not None and adapt is not None
    return [adapt(write(row)) for row in good_rows(str(target.loader), kind)]


def export(target: Target, kind: Kind, folder: Path) -> None:
    """The good rows and the files beside them, as a user gets them."""
    shape = target.shapes[kind]
    rows = written_rows(target, kind)
    path = folder / shape.file
    path.parent.mkdir(parents=True, exist_ok=True)
    if shape.schema is None:
        path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    else:
        arrays = [_array(field, [row[field.name] for row in rows]) for field in shape.schema]
        pq.write_table(pa.Table.from_arrays(arrays, schema=shape.schema), path)
    handover = Handover(
        kind=kind,
        n_rows=len(rows),
        file=shape.file,
        model="base-model",
        max_tokens=2048,
        has_tools=True,
        has_reasoning=True,
        rewards=(("numeric", None),) if kind == "questions" else (),
    )
    for name, text in target.files(handover).items():
        (folder / name).write_text(text, encoding="utf-8")


def _array(field: pa.Field, values: list[Any]) -> pa.Array:
    if isinstance(field.type, pa.JsonType):
        return pa.ExtensionArray.from_storage(field.type, pa.array(values, pa.string()))
    return pa.array(values, field.type)
