"""Runs killed at random moments and started again must end with the undisturbed output.

Two jobs: a recipe over 20,000 conversations (ten checks, safe fixes, near-duplicates, a diverse choice), and a calibration
against the scripted model server, which counts the calls it answers. Each is first run undisturbed; then, many
times over, its whole process group gets SIGKILL at a random moment, sometimes the resumed run as well, and the same
command runs to the end. Each time the output's hash must be the undisturbed run's, a file under the final
name must never be a partial one, and the server must not have answered more calls twice than were in flight.

    python benchmarks/kill.py                 # until 50 kills met each while it was running
    python benchmarks/kill.py --kills 5 --rows 2000     # a quick look; no results are written
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import make_conversations
from trial import TAMIS, WORK, kill_group, markdown, run, start, write_results

from tamis.llm.scripted import Answers, Script, ScriptedServer, scripted_server

KILLS, ROWS, QUESTIONS, AGAIN_SHARE = 50, 20_000, 200, 0.25
DRAWS, DELAY_S = 8, 0.05
CHECKS = [
    *("role_order", "no_assistant", "short_reply", "think_tags", "tool_call_tags"),
    *("tool_schema", "arithmetic", "truncated", "boilerplate", "private_data"),
]
COLUMNS = [
    "job",
    "undisturbed run, s",
    "kills",
    "while running",
    "other output",
    "partial output",
    "calls answered again, most",
]


@dataclass
class Job:
    """One command whose output is hashed; `folder` holds all that it writes."""

    name: str
    command: Sequence[str]
    folder: Path
    outputs: Sequence[Path]
    undisturbed: str = ""
    seconds: float = 0.0
    kills: int = 0
    killed_while_running: int = 0
    differing: int = 0
    partial: int = 0
    repeated: list[int] = field(default_factory=list)
    server: ScriptedServer | None = None

    @property
    def in_flight(self) -> int:
        """The most calls that the server ever had open at once."""
        return self.server.most_in_flight if self.server else 0

    def calls_again(self) -> int:
        """How many calls the server has answered more than once since the folder was emptied."""
        if self.server is None:
            return 0
        return len(self.server.calls) - len({call.key for call in self.server.calls})

    def empty(self) -> None:
        """Forget everything that earlier runs left."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        if self.server is not None:
            self.server.calls.clear()

    def digest(self) -> str:
        """Hash of the outputs' bytes; empty when none is there."""
        there = [path for path in self.outputs if path.exists()]
        texts = b"".join(path.read_bytes() for path in there)
        return hashlib.sha256(texts).hexdigest() if len(there) == len(self.outputs) else ""


def run_undisturbed(job: Job) -> None:
    """Learn how long it takes and what comes out; twice, the first run fills the caches."""
    for _ in range(2):
        job.empty()
        job.seconds = run(job.command).seconds
    job.undisturbed = job.digest()
    if not job.undisturbed:
        raise SystemExit(f"{job.name}: the undisturbed run wrote no {job.outputs}")


def kill_once(job: Job, moment_s: float) -> None:
    """Start the command and kill it, and its children, after `moment_s` seconds."""
    with (WORK / "killed.log").open("wb") as log:
        process = start(job.command, log)
        try:
            process.wait(timeout=moment_s)
        except subprocess.TimeoutExpired:
            job.killed_while_running += 1
        finally:
            kill_group(process)
    job.kills += 1
    if job.digest() not in ("", job.undisturbed):
        job.partial += 1


