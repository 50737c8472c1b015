"""Conversations written in the shapes that real files have; no knowledge of the readers."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from tamis.records import Conversation, Message

_FROM = {"system": "system", "user": "human", "assistant": "gpt", "tool": "observation"}
_CALL = pa.struct(
    [
        ("id", pa.string()),
        ("type", pa.string()),
        ("function", pa.struct([("name", pa.string()), ("arguments", pa.string())])),
    ]
)
_MESSAGE = pa.struct(
    [
        ("role", pa.string()),
        ("content", pa.string()),
        ("tool_calls", pa.list_(_CALL)),
        ("tool_call_id", pa.string()),
        ("name", pa.string()),
    ]
)
PARQUET = pa.schema([("id", pa.string()), ("messages", pa.list_(_MESSAGE)), ("tools", pa.string())])


def _calls(message: Message) -> list[dict[str, Any]]:
    return [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for call in message.tool_calls or []
    ]


def _openai_message(message: Message) -> dict[str, Any]:
    written: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        written["tool_calls"] = _calls(message)
    if message.tool_call_id:
        written["tool_call_id"] = message.tool_call_id
    if message.name:
        written["name"] = message.name
    return written


def openai(row: Conversation) -> dict[str, Any]:
    """`messages` and `tools` as the OpenAI API takes them, with `id` and `language`."""
    written: dict[str, Any] = {
        "id": row.id,
        "language": row.id[:2],
        "messages": [_openai_message(message) for message in row.messages],
    }
    if row.tools:
        written["tools"] = json.loads(row.tools)
    return written


def parquet(row: Conversation) -> dict[str, Any]:
    """A row of `PARQUET`: OpenAI messages with every key present, tools as JSON text."""
    messages = [
        {
            "role": message.role,
            "content": message.content,
            "tool_calls": _calls(message) or None,
            "tool_call_id": message.tool_call_id,
            "name": message.name,
        }
        for message in row.messages
    ]
    return {"id": row.id, "messages": messages, "tools": row.tools}


def sharegpt(row: Conversation) -> dict[str, Any]:
    """`conversations` of from and value; a structured call becomes a function_call turn."""
    turns = []
    for message in row.messages:
        if message.tool_calls:
            calls = [
                f'{{"name": {json.dumps(call.name)}, "arguments": {call.arguments}}}'
                for call in message.tool_calls
            ]
            value = calls[0] if len(calls) == 1 else f"[{', '.join(calls)}]"
            turns.append({"from": "function_call", "value": value})
        else:
            word = _FROM.get(message.role, message.role)
            turns.append({"from": word, "value": message.content or ""})
    written: dict[str, Any] = {"id": row.id, "conversations": turns}
    if row.tools:
        flat = [tool["function"] for tool in json.loads(row.tools)]
        written["tools"] = json.dumps(flat, ensure_ascii=False)
    return written


def alpaca(row: Conversation) -> dict[str, Any]:
    """`instruction` and `output` of the last exchange, earlier ones under `history`."""
    messages = list(row.messages)
    system = messages.pop(0).content if messages[0].role == "system" else None
    texts = [message.content or "" for message in messages]
    written: dict[str, Any] = {"instruction": texts[-2], "input": "", "output": texts[-1]}
    if system is not None:
        written["system"] = system
    if len(texts) > 2:
        written["history"] = [texts[place : place + 2] for place in range(0, len(texts) - 2, 2)]
    return written


def prompt_completion(row: Conversation) -> dict[str, Any]:
    """`prompt` and `completion` as texts, for a row of one question and one answer."""
    question, answer = row.messages
    return {"prompt": question.content, "completion": answer.content}


def fits_alpaca(row: Conversation) -> bool:
    """The row is a system prompt, if any, and questions and answers by turns, without tools."""
    roles = [m.role for m in row.messages if m.role != "system"]
    return row.tools is None and roles == ["user", "assistant"] * (len(roles) // 2)


def fits_prompt_completion(row: Conversation) -> bool:
    """The row is one question and one answer, without a system prompt or tools."""
    return row.tools is None and [m.role for m in row.messages] == ["user", "assistant"]


def fits_sharegpt(row: Conversation) -> bool:
    """No message has both text and structured calls, which a function_call turn cannot hold."""
    return not any(message.tool_calls and message.content for message in row.messages)


def fits_any(row: Conversation) -> bool:
    """Every row fits OpenAI messages."""
    return True
