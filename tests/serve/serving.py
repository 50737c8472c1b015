"""Real reward services: a process of its own, a real port, and a look at what is left when it has ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

TOKEN = "0123456789abcdef0123456789abcdef"
_RUN = """
import json, sys
from tamis.serve.settings import Settings
from tamis.verbs.rewards import GradedBy
from tamis.verbs.serving import reward_serve
settings, questions, reward = json.loads(sys.argv[1])
result = reward_serve(questions, reward=GradedBy(name=reward), settings=Settings(port=0, **settings),
                      announce=lambda url: print("listening on " + url, flush=True))
print(json.dumps(result.body), flush=True)
"""


class Served:
    """A running service: its address, its process, a client that goes there straight."""

    def __init__(self, process: subprocess.Popen[str], url: str, token: str | None) -> None:
        self.process = process
        self.url = url
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self.client = httpx.Client(base_url=url, trust_env=False, timeout=60, headers=headers)

    def score(self, *items: dict[str, Any]) -> list[dict[str, Any]]:
        """The scores of these items; the request must be answered."""
        said = self.post(*items)
        assert said.status_code == 200, said.text
        found: list[dict[str, Any]] = said.json()["scores"]
        return found

    def post(self, *items: dict[str, Any]) -> httpx.Response:
        return self.client.post("/score", json={"items": items})

    def health(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get("/health").json()
        return found

    def end(self, sig: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Its exit code, and what it said last; nothing of it may be left."""
        below = _descendants(self.process.pid)
        self.process.send_signal(sig)
        said, complaints = self.process.communicate(timeout=60)
        assert "Traceback" not in complaints, complaints
        for one in below:
            _wait_gone(one)
        return self.process.returncode, said.strip()


@contextmanager
def serving(
    *,
    questions: str | None = None,
    reward: str | None = None,
    token: str | None = None,
    env: dict[str, str] | None = None,
    **settings: Any,
) -> Iterator[Served]:
    """A service with these settings while the block runs."""
    told = json.dumps([settings, questions, reward])
    command = [sys.executable, "-c", _RUN, told]
    with started(command, token=token, env=env) as served:
        yield served


@contextmanager
def started(
    command: list[str],
    *,
    token: str | None = None,
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
) -> Iterator[Served]:
    """The service that a command starts, while the block runs."""
    given = {**os.environ, **(env or {})}
    given.pop("TAMIS_TOKEN", None)
    if token:
        given["TAMIS_TOKEN"] = token
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=given, cwd=cwd
    )
    assert process.stdout is not None and process.stderr is not None
    try:
        first = process.stdout.readline()
        assert first.startswith("listening on "), first + process.stderr.read()
        served = Served(process, first.split()[-1], token)
        with served.client:
            yield served
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def item(prompt: str, answer: str, *, reward: str = "numeric", **question: Any) -> dict[str, Any]:
    parameters = question.pop("parameters", None)
    named = {"name": reward, "parameters": parameters}
    return {"question": {"prompt": prompt, "reward": named, **question}, "answer": answer}


SUM = item("What is 3 + 4?", "The answer is 7.", reference={"answer": "7"})
_ASSERTS = json.dumps({"style": "asserts", "asserts": ["assert add(3, 4) == 7"]})


def code_item(body: str, *, time_limit_s: float = 10.0) -> dict[str, Any]:
    answer = f"```python\ndef add(a, b):\n    {body}\n```"
    limits = {"time_limit_s": time_limit_s}
    return item("Add.", answer, reward="code", reference={"tests": _ASSERTS}, parameters=limits)


def _descendants(pid: int) -> list[tuple[int, str]]:
    """The processes below one, each with when it started, so that a reused number is another."""
    found = []
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (told := _stat(int(folder.name))) is not None:
            parents.setdefault(int(told[1]), []).append(int(folder.name))
    todo = [pid]
    while todo:
        for child in parents.get(todo.pop(), []):
            told = _stat(child)
            if told is not None:
                found.append((child, told[19]))
                todo.append(child)
    return found


def _stat(pid: int) -> list[str] | None:
    """State, parent and the rest of /proc/PID/stat; None for a process that has gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _wait_gone(process: tuple[int, str]) -> None:
    pid, started = process
    try:
        watch = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        told = _stat(pid)
        if told is None or told[19] != started or told[0] == "Z":
            return
        import select

        ready, _, _ = select.select([watch], [], [], 30)
        assert ready, f"process {pid} is left behind"
    finally:
        os.close(watch)
