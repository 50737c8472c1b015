"""The scripted server as a process of its own: for tests that kill who asks."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import msgspec

from tamis.llm.client import LLM
from tamis.llm.scripted import Answers, Fault, Script
from tamis.llm.types import ChatRequest
from tamis.records import Message


def test_it_runs_from_the_command_line_and_logs_each_call(tmp_path: Path) -> None:
    script = Script(
        replies=(Answers(answers=["yes"]),), faults=(Fault(kind="status", status=503, first=1),)
    )
    (tmp_path / "script.json").write_bytes(msgspec.json.encode(script))
    log = tmp_path / "calls.jsonl"
    command = [sys.executable, "-m", "tamis.llm.scripted", "--log", str(log)]
    with subprocess.Popen(
        [*command, "--script", str(tmp_path / "script.json")], stdout=subprocess.PIPE, text=True
    ) as serving:
        assert serving.stdout is not None
        url = serving.stdout.readline().strip()
        text = asyncio.run(_ask(url))
        serving.terminate()
    assert text == "yes"
    calls = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(call["n"], call["fault"]) for call in calls] == [(1, "status"), (2, None)]
    assert calls[0]["key"] == calls[1]["key"]


async def _ask(url: str) -> str:
    async with LLM(url) as llm:
        asked = ChatRequest(model="m", messages=(Message(role="user", content="?"),))
        return (await llm.ask(asked)).text