def disturb(job: Job, draws: random.Random) -> None:
    """One fresh run, killed once or twice, then run to the end and compared."""
    job.empty()
    n_kills = 2 if draws.random() < AGAIN_SHARE else 1
    for _ in range(n_kills):
        kill_once(job, draws.uniform(0.05, job.seconds))
    run(job.command)
    job.differing += job.digest() != job.undisturbed
    if job.server is not None:
        job.repeated.append(-(-job.calls_again() // n_kills))


def recipe_job(rows: int) -> Job:
    """Checks, fixes, near-duplicates and a diverse choice, from one file to one file."""
    raw = WORK / f"kill-{rows}.jsonl"
    make_conversations.write(raw, rows=rows, n_bytes=None, seed=2)
    folder = WORK / "kill-run"
    steps = [
        *CHECKS,
        {"finding_counts": {"checks": CHECKS}},
        "safe_fixes",
        {"keep": {"column": "n_errors", "at_most": 0}},
        "near_duplicates",
        "static_embedding",
        {"diverse_top_k": {"k": rows // 4}},
    ]
    recipe = {
        "version": 1,
        "inputs": [str(raw)],
        "steps": steps,
        "outputs": {"path": str(folder / "kept.jsonl")},
    }
    path = WORK / "kill-recipe.yaml"
    path.write_text(json.dumps(recipe), encoding="utf-8")  # JSON is YAML
    return Job("recipe", [TAMIS, "run", str(path)], folder, [folder / "kept.jsonl"])


@contextmanager
def calibrate_job(n_questions: int) -> Iterator[Job]:
    """A calibration of generated questions against a scripted server that counts its calls."""
    folder = WORK / "kill-calibrate"
    questions = WORK / f"kill-questions-{n_questions}.jsonl"
    rows = [
        {
            "question": f"Question {i}: what is {i} plus {7 + i % 3} less {i}?",
            "answer": f"#### {7 + i % 3}",
        }
        for i in range(n_questions)
    ]
    questions.write_text("".join(json.dumps(row) + "\n" for row in rows))
    answers = Answers(answers=[f"The answer is {number}." for number in (7, 7, 8, 9)])
    with scripted_server(Script(replies=[answers], delay_s=DELAY_S)) as server:
        kept = folder / "kept.jsonl"
        command = [TAMIS, "calibrate", str(questions), "-o", str(kept), "-n", str(DRAWS)]
        command += ["--model", "scripted", "--base-url", server.url, "--band", "0.2:0.8"]
        yield Job("calibrate", command, folder, [kept], server=server)


def report(jobs: Sequence[Job], *, write: bool) -> bool:
    """Write and print what happened; whether every promise was kept."""
    lines, raw = [], []
    for job in jobs:
        counted = [
            str(n) for n in (job.kills, job.killed_while_running, job.differing, job.partial)
        ]
        repeated = f"{max(job.repeated)} of {job.in_flight} allowed" if job.repeated else ""
        lines.append([job.name, f"{job.seconds:.1f}", *counted, repeated])
        raw.append({"name": job.name, "seconds": round(job.seconds, 2), "repeated": job.repeated})
    kept = all(
        job.differing == 0 and job.partial == 0 and max(job.repeated, default=0) <= job.in_flight
        for job in jobs
    )
    title = "Killed runs resume to the same output" if kept else "Killed runs: A PROMISE IS BROKEN"
    if write:
        write_results(
            "kill", title, __doc__.split("\n\n")[1], {"columns": COLUMNS, "rows": lines}, raw
        )
    else:
        print(f"\n{title}\n\n{markdown(COLUMNS, lines)}")
    return kept


def main() -> int:
    """Learn, disturb, compare; exit code 1 when a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--questions", type=int, default=QUESTIONS)
    parser.add_argument("--only", default="", help="jobs whose name holds this text")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    draws = random.Random(arguments.seed)
    with calibrate_job(arguments.questions) as calibration:
        jobs = [
            job for job in (recipe_job(arguments.rows), calibration) if arguments.only in job.name
        ]
        for job in jobs:
            disturb_often(job, arguments.kills, draws)
    whole = arguments.kills == KILLS and arguments.rows == ROWS and not arguments.only
    return 0 if report(jobs, write=whole) else 1


def disturb_often(job: Job, kills: int, draws: random.Random) -> None:
    """Trials of one job until so many kills met it while it was running."""
    run_undisturbed(job)
    while job.killed_while_running < kills:
        disturb(job, draws)
        said = f"{job.name} {job.killed_while_running}/{kills}: {job.differing} differ"
        print(said, file=sys.stderr)
    shutil.rmtree(job.folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
