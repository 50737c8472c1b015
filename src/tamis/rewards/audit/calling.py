"""The parent's side of `caller.py`: one process at a time, killed when a call takes too long, then started anew."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tamis.errors import RewardError
from tamis.rewards.audit.results import Failure

_SCRIPT = Path(__file__).with_name("caller.py")
_READ_BYTES = 1 << 16
# a user's module may import a trainer
_LOAD_LIMIT_S = 120.0


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What came of asking for one score; `failure` says that it was no score."""

    value: float | None = None
    parts: dict[str, float] = {}
    failure: Failure | None = None
    told: str = ""
    seconds: float = 0.0


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How long a call may take and how much memory its process may map; None: as much as there is."""

    call_s: float = 10.0
    memory_mb: int | None = 4096


class Caller:
    """A reward in a process of its own. Use as a context manager; the process group is killed at the end.

    No sandbox: the code runs with the caller's rights, only its time and memory are held.
    """

    def __init__(self, load: Mapping[str, Any], *, limits: Limits, python: str | None) -> None:
        self.limits = limits
        self._load = load
        self._python = python or sys.executable
        self._process: subprocess.Popen[bytes] | None = None
        self.form = ""

    def __enter__(self) -> Caller:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._kill()

    def ask(
        self,
        items: Sequence[Mapping[str, Any]],
        *,
        shape: Mapping[str, Any],
        in_threads: bool = False,
    ) -> list[Reply]:
        """One reply for each item, all in one call. When the call fails, each has its failure."""
        if self._process is None:
            self._start()
        order = {"do": "call", "items": list(items), "shape": dict(shape), "in_threads": in_threads}
        began = time.monotonic()
        told = self._exchange(order, self.limits.call_s)
        if isinstance(told, Reply):
            return [msgspec.structs.replace(told, seconds=time.monotonic() - began)] * len(items)
        if "refused" in told:
            return [Reply(failure="no_score", told=told["refused"])] * len(items)
        if "raised" in told:
            return [Reply(failure="raised", told=told["raised"])] * len(items)
        seconds = told["seconds"] / len(items)
        return [_reply(score, seconds) for score in told["scores"]]

    def restart(self) -> None:
        """Put a fresh process in the place of this one."""
        self._kill()
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [self._python, str(_SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        told = self._exchange({**self._load, "memory_mb": self.limits.memory_mb}, _LOAD_LIMIT_S)
        name = f"{self._load.get('module', '')}:{self._load.get('name', '')}"
        if isinstance(told, Reply):
            raise RewardError(f"{name}: its process {told.told} while it was loaded")
        problem = told.get("refused") or told.get("raised")
        if problem is not None:
            self._kill()
            raise RewardError(f"{name}: {problem}")
        self.form = told["form"]

    def _exchange(self, order: Mapping[str, Any], limit_s: float) -> dict[str, Any] | Reply:
        """The answer to an order; a Reply with a failure where the process hangs or dies."""
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None
        deadline = time.monotonic() + limit_s
        line = json.dumps(order).encode() + b"\n"
        try:
            told = _talk(process, line, deadline)
        except BrokenPipeError:
            told = b""
        if told is None:
            self._kill()
            return Reply(failure="hung", told=f"gave no answer in {limit_s:g} s")
        if not told:
            code = process.wait()
            self._kill()
            ended = f"signal {-code}" if code < 0 else f"exit code {code}"
            return Reply(failure="died", told=f"ended with {ended}")
        answer: dict[str, Any] = json.loads(told)
        return answer

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):  # it ended by itself, and its group with it
            os.killpg(process.pid, signal.SIGKILL)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        process.wait()


def _talk(process: subprocess.Popen[bytes], line: bytes, deadline: float) -> bytes | None:
    """Write a line and read one; None past the deadline, empty when the other side is gone.

    Both at once: a process that does not read must not hold us beyond the deadline.
    """
    assert process.stdin is not None and process.stdout is not None
    into, out_of = process.stdin.fileno(), process.stdout.fileno()
    os.set_blocking(into, False)
    unsent, came = memoryview(line), bytearray()
    while not came.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0:
            return None
        ready, writable, _ = select.select([out_of], [into] if unsent else [], [], left)
        if writable:
            unsent = unsent[os.write(into, unsent[:_READ_BYTES]) :]
        if ready:
            chunk = os.read(out_of, _READ_BYTES)
            if not chunk:
                return b""
            came += chunk
    return bytes(came)


def _reply(score: Mapping[str, Any], seconds: float) -> Reply:
    if "error" in score:
        return Reply(failure="no_score", told=score["error"], seconds=seconds)
    return Reply(value=score["value"], parts=score["parts"], seconds=seconds)
