"""Runs commands and says what they took: seconds, processor time, memory; and writes results.

Every benchmark writes `results/NAME.json` in one shape (`write_results`), from which
`scripts/docs_tables.py` makes the tables of the documentation.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
WORK = ROOT / "build" / "benchmarks"
RESULTS = HERE / "results"
TAMIS = str(Path(sys.executable).parent / "tamis")


@dataclass(frozen=True)
class Trial:
    """One run of one command: wall-clock and processor seconds, exit code, peak memory.

    `largest_mb` is the kernel's own peak (`ru_maxrss`) of the largest single process; `tree_mb` is the
    peak of the whole process tree as sampled, shared pages counted once (None when not sampled).
    """

    seconds: float
    cpu_seconds: float
    exit_code: int
    largest_mb: float
    tree_mb: float | None
    output: str


def run(
    command: Sequence[str], *, sample_s: float | None = None, expect: Sequence[int] = (0,)
) -> Trial:
    """Run to the end in a session of its own; with `sample_s`, sample the tree's memory that often.

    Raises SystemExit, with the command's own last words, when it ends with an unexpected code.
    """
    log = WORK / "last.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    with log.open("wb") as file:
        process = start(command, file)
        peak = None
        while True:
            options = 0 if sample_s is None else os.WNOHANG
            pid, status, usage = os.wait4(process.pid, options)
            if pid:
                break
            peak = max(peak or 0.0, tree_mb(process.pid))
            time.sleep(sample_s or 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    text = log.read_text(errors="replace")
    if process.returncode not in expect:
        raise SystemExit(f"{' '.join(command)}: ended with {process.returncode}\n{text[-3000:]}")
    cpu = usage.ru_utime + usage.ru_stime
    return Trial(seconds, cpu, process.returncode, usage.ru_maxrss / 1024, peak, text)


def start(command: Sequence[str], log: object) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own, so that it and its children can be ended together."""
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,  # type: ignore[arg-type]
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL a command that `start` started and all of its children."""
    with contextlib.suppress(ProcessLookupError):  # it had just ended by itself
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _session(leader: int) -> Iterator[int]:
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                stat = Path("/proc", name, "stat").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue  # ended while we looked
            if int(stat.rpartition(")")[2].split()[3]) == leader:
                yield int(name)


def tree_mb(leader: int) -> float:
    """Memory of a command and all its children now: the sum of proportional set sizes, in MiB."""
    total = 0
    for pid in _session(leader):
        try:
            rollup = Path("/proc", str(pid), "smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        total += sum(
            int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")
        )
    return total / 1024


def rate(work: Callable[[], None], n: int, seconds: float) -> float:
    """How many units a second `work` does, which does `n` at a time, in whole calls for about so long."""
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        work()
        done += n
    return done / (time.perf_counter() - began)


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "python": platform.python_version(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


def spread(values: Sequence[float], digits: int = 2) -> str:
    """The least and the median of some runs, for a table."""
    return f"{min(values):.{digits}f} / {statistics.median(values):.{digits}f}"


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table with the first column to the left and numbers to the right."""
    lines = [columns, ["---", *["--:"] * (len(columns) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_results(name: str, title: str, about: str, table: dict[str, object], raw: object) -> None:
    """Write `results/NAME.json` and print its table. `table` has `columns` and `rows` of texts."""
    command = f"python benchmarks/{' '.join([Path(sys.argv[0]).name, *sys.argv[1:]])}"
    results = {"title": title, "about": about, "command": command, "machine": machine()}
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps({**results, "table": table, "raw": raw}, indent=1, ensure_ascii=False)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    print(f"\n{title}\n\n{markdown(table['columns'], table['rows'])}\n")  # type: ignore[arg-type]
