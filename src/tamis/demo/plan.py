"""A conversation before it is written down: who says what, which tools are called, what they return.

A scene makes a `Plan`; `write_down` turns it into a `Conversation` in one of the five ways to write
a tool call: as structured `tool_calls`, or as text between `<tool_call>` tags in four dialects.
"""

from __future__ import annotations

import json
import random
from typing import Any, Literal

import msgspec

from tamis.records import Conversation, Message, ToolCall

Dialect = Literal["structured", "json", "call", "literal", "xml"]
DIALECTS: tuple[Dialect, ...] = ("structured", "json", "call", "literal", "xml")
Arguments = dict[str, Any]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One turn: a plain message (`role`, `text`), or calls with the results their tools give back.

    `thought` is the text of a think block, without its tags.
    """

    role: Literal["user", "assistant"]
    text: str = ""
    thought: str | None = None
    calls: tuple[tuple[str, Arguments, Any], ...] = ()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a scene decided: its name, language, tools by name, system prompt and turns."""

    scene: str
    language: str
    steps: list[Step]
    tools: tuple[str, ...] = ()
    system: str | None = None


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _python(value: Any) -> str:
    # repr of a str picks the quote by content, as a person writing Python would.
    return repr(value)


def write_call(name: str, arguments: Arguments, dialect: Dialect) -> str:
    """One textual tool call between its tags.

    >>> write_call("add", {"a": 1}, "call")
    '<tool_call>\\nadd(a=1)\\n</tool_call>'
    """
    if dialect == "json":
        body = _dumps({"name": name, "arguments": arguments})
    elif dialect == "literal":
        body = _python({"name": name, "arguments": arguments})
    elif dialect == "call":
        body = f"{name}({', '.join(f'{key}={_python(value)}' for key, value in arguments.items())})"
    else:
        parameters = "".join(
            f"<parameter={key}>\n{value if isinstance(value, str) else _dumps(value)}\n</parameter>\n"
            for key, value in arguments.items()
        )
        body = f"<function={name}>\n{parameters}</function>"
    return f"<tool_call>\n{body}\n</tool_call>"


def tools_text(names: tuple[str, ...], schemas: dict[str, Any]) -> str:
    """JSON text of the tools on offer, as the OpenAI API takes them."""
    return _dumps(
        [{"type": "function", "function": {"name": name, **schemas[name]}} for name in names]
    )


def _thinking(thought: str | None, rest: str) -> str:
    if thought is None:
        return rest
    return f"<think>\n{thought}\n</think>\n\n{rest}".rstrip()


def _call_turn(rng: random.Random, step: Step, dialect: Dialect) -> list[Message]:
    """The assistant's message with its calls and one tool message for each result."""
    if dialect == "structured":
        ids = [f"call_{rng.getrandbits(32):08x}" for _ in step.calls]
        calls = [
            ToolCall(name=name, arguments=_dumps(arguments), id=call_id)
            for call_id, (name, arguments, _) in zip(ids, step.calls, strict=True)
        ]
        content = _thinking(step.thought, step.text) or None
        turn = [Message(role="assistant", content=content, tool_calls=calls)]
        for call_id, (name, _, result) in zip(ids, step.calls, strict=True):
            turn.append(
                Message(role="tool", content=_dumps(result), tool_call_id=call_id, name=name)
            )
        return turn
    bodies = "\n".join(write_call(name, arguments, dialect) for name, arguments, _ in step.calls)
    rest = f"{step.text}\n{bodies}" if step.text else bodies
    turn = [Message(role="assistant", content=_thinking(step.thought, rest))]
    for name, _, result in step.calls:
        turn.append(Message(role="tool", content=_dumps(result), name=name))
    return turn


def write_down(
    rng: random.Random, plan: Plan, dialect: Dialect, *, key: str, schemas: dict[str, Any]
) -> Conversation:
    """The plan as a conversation; `meta` notes its scene, language and dialect as JSON text."""
    messages: list[Message] = []
    if plan.system is not None:
        messages.append(Message(role="system", content=plan.system))
    for step in plan.steps:
        if step.calls:
            messages.extend(_call_turn(rng, step, dialect))
        else:
            messages.append(Message(role=step.role, content=_thinking(step.thought, step.text)))
    noted = {"scene": plan.scene, "language": plan.language}
    if plan.tools:
        noted["dialect"] = dialect
    return Conversation(
        id=key,
        messages=messages,
        tools=tools_text(plan.tools, schemas) if plan.tools else None,
        meta=_dumps(noted),
    )
