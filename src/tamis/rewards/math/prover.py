"""The symbolic tier's trusted side: a few warm workers, one pair of expressions at a time each.

A worker is told a pair of trees and a budget; what does not come back is ended, and only that pair is
`undecided`. Workers start when first needed, are shared by all threads of the process, and end with it.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Literal

from tamis.rewards.math.tree import Both, Const, Tree, walk, wire
from tamis.rewards.math.worker import JOB_BYTES
from tamis.sandbox.frames import FrameReader, WireError, encode_frame

Verdict = Literal["equal", "different", "undecided"]

# Starting Python and sympy takes about a second, on a busy machine several.
_START_S = 60.0
# The processor-time budget decides; this many times more real time means the machine stands still.
_PATIENCE = 8.0


class ProverFailure(RuntimeError):
    """The worker cannot be started, or broke the protocol twice: nobody's answer is to blame."""


@lru_cache(maxsize=1)
def is_installed() -> bool:
    """Whether sympy is there."""
    return importlib.util.find_spec("sympy") is not None


class Worker:
    """One worker process; starts again after it had to be ended."""

    def __init__(self, *, budget_s: float, memory_mb: int) -> None:
        self._budget_s = budget_s
        command = [sys.executable, "-m", "tamis.rewards.math.worker", str(budget_s), str(memory_mb)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"},
            start_new_session=True,
            bufsize=0,
        )
        self.pid = self._process.pid
        assert self._process.stdin is not None and self._process.stdout is not None
        self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
        self._reader = FrameReader()
        self._frames: list[dict[str, object]] = []
        self._n_jobs = 0
        self.is_over = False
        if self._receive(_START_S).get("ready") is not True:
            self.end()
            raise ProverFailure("the symbolic worker does not start")

    def decide(self, gold: list[object], answer: list[object]) -> tuple[Verdict, str]:
        """The verdict on one pair, and why there is none."""
        self._n_jobs += 1
        job = {"id": self._n_jobs, "gold": gold, "answer": answer}
        try:
            frame_bytes = encode_frame(job, cap=JOB_BYTES)
        except WireError:
            return "undecided", "too long an expression"
        self._send(frame_bytes)
        while True:
            frame = self._receive(self._budget_s * _PATIENCE + 5)
            if "ended" in frame:
                is_time = frame["ended"] == signal.SIGPROF
                return "undecided", "timeout" if is_time else "the worker ended"
            if frame.get("id") == self._n_jobs:
                return _verdict(frame.get("verdict")), str(frame.get("why", ""))

    def _send(self, frame: bytes) -> None:
        left = memoryview(frame)
        while left:
            left = left[os.write(self._to, left) :]

    def _receive(self, patience_s: float) -> dict[str, object]:
        """The next frame; TimeoutError when none comes, WireError when the worker is gone."""
        deadline = time.monotonic() + patience_s
        with selectors.DefaultSelector() as selector:
            selector.register(self._from, selectors.EVENT_READ)
            while not self._frames:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise TimeoutError
                received = os.read(self._from, 1 << 16)
                if not received:
                    raise WireError("the worker is gone")
                self._frames += self._reader.feed(received)
        return self._frames.pop(0)

    def end(self) -> None:
        """End the keeper and its child."""
        self.is_over = True
        with suppress(ProcessLookupError):  # it had ended by itself
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def _verdict(claimed: object) -> Verdict:
    return "equal" if claimed == "equal" else "different" if claimed == "different" else "undecided"


class Prover:
    """A few workers for all threads; a pair waits for a free one."""

    def __init__(self, *, n_workers: int, budget_s: float, memory_mb: int) -> None:
        self._budget_s, self._memory_mb = budget_s, memory_mb
        self._free: list[Worker] = []
        self._places = threading.BoundedSemaphore(n_workers)
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def decide(self, gold: Tree, answer: Tree) -> tuple[Verdict, str]:
        """The verdict on a pair of trees. Raises ProverFailure when no worker can be had."""
        if any(_is_beyond(tree) for tree in (gold, answer)):
            return "undecided", "no algebra for this"
        pair = wire(gold), wire(answer)
        with self._places:
            for _ in range(2):
                with self._worker() as worker:
                    try:
                        return worker.decide(*pair)
                    except TimeoutError:
                        worker.end()
                        return "undecided", "timeout"
                    except (WireError, BrokenPipeError):
                        worker.end()
        raise ProverFailure("the symbolic worker ended twice without a word")

    @contextmanager
    def _worker(self) -> Iterator[Worker]:
        with self._lock:
            if self._pid != os.getpid():
                # a forked copy of this process must not read its parent's pipes
                self._free, self._pid = [], os.getpid()
            worker = self._free.pop() if self._free else None
        if worker is None or worker.is_over:
            worker = Worker(budget_s=self._budget_s, memory_mb=self._memory_mb)
        try:
            yield worker
        finally:
            if not worker.is_over:
                with self._lock:
                    self._free.append(worker)

    def pids(self) -> list[int]:
        """The process groups of the workers that are free."""
        with self._lock:
            return [worker.pid for worker in self._free]

    def close(self) -> None:
        """End the workers that are free."""
        with self._lock:
            workers, self._free = self._free, []
        if self._pid == os.getpid():
            for worker in workers:
                worker.end()


def _is_beyond(tree: Tree) -> bool:
    return any(part == Const("inf") or isinstance(part, Both) for part in walk(tree))


@lru_cache(maxsize=8)
def open_prover(*, n_workers: int, budget_s: float, memory_mb: int) -> Prover:
    """The prover of this process with these limits, shared by all rewards that ask for the same."""
    prover = Prover(n_workers=n_workers, budget_s=budget_s, memory_mb=memory_mb)
    atexit.register(prover.close)
    return prover
