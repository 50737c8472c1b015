"""Faults inside tool calls: bodies that cannot be parsed, tools nobody declared, refused arguments.

The clean rows were written by `plan.write_call`, so a faulty call is written the same way from
changed arguments, and a broken body is an edit of the written text.
"""

from __future__ import annotations

import ast
import json
import random
import re
from collections.abc import Callable
from typing import Any

import msgspec

from tamis.demo.plan import Arguments, Dialect, write_call
from tamis.demo.planting import Fault, Plant, Planted, text_at, with_content, with_messages
from tamis.records import Conversation, ToolCall

_BODY = re.compile(r"<tool_call>\n(.*?)\n</tool_call>", re.DOTALL)
Change = Callable[[random.Random, str, Arguments, dict[str, Any]], tuple[str, Arguments] | None]


def _dialect(row: Conversation) -> str | None:
    noted: dict[str, str] = json.loads(row.meta or "{}")
    return noted.get("dialect")


def _schema(row: Conversation, name: str) -> dict[str, Any]:
    tools: list[dict[str, Any]] = json.loads(row.tools or "[]")
    found = [tool["function"] for tool in tools if tool["function"]["name"] == name]
    parameters: dict[str, Any] = found[0]["parameters"]
    return parameters


def _read_call(body: str, dialect: str) -> tuple[str, Arguments]:
    """Name and arguments of a call that `plan.write_call` wrote; never asked to read a broken one."""
    if dialect == "json":
        call = json.loads(body)
        return call["name"], call["arguments"]
    if dialect == "literal":
        call = ast.literal_eval(body)
        return call["name"], call["arguments"]
    if dialect == "call":
        node = ast.parse(body, mode="eval").body
        assert isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        return node.func.id, {str(k.arg): ast.literal_eval(k.value) for k in node.keywords}
    name = body[len("<function=") : body.index(">")]
    pairs = re.findall(r"<parameter=(\w+)>\n(.*?)\n</parameter>", body, re.DOTALL)
    return name, {key: _xml_value(value) for key, value in pairs}


def _xml_value(text: str) -> Any:
    return json.loads(text) if re.fullmatch(r"-?[0-9.]+|true|false|\[.*\]", text) else text


def _changed(rng: random.Random, row: Conversation, change: Change) -> Planted | None:
    """The row with one call, chosen by chance, changed in name or arguments."""
    dialect = _dialect(row)
    if dialect == "structured":
        return _changed_structured(rng, row, change)
    places = [p for p, m in enumerate(row.messages) if "<tool_call>" in (m.content or "")]
    if dialect is None or not places:
        return None
    place = rng.choice(places)
    text = text_at(row, place)
    span = rng.choice(list(_BODY.finditer(text)))
    name, arguments = _read_call(span.group(1), dialect)
    result = change(rng, name, dict(arguments), _schema(row, name))
    if result is None:
        return None
    written = write_call(*result, _as_dialect(dialect))
    return with_content(row, place, text[: span.start()] + written + text[span.end() :])


def _as_dialect(name: str) -> Dialect:
    dialects: dict[str, Dialect] = {
        "json": "json",
        "call": "call",
        "literal": "literal",
        "xml": "xml",
    }
    return dialects[name]


def _changed_structured(rng: random.Random, row: Conversation, change: Change) -> Planted | None:
    places = [p for p, m in enumerate(row.messages) if m.tool_calls]
    if not places:
        return None
    place = rng.choice(places)
    calls = list(row.messages[place].tool_calls or [])
    which = rng.randrange(len(calls))
    call = calls[which]
    result = change(rng, call.name, json.loads(call.arguments), _schema(row, call.name))
    if result is None:
        return None
    name, arguments = result
    changed = msgspec.structs.replace(
        call, name=name, arguments=json.dumps(arguments, ensure_ascii=False)
    )
    return _with_call(row, place, which, changed)


def _with_call(row: Conversation, place: int, which: int, call: ToolCall) -> Planted:
    calls = list(row.messages[place].tool_calls or [])
    calls[which] = call
    message = msgspec.structs.replace(row.messages[place], tool_calls=calls)
    messages = [*row.messages[:place], message, *row.messages[place + 1 :]]
    return Planted(
        row=with_messages(row, messages), where=f"messages[{place}].tool_calls[{which}].arguments"
    )


def _undeclared(
    rng: random.Random, name: str, arguments: Arguments, schema: dict[str, Any]
) -> tuple[str, Arguments]:
    verb, _, noun = name.partition("_")
    names = [f"{name}_v2", f"{name}s", f"do_{name}", f"fetch_{noun or verb}", f"{name}Now"]
    return rng.choice(names), arguments


