"""What a model is asked, what it answers, and who asks: the shared language of model calls; no I/O."""

from __future__ import annotations

from typing import Protocol

import msgspec

from tamis.records import Message, ToolCall


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """One answer of a model: its text, the tools it calls, reasoning, why it ended and what it cost in tokens."""

    text: str
    tool_calls: list[ToolCall] | None = None
    reasoning: str | None = None
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a model. Equal requests are one call: `sample` tells repeated draws apart.

    `tools` is the JSON text of the tools on offer, as the chat protocol has them (`text.schemas.chat_tools`).
    """

    model: str
    messages: tuple[Message, ...]
    tools: str | None = None
    temperature: float = 0.7
    top_p: float = 1.0
    max_tokens: int = 512
    seed: int = 0
    sample: int = 0


class Asker(Protocol):
    """What the engine hands to operators that talk to a model: one call in, one completion out.

    Rate limit, retries, cost cap and the append-only store of finished calls live behind it.
    """

    async def ask(self, request: ChatRequest) -> Completion:
        """One answer. Raises: LLMError when there is none after all retries."""
        ...
