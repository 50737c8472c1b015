"""A reward service on a real port: scores, budgets, refusals, and a clean end."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.cli.run_tamis import COMMAND

from tamis.llm.scripted import Script, scripted_server
from tamis.rewards import REWARDS
from tamis.rewards.numeric import NumericReward

from .serving import SUM, TOKEN, Served, code_item, item, serving, started

THINK = "Three and four together make seven, which one can count on the fingers."
CALL = '<tool_call>{"name": "add", "arguments": {"a": 7}}</tool_call>'
SERVE = [*COMMAND, "reward", "serve", "--port", "0"]
IDS = {"style": "instructions", "ids": ["punctuation:no_comma"], "kwargs": [None]}
# An answer that each reward likes; `judge` has a test of its own.
LIKED: dict[str, dict[str, Any]] = {
    "code": code_item("return a + b"),
    "combine": item(
        "3 + 4?",
        "Answer: 7",
        reward="combine",
        reference={"answer": "7"},
        parameters={"parts": [{"name": "numeric"}]},
    ),
    "exact": item("3 + 4?", "Answer: seven", reward="exact", reference={"answer": "seven"}),
    "f1": item("3 + 4?", "seven", reward="f1", reference={"answer": "seven"}),
    "format": item("3 + 4?", f"<think>{THINK}</think>7", reward="format"),
    "instructions": item(
        "No comma.", "It is.", reward="instructions", reference={"tests": json.dumps(IDS)}
    ),
    "json_schema": item(
        "JSON?", '{"a": 7}', reward="json_schema", parameters={"schema": {"type": "object"}}
    ),
    "language": item(
        "Hi.", "The answer is seven.", reward="language", parameters={"language": "en"}
    ),
    "length": item(
        "Hi.",
        "It is seven.",
        reward="length",
        parameters={"at_least": 2, "at_most": 50, "buffer": 10},
    ),
    "math": item("3 + 4?", "\\boxed{7}", reward="math", reference={"answer": "7"}),
    "numeric": SUM,
    "repetition": item("Hi.", "It is seven.", reward="repetition"),
    "tool_calls": item(
        "Add.", CALL, reward="tool_calls", reference={"answer": '[{"add": {"a": [7]}}]'}
    ),
}


@pytest.fixture(scope="module")
def service() -> Iterator[Served]:
    with serving(at_once=4, max_body_bytes=100_000) as served:
        yield served


def test_every_reward_scores_over_http_in_the_order_of_the_items(service: Served) -> None:
    assert set(LIKED) == set(REWARDS) - {"judge"}
    items = list(LIKED.values())
    found = service.score(*items)
    assert {
        name: one["value"] for name, one in zip(LIKED, found, strict=True) if not one["value"]
    } == {}
    assert [one["value"] for one in service.score(*items[::-1])] == [
        one["value"] for one in found[::-1]
    ]
    assert set(found[0]) == {"value", "parts", "reason", "answer", "flags"}


def test_an_answer_may_be_messages_with_tool_calls(service: Served) -> None:
    call = {"type": "function", "function": {"name": "add", "arguments": '{"a": 7}'}}
    said = [{"role": "assistant", "content": None, "tool_calls": [call]}]
    assert service.score({**LIKED["tool_calls"], "answer": said})[0]["value"] == 1.0


def test_what_cannot_be_graded_is_null_and_never_0(service: Served) -> None:
    [found] = service.score(item("3 + 4?", "7", reference={"answer": "seven"}))
    assert found["value"] is None and "not a number" in found["reason"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "body: expected"),
        (b'{"items": 7}', "body: expected"),
        (b'{"items": [], "more": 1}', "body: expected"),
        (b"\xff", "body: expected"),
        ({"items": [{"question": "q1", "answer": "7"}]}, "items[0].question: got the id `q1`"),
        (
            {"items": [SUM, item("?", "7", reward="maths")]},
            "items[1].question.reward: unknown reward `maths`",
        ),
        (
            {"items": [item("?", "7", parameters={"no": 1})]},
            "items[0].question.reward: parameters of",
        ),
        (
            {"items": [{"question": {"prompt": "?"}, "answer": "7"}]},
            "expected the name of a reward",
        ),
        (
            {"items": [{**SUM, "answer": [{"content": "7"}]}]},
            "items[0].answer: expected a text, or messages",
        ),
        (
            {"items": [{**SUM, "answer": [{"role": "assistant", "reasoning_content": 7}]}]},
            "items[0].answer",
        ),
        (
            {"items": [item("?", "7", reference={"tests": 7})]},
            "items[0].question: reference: expected",
        ),
        (
            {"items": [item("?", "7", reward="code", parameters={"allow_weak": True})]},
            "expected the caller to say so",
        ),
        (
            {
                "items": [
                    item(
                        "?",
                        "7",
                        reward="judge",
                        parameters={"endpoint": {"base_url": "http://x", "model": "m"}},
                    )
                ]
            },
            "expected the caller to name it",
        ),
    ],
)
def test_a_request_that_is_not_right_is_told_where_and_why(
    service: Served, body: bytes | dict[str, Any], said: str
) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    found = service.client.post(
        "/score", content=content, headers={"content-type": "application/json"}
    )
    assert found.status_code == 422 and said in found.json()["error"]


def test_too_large_a_body_is_refused_whether_it_says_so_or_not(service: Served) -> None:
    large = json.dumps({"items": [{**SUM, "answer": "7" * 200_000}]}).encode()
    kind = {"content-type": "application/json"}
    assert service.client.post("/score", content=large, headers=kind).status_code == 413
    pieces = (large[place : place + 1000] for place in range(0, len(large), 1000))
    assert service.client.post("/score", content=pieces, headers=kind).status_code == 413


def test_a_page_in_a_browser_cannot_call_a_service_without_token(service: Served) -> None:
    body = json.dumps({"items": [SUM]}).encode()
    plain = service.client.post("/score", content=body, headers={"content-type": "text/plain"})
    assert plain.status_code == 415
    led = service.client.post("/score", json={"items": [SUM]}, headers={"host": "evil.example"})
    assert led.status_code == 403


def test_health_tells_versions_and_the_tier_of_the_sandbox(service: Served) -> None:
    found = service.health()
    assert found["status"] == "ok" and found["at_once"] == 4
    assert found["sandbox_tier"] in ("namespaces", "bwrap", "landlock", None)
    assert (
        set(found["rewards"]) == set(REWARDS)
        and found["rewards"]["numeric"] == NumericReward.version
    )


def test_a_slow_answer_costs_the_others_nothing_but_its_budget() -> None:
    slow = code_item("while True: pass", time_limit_s=50)
    with started([*SERVE, "--at-once", "2", "--budget", "1"]) as service:
        begun = time.monotonic()
        found = service.score(slow, *[SUM] * 20)
        took = time.monotonic() - begun
        ended = service.end()
    assert found[0] == {
        "value": None,
        "parts": {},
        "reason": "not graded within its budget of 1 s",
        "answer": None,
        "flags": ["over_budget"],
    }
    assert [one["value"] for one in found[1:]] == [1.0] * 20
    assert took < 20  # far from the 50 s of the answer's own limit
    assert ended == (0, "ended; answers graded: 21")


@pytest.mark.slow
def test_answers_beyond_those_that_may_wait_are_told_to_come_again(tmp_path: Path) -> None:
    judge = item("Capital of Kenya?", "Nairobi", reward="judge", reference={"answer": "Nairobi"})
    with scripted_server(Script(delay_s=1.0)) as model:
        env = {"TAMIS_JUDGE": json.dumps({"base_url": model.url, "model": "m"})}
        with serving(at_once=1, max_waiting=2, env=env) as service, ThreadPoolExecutor(1) as pool:
            first = pool.submit(service.score, judge, judge)
            assert model.heard.acquire(timeout=30)
            refused = service.post(SUM)
            assert service.health()["waiting"] == 2
            assert [one["flags"] for one in first.result()] == [["judge_unreadable"]] * 2
            assert service.score(SUM)[0]["value"] == 1.0
            assert service.post(SUM, SUM, SUM).status_code == 413
    assert refused.status_code == 429 and refused.headers["retry-after"] == "1"
    assert "2 answers wait already" in refused.json()["error"]


@pytest.mark.slow
def test_too_many_answers_over_their_budget_close_the_service_until_they_end() -> None:
    with started([*SERVE, "--at-once", "1", "--budget", "0.2"]) as service:
        found = service.score(*[code_item("while True: pass", time_limit_s=60)] * 4)
        assert {tuple(one["flags"]) for one in found} == {("over_budget",)}
        refused = service.post(SUM)
        health = service.client.get("/health")
        assert service.end()[0] == 0
    assert refused.status_code == 503 and refused.headers["retry-after"] == "1"
    assert health.status_code == 503
    told = health.json()
    assert (told["status"], told["stuck"]) == ("stuck", 4)
    assert told["reason"] == refused.json()["error"]
    assert "all 4 threads are stuck" in told["reason"]


@pytest.mark.slow
def test_a_batch_that_uses_up_all_threads_is_refused_and_the_service_opens_again() -> None:
    with started([*SERVE, "--at-once", "1", "--budget", "0.2"]) as service:
        refused = service.post(*[code_item("while True: pass", time_limit_s=2)] * 6)
        assert refused.status_code == 503
        _until(lambda: service.client.get("/health").status_code == 200)
        assert service.score(SUM)[0]["value"] == 1.0


@pytest.mark.slow
def test_a_judge_over_its_budget_is_given_up_and_leaves_nothing_behind() -> None:
    judge = item("Capital of Kenya?", "Nairobi", reward="judge", reference={"answer": "Nairobi"})
    with scripted_server(Script(delay_s=20.0)) as model:
        env = {"TAMIS_JUDGE": json.dumps({"base_url": model.url, "model": "m"})}
        with serving(at_once=8, budget_s=1.0, env=env) as service:
            assert service.score(judge)[0]["flags"] == ["over_budget"]
            _until(lambda: service.health()["stuck"] == 0)


def test_a_judge_without_model_is_an_error_and_no_score() -> None:
    with serving(env={"TAMIS_JUDGE": ""}) as service:
        judge = item(
            "Capital of Kenya?", "Nairobi", reward="judge", reference={"answer": "Nairobi"}
        )
        found = service.post(SUM, judge)
    assert found.status_code == 500 and "set TAMIS_JUDGE=" in found.json()["error"]


def test_more_bytes_than_may_be_held_are_refused_for_now() -> None:
    with serving(max_held_bytes=100) as service:
        found = service.post(SUM)
    assert found.status_code == 503 and found.headers["retry-after"] == "1"


def test_a_body_that_does_not_arrive_is_not_waited_for() -> None:
    with serving(read_s=0.3) as service:
        host, port = service.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as line:
            head = "POST /score HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            line.sendall(f"{head}Content-Length: 50\r\n\r\n{{".encode())
            assert line.recv(100).startswith(b"HTTP/1.1 408")
        assert service.score(SUM)[0]["value"] == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_a_service_that_is_ended_finishes_its_requests_and_leaves_no_process(
    sig: signal.Signals,
) -> None:
    with scripted_server(Script(delay_s=1.0)) as model:
        env = {"TAMIS_JUDGE": json.dumps({"base_url": model.url, "model": "m"})}
        with serving(at_once=2, env=env) as service, ThreadPoolExecutor(1) as pool:
            service.score(LIKED["code"], LIKED["math"])
            judge = item(
                "Capital of Kenya?", "Nairobi", reward="judge", reference={"answer": "Nairobi"}
            )
            open_one = pool.submit(service.score, judge)
            assert model.heard.acquire(timeout=30)
            code, said = service.end(sig)
            assert open_one.result()[0]["flags"] == ["judge_unreadable"]
    assert code == 0 and json.loads(said) == {"graded": 3, "stuck": 0}


@pytest.mark.slow
def test_a_service_that_is_told_twice_ends_at_once_and_leaves_no_process() -> None:
    slow = code_item("while True: pass", time_limit_s=50)
    with started([*SERVE, "--budget", "50"]) as service, ThreadPoolExecutor(1) as pool:
        open_one = pool.submit(service.post, slow)
        _until(lambda: service.health()["waiting"] == 1)
        service.process.send_signal(signal.SIGTERM)
        assert service.end(signal.SIGTERM)[0] == 0
        assert open_one.exception() is not None or open_one.result().status_code == 503


def test_with_a_token_only_those_who_send_it_are_served() -> None:
    with serving(token=TOKEN, host="0.0.0.0") as service:
        url = service.url.replace("0.0.0.0", "127.0.0.1")
        with httpx.Client(base_url=url, trust_env=False) as stranger:
            for sent in (
                {},
                {"authorization": TOKEN},
                {"authorization": f"Bearer {TOKEN}x"},
                {"authorization": "Bearer é"},
                {"authorization": f"Basic {TOKEN}"},
            ):
                headers = [(name.encode(), value.encode()) for name, value in sent.items()]
                refused = stranger.post("/score", json={"items": [SUM]}, headers=headers)
                assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
            assert stranger.get("/health").json() == {"status": "ok"}
            known = {"authorization": f"Bearer {TOKEN}", "host": "rewards.example"}
            assert (
                stranger.post("/score", json={"items": [SUM]}, headers=known).json()["scores"][0][
                    "value"
                ]
                == 1
            )
            assert "rewards" in stranger.get("/health", headers=known).json()


def _until(is_so: Any) -> None:
    end = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < end
        threading.Event().wait(0.05)
