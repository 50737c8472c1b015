"""What a request must pass before anybody reads it: who sends it, how large it is, how much is held already."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from fastapi import Request

from tamis.serve.settings import Settings, is_loopback


class Turned(Exception):
    """A request that is not answered: HTTP's status for why, and why in a line."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


class Guard:
    """Lets callers in, and holds no more bytes of requests than it may."""

    def __init__(self, settings: Settings) -> None:
        token = settings.token()
        self._settings = settings
        self._digest = None if token is None else _digest(token)
        self.n_held_bytes = 0

    def knows(self, headers: Mapping[str, str]) -> bool:
        """Whether a request brings the token, where there is one."""
        if self._digest is None:
            return True
        kind, _, given = headers.get("authorization", "").partition(" ")
        # digests have one length, so the time taken says nothing of the token
        return (
            hmac.compare_digest(_digest(given.strip()), self._digest) and kind.lower() == "bearer"
        )

    def let_in(self, request: Request) -> None:
        """Raises: Turned for a caller without the token, or a page in a browser that was led here."""
        if not self.knows(request.headers):
            raise Turned(401, "expected `Authorization: Bearer` with the token of this service")
        if self._digest is None:
            host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
            if not is_loopback(host):
                raise Turned(403, f"host {host[:100]}: without a token only this machine may call")

    @asynccontextmanager
    async def body_of(self, request: Request) -> AsyncIterator[bytearray]:
        """The body of a request, counted as held while the block runs.

        Raises: Turned for another content type, a body that is too large, or one that does not arrive.
        """
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":  # what a page in a browser cannot send unasked
            raise Turned(415, f"expected content of type application/json, got `{kind[:100]}`")
        held = bytearray()
        try:
            await self._arrived(request, held)
            yield held
        finally:
            self.n_held_bytes -= len(held)

    async def _arrived(self, request: Request, held: bytearray) -> None:
        read_s = self._settings.read_s
        try:
            async with asyncio.timeout(read_s):
                await self._read(request, held)
        except TimeoutError:
            raise Turned(408, f"the body did not arrive within {read_s:g} s") from None

    async def _read(self, request: Request, held: bytearray) -> None:
        most = self._settings.max_body_bytes
        length = request.headers.get("content-length", "0")
        if not length.isdigit() or int(length) > most:
            raise Turned(413, f"expected a body of {most:,} bytes or fewer, got {length[:30]}")
        async for chunk in request.stream():
            if len(held) + len(chunk) > most:
                raise Turned(413, f"expected a body of {most:,} bytes or fewer, got more")
            if self.n_held_bytes + len(chunk) > self._settings.max_held_bytes:
                raise Turned(503, "too many requests are held already")
            held += chunk
            self.n_held_bytes += len(chunk)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
