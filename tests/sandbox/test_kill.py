"""Whatever becomes of the parent or a fork server, nothing of the sandbox outlives it and no file is left."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from .users import User

# Who, what is taken away, which tier that leaves.
WAYS = [
    ("root", (), "namespaces"),
    ("root", ("namespaces",), "landlock"),
    ("nobody", (), "namespaces"),
    ("nobody", ("launcher",), "bwrap"),
    ("nobody", ("namespaces",), "landlock"),
]
# What the parent does, and which signal ends it (0: none, its main thread ends).
ENDS = [
    ("threads", signal.SIGTERM),
    ("threads", signal.SIGINT),
    ("daemons", 0),
    ("workers", signal.SIGKILL),
    ("servers", signal.SIGKILL),
]
RUN = "import death_driver; death_driver.main()"


@pytest.fixture(params=WAYS, ids=["-".join((who, *without, tier)) for who, without, tier in WAYS])
def way(request: pytest.FixtureRequest, users: dict[str, User]) -> Any:
    """A user, what is taken away from it, and the tier that this leaves."""
    who, without, tier = request.param
    if who not in users:
        pytest.skip("the tests do not run as root")
    return users[who], without, tier


def outlived(way: Any, how: str, number: int, n: int) -> list[object]:
    """What was still there a second after each of `n` parents had ended, files, and what runs complained about."""
    user, without, tier = way
    told = user.run(RUN, how, str(int(number)), str(n), "0", without=without, timeout=300)
    assert told["tier"] == tier
    assert any(one["below"] for one in told["trials"])
    left = [one["left"] for one in told["trials"] if one["left"]]
    # Ctrl-C shows where it came; nothing else has a word to say
    said = [one["stderr"] for one in told["trials"] if one["stderr"] and number != signal.SIGINT]
    return [*left, *said, *told["files"]]


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_nothing_is_alive_a_second_after_the_parent_was_killed_while_starting_or_running(
    way: Any,
) -> None:
    assert outlived(way, "threads", signal.SIGKILL, 4) == []


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize(("how", "number"), ENDS, ids=[f"{how}-{int(n)}" for how, n in ENDS])
def test_nothing_outlives_a_parent_that_ends_in_any_other_way(
    way: Any, how: str, number: int
) -> None:
    assert outlived(way, how, number, 1) == []


# What each script below begins with: a box whose fork servers carry a word of their own in their command lines.
BOX = """
import os, signal, sys, threading, time
from pathlib import Path
from tamis.sandbox import Call, Profile, open_sandbox

word = Path(sys.argv[0]).parent.name.replace("-", "_") + str(os.getpid())
(Path(sys.argv[0]).parent / f"{word}.py").touch()

def servers():
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if word.encode() in Path(f"/proc/{name}/cmdline").read_bytes():
                found.append(name)
        except OSError:
            continue
    return found

def wait_for_servers():
    while not servers():
        time.sleep(0.001)

def wait_until_gone():
    deadline = time.monotonic() + 10
    while servers() and time.monotonic() < deadline:
        time.sleep(0.01)
    return not servers()

def fork_a_sleeper():
    pid = os.fork()
    if pid == 0:
        time.sleep(60)
        os._exit(0)
    return pid

def solve():
    box.solve("def f(): return 1", [Call(expr="f()")])

box = open_sandbox(Profile(packages=(word,)), lanes=1)
"""


def said_by(folder: Path, code: str) -> str:
    """What a script with a box in it prints."""
    script = folder / "script.py"
    script.write_text(BOX + textwrap.dedent(code))
    command = [sys.executable, "-W", "ignore", str(script)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_process_forked_while_a_fork_server_starts_does_not_keep_it_alive(tmp_path: Path) -> None:
    code = """
        asked = threading.Thread(target=solve)
        asked.start()
        wait_for_servers()
        sleeper = fork_a_sleeper()
        asked.join()
        box.close()
        print(wait_until_gone())
        os.kill(sleeper, signal.SIGKILL)
    """
    assert said_by(tmp_path, code) == "True\n"


def test_processes_forked_while_runs_go_on_do_not_hold_them_up(tmp_path: Path) -> None:
    code = """
        longest = 0.0
        is_over = False

        def solve_often():
            global longest
            while not is_over:
                began = time.monotonic()
                solve()
                longest = max(longest, time.monotonic() - began)

        asked = threading.Thread(target=solve_often)
        asked.start()
        sleepers = [fork_a_sleeper() for _ in range(300) if not time.sleep(0.005)]
        is_over = True
        asked.join()
        for sleeper in sleepers:
            os.kill(sleeper, signal.SIGKILL)
        print(longest < 15)
    """
    assert said_by(tmp_path, code) == "True\n"


def test_ctrl_c_while_a_fork_server_starts_ends_it_though_the_traceback_is_kept(
    tmp_path: Path,
) -> None:
    code = """
        def interrupt():
            wait_for_servers()
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=interrupt).start()
        try:
            solve()
        except KeyboardInterrupt as error:
            kept = error
        print(wait_until_gone(), type(kept).__name__)
        solve()
        print(len(servers()) > 0)
    """
    assert said_by(tmp_path, code) == "True KeyboardInterrupt\nTrue\n"
