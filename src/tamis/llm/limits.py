"""How hard a model may be used: calls at once, tries, and caps on calls and cost."""

from __future__ import annotations

import msgspec

from tamis.errors import LLMError, RecipeError
from tamis.llm.types import Completion


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Limits of one client; the defaults suit a local server.

    `concurrency`: calls in flight. `retries`: tries after the first, for rate limits, server errors,
    time-outs and lost connections. `timeout_s`: seconds for one try. `longest_wait_s`: the longest
    `Retry-After` that is waited for. `max_calls`: calls sent, retries included. `max_cost`: money, in
    the unit of `input_price` and `output_price`, which are per million tokens; calls already in flight
    when it is reached are finished and may exceed it.
    """

    concurrency: int = 16
    retries: int = 5
    timeout_s: float = 120.0
    longest_wait_s: float = 120.0
    max_calls: int | None = None
    max_cost: float | None = None
    input_price: float | None = None
    output_price: float | None = None

    def __post_init__(self) -> None:
        """Refuse limits that cannot be kept."""
        if self.concurrency < 1:
            raise RecipeError(f"`concurrency`: expected at least 1, got {self.concurrency}")
        if self.retries < 0:
            raise RecipeError(f"`retries`: expected 0 or more, got {self.retries}")
        if self.max_cost is not None and (self.input_price is None or self.output_price is None):
            raise RecipeError(
                "`max_cost` needs `input_price` and `output_price`, per million tokens"
            )


class Spending:
    """What a client has used so far, and the refusal to go past its caps."""

    def __init__(self, limits: Limits, where: str) -> None:
        self._limits = limits
        self._where = where
        self.n_calls = 0
        self.prompt_tokens = 0
        self.completion_tokens = 0

    @property
    def cost(self) -> float | None:
        """Money spent by answered calls; None when no prices are known."""
        if self._limits.input_price is None or self._limits.output_price is None:
            return None
        spent = self.prompt_tokens * self._limits.input_price
        spent += self.completion_tokens * self._limits.output_price
        return spent / 1_000_000

    def begin_call(self) -> None:
        """Count one call about to be sent.

        Raises: LLMError when a cap is reached.
        """
        if self._limits.max_calls is not None and self.n_calls >= self._limits.max_calls:
            raise self._refusal(f"cap of {self._limits.max_calls} calls reached", "max_calls")
        cost = self.cost
        if self._limits.max_cost is not None and cost is not None and cost >= self._limits.max_cost:
            raise self._refusal(f"cap of {self._limits.max_cost} spent", "max_cost")
        self.n_calls += 1

    def finish_call(self, completion: Completion) -> None:
        """Add the tokens of an answered call; a server that reports none counts as none."""
        self.prompt_tokens += completion.prompt_tokens or 0
        self.completion_tokens += completion.completion_tokens or 0

    def _refusal(self, what: str, option: str) -> LLMError:
        return LLMError(
            f"llm {self._where}: {what}; raise `{option}` and run again: finished calls are stored"
        )
