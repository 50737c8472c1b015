"""Start one fork server of a tier, from the trusted parent, and say in one line why it did not start."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from tamis.sandbox import bwrap
from tamis.sandbox.errors import SandboxError
from tamis.sandbox.forks import forks_wait
from tamis.sandbox.layout import Layout
from tamis.sandbox.plan import Plan

# Names of modules are looked up in the folder that holds tamis only until the doors close.
_BOOT = "import sys; sys.path.append(sys.argv[2]); from tamis.sandbox import entry; entry.{call}(*sys.argv[1:3])"
_OWN_FOLDER = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_FLAGS = ("-s", "-P", "-S", "-B", "-X", "utf8")
# Sets keep their order from run to run; one arena and one thread keep the address space small.
_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "MALLOC_ARENA_MAX": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "LANG": "C.UTF-8",
    "HOME": "/",
}
_START_S = 60.0


@dataclass(slots=True)
class Launched:
    """A running fork server: the process this one started and the socket for orders."""

    process: subprocess.Popen[bytes]
    control: socket.socket


def interpreter() -> str:
    """The interpreter fork servers run in: this one, without its virtual environment."""
    found: str = getattr(sys, "_base_executable", None) or sys.executable
    if not found:
        raise SandboxError(
            "python: expected an interpreter to start, got none (embedded?); run tamis with python"
        )
    return found


def launch(plan: Plan) -> Launched:
    """Start a fork server. Raises: SandboxError, with the step that failed."""
    parent = os.pidfd_open(os.getpid())
    complaints = os.memfd_create("stderr")
    ours = None
    is_serving = False
    try:
        if plan.tier == "bwrap":
            seen = _layout(plan)
            plan = replace(plan, layout=(seen.trees, seen.masked, seen.files))
        with forks_wait:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                plan = replace(plan, control_fd=theirs.fileno(), parent_fd=parent)
                process = _start(plan, (theirs.fileno(), parent), complaints)
        try:
            _wait_until_serving(process, ours)
            is_serving = True
        finally:
            if not is_serving:
                process.kill()
                process.wait()
    except (OSError, SandboxError) as error:
        last = os.pread(complaints, 4096, 0).decode(errors="replace").strip().splitlines()[-1:]
        raise SandboxError(f"{plan.tier}: {' '.join([str(error), *last])}") from error
    finally:
        if ours is not None and not is_serving:  # Ctrl-C too
            ours.close()
        os.close(parent)
        os.close(complaints)
    return Launched(process, ours)


def _start(plan: Plan, fds: Sequence[int], complaints: int) -> subprocess.Popen[bytes]:
    command = [interpreter(), *_FLAGS, "-c", _BOOT.format(call="main")]
    user = None
    if plan.layout is not None:
        seen = Layout(*plan.layout)
        workdir = plan.workdir_bytes is not None
        command = [*bwrap.command(seen, interpreter(), _OWN_FOLDER, workdir=workdir), *command]
        user = bwrap.user()
    process = subprocess.Popen(
        [*command, plan.as_json(), _OWN_FOLDER],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=complaints,
        pass_fds=fds,
        env=_ENVIRONMENT,
        cwd="/",
        start_new_session=True,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
    # when the machine runs out of memory, the code under test goes first, not the trainer
    with open(f"/proc/{process.pid}/oom_score_adj", "w", encoding="ascii") as score:
        score.write("1000")
    return process


@lru_cache(maxsize=64)
def _layout(plan: Plan) -> Layout:
    """What the interpreter loads for a plan; asked once, for all fork servers of it."""
    command = [
        interpreter(),
        *_FLAGS,
        "-c",
        _BOOT.format(call="print_layout"),
        plan.as_json(),
        _OWN_FOLDER,
    ]
    done = subprocess.run(
        command, env=_ENVIRONMENT, capture_output=True, check=False, timeout=_START_S
    )
    if done.returncode != 0:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise SandboxError(f"cannot see what the interpreter loads: {' '.join(last)}")
    trees, masked, files = json.loads(done.stdout)
    return Layout(tuple(trees), tuple(masked), tuple(files))


def _wait_until_serving(process: subprocess.Popen[bytes], control: socket.socket) -> None:
    control.settimeout(_START_S)
    while True:
        try:
            said = control.recv(4096)
        except TimeoutError:
            raise SandboxError(f"no answer in {_START_S:.0f} s") from None
        if not said:
            code = process.wait()
            raise SandboxError(f"ended while starting, exit code {code}")
        message = json.loads(said)
        if "failed" in message:
            raise SandboxError(message["failed"])
        if "serving" in message:
            control.settimeout(None)
            return
        _map_user(process.pid)
        control.sendall(b"m")


def _map_user(pid: int) -> None:
    """Give the new user namespace one user: itself, as root of a house without doors."""
    uid, gid = (65534, 65534) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
        with open(f"/proc/{pid}/{name}", "w", encoding="ascii") as file:
            file.write(text)
