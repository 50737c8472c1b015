"""The fork server: locked down, single-threaded, forks one child for each run and never reads a job.

It serves one parent over one socket and ends when that socket or that parent does. Everything a run may
need was imported before the doors closed; the child inherits the closed doors and closes some more.
"""

from __future__ import annotations

import errno
import fcntl
import gc
import os
import resource
import select
import signal
import socket
import time
from dataclasses import dataclass
from typing import NoReturn

from tamis.sandbox import landlock, rootfs, seccomp, syscalls
from tamis.sandbox.child import run_job
from tamis.sandbox.orders import (
    ASK_CPU,
    CPU,
    ENDED,
    KILL,
    ORDER_BYTES,
    REFUSED,
    RUN,
    Order,
    Reply,
    read_order,
)

JOB_FD, PEER_FD = 3, 4
# Said on the job socket once every lock is closed, before the job is read: all that comes later is the code's doing.
_READY = b'{"ready":true}'
_MAX_FDS = 5
_FIRST_PROCESS = seccomp.Filter(seccomp.run_filter(1))
_PARKED = 64  # descriptors are moved up here before they take their places


@dataclass(frozen=True, slots=True, kw_only=True)
class Locks:
    """What holds in this fork server, and what its children still have to close.

    `reads` is what Landlock allows, when each run has to apply it by itself (a work directory is mounted later).
    """

    own_namespaces: bool
    filtered: bool
    extra_threads: int = 0
    workdir_bytes: int | None = None
    reads: landlock.Reads | None = None


@dataclass(frozen=True, slots=True)
class Doors:
    """The fork server's own descriptors: its orders, its parent as a pidfd, itself as a pidfd."""

    control: socket.socket
    parent: int
    itself: int


def serve(control: socket.socket, parent: int, locks: Locks) -> None:
    """Fork a child for each order until the control socket or the parent (a pidfd) ends."""
    doors = Doors(control, parent, os.pidfd_open(os.getpid()))
    gc.collect()
    gc.freeze()
    waiting = select.poll()
    waiting.register(control, select.POLLIN)
    waiting.register(parent, select.POLLIN)
    while True:
        ready = {fd for fd, _ in waiting.poll()}
        if parent in ready:
            return
        packed, fds, _, _ = socket.recv_fds(control, ORDER_BYTES, _MAX_FDS)
        if not packed:
            return
        # anything else came too late for the run it was about
        if packed[:1] == RUN:
            control.sendall(_run(read_order(packed), fds, doors, locks).packed())


def _run(order: Order, fds: list[int], doors: Doors, locks: Locks) -> Reply:
    server = os.getpid()
    try:
        pid = _fork(doors.itself) if locks.own_namespaces else syscalls.fork()
    except OSError as error:
        for fd in fds:
            os.close(fd)
        return Reply(REFUSED, error.errno or errno.EAGAIN)
    if pid == 0:
        _become_child(order, fds, locks, server)
    for fd in fds:
        os.close(fd)
    return _attend(pid, doors)


def _fork(itself: int) -> int:
    """Fork into a new PID namespace, whose end takes all of the run with it."""
    syscalls.unshare(syscalls.CLONE_NEWPID)
    pid = -1
    try:
        pid = syscalls.fork()
    finally:
        if pid != 0:
            syscalls.setns(itself, syscalls.CLONE_NEWPID)
    return pid


def _attend(pid: int, doors: Doors) -> Reply:
    """Wait for the child; meanwhile say how much CPU time it took, or kill it, when asked."""
    child = os.pidfd_open(pid)
    waiting = select.poll()
    for fd in (child, doors.parent, doors.control.fileno()):
        waiting.register(fd, select.POLLIN)
    while True:
        ready = {fd for fd, _ in waiting.poll()}
        if child in ready:
            break
        asked = b"" if doors.parent in ready else doors.control.recv(1)
        if not asked:  # the parent is gone: nothing of ours may outlive it
            signal.pidfd_send_signal(child, signal.SIGKILL)
            os._exit(0)
        if asked == KILL:
            signal.pidfd_send_signal(child, signal.SIGKILL)
        elif asked == ASK_CPU:
            doors.control.sendall(Reply(CPU, cpu_s=_cpu_s(pid)).packed())
    os.close(child)
    _, status, usage = os.wait4(pid, 0)
    return Reply(ENDED, status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)


def _cpu_s(pid: int) -> float:
    # the kernel's number for the CPU clock of a process: see clock_getcpuclockid(3)
    return time.clock_gettime((~pid << 3) | 2)


def _become_child(order: Order, fds: list[int], locks: Locks, server: int) -> NoReturn:
    try:
        syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
        # a fork server that ended before the line above sends no signal; a namespace takes its processes along
        if not locks.own_namespaces and os.getppid() != server:
            os._exit(1)
        _lock(order, fds, locks)
        os.write(JOB_FD, len(_READY).to_bytes(4, "big") + _READY)
        run_job(JOB_FD, PEER_FD if order.has_peer else None)
    finally:
        os._exit(1)


def _lock(order: Order, fds: list[int], locks: Locks) -> None:
    _place(order, fds)
    if locks.workdir_bytes is not None:
        syscalls.unshare(syscalls.CLONE_NEWNS)
        rootfs.mount_work(locks.workdir_bytes)
    if locks.reads is not None:
        work = rootfs.WORK if locks.workdir_bytes is not None else None
        landlock.restrict(locks.reads, work=work)
    _limit(resource.RLIMIT_AS, order.memory_bytes)
    _limit(resource.RLIMIT_FSIZE, order.file_bytes)
    _limit(resource.RLIMIT_NOFILE, order.files)
    # as the first process of its namespace the code would ignore the soft limit's signal
    _limit(resource.RLIMIT_CPU, order.cpu_s)
    _limit(resource.RLIMIT_NPROC, order.threads + locks.extra_threads)
    syscalls.drop_capabilities()
    if locks.filtered:
        # made beforehand where the process number is known: the first of its namespace
        own = (
            _FIRST_PROCESS
            if locks.own_namespaces
            else seccomp.Filter(seccomp.run_filter(os.getpid()))
        )
        own.install()


def _limit(what: int, value: int) -> None:
    resource.setrlimit(what, (value, value))


def _place(order: Order, fds: list[int]) -> None:
    """Put the descriptors of the run where it finds them, and close all others."""
    if not order.has_streams:
        # its own: flags and locks of the fork server's would stay for later runs
        null = os.open(os.devnull, os.O_RDWR)
        for place in (0, 1, 2):
            os.dup2(null, place)
        os.close(null)
    parked = [fcntl.fcntl(fd, fcntl.F_DUPFD, _PARKED) for fd in fds]
    places = [JOB_FD]
    places += [PEER_FD] if order.has_peer else []
    places += [0, 1, 2] if order.has_streams else []
    for fd, place in zip(parked, places, strict=True):
        os.dup2(fd, place)
    syscalls.close_from(JOB_FD + 1 + order.has_peer)
