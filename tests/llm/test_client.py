"""The client over real sockets: limits, retries, plain errors, nothing left behind."""

import asyncio
import re
import signal
import subprocess
import sys
import time

import pytest

from tamis.errors import LLMError, RecipeError
from tamis.llm.client import LLM
from tamis.llm.limits import Limits
from tamis.llm.scripted import Answers, Fault, Script, scripted_server
from tamis.llm.together import ask_all
from tamis.llm.types import ChatRequest, Completion
from tamis.llm.wire import request_seed
from tamis.records import Message, ToolCall


def request(text: str = "What is 3 + 4?", sample: int = 0) -> ChatRequest:
    return ChatRequest(
        model="m", messages=(Message(role="user", content=text),), sample=sample, max_tokens=32
    )


def ask(url: str, requests: list[ChatRequest], **limits: int | float) -> list[Completion]:
    async def run() -> list[Completion]:
        async with LLM(url, limits=Limits(**limits)) as llm:  # type: ignore[arg-type]
            return await ask_all(llm, requests)

    return asyncio.run(run())


def failure(url: str, n_requests: int = 1, **limits: int | float) -> str:
    with pytest.raises(LLMError) as caught:
        ask(url, [request(sample=sample) for sample in range(n_requests)], **limits)
    # how long the tries took depends on the machine
    return re.sub(r" in \d+ s;", " in a moment;", str(caught.value))


def test_a_completion_carries_reasoning_reason_and_tokens() -> None:
    said = Answers(answers=["The answer is 7."], reasoning="3 and 4", finish_reason="length")
    with scripted_server(Script(replies=(said,))) as server:
        found = ask(server.url, [request()])
    assert found == [
        Completion(
            text="The answer is 7.",
            reasoning="3 and 4",
            finish_reason="length",
            prompt_tokens=5,
            completion_tokens=4,
        )
    ]


def test_the_server_gets_the_whole_request() -> None:
    call = ToolCall(name="add", arguments='{"a": 3}', id="c1")
    asked = ChatRequest(
        model="m",
        messages=(
            Message(role="user", content="add"),
            Message(role="assistant", tool_calls=[call]),
            Message(role="tool", content="7", tool_call_id="c1"),
        ),
        temperature=0.5,
        top_p=0.9,
        max_tokens=64,
    )
    with scripted_server() as server:
        ask(server.url, [asked])
    assert server.bodies == [
        {
            "model": "m",
            "messages": [
                {"role": "user", "content": "add"},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {
                            "id": "c1",
                            "type": "function",
                            "function": {"name": "add", "arguments": '{"a": 3}'},
                        }
                    ],
                },
                {"role": "tool", "content": "7", "tool_call_id": "c1"},
            ],
            "temperature": 0.5,
            "top_p": 0.9,
            "max_tokens": 64,
            "seed": request_seed(asked),
        }
    ]


def test_seeds_differ_by_draw_and_question_and_never_change() -> None:
    seeds = [request_seed(request(text, sample)) for text in ("a", "b") for sample in range(2)]
    assert seeds == [1489979413, 953406185, 682696061, 1316486187]


def test_no_more_calls_are_in_flight_than_allowed() -> None:
    with scripted_server(Script(delay_s=0.02)) as server:
        ask(server.url, [request(sample=sample) for sample in range(20)], concurrency=4)
    assert (server.most_in_flight, len(server.calls)) == (4, 20)


@pytest.mark.parametrize("kind", ["status", "drop", "malformed"])
def test_a_setback_is_tried_again(kind: str) -> None:
    script = Script(faults=(Fault(kind=kind, first=2, status=503),))  # type: ignore[arg-type]
    with scripted_server(script) as server:
        assert len(ask(server.url, [request()])) == 1
    assert [call.fault for call in server.calls] == [kind, kind, None]


def test_a_rate_limit_pauses_all_calls_for_as_long_as_the_server_asks() -> None:
    with scripted_server(
        Script(faults=(Fault(kind="status", status=429, retry_after=0.4, first=1),))
    ) as server:
        began = time.monotonic()
        ask(server.url, [request(sample=sample) for sample in range(3)], concurrency=1)
        took = time.monotonic() - began
    assert len(server.calls) == 4
    assert took >= 0.4


def test_a_rate_limit_that_never_ends_is_one_line() -> None:
    script = Script(faults=(Fault(kind="status", status=429, retry_after=0.0, every=1),))
    with scripted_server(script) as server:
        message = failure(server.url, retries=2, concurrency=3)
    assert message == (
        f"llm {server.url}: 429 after 3 tries in a moment; lower `concurrency` (now 3) or raise `retries`"
    )


