"""How a reward service listens, whom it lets in, and how much it takes on."""

from __future__ import annotations

import ipaddress
import os

import msgspec

from tamis.errors import RecipeError

TOKEN_ENV = "TAMIS_TOKEN"
_SHORTEST_TOKEN = 16


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a reward service is told.

    `token_env` names the environment variable with the token that callers send; without such a variable only
    this machine may call. `at_once`: answers graded at a time. `budget_s`: seconds for one answer, from when
    its turn comes. `max_waiting`: answers taken on and not graded yet. `max_body_bytes`: one request;
    `max_held_bytes`: all requests together. `read_s`: seconds for a request's body to arrive. `grace_s`:
    seconds that open requests have when the service is told to end.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    token_env: str = TOKEN_ENV
    at_once: int = 0
    budget_s: float = 60.0
    max_waiting: int = 4096
    max_body_bytes: int = 16 << 20
    max_held_bytes: int = 128 << 20
    read_s: float = 30.0
    grace_s: float = 10.0

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if not 0 <= self.port <= 65535:
            raise RecipeError(f"--port {self.port}: expected 0 (a free one) to 65535")
        if self.at_once < 0:
            raise RecipeError(f"--at-once {self.at_once}: expected 1 or more, or 0: one a core")
        if not 0 < self.budget_s < 86_400:
            raise RecipeError(f"--budget {self.budget_s:g}: expected seconds, more than 0")
        if self.max_waiting < 1:
            raise RecipeError(f"--max-waiting {self.max_waiting}: expected 1 or more")

    @property
    def lanes(self) -> int:
        """How many answers are graded at a time."""
        return self.at_once or len(os.sched_getaffinity(0))

    def token(self) -> str | None:
        """The token that callers must send; None where none is needed.

        Raises: RecipeError for a token that can be guessed, or for none where other machines can call.
        """
        token = os.environ.get(self.token_env)
        if token is not None and len(token) < _SHORTEST_TOKEN:
            raise RecipeError(
                f"environment variable {self.token_env}: expected a token of {_SHORTEST_TOKEN} or more "
                f"characters, got {len(token)}; make one with `openssl rand -hex 32`"
            )
        if token is None and not is_loopback(self.host):
            raise RecipeError(
                f"--host {self.host}: expected a token where other machines can call; "
                f"set {self.token_env} to one, like `openssl rand -hex 32` makes"
            )
        return token


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine, seen from itself alone.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0"), is_loopback("my-machine")
    (True, True, False, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
