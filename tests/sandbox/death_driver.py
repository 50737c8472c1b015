"""End parents of sandboxes at random moments and print as JSON what outlived them. Run by `test_deaths.py`.

Every process below this one stays below it when its parent dies (it is their subreaper), so none is overlooked.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tamis.sandbox import syscalls

PR_SET_CHILD_SUBREAPER = 36
GONE_S = 1.0
LONGER_S = 30.0
RUNNING_S = 1.0
N_SERVERS_ENDED = 40
PLACES = ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/")


def processes_below(pid: int) -> dict[int, str]:
    """All processes that descend from this one, with their state."""
    found: dict[int, tuple[int, str]] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            stat = Path(f"/proc/{name}/stat").read_text()
            state, parent, *_ = stat.rpartition(")")[2].split()
            found[int(name)] = (int(parent), state)
    below = {pid}
    while True:
        more = {child for child, (parent, _) in found.items() if parent in below} - below
        if not more:
            return {child: found[child][1] for child in below - {pid}}
        below |= more


def reap() -> None:
    """Take leave of children that have ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def wait_until_gone(limit_s: float) -> tuple[float, list[str]]:
    """How long it took until nothing was below us, and what still is after so long."""
    began = time.monotonic()
    while True:
        reap()
        below = processes_below(os.getpid())
        took = time.monotonic() - began
        if not below or took > limit_s:
            return took, [f"{pid} {state} {_command_of(pid)}" for pid, state in below.items()]
        time.sleep(0.01)


def _command_of(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()[-300:]
    return ""


def end(parent: subprocess.Popen[bytes], number: int) -> None:
    """Signal the parent as its user would: Ctrl-C reaches its whole process group."""
    if number == signal.SIGINT:
        os.killpg(parent.pid, number)
    else:
        parent.send_signal(number)


def trial(how: str, number: int, draws: random.Random, start_s: float | None) -> dict[str, Any]:
    """One parent: started, ended, and what was left; without `start_s` once it runs, else at a moment of its start."""
    command = [sys.executable, "-W", "ignore", str(Path(__file__).parent / "doomed_parent.py")]
    command += [how, str(draws.randrange(1 << 30))]
    parent = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    began = time.monotonic()
    assert parent.stdout is not None and parent.stderr is not None
    tier = None
    if start_s is None:
        tier = parent.stdout.readline().decode().strip()
        ready_s = time.monotonic() - began
        if how != "daemons":  # these end by themselves, soon
            time.sleep(draws.uniform(0, RUNNING_S))
    else:
        ready_s = start_s
        time.sleep(draws.uniform(0, start_s))
    if how == "servers":
        end_servers(parent.pid, draws)
    below = processes_below(parent.pid)
    workers = _children_like(parent.pid) if how == "workers" else []
    if how != "daemons":
        end(parent, number)
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
    code = parent.wait(timeout=LONGER_S)
    took, left = wait_until_gone(GONE_S)
    told = {"tier": tier, "ready_s": ready_s, "below": len(below), "code": code, "left": left}
    if left:
        told["gone_after_s"] = round(wait_until_gone(LONGER_S)[0] + took, 2)
        kill_all()
    complaints = parent.stderr.read().decode(errors="replace")
    parent.stdout.close()
    parent.stderr.close()
    return {**told, "took_s": round(took, 3), "stderr": complaints[-2000:]}


def end_servers(pid: int, draws: random.Random) -> None:
    """End whatever process below the parent comes up, many times over: fork servers, their runs, what starts."""
    for _ in range(N_SERVERS_ENDED):
        below = sorted(processes_below(pid))
        if below:
            with contextlib.suppress(ProcessLookupError):
                os.kill(draws.choice(below), signal.SIGKILL)
        time.sleep(draws.uniform(0, 0.1))


def _children_like(pid: int) -> list[int]:
    """Forked workers: children that are the same program."""
    own = _command_of(pid)
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children if _command_of(int(child)) == own]


def kill_all() -> None:
    """End what nobody else did, one by one."""
    for pid in processes_below(os.getpid()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_until_gone(LONGER_S)


def files_of_us(own_temporary: str) -> set[str]:
    """Files of the users that parents and runs have."""
    users = {os.geteuid(), 65534} if os.geteuid() else {65534}
    found = set()
    for place in filter(os.path.isdir, PLACES):
        with contextlib.suppress(PermissionError, FileNotFoundError):
            for entry in os.scandir(place):
                with contextlib.suppress(FileNotFoundError):
                    if entry.stat(follow_symlinks=False).st_uid in users:
                        found.add(entry.path)
    return found | {str(path) for path in Path(own_temporary).rglob("*")}


def main() -> None:
    """`death_driver HOW SIGNAL N SEED`: half of the parents end while they start, half while runs go on."""
    how, number, n, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    syscalls.prctl(PR_SET_CHILD_SUBREAPER, 1)
    draws = random.Random(seed)
    with tempfile.TemporaryDirectory() as own_temporary:
        os.environ["TMPDIR"] = own_temporary
        before = files_of_us(own_temporary)
        trials = [trial(how, number, draws, None)]
        start_s = trials[0]["ready_s"]
        while len(trials) < n:
            starting = how == "threads" and number == signal.SIGKILL and len(trials) % 2
            trials.append(trial(how, number, draws, start_s if starting else None))
        files = sorted(files_of_us(own_temporary) - before)
    print(json.dumps({"tier": trials[0]["tier"], "trials": trials, "files": files}))


if __name__ == "__main__":
    main()