def test_a_wish_to_wait_too_long_is_refused() -> None:
    script = Script(faults=(Fault(kind="status", status=429, retry_after=3600, every=1),))
    with scripted_server(script) as server:
        message = failure(server.url)
    assert message == (
        f"llm {server.url}: 429, and asks to wait 3600 s; run again later: finished calls are stored"
    )


def test_a_server_too_slow_is_named() -> None:
    with scripted_server(Script(faults=(Fault(kind="slow", seconds=5, every=1),))) as server:
        message = failure(server.url, retries=0, timeout_s=0.2)
    assert message == (
        f"llm {server.url}: no answer within 0.2 s after 1 try in a moment; "
        "raise `timeout_s` or lower `concurrency` (now 16)"
    )


def test_nobody_listening_is_named() -> None:
    with scripted_server() as server:
        url = server.url
    message = failure(url, retries=0)
    assert message == (
        f"llm {url}: no connection (connection refused) after 1 try in a moment; "
        "is the server running?"
    )


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (400, "check the model's limits (context, `max_tokens`)"),
        (401, "name the environment variable of the key with `api_key_env`"),
        (404, "does the server offer model `m` at this URL?"),
    ],
)
def test_a_refusal_is_not_tried_again(status: int, advice: str) -> None:
    script = Script(faults=(Fault(kind="status", status=status, message="not so", every=1),))
    with scripted_server(script) as server:
        message = failure(server.url)
    assert len(server.calls) == 1
    assert message.startswith(f"llm {server.url}: {status}: ")
    assert message.endswith(f"; {advice}")


def test_one_failure_ends_all_calls() -> None:
    script = Script(faults=(Fault(kind="status", status=400, first=1),), delay_s=0.05)
    with scripted_server(script) as server:
        failure(server.url, n_requests=200, concurrency=2)
    assert len(server.calls) <= 4


def test_the_cap_on_calls_counts_tries() -> None:
    with scripted_server(Script(faults=(Fault(kind="drop", first=1),))) as server:
        message = failure(server.url, n_requests=5, max_calls=3, concurrency=1)
    assert len(server.calls) == 3
    assert message == (
        f"llm {server.url}: cap of 3 calls reached; "
        "raise `max_calls` and run again: finished calls are stored"
    )


def test_the_cap_on_cost_stops_further_calls() -> None:
    with scripted_server() as server:
        message = failure(
            server.url,
            n_requests=5,
            concurrency=1,
            max_cost=15.0,
            input_price=1e6,
            output_price=1e6,
        )
    assert len(server.calls) == 2
    assert "cap of 15.0 spent" in message


def test_a_cost_cap_without_prices_is_refused() -> None:
    with pytest.raises(RecipeError, match="`max_cost` needs"):
        Limits(max_cost=1.0)


def test_a_key_is_sent_but_never_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "sk-very-secret")
    script = Script(
        faults=(Fault(kind="status", status=401, message="bad sk-very-secret", first=1),)
    )

    async def run(url: str) -> None:
        async with LLM(url, api_key_env="SECRET_KEY") as llm:
            await llm.ask(request())

    with scripted_server(script) as server, pytest.raises(LLMError) as caught:
        asyncio.run(run(server.url))
    assert server.headers[0]["authorization"] == "Bearer sk-very-secret"
    assert "very-secret" not in str(caught.value)
    assert "***" in str(caught.value)


def test_the_callers_key_is_not_sent_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    with scripted_server() as server:
        ask(server.url, [request()])
    assert server.headers[0]["authorization"] == "Bearer none"


def test_a_missing_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    with pytest.raises(LLMError, match="the environment variable SECRET_KEY is not set"):
        LLM("https://models.example/v1", api_key_env="SECRET_KEY")


def test_a_url_without_a_path_gets_one() -> None:
    assert LLM("http://127.0.0.1:8000").base_url == "http://127.0.0.1:8000/v1"
    with pytest.raises(LLMError, match="expected a URL like"):
        LLM("127.0.0.1:8000")


_ASK_FOR_EVER = """
import asyncio, sys
from tamis.llm.client import LLM
from tamis.llm.together import ask_all
from tamis.llm.types import ChatRequest
from tamis.records import Message

async def run():
    async with LLM(sys.argv[1]) as llm:
        await ask_all(llm, [
            ChatRequest(model="m", messages=(Message(role="user", content=str(n)),)) for n in range(50)
        ])

try:
    asyncio.run(run())
except KeyboardInterrupt:
    print("interrupted", end="")
"""


def test_an_interrupt_ends_at_once_without_a_warning() -> None:
    with scripted_server(Script(delay_s=60)) as server:
        asking = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", _ASK_FOR_EVER, server.url],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert server.heard.acquire(timeout=60)
        asking.send_signal(signal.SIGINT)
        said = asking.communicate(timeout=60)
    assert said == ("interrupted", "")
