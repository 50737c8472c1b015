"""The parent's end of one fork server: start a run, read what it claims, watch the clock, end it."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import time
from collections.abc import Sequence
from typing import Any

from tamis.sandbox.errors import SandboxError
from tamis.sandbox.forks import forks_wait
from tamis.sandbox.frames import JOB_BYTES, FrameReader, WireError, encode_frame
from tamis.sandbox.launch import Launched
from tamis.sandbox.orders import (
    CPU,
    KILL,
    REFUSED,
    REPLY_BYTES,
    Order,
    Reply,
    read_reply,
)

_RECEIVE = 1 << 16
_SEND_S = 30.0


class Lane:
    """One fork server and its orders. One run at a time; not for several threads at once."""

    def __init__(self, launched: Launched) -> None:
        self._process = launched.process
        self.control = launched.control

    def begin(self, order: Order, job: dict[str, Any], *, also: Sequence[int] = ()) -> Run:
        """Start a run and hand it its job; `also` are the descriptors the order announces.

        Raises: SandboxError when the fork server is gone.
        """
        try:
            packed_job = encode_frame(job, cap=JOB_BYTES)
        except WireError as error:
            raise SandboxError(f"job: {error}") from error
        ours = None
        try:
            ours = self._hand_over(order, also)
            ours.settimeout(_SEND_S)
            ours.sendall(packed_job)
        except OSError as error:
            if ours is not None:
                ours.close()
            raise SandboxError(f"sandbox: the run did not start ({error})") from error
        return Run(self, ours)

    def _hand_over(self, order: Order, also: Sequence[int]) -> socket.socket:
        """Send an order with one end of a new socket; the other end."""
        with forks_wait:
            ours, theirs = socket.socketpair()
            try:
                socket.send_fds(self.control, [order.packed()], [theirs.fileno(), *also])
            except OSError:
                ours.close()
                raise
            finally:
                theirs.close()
        return ours

    def be_watched(self, poll: select.poll) -> int:
        """Let a poll tell when a reply comes; by which descriptor it will.

        Raises: SandboxError when the lane was closed meanwhile: a box may be closed while other threads use it.
        """
        control = self.control.fileno()
        if control < 0:
            raise SandboxError("sandbox: the fork server is gone (closed)")
        poll.register(control, select.POLLIN)
        return control

    def say(self, word: bytes) -> None:
        """Send a one-byte request; a fork server that is gone is noticed when it is read from."""
        try:
            self.control.sendall(word)
        except OSError:
            return

    def hear(self) -> Reply:
        """The next reply. Raises: SandboxError when the fork server is gone."""
        try:
            packed = self.control.recv(REPLY_BYTES)
        except OSError as error:
            raise SandboxError(f"sandbox: the fork server is gone ({error})") from error
        if len(packed) != REPLY_BYTES:
            raise SandboxError("sandbox: the fork server is gone")
        return read_reply(packed)

    def forget(self) -> None:
        """After a fork of the parent: let go of the socket, and leave the process to its real parent."""
        self.control.close()
        self._process.returncode = 0  # not ours to wait for

    def close(self) -> None:
        """End the fork server and all below it."""
        # a process forked while it started may hold a copy of this end: closing ours alone would end nothing
        with contextlib.suppress(OSError):
            self.control.shutdown(socket.SHUT_RDWR)
        self.control.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Run:
    """One run of one lane: the frames it sent, its CPU time, its end."""

    def __init__(self, lane: Lane, job: socket.socket) -> None:
        self.lane = lane
        self.job: socket.socket | None = job
        self.end: Reply | None = None
        self.cpu_s = 0.0
        self.broken: str | None = None
        self._ready = False
        self._reader = FrameReader()

    def read(self) -> list[dict[str, Any]]:
        """Frames that have come; sets `broken` when what came is none. Never raises for what a run sends."""
        if self.job is None:
            return []
        try:
            data = self.job.recv(_RECEIVE)
            frames = self._reader.feed(data)
        except WireError as error:
            self.broken = str(error)
            frames, data = [], b""
        except OSError:
            frames, data = [], b""
        if not data:
            self.job.close()
            self.job = None
        if frames and not self._ready:
            self._ready = frames[0] == {"ready": True}
            frames = frames[1:]
        return frames

    def listen(self) -> None:
        """Take one reply of the fork server: CPU time, or the end."""
        try:
            reply = self.lane.hear()
        except SandboxError:
            self._drop()
            raise
        if reply.kind == CPU:
            self.cpu_s = reply.cpu_s
            return
        if reply.kind == REFUSED:
            self._drop()
            raise SandboxError(f"sandbox: no new process ({os.strerror(reply.code)})")
        self.end, self.cpu_s = reply, reply.cpu_s

    def ends_within(self, seconds: float) -> bool:
        """Whether the run ends by itself in that time."""
        if self.end is not None:
            return True
        deadline = time.monotonic() + seconds
        waiting = select.poll()
        self.lane.be_watched(waiting)
        while self.end is None:
            if not waiting.poll(max(0.0, deadline - time.monotonic()) * 1000):
                return False
            self.listen()
        return True

    def finish(self) -> list[dict[str, Any]]:
        """Kill what still runs, wait for its end; the frames that came before it."""
        if self.end is None:
            self.lane.say(KILL)
            while self.end is None:
                self.listen()
        frames: list[dict[str, Any]] = []
        if self.job is not None:
            # all has come by now, whoever may still hold a copy of its other end
            self.job.setblocking(False)
        while self.job is not None:
            frames += self.read()
        if not self._ready:
            raise SandboxError("sandbox: a lock did not close, so the code was not run")
        return frames

    def abandon(self) -> None:
        """End a run whose result nobody needs any more, also when its fork server is gone."""
        with contextlib.suppress(SandboxError):
            self.finish()
        self._drop()

    def _drop(self) -> None:
        if self.job is not None:
            self.job.close()
            self.job = None
