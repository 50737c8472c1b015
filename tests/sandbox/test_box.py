"""What a box promises: every call gets an outcome, one bad call costs only itself, nothing outlives a run."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tamis.sandbox import (
    Box,
    Call,
    JudgeTests,
    Limits,
    Outcome,
    Profile,
    SandboxError,
    open_sandbox,
)
from tamis.sandbox.lane import Lane, Run
from tamis.sandbox.launch import Launched
from tamis.sandbox.watch import Watch

QUICK = Limits(time_s=0.5)


@pytest.fixture
def box() -> Box:
    return open_sandbox()


def kinds(outcomes: list[Outcome]) -> list[str]:
    return [outcome.kind for outcome in outcomes]


def calls(*exprs: str) -> list[Call]:
    return [Call(expr=expr) for expr in exprs]


def processes_below(pid: int) -> set[int]:
    """All processes that descend from this one."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            stat = Path(f"/proc/{name}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        parents[int(name)] = int(stat.rpartition(")")[2].split()[1])
    found = {pid}
    while True:
        more = {child for child, parent in parents.items() if parent in found} - found
        if not more:
            return found - {pid}
        found |= more


@pytest.mark.parametrize(
    "bad",
    [
        "while True: pass",
        "__import__('time').sleep(1000)",
        "__import__('os')._exit(0)",
        "__import__('ctypes').string_at(0)",
    ],
)
def test_a_call_that_hangs_or_dies_costs_only_itself(box: Box, bad: str) -> None:
    source = f"def f(x):\n    if x == 1:\n        {bad}\n    return x\n"
    limits = Limits(time_s=0.5, wall_s=1.0)
    outcomes = box.solve(source, calls("f(0)", "f(1)", "f(2)", "f(3)"), limits=limits)
    assert [outcome.raw for outcome in outcomes] == [0, None, 2, 3]
    assert outcomes[1].kind in ("timeout", "crashed")


def test_code_that_hangs_or_fails_while_it_loads_fails_every_call_at_once(box: Box) -> None:
    started = time.monotonic()
    assert (
        kinds(box.solve("while True: pass", calls("f()", "f()", "f()"), limits=QUICK))
        == ["timeout"] * 3
    )
    assert time.monotonic() - started < 5
    assert kinds(box.solve("import no_such_module", calls("f()", "f()"))) == ["load_failed"] * 2
    assert kinds(box.solve("def f(:", calls("f()"))) == ["load_failed"]


def test_time_is_cpu_time_and_a_sleeper_meets_the_wall(box: Box) -> None:
    sleeps = "import time\ndef f(s):\n    time.sleep(s)\n    return s\n"
    limits = Limits(time_s=0.3, wall_s=2.0)
    outcomes = box.solve(sleeps, calls("f(0.9)", "f(60)", "f(0)"), limits=limits)
    assert kinds(outcomes) == ["value", "timeout", "value"]


def test_more_memory_than_allowed_is_an_outcome_of_its_own(box: Box) -> None:
    source = "def f(n):\n    return len(bytearray(n))\n"
    outcomes = box.solve(source, calls("f(1 << 34)", "f(1 << 20)"))
    assert kinds(outcomes) == ["memory", "value"]


def test_an_exception_is_told_by_its_class_names(box: Box) -> None:
    outcome = box.solve("class Odd(KeyError): pass\ndef f(): raise Odd('x')", calls("f()"))[0]
    assert outcome.kind == "raised"
    assert outcome.types[:3] == ("Odd", "KeyError", "LookupError")


def test_a_value_too_large_for_a_message_is_told_as_such(box: Box) -> None:
    outcomes = box.solve("def f(n):\n    return 'x' * n\n", calls("f(5_000_000)", "f(2)"))
    assert kinds(outcomes) == ["too_large", "value"]


def test_no_call_is_no_work(box: Box) -> None:
    assert box.solve("x = 1", []) == []


def test_a_program_is_judged_by_what_it_wrote_before_any_kind_of_end(box: Box) -> None:
    program = "import os\nprint(input()[::-1], flush=True)\nos._exit(int(input()))\n"
    outcome = box.program(program, b"olleh\n7\n")
    assert (outcome.kind, outcome.code, outcome.stdout) == ("exited", 7, b"hello\n")


def test_a_program_has_its_input_as_file_descriptor_text_and_lines(box: Box) -> None:
    program = "import os, sys\nprint(os.read(0, 2))\nprint(input())\nprint(sys.stdin.read().split())\nprint(open(0).read())\n"
    outcome = box.program(program, b"ab first\n1 2\n3\n")
    assert outcome.stdout == b"b'ab'\n first\n['1', '2', '3']\n\n"


def test_endless_output_is_cut_at_its_bound(box: Box) -> None:
    outcome = box.program("while True: print('x' * 1000)", b"", limits=Limits(output_bytes=100_000))
    assert (outcome.kind, len(outcome.stdout)) == ("output", 100_000)


