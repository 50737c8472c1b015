"""A private root for the fork server: read-only binds of what it may see, on an empty tmpfs."""

from __future__ import annotations

import os

from tamis.sandbox import syscalls
from tamis.sandbox.layout import DEVICES, Layout

WORK = "/work"
_BASE = "/tmp"


def enter(layout: Layout, *, workdir: bool) -> None:
    """Make a root with nothing but the layout and four devices, and forget the old one.

    Needs a mount namespace of its own and CAP_SYS_ADMIN in it. Raises: OSError naming the step.
    """
    syscalls.mount("none", "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    # held open first: the tmpfs may hide where they come from
    held = {path: os.open(path, os.O_PATH) for path in (*layout.trees, *layout.files, *DEVICES)}
    syscalls.mount(
        "tmpfs", _BASE, "tmpfs", syscalls.MS_NOSUID | syscalls.MS_NODEV, "mode=755,size=1m"
    )
    for path, fd in held.items():
        _bind(fd, path, _BASE + path)
        os.close(fd)
    for path in layout.masked:
        flags = syscalls.MS_RDONLY | syscalls.MS_NOSUID | syscalls.MS_NODEV
        syscalls.mount("tmpfs", _BASE + path, "tmpfs", flags, "mode=755,size=4k")
    if workdir:
        os.mkdir(_BASE + WORK)
    syscalls.enter_root(_BASE)
    flags = syscalls.MS_REMOUNT | syscalls.MS_BIND | syscalls.MS_RDONLY
    syscalls.mount("none", "/", None, flags | syscalls.MS_NOSUID | syscalls.MS_NODEV)


def _bind(fd: int, path: str, target: str) -> None:
    if os.path.isdir(f"/proc/self/fd/{fd}"):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    syscalls.mount(f"/proc/self/fd/{fd}", target, None, syscalls.MS_BIND | syscalls.MS_REC)
    syscalls.make_read_only(target, is_device=path in DEVICES)


def keep_devices() -> None:
    """Keep the times of the devices from being changed, in a root that another launcher made."""
    for path in DEVICES:
        held = os.statvfs(path).f_flag & (syscalls.MS_NOSUID | syscalls.MS_NOEXEC)
        flags = syscalls.MS_REMOUNT | syscalls.MS_BIND | syscalls.MS_RDONLY
        syscalls.mount("none", path, None, flags | held)


def mount_work(n_bytes: int) -> None:
    """Give this run an empty, writable work directory; needs a mount namespace of its own."""
    syscalls.mount(
        "tmpfs",
        WORK,
        "tmpfs",
        syscalls.MS_NOSUID | syscalls.MS_NODEV,
        f"mode=700,size={n_bytes},nr_inodes=4096",
    )
    os.chdir(WORK)
