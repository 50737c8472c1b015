"""Runs that are killed or interrupted leave nothing half done, and the same command ends them well."""

from __future__ import annotations

import hashlib
import json
import os
import random
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path

import msgspec
import pytest
from tests.cli.run_tamis import COMMAND
from tests.cli.run_tamis import tamis as run_tamis
from tests.engine.rows import write_conversations

import tamis
from tamis.dataset import read_table
from tamis.llm.scripted import Answers, Fault, Script, scripted_server
from tamis.verbs.rl import Sampling

from .files import ids_in, quiet, table, write_rows

N_KILLS = 3
N_FILES, N_ROWS = 12, 300
VET = """
version: 1
inputs: [raw]
steps:
  - safe_fixes
  - think_tags
  - truncated
  - finding_counts: {{checks: [think_tags, truncated]}}
  - keep: {{column: n_errors, at_most: 0}}
  - lengths
  - diverse_top_k: {{k: 500, score: assistant_chars}}
outputs: {{path: {output}}}
"""


def start(*arguments: str, cwd: Path) -> subprocess.Popen[bytes]:
    """The real command in a session of its own, so that a signal reaches its workers too."""
    return subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "NO_COLOR": "1", "TERM": "dumb"},
        start_new_session=True,
    )


def ended(process: subprocess.Popen[bytes], with_signal: signal.Signals) -> tuple[int, str]:
    """Signal a command and its workers; its exit code and what it said on stderr."""
    os.killpg(process.pid, with_signal)
    _, stderr = process.communicate(timeout=60)
    return process.returncode, stderr.decode()


def digest(path: Path) -> str | None:
    """The hash of a file; None where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None


def done_markers(run: Path) -> dict[str, int]:
    """The tasks that are done, and when each was."""
    return {str(path): path.stat().st_mtime_ns for path in run.glob("passes/*/done/*.json")}


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_undisturbed_output(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    for place in range(N_FILES):
        write_conversations(tmp_path / f"raw/{place:02d}.jsonl", N_ROWS, seed=place)
    for name in ("whole", "killed"):
        (tmp_path / f"{name}.yaml").write_text(VET.format(output=f"{name}.jsonl"))
    output, run = tmp_path / "killed.jsonl", tmp_path / "killed.jsonl.run"
    began = time.monotonic()
    assert run_tamis("run", "whole.yaml", cwd=tmp_path).returncode == 0
    seconds = time.monotonic() - began
    undisturbed = digest(tmp_path / "whole.jsonl")
    draws = random.Random(0)
    n_killed = 0
    while n_killed < N_KILLS:
        began = time.monotonic()
        process = start("run", "killed.yaml", cwd=tmp_path)
        try:
            process.communicate(timeout=seconds * draws.uniform(0.4, 0.95))
        except subprocess.TimeoutExpired:
            code, _ = ended(process, signal.SIGKILL)
            n_killed += code == -signal.SIGKILL
        assert digest(output) in (None, undisturbed)
        if output.exists():
            # it was quicker than we were: begin anew, and be quicker
            seconds = min(seconds, time.monotonic() - began)
            output.unlink()
            shutil.rmtree(run)
            n_killed = min(n_killed, N_KILLS - 1)
    before = done_markers(run)
    assert run_tamis("run", "killed.yaml", cwd=tmp_path).returncode == 0
    assert digest(output) == undisturbed
    # what was done before the last kill was not done again
    assert before.items() <= done_markers(run).items()
    for name in ("decisions", "changes"):
        told = [
            read_table(tmp_path / f"{one}.jsonl.run/ledger/{name}/00000.arrow")
            for one in ("whole", "killed")
        ]
        assert told[0].equals(told[1])


# An operator that says when it has come to the last file, and then waits at a gate nobody opens.
GATE = '''
import tamis


def at_the_gate(conversation):
    """1, once the gate is open for rows of the last file."""
    if conversation.source == "c.jsonl":
        with open("arrived", "w") as bell:
            bell.write("here")
        with open("gate") as gate:
            gate.read()
    return 1


waits = tamis.per_conversation(at_the_gate, adds={"gate": "int64"})
'''
THROUGH_THE_GATE = "{version: 1, inputs: [raw], steps: ['house:waits', diverse_top_k]}"


def test_an_interrupted_run_ends_with_130_and_the_same_command_goes_on(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    for place, name in enumerate("abc"):
        write_conversations(tmp_path / f"raw/{name}.jsonl", 30, seed=place)
    (tmp_path / "house.py").write_text(GATE)
    (tmp_path / "wait.yaml").write_text(THROUGH_THE_GATE)
    for name in ("arrived", "gate"):
        os.mkfifo(tmp_path / name)
    bell = os.open(tmp_path / "arrived", os.O_RDONLY | os.O_NONBLOCK)
    command = ("run", "wait.yaml", "-o", "data", "--workers", "2")
    process = start(*command, cwd=tmp_path)
    assert select.select([bell], [], [], 60)[0], "nobody came to the gate"
    code, stderr = ended(process, signal.SIGINT)
    os.close(bell)
    assert code == 130
    assert "Traceback" not in stderr
    assert len(stderr.splitlines()) <= 1
    assert not (tmp_path / "data/manifest.json").exists()
    before = done_markers(tmp_path / "data")
    assert before
    for name in ("arrived", "gate"):
        (tmp_path / name).unlink()
        (tmp_path / name).write_text("open")
    done = run_tamis(*command, "--format", "json", cwd=tmp_path)
    assert (done.returncode, json.loads(done.stdout)["counts"]["read"]) == (0, 90)
    assert before.items() <= done_markers(tmp_path / "data").items()
    dropped = {row["id"] for row in table(tmp_path / "data", "ledger/decisions")}
    assert len({*ids_in(tmp_path / "data"), *dropped}) == 90


def test_an_interrupted_calibration_asks_only_what_is_left(tmp_path: Path) -> None:
    rows = [{"question": f"Question {i}?", "answer": "#### 7"} for i in range(10)]
    write_rows(tmp_path / "q.jsonl", rows)
    script = Script(replies=(Answers(answers=["The answer is 7.", "It is 8."]),))
    # one call that is not answered in time keeps the run from its end
    stuck = msgspec.structs.replace(script, faults=(Fault(kind="slow", every=50, seconds=600),))
    with scripted_server(stuck) as server:
        command = ("calibrate", "q.jsonl", "-n", "8", "--base-url", server.url, "--model", "m")
        process = start(*command, "-o", "rl", cwd=tmp_path)
        for _ in range(50):
            assert server.heard.acquire(timeout=60)
        code, stderr = ended(process, signal.SIGINT)
        assert code == 130
        assert "Traceback" not in stderr
        assert len(stderr.splitlines()) <= 1
        server.script = script
        sampling = Sampling(n=8, base_url=server.url, model="m")
        source = [str(tmp_path / "q.jsonl")]
        tamis.calibrate(source, sampling=sampling, common=quiet(tmp_path / "rl"))
        assert len({call.key for call in server.calls}) == 80
        # at most those in flight are asked again
        assert len(server.calls) <= 80 + sampling.concurrency
    assert len(table(tmp_path / "rl", "rollouts")) == 80
