"""The client: one request to an OpenAI-compatible server, with limits, retries and plain errors.

Any server that speaks `/v1/chat/completions` fits: vLLM, SGLang, Ollama, llama.cpp, vendors. Keys come
from an environment variable named by the caller and are in no message, log or store.
"""

from __future__ import annotations

import asyncio
import os
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from tamis.errors import LLMError
from tamis.llm.limits import Limits, Spending
from tamis.llm.types import ChatRequest, Completion
from tamis.llm.wire import read_reply, request_body, request_seed

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI

_FIRST_WAIT_S = 0.5
_LONGEST_BACKOFF_S = 30.0
_RETRIED_STATUS = frozenset({408, 409, 425, 429})
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class _Setback(Exception):
    """A try that failed in a way another try may mend; `wait_s` is the server's own wish."""

    def __init__(self, what: str, *, wait_s: float | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.wait_s = wait_s


class LLM:
    """A model server: `await llm.ask(request)` gives its completion, or raises one-line LLMErrors.

    Use as `async with LLM(url) as llm:` within one event loop. `api_key_env` names the environment
    variable that holds the key; None sends no key. `identity` names the model's maker for the store of
    finished calls: equal identities mean equal answers (default: the URL). A `base_url` without a
    path gets `/v1`.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key_env: str | None = None,
        limits: Limits | None = None,
        identity: str | None = None,
    ) -> None:
        self.base_url = _with_path(base_url)
        self.identity = identity or self.base_url
        self.limits = limits or Limits()
        self.spending = Spending(self.limits, self.base_url)
        self._key = _key_from(api_key_env, self.base_url)
        self._slots = asyncio.Semaphore(self.limits.concurrency)
        self._client: AsyncOpenAI | None = None
        self._quiet_until = 0.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; the client can be used again afterwards."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def ask(self, request: ChatRequest) -> Completion:
        """One completion. Waits for a free slot, retries what may pass, honours `Retry-After`.

        Raises: LLMError when the tries are used up, a cap is reached, or the server refuses.
        """
        async with self._slots:
            started = time.monotonic()
            for n_tries in range(1, self.limits.retries + 2):
                await self._wait_for_quiet()
                self.spending.begin_call()
                try:
                    completion = await self._try(request)
                except _Setback as setback:
                    if n_tries > self.limits.retries:
                        raise self._give_up(setback, n_tries, started) from setback
                    await self._pause(setback, n_tries, request)
                else:
                    self.spending.finish_call(completion)
                    return completion
        raise AssertionError("the last try returns or raises")

    async def _try(self, request: ChatRequest) -> Completion:
        import openai  # its import takes a second: only a run that asks a model pays it

        client = self._client or self._connect()
        body = request_body(request)
        try:
            reply = await client.chat.completions.with_raw_response.create(**body)
        except openai.APIConnectionError as error:
            raise self._unreached(error) from error
        except openai.APIStatusError as error:
            raise self._refused(error, request.model) from error
        try:
            return read_reply(reply.content)
        except LLMError as error:
            raise _Setback(self._masked(str(error))) from error

    def _unreached(self, error: BaseException) -> _Setback:
        # the client calls a refused connection a time-out: only the first cause tells them apart
        first = error
        while (cause := first.__cause__ or first.__context__) is not None:
            first = cause
        if isinstance(first, TimeoutError):
            return _Setback(f"no answer within {self.limits.timeout_s:g} s")
        said = (
            os.strerror(first.errno) if isinstance(first, OSError) and first.errno else str(first)
        )
        return _Setback(f"no connection ({self._masked(said).lower()})")

    def _connect(self) -> AsyncOpenAI:
        from openai import AsyncOpenAI, DefaultAioHttpClient

        # a proxy for the outside must not catch calls to this machine
        own_machine = urlsplit(self.base_url).hostname in _LOOPBACK
        http = DefaultAioHttpClient(timeout=self.limits.timeout_s, trust_env=not own_machine)
        self._client = AsyncOpenAI(
            base_url=self.base_url,
            api_key=self._key or "none",
            timeout=self.limits.timeout_s,
            max_retries=0,  # our own retries count against the caps and can say how long they took
            http_client=http,
        )
        return self._client

    def _refused(self, error: APIStatusError, model: str) -> Exception:
        status = error.status_code
        said = self._masked(error.message)
        if status == 429 and "insufficient_quota" in said:
            return LLMError(f"llm {self.base_url}: the account has no quota left: {said}")
        if status in _RETRIED_STATUS or status >= 500:
            return _Setback(str(status), wait_s=_retry_after(error))
        advice = {
            400: "check the model's limits (context, `max_tokens`)",
            401: "name the environment variable of the key with `api_key_env`",
            403: "the key may not use this model",
            404: f"does the server offer model `{model}` at this URL?",
        }.get(status, "the request was refused")
        return LLMError(f"llm {self.base_url}: {status}: {said}; {advice}")

    async def _wait_for_quiet(self) -> None:
        # a loop, because another call may have been told to wait longer meanwhile
        while (left := self._quiet_until - time.monotonic()) > 0:
            await asyncio.sleep(left)

    async def _pause(self, setback: _Setback, n_tries: int, request: ChatRequest) -> None:
        if setback.wait_s is not None:
            if setback.wait_s > self.limits.longest_wait_s:
                raise LLMError(
                    f"llm {self.base_url}: {setback.what}, and asks to wait {setback.wait_s:.0f} s; "
                    "run again later: finished calls are stored"
                ) from setback
            self._quiet_until = max(self._quiet_until, time.monotonic() + setback.wait_s)
            return
        # the spread keeps calls that failed together from coming back together
        spread = 0.75 + 0.25 * request_seed(request) / 2**31
        await asyncio.sleep(min(_FIRST_WAIT_S * 2 ** (n_tries - 1), _LONGEST_BACKOFF_S) * spread)

    def _give_up(self, setback: _Setback, n_tries: int, started: float) -> LLMError:
        advice = "is the server running?"
        if setback.what == "429":
            advice = f"lower `concurrency` (now {self.limits.concurrency}) or raise `retries`"
        elif setback.what.startswith("no answer"):
            advice = f"raise `timeout_s` or lower `concurrency` (now {self.limits.concurrency})"
        tries = "1 try" if n_tries == 1 else f"{n_tries} tries"
        took = time.monotonic() - started
        return LLMError(
            f"llm {self.base_url}: {setback.what} after {tries} in {took:.0f} s; {advice}"
        )

    def _masked(self, text: str) -> str:
        one_line = " ".join(text.split())[:300]
        return one_line.replace(self._key, "***") if self._key else one_line


def _with_path(base_url: str) -> str:
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise LLMError(f"llm {base_url}: expected a URL like http://127.0.0.1:8000/v1")
    bare = base_url.rstrip("/")
    return bare if urlsplit(bare).path else f"{bare}/v1"


def _key_from(api_key_env: str | None, base_url: str) -> str | None:
    if api_key_env is None:
        return None
    key = os.environ.get(api_key_env)
    if not key:
        raise LLMError(f"llm {base_url}: the environment variable {api_key_env} is not set")
    return key


def _retry_after(error: APIStatusError) -> float | None:
    """Seconds from `Retry-After`; its date form is rare and left to the ordinary backoff."""
    written = error.response.headers.get("retry-after")
    try:
        wait_s = float(written) if written is not None else -1.0
    except ValueError:
        return None
    return wait_s if wait_s >= 0 else None
