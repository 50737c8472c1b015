"""The store of finished calls: what is in it is never asked again, whatever happened to the asker."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from tamis.errors import LLMError, StoreError
from tamis.llm.client import LLM
from tamis.llm.limits import Limits
from tamis.llm.scripted import Fault, Script, ScriptedServer, scripted_server
from tamis.llm.store import CallStore, StoredLLM, call_key
from tamis.llm.together import ask_all
from tamis.llm.types import ChatRequest, Completion
from tamis.records import Message


def request(sample: int = 0, **options: float) -> ChatRequest:
    message = Message(role="user", content="What is 3 + 4?")
    return ChatRequest(model="m", messages=(message,), sample=sample, **options)  # type: ignore[arg-type]


def ask(
    server: ScriptedServer, path: Path, requests: list[ChatRequest], identity: str = "test"
) -> list[Completion]:
    async def run() -> list[Completion]:
        with CallStore(path) as store:
            async with LLM(server.url, identity=identity, limits=Limits(retries=0)) as llm:
                return await ask_all(StoredLLM(llm, store), requests)

    return asyncio.run(run())


def test_a_finished_call_is_answered_from_the_store(tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    with scripted_server() as server:
        first = ask(server, path, [request(0), request(1)])
        second = ask(server, path, [request(1), request(0), request(2)])
    assert len(server.calls) == 3
    assert second[:2] == first[::-1]


@pytest.mark.parametrize(
    ("other", "identity"),
    [
        (request(temperature=0.1), "test"),
        (request(top_p=0.5), "test"),
        (request(max_tokens=3), "test"),
        (request(seed=1), "test"),
        (request(), "another model"),
    ],
)
def test_any_difference_is_another_call(tmp_path: Path, other: ChatRequest, identity: str) -> None:
    path = tmp_path / "calls.sqlite"
    with scripted_server() as server:
        ask(server, path, [request()])
        ask(server, path, [other], identity)
    assert len(server.calls) == 2


def test_equal_requests_in_flight_are_one_call(tmp_path: Path) -> None:
    with scripted_server(Script(delay_s=0.05)) as server:
        found = ask(server, tmp_path / "calls.sqlite", [request()] * 8)
    assert (len(server.calls), len(found)) == (1, 8)


def test_a_failed_call_is_not_stored_and_the_others_are(tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    with scripted_server(Script(faults=(Fault(kind="status", status=400, every=2),))) as server:
        ask(server, path, [request(0)])
        with pytest.raises(LLMError):
            ask(server, path, [request(1)])
        ask(server, path, [request(0), request(1)])
        assert len(server.calls) == 3
    with CallStore(path) as store:
        assert len(store) == 2


def test_a_waiting_asker_goes_on_when_the_first_is_cancelled(tmp_path: Path) -> None:
    async def run(server: ScriptedServer) -> Completion:
        with CallStore(tmp_path / "calls.sqlite") as store:
            async with LLM(server.url) as llm:
                stored = StoredLLM(llm, store)
                first = asyncio.create_task(stored.ask(request()))
                second = asyncio.create_task(stored.ask(request()))
                await asyncio.to_thread(server.heard.acquire)
                first.cancel()
                return await second

    with scripted_server(Script(delay_s=0.1)) as server:
        assert asyncio.run(run(server)).text == "The answer is 7."
    assert len(server.calls) == 2


def test_a_key_is_the_same_on_any_machine() -> None:
    assert call_key("test", request()).hex() == "e222c816671fbe8df84e0a5205da1bd1"


def test_the_first_answer_to_a_call_stays(tmp_path: Path) -> None:
    with CallStore(tmp_path / "calls.sqlite") as store:
        for text in ("one", "two"):
            store.add(b"k", identity="i", model="m", completion=Completion(text=text))
        assert (store.get(b"k"), len(store)) == (Completion(text="one"), 1)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database" * 100)
    with pytest.raises(StoreError, match=r"notes\.txt: cannot open the store of model calls"):
        CallStore(path)
    assert path.read_text() == "not a database" * 100


def test_a_database_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    base = sqlite3.connect(path)
    base.execute("CREATE TABLE mine (x)")
    base.close()
    with pytest.raises(StoreError, match="expected a store of model calls of version 1"):
        CallStore(path)


def test_a_store_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    CallStore(path).close()
    base = sqlite3.connect(path)
    base.execute("PRAGMA user_version = 2")
    base.close()
    with pytest.raises(StoreError, match="got version 2"):
        CallStore(path)