def _missing(
    rng: random.Random, name: str, arguments: Arguments, schema: dict[str, Any]
) -> tuple[str, Arguments]:
    del arguments[rng.choice(schema["required"])]
    return name, arguments


def _wrong_type(
    rng: random.Random, name: str, arguments: Arguments, schema: dict[str, Any]
) -> tuple[str, Arguments] | None:
    """A word where a number, truth or list belongs; None when the call has only texts."""
    words = ["several", "soon", "about ten", "unknown", "n/a", "as many as possible"]
    typed = {key: schema["properties"][key]["type"] for key in arguments}
    others = [key for key, kind in typed.items() if kind != "string"]
    if not others:
        return None
    arguments[rng.choice(others)] = rng.choice(words)
    return name, arguments


def _wrong_choice(
    rng: random.Random, name: str, arguments: Arguments, schema: dict[str, Any]
) -> tuple[str, Arguments] | None:
    """A value outside the schema's `enum`; None when the call has no such argument."""
    choices = [key for key in arguments if "enum" in schema["properties"][key]]
    if not choices:
        return None
    arguments[rng.choice(choices)] = rng.choice(
        ["yesterday", "anywhere", "other", "latin", "later"]
    )
    return name, arguments


def _change_fault(kind: str, change: Change) -> Fault:
    def plant(rng: random.Random, row: Conversation) -> Planted | None:
        return _changed(rng, row, change)

    return Fault(kind=kind, severity="error", plant=plant)


def _break_json(rng: random.Random, body: str) -> str:
    return rng.choice(
        [
            body[:-1],
            body[:-2],
            body.replace('": "', '": ', 1),
            body.replace('"arguments": {', '"arguments": ', 1),
            body[: rng.randint(len(body) // 2, len(body) - 3)],
        ]
    )


def _break_call(rng: random.Random, body: str) -> str:
    return rng.choice([body[:-1], body.replace("(", " ", 1), body.replace("=", "==", 1) + ")"])


def _break_literal(rng: random.Random, body: str) -> str:
    return rng.choice(
        [body[:-1], body[:-2], body.replace("': '", "': ", 1), body.replace("{'name'", "{name'", 1)]
    )


def _break_xml(rng: random.Random, body: str) -> str:
    name = body[len("<function=") : body.index(">")]
    return rng.choice(
        [
            body.replace(f"<function={name}>", "<function>", 1),
            body.replace(f"<function={name}>\n", "", 1),
            body[: body.index("</parameter>")].rstrip(),
        ]
    )


_BREAKS: dict[str, Callable[[random.Random, str], str]] = {
    "json": _break_json,
    "call": _break_call,
    "literal": _break_literal,
    "xml": _break_xml,
}


def _broken_body(dialect: str) -> Plant:
    def plant(rng: random.Random, row: Conversation) -> Planted | None:
        if _dialect(row) != dialect:
            return None
        place = rng.choice(
            [p for p, m in enumerate(row.messages) if "<tool_call>" in (m.content or "")]
        )
        text = text_at(row, place)
        span = rng.choice(list(_BODY.finditer(text)))
        broken = _BREAKS[dialect](rng, span.group(1))
        return with_content(row, place, text[: span.start(1)] + broken + text[span.end(1) :])

    return plant


def _broken_structured(rng: random.Random, row: Conversation) -> Planted | None:
    """The JSON text of a structured call's arguments is cut short."""
    places = [p for p, m in enumerate(row.messages) if m.tool_calls]
    if not places:
        return None
    place = rng.choice(places)
    calls = row.messages[place].tool_calls or []
    which = rng.randrange(len(calls))
    text = calls[which].arguments
    cut = text[: rng.randint(2, len(text) - 1)]
    return _with_call(row, place, which, msgspec.structs.replace(calls[which], arguments=cut))


CALL_FAULTS: tuple[Fault, ...] = (
    *(
        Fault(kind=f"tool-call-broken-{dialect}", severity="error", plant=_broken_body(dialect))
        for dialect in ("json", "call", "literal", "xml")
    ),
    Fault(kind="tool-call-broken-structured", severity="error", plant=_broken_structured),
    _change_fault("tool-undeclared", _undeclared),
    _change_fault("arguments-missing", _missing),
    _change_fault("arguments-wrong-type", _wrong_type),
    _change_fault("arguments-wrong-choice", _wrong_choice),
)
