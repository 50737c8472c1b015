"""The service's two addresses: POST /score and GET /health."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from starlette.requests import ClientDisconnect

from tamis.errors import RewardError, TamisError
from tamis.records import RewardSpec
from tamis.rewards.adapters.grading import Graded
from tamis.sandbox.errors import SandboxError
from tamis.serve.grading import Grader, Refused
from tamis.serve.guard import Guard, Turned
from tamis.serve.settings import Settings
from tamis.serve.wire import FindQuestion, read_batch, scores_body

# What may pass, a caller tries again after so many seconds.
_AGAIN_S = "1"
_TRY_AGAIN = frozenset({429, 503})


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What a service grades by: the questions it knows by id, one reward for all, and what health tells."""

    find: FindQuestion
    graded_by: RewardSpec | None = None
    told: dict[str, Any] = {}


class Service:
    """The state of one running service, shared by its requests."""

    def __init__(self, settings: Settings, offer: Offer) -> None:
        self.settings = settings
        self.offer = offer
        self.guard = Guard(settings)
        self.grader = Grader(settings)
        self.is_ending = False

    async def score(self, request: Request) -> Response:
        """The scores of a batch, in its order."""
        try:
            self.guard.let_in(request)
            if (why := self._why_closed()) is not None:
                raise Turned(503, why)
            async with self.guard.body_of(request) as body:
                answers = self._read(body)
                return _json(scores_body(await self.grader.grade(answers)))
        except (Turned, Refused) as refused:
            return _problem(refused.status, str(refused))
        except asyncio.CancelledError:
            # a service that may wait no longer cancels what is open; whoever asked is told so
            if not self.is_ending:
                raise
            return _problem(503, "the service has ended")
        except ClientDisconnect:
            return _problem(400, "the caller went away")

    def _read(self, body: bytearray) -> list[Graded]:
        try:
            return read_batch(body, find=self.offer.find, graded_by=self.offer.graded_by)
        except RewardError as error:
            raise Turned(422, str(error)) from error

    def _why_closed(self) -> str | None:
        return "the service is ending" if self.is_ending else self.grader.why_stuck

    async def health(self, request: Request) -> Response:
        """Whether answers are taken, and to those who may score also by what."""
        why = self._why_closed()
        status = "ending" if self.is_ending else "ok" if why is None else "stuck"
        told: dict[str, Any] = {"status": status}
        if why is not None:
            told["reason"] = why
        if self.guard.knows(request.headers):
            told |= self.offer.told
            told |= {
                "at_once": self.settings.lanes,
                "budget_s": self.settings.budget_s,
                "waiting": self.grader.n_waiting,
                "graded": self.grader.n_graded,
                "stuck": self.grader.n_stuck,
            }
        return _json(msgspec.json.encode(told), status=200 if status == "ok" else 503)


def make_app(service: Service) -> FastAPI:
    """The service as an ASGI application."""
    # no pages of documentation: they would load scripts from elsewhere
    app = FastAPI(title="tamis rewards", openapi_url=None, docs_url=None, redoc_url=None)
    app.add_api_route("/score", service.score, methods=["POST"], response_model=None)
    app.add_api_route("/health", service.health, methods=["GET"], response_model=None)
    app.add_exception_handler(TamisError, _failed)
    app.add_exception_handler(SandboxError, _failed)
    return app


async def _failed(request: Request, error: Exception) -> Response:
    return _problem(500, str(error))


def _problem(status: int, why: str) -> Response:
    response = _json(msgspec.json.encode({"error": why}), status=status)
    if status in _TRY_AGAIN:
        response.headers["Retry-After"] = _AGAIN_S
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _json(body: bytes, *, status: int = 200) -> Response:
    return Response(body, status_code=status, media_type="application/json")
