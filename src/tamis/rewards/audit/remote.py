"""A reward behind an address: a batch as JSON by POST, as `tamis reward serve` takes it.

    POST  {"items": [{"question": {"id", "prompt", "reference", "tools"}, "answer": "..."}]}
    200   {"scores": [0.5, null, {"value": 1.0, "parts": {"accuracy": 1.0}}]}

`prompt` is a list of {role, content}, `reference` is {answer, solution, tests, rubric} or null; `answer` is the
text of the response, or messages where it holds tool calls. A score is a number, null (not graded), or an
object with `value` and perhaps `parts`.
"""

from __future__ import annotations

import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tamis.errors import RewardError
from tamis.rewards.audit.caller import plain_score
from tamis.rewards.audit.calling import Limits, Reply

TOKEN = "TAMIS_TOKEN"
_MOST_BYTES = 64 << 20
_THREADS = 4
_TRIES = 10
_BUSY = ("HTTP 429", "HTTP 503")


class Address:
    """A reward at an address. A bearer token is read from TAMIS_TOKEN."""

    form = "http"

    def __init__(self, url: str, *, limits: Limits) -> None:
        self.url = url
        self.limits = limits

    def ask(
        self,
        items: Sequence[Mapping[str, Any]],
        *,
        shape: Mapping[str, Any],
        in_threads: bool = False,
    ) -> list[Reply]:
        """One reply for each item, all in one request; `in_threads` sends one each, several at a time.

        Raises: RewardError where nobody listens, or where the token is refused.
        """
        if in_threads:
            with ThreadPoolExecutor(_THREADS) as pool:
                return [reply for [reply] in pool.map(lambda item: self._ask([item]), items)]
        return self._ask(items)

    def restart(self) -> None:
        """Nothing: a service is not ours to start."""

    def _ask(self, items: Sequence[Mapping[str, Any]]) -> list[Reply]:
        told = self._patiently({"items": [_wire(item) for item in items]})
        if isinstance(told, Reply):
            return [told] * len(items)
        scores = told.get("scores") if isinstance(told, dict) else None
        if not isinstance(scores, list) or len(scores) != len(items):
            wrong = f'expected {{"scores": [...]}} with {len(items)}, got {json.dumps(told)[:200]}'
            return [Reply(failure="no_score", told=wrong)] * len(items)
        return [_reply(score) for score in scores]

    def _patiently(self, body: Mapping[str, Any]) -> Any:
        """The reply; a service that is busy is asked again, some seconds long."""
        for _ in range(_TRIES):
            told = self._post(body)
            if not (isinstance(told, Reply) and told.told.startswith(_BUSY)):
                break
            time.sleep(1.0)
        return told

    def _post(self, body: Mapping[str, Any]) -> Any:
        headers = {"Content-Type": "application/json"}
        if os.environ.get(TOKEN):
            headers["Authorization"] = f"Bearer {os.environ[TOKEN]}"
        request = urllib.request.Request(self.url, json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=self.limits.call_s) as response:
                return json.loads(response.read(_MOST_BYTES))
        except TimeoutError:
            return Reply(failure="hung", told=f"gave no answer in {self.limits.call_s:g} s")
        except urllib.error.HTTPError as error:
            with error:
                said = error.read(500).decode("utf-8", "replace")
            if error.code in (401, 403):
                raise RewardError(
                    f"{self.url}: refused with {error.code}; put a token into {TOKEN}"
                ) from error
            return Reply(failure="raised", told=f"HTTP {error.code}: {' '.join(said.split())}")
        except urllib.error.URLError as error:
            if isinstance(error.reason, TimeoutError):
                return Reply(failure="hung", told=f"gave no answer in {self.limits.call_s:g} s")
            raise RewardError(f"{self.url}: expected a service, got {error.reason}") from error
        except (http.client.HTTPException, ConnectionError) as error:
            return Reply(failure="died", told=f"the connection broke: {type(error).__name__}")
        except ValueError as error:
            return Reply(failure="no_score", told=f"expected JSON: {error}")


def _wire(item: Mapping[str, Any]) -> dict[str, Any]:
    question = {"id": item["question"]["id"], "prompt": item["prompt"]}
    question |= {name: item["question"].get(name) for name in ("reference", "tools")}
    has_calls = any(message.get("tool_calls") for message in item["messages"])
    messages = [{k: v for k, v in m.items() if v is not None} for m in item["messages"]]
    return {"question": question, "answer": messages if has_calls else item["answer"]}


def _reply(score: object) -> Reply:
    told = plain_score(score)
    if "error" in told:
        return Reply(failure="no_score", told=told["error"])
    return Reply(value=told["value"], parts=told["parts"])
