"""A reward service from its first socket to its last: listen, say so, end when told to."""

from __future__ import annotations

import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn

from tamis.errors import ServiceError
from tamis.serve.app import Offer, Service, make_app
from tamis.serve.settings import Settings

Announce = Callable[[str], None]
_LARGEST_HEAD = 16 << 10
_BACKLOG = 256


def serve(settings: Settings, offer: Offer, announce: Announce) -> Service:
    """Answer requests until SIGTERM or Ctrl-C; `announce` gets the address once it can be called.

    Open requests are finished, up to `grace_s`; a second signal ends at once.
    Raises: ServiceError when the address cannot be had.
    """
    service = Service(settings, offer)
    listening = _listen(settings)
    shown = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{shown}:{listening.getsockname()[1]}"
    config = uvicorn.Config(
        make_app(service),
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        ws="none",
        http="h11",
        h11_max_incomplete_event_size=_LARGEST_HEAD,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=int(settings.grace_s) or 1,
    )
    with listening:
        _Server(config, service, lambda: announce(url)).run(sockets=[listening])
    return service


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ServiceError(
            f"{settings.host}:{settings.port}: cannot listen there ({error.strerror or error}); "
            "choose another --port, or 0 for a free one"
        ) from error


class _Server(uvicorn.Server):
    """Says when it listens; ends by itself on a signal, instead of being ended by it once more."""

    def __init__(
        self, config: uvicorn.Config, service: Service, announce: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._service = service
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets=sockets)
        if self.started:
            self._announce()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take no more answers and end; at once when asked again."""
        self.force_exit = self._service.is_ending
        self._service.is_ending = True
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Let SIGTERM and Ctrl-C end the service while the block runs."""
        before = {
            one: signal.signal(one, self.handle_exit) for one in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)
