"""Requests and replies as the OpenAI chat protocol writes them; pure, no I/O."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from tamis.errors import LLMError
from tamis.llm.types import ChatRequest, Completion
from tamis.records import Message, ToolCall


class _Function(msgspec.Struct):
    name: str
    # some servers send the object itself in place of its text
    arguments: str | dict[str, Any] | None = None


class _Call(msgspec.Struct):
    function: _Function
    id: str | None = None


class _Words(msgspec.Struct):
    content: str | None = None
    tool_calls: list[_Call] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None


class _Choice(msgspec.Struct):
    message: _Words
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Reply(msgspec.Struct):
    choices: list[_Choice]
    usage: _Usage | None = None


def request_seed(request: ChatRequest) -> int:
    """The 31-bit seed sent with a request: a function of its seed, its draw and its messages."""
    text = msgspec.json.encode((request.seed, request.sample, request.messages))
    return int.from_bytes(hashlib.blake2b(text, digest_size=4).digest(), "big") >> 1


def request_body(request: ChatRequest) -> dict[str, Any]:
    """A request as the JSON object of `/chat/completions`."""
    body = {
        "model": request.model,
        "messages": [_message(message) for message in request.messages],
        "temperature": request.temperature,
        "top_p": request.top_p,
        "max_tokens": request.max_tokens,
        "seed": request_seed(request),
    }
    if request.tools is not None:
        body["tools"] = msgspec.json.decode(request.tools)
    return body


def read_reply(body: bytes) -> Completion:
    """The completion in a reply's bytes.

    Raises: LLMError when the bytes are not a chat completion with at least one choice.
    """
    try:
        reply = msgspec.json.decode(body, type=_Reply)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LLMError(f"the reply is not a chat completion: {error}") from error
    if not reply.choices:
        raise LLMError("the reply has no choices")
    first = reply.choices[0]
    usage = reply.usage or _Usage()
    return Completion(
        text=first.message.content or "",
        tool_calls=[_taken(call) for call in first.message.tool_calls or ()] or None,
        reasoning=first.message.reasoning_content or first.message.reasoning,
        finish_reason=first.finish_reason,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
    )


def _taken(call: _Call) -> ToolCall:
    written = call.function.arguments
    if not isinstance(written, str):
        written = msgspec.json.encode(written or {}).decode()
    return ToolCall(name=call.function.name, arguments=written, id=call.id)


def _message(message: Message) -> dict[str, Any]:
    written: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.content is None and message.parts is not None:
        written["content"] = msgspec.json.decode(message.parts)
    if message.name is not None:
        written["name"] = message.name
    if message.tool_call_id is not None:
        written["tool_call_id"] = message.tool_call_id
    if message.tool_calls:
        written["tool_calls"] = [
            {
                "id": call.id or f"call_{place}",
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for place, call in enumerate(message.tool_calls)
        ]
    return written
