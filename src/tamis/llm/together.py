"""Ask many requests at once, in order, with the first error ending them all."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tamis.errors import TamisError
from tamis.llm.types import Asker, ChatRequest, Completion

# Tasks alive at once: far above any server's concurrency, far below what would fill memory.
_WINDOW = 4096


async def ask_all(llm: Asker, requests: Sequence[ChatRequest]) -> list[Completion]:
    """The completions of all requests, in their order.

    Raises: the first TamisError of any of them, after the others were cancelled; no task outlives it.
    """
    window = asyncio.Semaphore(_WINDOW)

    async def one(request: ChatRequest) -> Completion:
        try:
            return await llm.ask(request)
        finally:
            window.release()

    tasks: list[asyncio.Task[Completion]] = []
    try:
        async with asyncio.TaskGroup() as group:
            for request in requests:
                await window.acquire()
                tasks.append(group.create_task(one(request)))
    except* TamisError as errors:
        raise _first(errors) from None
    return [task.result() for task in tasks]


def _first(errors: BaseExceptionGroup[TamisError]) -> TamisError:
    found = errors.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found
