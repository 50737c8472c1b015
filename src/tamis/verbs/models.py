"""Which model answers the steps that ask one."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from tamis.llm.client import LLM
from tamis.llm.limits import Limits
from tamis.llm.local import local_model
from tamis.llm.store import CallStore, StoredLLM
from tamis.llm.types import Asker

OpenModel = Callable[[Path], AbstractAsyncContextManager[Asker]]
KEY_ENV = "OPENAI_API_KEY"
CONCURRENCY = 32


def name_of(base_url: str | None, model: str) -> str:
    """What manifests and reports say of a model."""
    return f"{base_url or 'local'} {model}"


def opener(
    base_url: str | None, *, concurrency: int = CONCURRENCY, key_env: str = KEY_ENV
) -> OpenModel:
    """Opens an endpoint (None: the local model) behind the store of finished calls in a run folder."""

    @asynccontextmanager
    async def open_model(folder: Path) -> AsyncIterator[Asker]:
        limits = Limits(concurrency=concurrency)
        with CallStore(folder / "calls.sqlite") as store:
            if base_url is None:
                with local_model() as local:
                    async with LLM(local.base_url, limits=limits, identity=local.identity) as llm:
                        yield StoredLLM(llm, store)
                return
            known = key_env if os.environ.get(key_env) else None
            async with LLM(base_url, api_key_env=known, limits=limits) as llm:
                yield StoredLLM(llm, store)

    return open_model
