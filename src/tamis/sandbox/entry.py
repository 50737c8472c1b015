"""How a fork server starts: import what runs need, close the doors in the order its tier asks for, serve.

Runs in a fresh interpreter: `main` is called by the boot line of `launch.py` with a `Plan` as JSON.
"""

from __future__ import annotations

import _sitebuiltins
import builtins
import importlib
import json
import os
import resource
import socket
import sys
import threading
from dataclasses import astuple
from typing import NoReturn

from tamis.sandbox import landlock, layout, rootfs, seccomp, syscalls
from tamis.sandbox.child import SIDES
from tamis.sandbox.plan import Plan, read_plan
from tamis.sandbox.zygote import Locks, serve

NOBODY = 65534
_STACK_BYTES = 64 << 20
_THREAD_STACK_BYTES = 8 << 20
# Imported once here, so that a run pays for none of them. Others are read from the standard library when asked for.
_MODULES = """abc array ast bisect cmath collections collections.abc contextlib copy dataclasses datetime decimal enum
    fractions functools heapq io itertools json linecache math numbers operator queue random re statistics string
    struct textwrap threading time traceback types typing""".split()


def main(plan_text: str, own_folder: str) -> None:
    """Start and serve; a step that fails is said on the control socket in one line."""
    plan = read_plan(plan_text)
    control = socket.socket(fileno=plan.control_fd)
    try:
        locks = _close_doors(plan, control, own_folder)
    except (OSError, ImportError, ValueError) as error:
        control.sendall(json.dumps({"failed": f"{type(error).__name__}: {error}"}).encode())
        return
    os.dup2(1, 2)  # complaints about starting are over
    control.sendall(b'{"serving":true}')
    serve(control, plan.parent_fd, locks)
    os._exit(0)  # taking the interpreter down in order takes ten times as long


def print_layout(plan_text: str, own_folder: str) -> None:
    """Print the layout as JSON: for a fork server that will not be able to see it."""
    plan = read_plan(plan_text)
    _import_all(plan, own_folder)
    print(json.dumps(astuple(layout.measure(plan.packages))))


def _close_doors(plan: Plan, control: socket.socket, own_folder: str) -> Locks:
    """The locks that hold now; the process that only waits for the real fork server does not return."""
    _import_all(plan, own_folder)
    _bound_memory()
    seen = layout.measure(plan.packages) if plan.layout is None else layout.Layout(*plan.layout)
    mechanisms = plan.mechanisms
    in_namespaces = plan.tier in ("namespaces", "bwrap")
    extra_threads = 0 if in_namespaces else _tasks_of_user()
    if plan.tier == "namespaces":
        _enter_namespaces(plan, control, seen)
        child = os.fork()
        if child:
            _stand_by(child, control)
    elif plan.tier == "bwrap":
        rootfs.keep_devices()
    else:
        _drop_user()
        syscalls.drop_capabilities()
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)
    reads = _reads(seen, whole=in_namespaces) if "landlock" in mechanisms else None
    if reads is not None and plan.workdir_bytes is None:
        landlock.restrict(reads)
        reads = None
    if "seccomp" in mechanisms:
        seccomp.Filter(seccomp.server_filter(workdir=plan.workdir_bytes is not None)).install()
    return Locks(
        own_namespaces=in_namespaces,
        filtered="seccomp" in mechanisms,
        extra_threads=extra_threads,
        workdir_bytes=plan.workdir_bytes,
        reads=reads,
    )


def _import_all(plan: Plan, own_folder: str) -> None:
    # what `site` would have added, and what programs leave by
    for name in ("exit", "quit"):
        setattr(builtins, name, _sitebuiltins.Quitter(name, ""))
    for name in (*_MODULES, *SIDES[plan.side]):
        importlib.import_module(name)
    # the folders hold more than what was asked for, so they are on the path for these imports only
    added = [folder for folder in plan.package_folders if folder not in sys.path]
    sys.path.extend(added)
    for name in plan.packages:
        importlib.import_module(name)
    sys.path[:] = [path for path in sys.path if path not in (own_folder, *added)]


def _bound_memory() -> None:
    for what in (resource.RLIMIT_CORE, resource.RLIMIT_MEMLOCK, resource.RLIMIT_MSGQUEUE):
        resource.setrlimit(what, (0, 0))
    _, hardest = resource.getrlimit(resource.RLIMIT_STACK)
    wanted = _STACK_BYTES if hardest == resource.RLIM_INFINITY else min(_STACK_BYTES, hardest)
    resource.setrlimit(resource.RLIMIT_STACK, (wanted, hardest))
    threading.stack_size(_THREAD_STACK_BYTES)


def _enter_namespaces(plan: Plan, control: socket.socket, seen: layout.Layout) -> None:
    workdir = plan.workdir_bytes is not None
    is_root = os.geteuid() == 0
    if is_root:
        # nobody may not walk to an interpreter in root's home: mount while it still can
        syscalls.unshare(syscalls.CLONE_NEWNS)
        rootfs.enter(seen, workdir=workdir)
        _become_nobody()
    syscalls.unshare(
        syscalls.CLONE_NEWUSER
        | syscalls.CLONE_NEWNS
        | syscalls.CLONE_NEWPID
        | syscalls.CLONE_NEWNET
        | syscalls.CLONE_NEWIPC
        | syscalls.CLONE_NEWUTS
        | syscalls.CLONE_NEWCGROUP
    )
    control.sendall(b'{"map":true}')
    if control.recv(1) != b"m":
        raise OSError("the parent could not map the user")
    if not is_root:
        rootfs.enter(seen, workdir=workdir)


def _become_nobody() -> None:
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def _stand_by(child: int, control: socket.socket) -> NoReturn:
    """Wait for the fork server, whose parent must stay alive to reap it, and hold nothing else."""
    control.close()
    syscalls.close_from(3)
    os.waitpid(child, 0)
    os._exit(0)


def _drop_user() -> None:
    """As root: become nobody where nobody can read the standard library, else stay without any capability."""
    if os.geteuid() == 0 and _nobody_can_read(os.path.dirname(os.__file__)):
        _become_nobody()


def _nobody_can_read(folder: str) -> bool:
    child = os.fork()
    if child == 0:
        try:
            _become_nobody()
            os._exit(0 if os.listdir(folder) else 1)
        except OSError:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    return status == 0


def _tasks_of_user() -> int:
    """How many threads the user has now, with room for more: without namespaces the kernel counts them all together."""
    return sum(_n_threads(name) for name in os.listdir("/proc") if name.isdigit()) + 1024


def _n_threads(pid: str) -> int:
    try:
        return len(os.listdir(f"/proc/{pid}/task"))
    except OSError:  # it has ended
        return 0


def _reads(seen: layout.Layout, *, whole: bool) -> landlock.Reads:
    """With a private root the masks are mounts already; without, the folders around them are opened one by one."""
    if whole:
        return landlock.Reads((*seen.trees, *seen.files), ("/",), layout.DEVICES)
    trees: list[str] = list(seen.files)
    for tree in seen.trees:
        masked = [path for path in seen.masked if os.path.dirname(path) == tree]
        inside = sorted(os.path.join(tree, name) for name in os.listdir(tree))
        trees += [path for path in inside if path not in masked] if masked else [tree]
    listable = tuple(tree for tree in seen.trees if tree not in trees)
    return landlock.Reads(tuple(trees), listable, layout.DEVICES)