def test_a_program_may_leave_by_exit_as_in_any_interpreter(box: Box) -> None:
    outcome = box.program("print(1)\nexit()\n", b"")
    assert (outcome.kind, outcome.code, outcome.stdout) == ("exited", 0, b"1\n")


def test_a_traceback_and_an_exit_code_come_back(box: Box) -> None:
    outcome = box.program("1 / 0", b"")
    assert (outcome.kind, outcome.code) == ("exited", 1)
    assert outcome.stderr.rstrip().endswith("ZeroDivisionError: division by zero")


def test_a_candidate_that_leaves_during_a_judged_test_is_told_by_its_own_end(box: Box) -> None:
    code = "def check(f):\n    for x in range(3):\n        assert f(x) == x\n    assert f(7) == 7\n"
    tests = JudgeTests({"style": "check", "code": code, "entry_point": "f", "call": "check"}, 2)
    source = "import os\ndef f(x):\n    return os._exit(5) if x == 1 else x\n"
    verdicts = box.judge(source, tests)
    assert [(verdict.kind, verdict.passed) for verdict in verdicts] == [
        ("crashed", False),
        ("judged", True),
    ]
    assert "exit code 5" in verdicts[0].detail


def test_runs_in_many_threads_do_not_meet(box: Box) -> None:
    def ask(number: int) -> object:
        return box.solve(f"def f(): return {number}", calls("f()", "f()"))[1].raw

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(60))) == list(range(60))


