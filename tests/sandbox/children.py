"""Plays the roles of the sandbox's children in plain processes, for test programs of our own only.

A small fork server stands in for the real one: nothing here is locked down, so nothing hostile runs.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import Any

from tamis.sandbox.frames import JOB_BYTES, FrameReader, send_frame

_SERVER = """
import os, socket, sys
from tamis.sandbox.child import run_job
control = socket.socket(fileno=int(sys.argv[1]))
while True:
    kinds, fds, _, _ = socket.recv_fds(control, 2, 8)
    if not kinds:
        break
    pid = os.fork()
    if pid == 0:
        wanted = {fd: at for at, fd in zip(((3, 4) if kinds[:1] == b"2" else (3, 0, 1, 2)), fds)}
        held = {fd: os.dup2(fd, 100 + at, inheritable=False) for fd, at in wanted.items()}
        for fd in (0, 1, 2):
            os.dup2(os.open(os.devnull, os.O_RDWR), fd)
        for fd, at in wanted.items():
            os.dup2(held[fd], at, inheritable=False)
        os.closerange(5, 200)
        run_job()
    for fd in fds:
        os.close(fd)
    control.sendall(pid.to_bytes(4, "big"))
    _, status = os.waitpid(pid, 0) if kinds[1:] == b"w" else (0, 0)
    if kinds[1:] == b"w":
        control.sendall(os.waitstatus_to_exitcode(status).to_bytes(4, "big", signed=True))
"""


@dataclass
class Program:
    """How a program ended."""

    code: int
    stdout: bytes
    stderr: str


class Children:
    """A fork server that starts children for one test session."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self._control = ours
        with theirs:
            self._server = subprocess.Popen(
                [sys.executable, "-c", _SERVER, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env={**os.environ, "PYTHONHASHSEED": "0"},
            )

    def close(self) -> None:
        """End the fork server."""
        self._control.close()
        self._server.wait()

    def start(self, job: dict[str, Any], peer: socket.socket | None = None) -> socket.socket:
        """Start a child on a job; returns the socket it reports on."""
        ours, theirs = socket.socketpair()
        with theirs:
            fds = [theirs.fileno(), *([] if peer is None else [peer.fileno()])]
            socket.send_fds(self._control, [b"2n"], fds)
            self._control.recv(4, socket.MSG_WAITALL)
        send_frame(ours, job, cap=JOB_BYTES)
        return ours

    def calls(self, source: str, *expressions: str, setup: str = "") -> list[dict[str, Any]]:
        """Every frame of a run of role `calls`."""
        cases: list[Any] = [{"id": at, "expr": text} for at, text in enumerate(expressions)]
        return self.call_cases(source, cases, setup=setup)

    def call_cases(self, source: str, cases: list[Any], *, setup: str = "") -> list[dict[str, Any]]:
        """Every frame of a run of role `calls` with these cases."""
        job = {"role": "calls", "source": source, "setup": setup, "cases": cases, "seed": 0}
        with self.start(job) as socket_:
            return frames_of(socket_)

    def judge(self, source: str, tests: dict[str, Any], *, setup: str = "") -> list[dict[str, Any]]:
        """Every frame of a judge that asks a candidate made of `source`."""
        ends = socket.socketpair()
        serving = self.start({"role": "serve", "source": source, "setup": setup}, ends[0])
        judging = self.start({"role": "judge", "seed": 0, **tests}, ends[1])
        for end in ends:
            end.close()
        with serving, judging:
            return frames_of(judging)

    def judge_with_peer(self, tests: dict[str, Any]) -> tuple[socket.socket, socket.socket]:
        """A judge whose candidate is the test itself: the judge's socket, and the peer's."""
        ours, theirs = socket.socketpair()
        judging = self.start({"role": "judge", "seed": 0, **tests}, theirs)
        theirs.close()
        return judging, ours

    def program(self, source: str, stdin: bytes = b"") -> Program:
        """Run a program to its end."""
        with contextlib.ExitStack() as held:
            given, out, err = (held.enter_context(tempfile.TemporaryFile()) for _ in range(3))
            ours, theirs = map(held.enter_context, socket.socketpair())
            given.write(stdin)
            given.seek(0)
            send_frame(ours, {"role": "program", "source": source}, cap=JOB_BYTES)
            fds = [theirs.fileno(), given.fileno(), out.fileno(), err.fileno()]
            socket.send_fds(self._control, [b"4w"], fds)
            self._control.recv(4, socket.MSG_WAITALL)
            code = self._control.recv(4, socket.MSG_WAITALL)
            out.seek(0)
            err.seek(0)
            status = int.from_bytes(code, "big", signed=True)
            return Program(status, out.read(), err.read().decode())


def verdicts(frames: list[dict[str, Any]]) -> dict[int, bool]:
    """Which tests passed, by id."""
    return {frame["test"]: frame["passed"] for frame in frames if "test" in frame}


def details(frames: list[dict[str, Any]]) -> dict[int, str]:
    """Why tests failed, by id."""
    return {frame["test"]: frame["detail"] for frame in frames if "test" in frame}


def frames_of(source: socket.socket) -> list[dict[str, Any]]:
    """Every frame until the other end closes."""
    reader = FrameReader()
    frames: list[dict[str, Any]] = []
    while True:
        readable, _, _ = select.select([source], [], [], 20)
        if not readable:
            raise TimeoutError(f"a child said nothing for 20 s; so far {frames}")
        received = source.recv(1 << 16)
        if not received:
            return frames
        frames += reader.feed(received)
