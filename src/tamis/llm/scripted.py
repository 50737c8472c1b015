"""A scripted model server: real sockets, answers that are a function of the request, planned faults.

For tests of everything that asks a model. Runs in a thread (`with scripted_server(script) as server`)
or as a process of its own:

    python -m tamis.llm.scripted --port 8001 --script script.json --log calls.jsonl

It prints its URL once it listens. The log gets one JSON line for each call, when the call arrives:
`{"n", "key", "fault"}`; `key` is a hash of the request body.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import msgspec

from tamis.errors import InputError


class Answers(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The possible answers to prompts whose last message contains `contains`.

    Which one is given depends on the request's messages and seed alone, each equally likely. `tool_calls`,
    as `{"name", "arguments"}` with the arguments as JSON text, go with each where the request offers tools.
    """

    answers: list[str]
    tool_calls: list[dict[str, str]] = []
    contains: str = ""
    reasoning: str | None = None
    finish_reason: str = "stop"


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What goes wrong, and with which calls: the `first` n, or `every` n-th (counted from 1).

    `status` answers with that status (and `retry_after` seconds); `slow` waits `seconds` before the
    answer; `drop` closes the connection without one; `malformed` answers 200 with broken JSON.
    """

    kind: Literal["status", "slow", "drop", "malformed"]
    first: int = 0
    every: int = 0
    status: int = 500
    message: str = "scripted fault"
    retry_after: float | None = None
    seconds: float = 0.0

    def hits(self, n: int) -> bool:
        """Whether the n-th call meets this fault."""
        return n <= self.first or (self.every > 0 and n % self.every == 0)


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the server says: the first of `replies` that fits, after `delay_s`, unless a fault hits."""

    replies: tuple[Answers, ...] = (Answers(answers=["The answer is 7."]),)
    faults: tuple[Fault, ...] = ()
    delay_s: float = 0.0


class Call(msgspec.Struct, frozen=True):
    """One call as it came in: its number from 1, the hash of its body, the fault it met."""

    n: int
    key: str
    fault: str | None


class ScriptedServer:
    """The running server: `url`, and what it was asked so far."""

    def __init__(self, script: Script, log: Path | None = None) -> None:
        self.script = script
        self.url = ""
        self.calls: list[Call] = []
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.n_in_flight = 0
        self.most_in_flight = 0
        # one permit for each call heard, so that a test can wait for the n-th without sleeping
        self.heard = threading.Semaphore(0)
        self._log = log
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self, port: int = 0) -> asyncio.Server:
        """Listen on a loopback port, a free one for 0, and set `url`."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        return server

    async def stop(self, server: asyncio.Server) -> None:
        """Stop listening and hang up on everyone."""
        server.close()
        for writer in list(self._open):
            writer.close()
        await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        # a client that hangs up in the middle, or our own stop, is nothing to report
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while (request := await _read_request(reader)) is not None:
                self.n_in_flight += 1
                self.most_in_flight = max(self.most_in_flight, self.n_in_flight)
                try:
                    keep_open = await self._answer(request, writer)
                finally:
                    self.n_in_flight -= 1
                if not keep_open:
                    break
        self._open.discard(writer)
        writer.close()

    async def _answer(
        self, request: tuple[dict[str, str], bytes], writer: asyncio.StreamWriter
    ) -> bool:
        headers, body = request
        fault = self._note(headers, body)
        await asyncio.sleep(self.script.delay_s)
        if fault is not None and fault.kind == "drop":
            return False
        if fault is not None and fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        if fault is not None and fault.kind == "status":
            wait = {} if fault.retry_after is None else {"retry-after": f"{fault.retry_after:g}"}
            said = msgspec.json.encode({"error": {"message": fault.message, "code": None}})
            _write(writer, fault.status, said, wait)
        elif fault is not None and fault.kind == "malformed":
            _write(writer, 200, b'{"choices": [{"mess', {})
        else:
            _write(writer, 200, msgspec.json.encode(self._reply(body)), {})
        await writer.drain()
        return True

    def _note(self, headers: dict[str, str], body: bytes) -> Fault | None:
        n = len(self.calls) + 1
        fault = next((fault for fault in self.script.faults if fault.hits(n)), None)
        key = hashlib.blake2b(body, digest_size=8).hexdigest()
        call = Call(n, key, fault.kind if fault else None)
        self.calls.append(call)
        self.headers.append(headers)
        self.bodies.append(msgspec.json.decode(body))
        if self._log is not None:
            with self._log.open("ab") as log:
                log.write(msgspec.json.encode(call) + b"\n")
        self.heard.release()
        return fault

    def _reply(self, body: bytes) -> dict[str, Any]:
        request = msgspec.json.decode(body)
        last = str(request["messages"][-1].get("content") or "")
        fitting = [reply for reply in self.script.replies if reply.contains in last]
        said = (fitting or [Answers(answers=["No reply of the script fits."])])[0]
        drawn = msgspec.json.encode((request["messages"], request.get("seed")))
        place = int.from_bytes(hashlib.blake2b(drawn, digest_size=8).digest(), "big")
        text = said.answers[place % len(said.answers)]
        calls = [
            {"id": f"call_{n}", "type": "function", "function": call}
            for n, call in enumerate(said.tool_calls if request.get("tools") else [])
        ]
        return {
            "object": "chat.completion",
            "model": request.get("model"),
            "choices": [
                {
                    "index": 0,
                    "message": {
                        "role": "assistant",
                        "content": text,
                        "reasoning_content": said.reasoning,
                        "tool_calls": calls or None,
                    },
                    "finish_reason": said.finish_reason,
                }
            ],
            "usage": {
                "prompt_tokens": len(last.split()),
                "completion_tokens": len(text.split()),
                "total_tokens": len(last.split()) + len(text.split()),
            },
        }


@contextmanager
def scripted_server(
    script: Script | None = None, *, log: Path | None = None
) -> Iterator[ScriptedServer]:
    """A scripted server in a thread of this process while the block runs."""
    scripted = ScriptedServer(script or Script(), log)
    listening = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        server = await scripted.start()
        listening.set()
        await stop.wait()
        await scripted.stop(server)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run, name="scripted-llm", daemon=True)
    thread.start()
    listening.wait(10)
    try:
        yield scripted
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)


async def _read_request(reader: asyncio.StreamReader) -> tuple[dict[str, str], bytes] | None:
    first = await reader.readline()
    if not first:
        return None
    headers: dict[str, str] = {}
    while (line := (await reader.readline()).strip()) != b"":
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return headers, body


def _write(writer: asyncio.StreamWriter, status: int, body: bytes, headers: dict[str, str]) -> None:
    head = {"content-type": "application/json", "content-length": str(len(body)), **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    writer.write(f"HTTP/1.1 {status} Scripted\r\n{lines}\r\n".encode() + body)


async def _serve_alone(port: int, script: Script, log: Path | None) -> None:
    scripted = ScriptedServer(script, log)
    server = await scripted.start(port)
    print(scripted.url, flush=True)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Serve a script until killed."""
    parser = argparse.ArgumentParser(prog="python -m tamis.llm.scripted", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--script", type=Path, help="JSON file of a Script; default: always 7")
    parser.add_argument("--log", type=Path, help="file that gets one line for each call")
    chosen = parser.parse_args()
    script = Script()
    if chosen.script is not None:
        try:
            script = msgspec.json.decode(chosen.script.read_bytes(), type=Script)
        except (OSError, msgspec.DecodeError) as error:
            raise InputError(f"{chosen.script}: {error}") from error
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve_alone(chosen.port, script, chosen.log))


if __name__ == "__main__":
    main()