def _ask_in_child(box: Box, answers: multiprocessing.SimpleQueue[object]) -> None:
    answers.put(box.solve("def f(): return 'child'", calls("f()"))[0].raw)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_worker_gets_fork_servers_of_its_own_and_leaves_those_of_its_parent(
    box: Box,
) -> None:
    assert box.solve("def f(): return 'parent'", calls("f()"))[0].raw == "parent"
    context = multiprocessing.get_context("fork")
    answers: multiprocessing.SimpleQueue[object] = context.SimpleQueue()
    workers = [context.Process(target=_ask_in_child, args=(box, answers)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
        assert worker.exitcode == 0
    assert [answers.get(), answers.get()] == ["child", "child"]
    assert box.solve("def f(): return 'parent'", calls("f()"))[0].raw == "parent"


SPAWNS = """
import multiprocessing
from tamis.sandbox import Call, open_sandbox

def solve(number):
    return open_sandbox(lanes=1).solve("def f(x): return x + 1", [Call(expr=f"f({number})")])[0].raw

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        print(pool.map(solve, range(4)))
"""


def test_spawned_workers_may_use_it_too(tmp_path: Path) -> None:
    script = tmp_path / "spawns.py"
    script.write_text(SPAWNS)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert done.stdout == "[1, 2, 3, 4]\n"


def test_a_dead_fork_server_is_replaced_and_the_run_repeated() -> None:
    box = open_sandbox(Profile(packages=("json",)), lanes=1)
    assert box.solve("def f(): return 1", calls("f()"))[0].raw == 1
    for pid in processes_below(os.getpid()):
        if Path(f"/proc/{pid}/cmdline").read_bytes().find(b'"packages": ["json"]') > 0:
            os.kill(pid, signal.SIGKILL)
    assert box.solve("def f(): return 2", calls("f()"))[0].raw == 2
    box.close()


def test_no_process_descriptor_or_thread_is_left_by_runs(box: Box) -> None:
    source = textwrap.dedent("""
        import threading, time
        def f(x):
            threading.Thread(target=time.sleep, args=(1000,)).start()
            return x
    """)
    box.solve(source, calls("f(1)"))
    gc.collect()
    below, fds = processes_below(os.getpid()), len(os.listdir("/proc/self/fd"))
    for _ in range(30):
        assert kinds(box.solve(source, calls("f(1)", "f(2)"))) == ["value", "value"]
        assert box.program("print(1)", b"").stdout == b"1\n"
    gc.collect()
    assert processes_below(os.getpid()) == below
    assert len(os.listdir("/proc/self/fd")) == fds


def test_a_run_holds_no_descriptor_but_its_own(box: Box) -> None:
    source = "import os\ndef f():\n    return [n for n in range(1024) if is_open(n)]\n"
    source += "def is_open(n):\n    try:\n        os.fstat(n)\n    except OSError:\n        return False\n    return True\n"
    assert box.solve(source, calls("f()"))[0].raw == ["list", [0, 1, 2, 3]]


def test_an_allow_listed_package_is_there_and_others_are_not() -> None:
    numeric = open_sandbox(Profile(packages=("numpy",)), lanes=1)
    source = "import numpy as np\ndef f():\n    return float(np.linalg.det(np.eye(3)))\n"
    assert numeric.solve(source, calls("f()"))[0].raw == 1.0
    assert kinds(numeric.solve("import msgspec", calls("f()"))) == ["load_failed"]
    assert kinds(open_sandbox().solve("import numpy", calls("f()"))) == ["load_failed"]


def test_a_package_that_is_not_installed_is_said_in_one_line() -> None:
    with pytest.raises(SandboxError, match=r"packages: expected .* got `no_such_package`"):
        open_sandbox(Profile(packages=("no_such_package",)))


def test_a_work_directory_is_empty_writable_bounded_and_gone_after_the_run() -> None:
    box = open_sandbox(Profile(workdir=True, workdir_bytes=1 << 20), lanes=1)
    source = textwrap.dedent("""
        import os, tempfile
        def f():
            before = os.listdir(".")
            open("mine", "w").write("x" * 1000)
            with tempfile.TemporaryDirectory(dir=".") as folder:
                open(os.path.join(folder, "more"), "w").close()
            return before + os.listdir(".")
        def fill():
            with open("big", "wb") as file:
                for _ in range(100):
                    file.write(bytes(1 << 16))
    """)
    for _ in range(2):
        assert box.solve(source, calls("f()"))[0].raw == ["list", ["mine"]]
    assert box.solve(source, calls("fill()"))[0].types[0] == "OSError"


@pytest.mark.parametrize("when", [0.0, 0.05, 0.3])
def test_nothing_of_ours_is_alive_a_second_after_the_parent_was_killed(when: float) -> None:
    code = textwrap.dedent("""
        import sys, threading
        from tamis.sandbox import Call, Limits, open_sandbox
        box = open_sandbox(lanes=2)
        box.solve("x = 1", [Call(expr="x")])
        print("ready", flush=True)
        def run():
            while True:
                box.solve("while True: pass", [Call(expr="f()")], limits=Limits(time_s=1))
        threading.Thread(target=run, daemon=True).start()
        run()
    """)
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent:
        assert parent.stdout.readline() == b"ready\n"
        time.sleep(when)
        below = processes_below(parent.pid)
        assert below
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline and any(_is_alive(pid) for pid in below):
        time.sleep(0.02)
    assert [pid for pid in below if _is_alive(pid)] == []


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
def listener() -> Iterator[int]:
    """A port that somebody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_nobody_outside_can_be_reached(box: Box, listener: int) -> None:
    source = "import socket\ndef f(port):\n    socket.create_connection(('127.0.0.1', port), timeout=1)\n"
    assert kinds(box.solve(source, calls(f"f({listener})"))) == ["raised"]


def test_a_box_without_lanes_is_refused() -> None:
    with pytest.raises(ValueError, match="lanes: expected 1 or more, got 0"):
        open_sandbox(lanes=0)


def test_what_is_kept_of_a_claim_is_decided_as_it_comes(box: Box) -> None:
    seen: list[int] = []

    def settle(place: int, outcome: Outcome) -> Outcome:
        seen.append(place)
        return Outcome("value", raw=outcome.raw == place)

    source = "def f(n):\n    if n == 1: raise ValueError\n    return n if n < 3 else 0\n"
    found = box.solve(source, calls("f(0)", "f(1)", "f(2)", "f(3)"), settle=settle)
    assert seen == [0, 2, 3]
    assert [(one.kind, one.raw) for one in found] == [
        ("value", True),
        ("raised", None),
        ("value", True),
        ("value", False),
    ]


def test_a_box_closed_under_running_threads_fails_runs_and_breaks_none() -> None:
    """Any other exception than a SandboxError would reach a trainer as a crash, not as an answer without a score."""
    box = open_sandbox(Profile(packages=("csv",)), lanes=2)
    job = {"style": "asserts", "setup": "", "tests": ["assert f(1) == 2"], "entry": ["f"]}
    ends = time.monotonic() + 4

    def judge_often() -> None:
        while time.monotonic() < ends:
            try:
                [verdict] = box.judge("def f(x): return x + 1", JudgeTests(job, 1))
            except SandboxError:
                continue
            assert verdict.passed, verdict

    with ThreadPoolExecutor(2) as pool:
        working = [pool.submit(judge_often) for _ in range(2)]
        while time.monotonic() < ends:
            time.sleep(0.02)
            box.close()
    for one in working:
        one.result()
    assert box.judge("def f(x): return x + 1", JudgeTests(job, 1))[0].passed
    box.close()


def test_a_run_whose_lane_was_closed_has_failed_and_does_not_end() -> None:
    ours, theirs = socket.socketpair()
    job, other = socket.socketpair()
    with theirs, other, subprocess.Popen(["true"]) as process:
        lane = Lane(Launched(process, ours))
        run = Run(lane, job)
        lane.close()
        with pytest.raises(SandboxError, match="fork server is gone"):
            run.ends_within(0.1)
        with pytest.raises(SandboxError, match="fork server is gone"):
            next(Watch([run], QUICK).frames())
        run.abandon()
