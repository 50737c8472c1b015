"""Worker processes: run a function over many tasks, stop at once on Ctrl-C, leave nobody behind."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from tamis.errors import SchemaError, TamisError

T = TypeVar("T")
R = TypeVar("R")

_PACKAGE = str(Path(__file__).parent.parent)
_PR_SET_PDEATHSIG = 1
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT_BYTES = 1 << 28


class WorkerError(TamisError):
    """A worker failed in a way that is our bug; names the task and shows where."""

    exit_code = 5


def _start_worker() -> None:
    # Ctrl-C is the parent's to handle; and a worker must not outlive a killed parent
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    if sys.platform == "linux":
        c_library = ctypes.CDLL(None)
        c_library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if hasattr(c_library, "mallopt"):
            # batches come and go: giving their memory back in between costs a tenth of the time
            c_library.mallopt(_M_MMAP_THRESHOLD, _KEPT_BYTES // 4)
            c_library.mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)


@contextlib.contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Hold Ctrl-C back while workers may be forked: one that has not come to `_start_worker` would print a traceback."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _guarded(work: Callable[[T], R], task: T) -> R:
    try:
        return work(task)
    except TamisError:
        raise
    except Exception as error:  # noqa: BLE001
        # the one place where anything may go wrong on a shard: name it, never swallow it
        index = getattr(task, "index", "?")
        place = _place_outside(error)
        if place is not None:
            message = f"shard {index}: {type(error).__name__}: {error}; raised in {place}, which is no file of Tamis"
            raise SchemaError(message) from None
        where = traceback.format_exc()
        message = f"shard {index}: {type(error).__name__}: {error}; this is a bug of Tamis\n{where}"
        raise WorkerError(message) from None


def _place_outside(error: Exception) -> str | None:
    """Where a function of the user's own failed; None when the failure is ours or a library's."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename.startswith(_PACKAGE):
            return None
        if "site-packages" not in frame.filename and not frame.filename.startswith(
            (sys.base_prefix, "<")
        ):
            return f"{frame.filename}:{frame.lineno} ({frame.name})"
    return None


class Workers:
    """A pool of worker processes; with one worker the work is done in this process, unless it is to be apart."""

    def __init__(self, n: int) -> None:
        self._n = n
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool is None:
            return
        if kind is not None:
            for child in multiprocessing.active_children():
                child.kill()
        # waits after an error too: left behind, the pool's thread races with the interpreter's exit
        self._pool.shutdown(cancel_futures=True)

    def prepare(self, make_ready: Callable[[], None]) -> None:
        """Start the workers now and let each make itself ready, while the parent does something else."""
        if self._n > 1:
            pool = self._started()
            for _ in range(self._n):
                with _interrupts_wait():
                    pool.submit(make_ready)

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # tokenizers warns, and may hang, when its threads have run before a fork
            os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
            # fork: workers share what the parent has loaded by now
            method = "fork" if sys.platform == "linux" else "spawn"
            context = multiprocessing.get_context(method)
            self._pool = ProcessPoolExecutor(self._n, context, initializer=_start_worker)
        return self._pool

    def map(
        self, work: Callable[[T], R], tasks: Sequence[T], *, apart: bool = False
    ) -> Iterator[R]:
        """The results of `work` over `tasks`, in the order they finish; `apart`: never in this process.

        Raises the first TamisError of a task; anything else as WorkerError naming the shard.
        """
        if not apart and (self._n == 1 or len(tasks) <= 1):
            for task in tasks:
                yield _guarded(work, task)
            return
        pool = self._started()
        pending: set[Future[Any]] = set()
        queue = iter(tasks)
        try:
            while True:
                # a short queue: results are consumed as they come, memory stays bounded
                with contextlib.suppress(StopIteration):
                    while len(pending) < 2 * self._n:
                        task = next(queue)
                        with _interrupts_wait():
                            pending.add(pool.submit(_guarded, work, task))
                if not pending:
                    return
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        except BrokenProcessPool as error:
            raise WorkerError(
                "a worker process was killed (out of memory?); run the same command again to "
                "continue, with fewer `--workers` if it happens again"
            ) from error
