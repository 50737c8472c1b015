"""A hundred thousand honest and hostile runs in the sandbox must leave nothing behind.

The programs are those of `tests/sandbox/hacks`, graded as the code reward grades them, two in three of them
honest; one in a hundred is one that takes long (sleeps, spins, fills memory). An honest program must get full marks
each time and a hostile one no more than it may. Every 1,000 runs, at a moment when nothing runs, everything
that could leak is counted; memory counts as leaked when the last tenth holds 5 MiB more than the second, in
the parent or in any fork server.

    python benchmarks/soak_sandbox.py
    python benchmarks/soak_sandbox.py --small      # a hundredth, for CI; no results are written
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from footprint import Footprint, give_back_freed_memory, look
from trial import ROOT, WORK, markdown, write_results

from tamis.rewards.code.extract import extract_code
from tamis.rewards.code.planning import task_of
from tamis.rewards.code.running import Rules, run_task
from tamis.rewards.code.task import Task
from tamis.sandbox import Box, JudgeTests, Limits, Profile, SandboxError, open_sandbox, syscalls
from tamis.sandbox.compare import Comparison

sys.path.insert(0, str(ROOT / "tests" / "sandbox"))
import hack_driver
import hack_suite

RUNS, SMALL_RUNS, LOOKS, TENTHS = 100_000, 1_000, 100, 10
MOST_GROWTH_MIB = 5.0
HONEST_SHARE, SLOW_SHARE = 2 / 3, 0.01
SLOW_FACTOR = 8.0  # times the median of all programs
MEMORY_BYTES = 512 << 20
HONEST = Limits(memory_bytes=MEMORY_BYTES)
HOSTILE = Limits(time_s=0.3, wall_s=1.0, memory_bytes=MEMORY_BYTES)
LANES = 2
PR_SET_CHILD_SUBREAPER = 36
COLUMNS = [
    *("runs", "honest, wrong", "hostile, credited", "ended by a limit", "processes"),
    *("descriptors", "threads", "parent, MiB", "largest fork server, MiB", "files and IPC objects"),
]


@dataclass(frozen=True)
class Job:
    """One program with its tests in one style. `most` is the share of them that it may pass."""

    name: str
    is_honest: bool
    most: float
    code: str
    task: Task
    profile: Profile


@dataclass
class CountedBox:
    """A box that counts what it is asked to run."""

    box: Box
    counts: Counter[str]
    lock: threading.Lock

    def solve(self, *asked: Any, **options: Any) -> Any:
        """As the box does."""
        return self._counted(self.box.solve, *asked, **options)

    def program(self, *asked: Any, **options: Any) -> Any:
        """As the box does."""
        return self._counted(self.box.program, *asked, **options)

    def judge(self, *asked: Any, **options: Any) -> Any:
        """As the box does."""
        return self._counted(self.box.judge, *asked, **options)

    def _counted(self, run: Any, *asked: Any, **options: Any) -> Any:
        with self.lock:
            self.counts["runs"] += 1
        return run(*asked, **options)


class Soak:
    """Grades jobs in as many threads as there are lanes; `counts` and `wrong` say what came of it."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.wrong: Counter[str] = Counter()
        self.seconds: dict[str, float] = {}
        self._lock = threading.Lock()

    def grade(self, job: Job) -> None:
        """Run one job and hold its result against what it may be."""
        box = CountedBox(open_sandbox(job.profile, lanes=LANES), self.counts, self._lock)
        limits = HONEST if job.is_honest else HOSTILE
        rules = Rules(limits=limits, comparison=Comparison(), compare="exact")
        began = time.perf_counter()
        try:
            results = run_task(box, job.task, job.code, rules=rules)  # type: ignore[arg-type]
        except SandboxError as error:
            self._count("sandbox failures", f"{job.name}: {error}")
            return
        self.seconds[job.name] = time.perf_counter() - began
        passed = sum(result.is_passed for result in results) / len(results)
        told = f"{job.name}: {passed:.2f} {sorted({result.detail for result in results})}"
        if any(result.kind in ("timeout", "memory", "too_large") for result in results):
            self._count("ended by a limit")
        if job.is_honest and passed < 1:
            self._count("honest, wrong", told)
        elif not job.is_honest and (passed == 1 or passed > job.most):
            self._count("hostile, credited", told)

    def grade_all(self, jobs: Iterator[Job], *, until: int) -> None:
        """Grade jobs, in all lanes, until there were so many runs or no job is left."""

        def work() -> None:
            while self.counts["runs"] < until:
                with self._lock:
                    job = next(jobs, None)
                if job is None:
                    return
                self.grade(job)

        with ThreadPoolExecutor(LANES) as pool:
            for worker in [pool.submit(work) for _ in range(LANES)]:
                worker.result()

    def _count(self, what: str, told: str | None = None) -> None:
        with self._lock:
            self.counts[what] += 1
            if told is not None:
                self.wrong[f"{what}: {told[:300]}"] += 1


