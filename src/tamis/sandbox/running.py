"""One program with its own stdin and stdout, both in memory of the parent's making: output outlives every exit."""

from __future__ import annotations

import os

from tamis.sandbox.lane import Lane
from tamis.sandbox.limits import Limits
from tamis.sandbox.outcomes import ProgramOutcome, how_ended
from tamis.sandbox.solving import order_of
from tamis.sandbox.watch import Watch

_STDERR_BYTES = 4096


def run_program(lane: Lane, source: str, stdin: bytes, *, limits: Limits) -> ProgramOutcome:
    """What the program wrote and how it ended. Raises: SandboxError when the sandbox itself failed."""
    order = order_of(limits, has_streams=True)
    streams = [os.memfd_create(name, os.MFD_CLOEXEC) for name in ("stdin", "stdout", "stderr")]
    try:
        _fill(streams[0], stdin)
        run = lane.begin(order, {"role": "program", "source": source, "seed": 0}, also=streams)
        watch = Watch([run], limits, is_silent=True)
        for _ in watch.frames():
            break  # a program has nothing to say there
        run.finish()
        assert run.end is not None
        stdout = os.pread(streams[1], limits.output_bytes + 1, 0)
        stderr = _tail(streams[2])
    finally:
        for fd in streams:
            os.close(fd)
    if watch.stop == "timeout":
        return ProgramOutcome("timeout", -1, stdout, stderr, f"stopped after {limits.time_s:g} s")
    if len(stdout) >= limits.output_bytes:
        return ProgramOutcome("output", -1, stdout, stderr, f"wrote {limits.output_bytes} bytes")
    if os.WIFEXITED(run.end.code):
        code = os.WEXITSTATUS(run.end.code)
        if code and stderr.rstrip().rpartition("\n")[2].startswith("MemoryError"):
            return ProgramOutcome("memory", code, stdout, stderr, "out of memory")
        return ProgramOutcome("exited", code, stdout, stderr)
    kind, detail = how_ended(run.end, order.cpu_s)
    return ProgramOutcome(kind, -1, stdout, stderr, detail)


def _fill(fd: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(fd, view) :]
    os.lseek(fd, 0, os.SEEK_SET)


def _tail(fd: int) -> str:
    size = os.fstat(fd).st_size
    return os.pread(fd, _STDERR_BYTES, max(0, size - _STDERR_BYTES)).decode(errors="replace")
