"""Where the judge is asked, by the caller's word alone, and what may be spent there."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import msgspec

from tamis.errors import LLMError, RewardError
from tamis.llm.types import Asker, ChatRequest, Completion

VARIABLE = "TAMIS_JUDGE"
_EXAMPLE = '{"base_url": "http://127.0.0.1:8000/v1", "model": "NAME"}'
Count = Annotated[int, msgspec.Meta(ge=1)]


class Endpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A model server that judges, and what may be spent there.

    `api_key_env` names the environment variable that holds the key; without it no key is sent. `seed` goes into
    requests and nonces. `max_tokens` bounds one reply, `timeout_s` one try, `retries` the tries after the first.
    `max_calls` and `max_total_tokens` bound all that this process asks there. `calls` is a file that
    keeps finished calls: the same answer is then asked once, in any later run too.
    """

    base_url: str
    model: str
    api_key_env: str | None = None
    seed: int = 0
    max_tokens: Count = 1024
    concurrency: Count = 16
    retries: Annotated[int, msgspec.Meta(ge=0)] = 2
    timeout_s: Annotated[float, msgspec.Meta(gt=0)] = 60.0
    max_calls: Count | None = None
    max_total_tokens: Count | None = None
    calls: str | None = None


class BudgetError(LLMError):
    """The calls or tokens that the judge may use are used up."""


class Budget:
    """What has been asked of an endpoint by this process; may be used from any thread."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self.n_calls = 0
        self.n_failed = 0
        self.n_tokens = 0

    def begin(self) -> None:
        """Count a call about to be made. Raises: BudgetError when it may not be."""
        with self._lock:
            calls, tokens = self._endpoint.max_calls, self._endpoint.max_total_tokens
            if calls is not None and self.n_calls >= calls:
                raise BudgetError(f"judge: all {calls:,} calls of `max_calls` are used")
            if tokens is not None and self.n_tokens >= tokens:
                raise BudgetError(f"judge: all {tokens:,} tokens of `max_total_tokens` are used")
            self.n_calls += 1

    def end(self, completion: Completion | None) -> None:
        """Count what a call came to; None when it failed."""
        with self._lock:
            if completion is None:
                self.n_failed += 1
            else:
                self.n_tokens += completion.prompt_tokens or 0
                self.n_tokens += completion.completion_tokens or 0


@lru_cache(maxsize=64)
def budget_of(endpoint: Endpoint) -> Budget:
    """The budget of an endpoint, one for the whole process."""
    return Budget(endpoint)


def endpoint_of_environment() -> Endpoint:
    """The endpoint that the environment variable TAMIS_JUDGE describes in JSON.

    Raises: RewardError when it is not set, or does not describe one.
    """
    written = os.environ.get(VARIABLE)
    if not written:
        raise RewardError(
            f"reward `judge`: expected a model to ask, got none; set {VARIABLE}='{_EXAMPLE}' "
            "or use JudgeReward(endpoint=Endpoint(...))"
        )
    try:
        return msgspec.json.decode(written, type=Endpoint)
    except msgspec.DecodeError as error:
        raise RewardError(
            f"environment variable {VARIABLE}: expected JSON like {_EXAMPLE}: {error}"
        ) from error


class _Counted:
    """A model whose calls are counted against a budget before they are made."""

    def __init__(self, llm: Asker, identity: str, budget: Budget) -> None:
        self._llm = llm
        self._budget = budget
        self.identity = identity

    async def ask(self, request: ChatRequest) -> Completion:
        """One completion. Raises: BudgetError, or LLMError when there is no answer."""
        self._budget.begin()
        completion = None
        try:
            completion = await self._llm.ask(request)
        finally:
            self._budget.end(completion)
        return completion


@asynccontextmanager
async def open_judge(endpoint: Endpoint) -> AsyncIterator[Asker]:
    """The model behind an endpoint, while the block runs; equal requests are one call."""
    # late: the client brings an event loop's machinery, the store a database
    from tamis.llm.client import LLM
    from tamis.llm.limits import Limits
    from tamis.llm.store import CallStore, StoredLLM

    limits = Limits(
        concurrency=endpoint.concurrency, retries=endpoint.retries, timeout_s=endpoint.timeout_s
    )
    with CallStore(Path(endpoint.calls or ":memory:")) as store:
        async with LLM(endpoint.base_url, api_key_env=endpoint.api_key_env, limits=limits) as llm:
            yield StoredLLM(_Counted(llm, llm.identity, budget_of(endpoint)), store)