def all_jobs(*, every: int) -> list[Job]:
    """Every program in every style, or every so many-th one in one style; those without a program are left out."""
    jobs = []
    for programs, is_honest in ((hack_suite.honest(), True), (hack_suite.hostile(), False)):
        for number, program in enumerate(programs[::every]):
            n_styles = len(program.styles)
            styles = program.styles if every == 1 else [program.styles[number % n_styles]]
            for style in styles:
                task = task_of(hack_driver.question_of(program, style))
                assert isinstance(task, Task), task
                entry = task.entry_point
                code = extract_code(program.answer, entry_point=entry, prompt=task.prompt).code
                if code is not None:
                    name = f"{program.family}/{program.name}/{style}"
                    profile = Profile(packages=program.task.packages, workdir=program.task.workdir)
                    jobs.append(Job(name, is_honest, program.most, code, task, profile))
    return jobs


def draws(jobs: Sequence[Job], seconds: dict[str, float], seed: int) -> Iterator[Job]:
    """Jobs without end, by their weights; `seconds` is what each took once."""
    chance = random.Random(seed)
    slow_s = SLOW_FACTOR * statistics.median(seconds.values())
    slow = [job for job in jobs if seconds.get(job.name, slow_s) >= slow_s]
    quick = [job for job in jobs if seconds.get(job.name, slow_s) < slow_s]
    honest = [job for job in quick if job.is_honest]
    hostile = [job for job in quick if not job.is_honest]
    while True:
        if slow and chance.random() < SLOW_SHARE:
            yield chance.choice(slow)
        else:
            yield chance.choice(honest if chance.random() < HONEST_SHARE else hostile)


def is_offered(profile: Profile) -> bool:
    """Whether this tier has such a box; without namespaces there is no work directory."""
    try:
        open_sandbox(profile, lanes=LANES)
    except SandboxError:
        return not profile.workdir
    return True


def start_all_lanes(profile: Profile) -> None:
    """Have every fork server of the box running, those of judges too: later ones would look like a leak."""
    box = open_sandbox(profile, lanes=LANES)
    job = {"style": "asserts", "setup": "", "tests": ["assert f()"], "entry": ["f"]}
    source = "import time\ndef f():\n    time.sleep(1)\n    return True\n"
    with ThreadPoolExecutor(LANES) as pool:
        for verdicts in pool.map(lambda _: box.judge(source, JudgeTests(job, 1)), range(LANES)):
            assert verdicts[0].passed, verdicts


def run(
    n_runs: int, *, every: int, seed: int
) -> tuple[Soak, list[Footprint], list[dict[str, Any]]]:
    """Everything once, then draws; what was there before, at each look, and the counts of each."""
    own_temporary = Path(tempfile.mkdtemp(dir=WORK))
    tempfile.tempdir = str(own_temporary)
    give_back_freed_memory()
    # what loses its parent below us stays below us, and is seen
    syscalls.prctl(PR_SET_CHILD_SUBREAPER, 1)
    before = look(own_temporary)
    soak, jobs = Soak(), [job for job in all_jobs(every=every) if is_offered(job.profile)]
    for profile in {job.profile for job in jobs}:
        start_all_lanes(profile)
    soak.grade_all(iter(jobs), until=n_runs)
    drawn = draws(jobs, soak.seconds, seed)
    looks, told = [before], []
    for number in range(1, LOOKS + 1):
        soak.grade_all(drawn, until=n_runs * number // LOOKS)
        looks.append(look(own_temporary))
        told.append({**soak.counts, **figures(looks[-1], before)})
        print(f"{number}/{LOOKS} {told[-1]}", file=sys.stderr)
    for profile in {job.profile for job in jobs}:
        open_sandbox(profile, lanes=LANES).close()
    looks.append(look(own_temporary))
    shutil.rmtree(own_temporary)
    return soak, looks, told


def figures(now: Footprint, before: Footprint) -> dict[str, float]:
    """One look in numbers; files and IPC objects are those that were not there before."""
    return {
        "processes": len(now.servers),
        "descriptors": now.descriptors,
        "threads": now.threads,
        "parent, MiB": round(now.memory_mib, 2),
        "largest fork server, MiB": round(max(now.servers.values(), default=0.0), 2),
        "files and IPC objects": len(now.files - before.files) + len(now.ipc - before.ipc),
    }


def leaks(looks: Sequence[Footprint]) -> list[str]:
    """What did not stay as it was, a line each. The looks: before all, then while it went on, then after all."""
    before, *during, after = looks
    tenth = len(during) // TENTHS
    second, last = during[tenth : 2 * tenth], during[-tenth:]
    found = []
    if {frozenset(one.servers) for one in during} != {frozenset(during[0].servers)}:
        found.append(f"processes changed: {[len(one.servers) for one in during]}")
    if after.servers:
        found.append(f"processes left at the end: {sorted(after.servers)}")
    for what in ("descriptors", "threads"):
        most = max(getattr(one, what) for one in last) - max(getattr(one, what) for one in second)
        left = getattr(after, what) - getattr(before, what)
        if most > 0 or left > 0:
            found.append(f"{what}: {most} more in the last tenth, {left} more at the end")
    grown = growth(second, last)
    found += [f"memory of {who}: {mib:+.1f} MiB" for who, mib in grown if mib > MOST_GROWTH_MIB]
    found += [
        f"left: {path}" for path in sorted((after.files - before.files) | (after.ipc - before.ipc))
    ]
    return found


def growth(second: Sequence[Footprint], last: Sequence[Footprint]) -> list[tuple[str, float]]:
    """How much more memory each process held in the last tenth than in the second, on average, in MiB."""
    grown = [
        (
            "the parent",
            _mean(one.memory_mib for one in last) - _mean(one.memory_mib for one in second),
        )
    ]
    lasting = frozenset.intersection(*(frozenset(one.servers) for one in (*second, *last)))
    for pid in sorted(lasting):
        means = [_mean(one.servers[pid] for one in part) for part in (second, last)]
        grown.append((f"process {pid}", means[1] - means[0]))
    return grown


def _mean(values: Iterator[float]) -> float:
    return statistics.fmean(values)


def report(
    soak: Soak, looks: Sequence[Footprint], told: Sequence[dict[str, Any]], *, write: bool
) -> bool:
    """Print and write what was seen; whether every promise was kept."""
    found = leaks(looks)
    wrong = [f"{n} times {told}" for told, n in soak.wrong.most_common()]
    bad = [*wrong, *found]
    tenth = len(told) // TENTHS
    lines = [
        [
            f"{row.get(name, 0):,.1f}" if "MiB" in name else f"{row.get(name, 0):,}"
            for name in COLUMNS
        ]
        for row in told[tenth - 1 :: tenth]
    ]
    n_runs = told[-1]["runs"]
    tier = open_sandbox(lanes=LANES).tier
    title = f"The sandbox after {n_runs:,} runs: nothing is left (tier {tier})"
    if bad:
        title = f"The sandbox after {n_runs:,} runs: A PROMISE IS BROKEN (tier {tier})"
    before, *during, _ = looks
    grown = growth(during[tenth : 2 * tenth], during[-tenth:])
    raw = {
        "wrong": wrong,
        "leaks": found,
        "growth_mib": {who: round(mib, 2) for who, mib in grown},
        "looks": list(told),
        "before": figures(before, before),
    }
    about = (__doc__ or "").split("\n\n")[1]
    if write:
        write_results("soak-sandbox", title, about, {"columns": COLUMNS, "rows": lines}, raw)
    else:
        print(f"\n{title}\n\n{markdown(COLUMNS, lines)}\n")
    print("\n".join([f"most memory grown: {max(mib for _, mib in grown):+.2f} MiB", *bad]))
    return not bad


def main() -> int:
    """Run, look, report; exit code 1 when something was wrong or left."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    n_runs = SMALL_RUNS if arguments.small else arguments.runs
    soak, looks, told = run(n_runs, every=6 if arguments.small else 1, seed=arguments.seed)
    return 0 if report(soak, looks, told, write=n_runs == RUNS) else 1


if __name__ == "__main__":
    sys.exit(main())
