"""The few system calls that Python does not offer, through the C library. x86_64 only: numbers differ elsewhere."""

from __future__ import annotations

import ctypes
import errno
import os
import platform

CLONE_NEWNS = 0x0002_0000
CLONE_NEWCGROUP = 0x0200_0000
CLONE_NEWUTS = 0x0400_0000
CLONE_NEWIPC = 0x0800_0000
CLONE_NEWUSER = 0x1000_0000
CLONE_NEWPID = 0x2000_0000
CLONE_NEWNET = 0x4000_0000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 32, 4096, 16384, 1 << 18
MNT_DETACH = 2
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV = 1, 2, 4
AT_FDCWD = -100
AT_RECURSIVE = 0x8000

PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP = 38, 22

# Calls without a wrapper in every C library of the last years.
_NR_PIVOT_ROOT, _NR_CAPSET, _NR_SECCOMP = 155, 126, 317
_NR_MOUNT_SETATTR, _NR_CLOSE_RANGE = 442, 436
_NR_LANDLOCK_CREATE, _NR_LANDLOCK_ADD, _NR_LANDLOCK_RESTRICT = 444, 445, 446

_libc = ctypes.CDLL(None, use_errno=True)
_syscall = _libc.syscall
_syscall.restype = ctypes.c_long


def is_known_machine() -> bool:
    """Whether the numbers of this module are those of the running kernel."""
    return platform.system() == "Linux" and platform.machine() == "x86_64"


def call(number: int, *arguments: object, what: str = "") -> int:
    """One raw system call; OSError, naming `what`, when it fails."""
    wide = [
        ctypes.c_ulong(value & (2**64 - 1)) if isinstance(value, int) else value
        for value in arguments
    ]
    result = int(_syscall(ctypes.c_long(number), *wide))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what or number}: {os.strerror(code)}")
    return result


def _checked(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


_prctl = _libc.prctl
_prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
# keeps the interpreter lock, which the child needs: its only thread is this one
_fork = ctypes.PyDLL(None).fork


def fork() -> int:
    """Fork without the after-fork work of Python, for a process with a single thread: a third of a run's time.

    That work renews locks that other threads might hold, and reseeds `random`; here are no other threads, and
    runs are seeded. OSError when there can be no more processes.
    """
    pid = int(_fork())
    if pid < 0:
        raise OSError(errno.EAGAIN, "fork")
    return pid


def unshare(flags: int) -> None:
    """Leave the namespaces named by `flags` for new ones."""
    _checked(_libc.unshare(ctypes.c_int(flags)), "unshare")


def setns(fd: int, kind: int) -> None:
    """Enter the namespace of this kind that `fd` (a pidfd) stands for."""
    _checked(_libc.setns(fd, ctypes.c_int(kind)), "setns")


def prctl(option: int, value: int = 0) -> None:
    """Set one property of this process."""
    _checked(_prctl(option, value, 0, 0, 0), f"prctl {option}")


def mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    """mount(2); texts are paths."""
    done = _libc.mount(
        source.encode(),
        target.encode(),
        None if kind is None else kind.encode(),
        ctypes.c_ulong(flags),
        options.encode() or None,
    )
    _checked(done, f"mount {target}")


def make_read_only(target: str, *, is_device: bool = False) -> None:
    """Make a mount and all below it read-only, without setuid bits; a device can still be used, but not changed."""
    flags = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | (0 if is_device else MOUNT_ATTR_NODEV)
    attributes = (ctypes.c_uint64 * 4)(flags, 0, 0, 0)
    call(
        _NR_MOUNT_SETATTR,
        AT_FDCWD,
        ctypes.c_char_p(target.encode()),
        AT_RECURSIVE,
        ctypes.byref(attributes),
        ctypes.sizeof(attributes),
        what=f"mount_setattr {target}",
    )


def enter_root(folder: str) -> None:
    """Make `folder` (a mount) the root and forget the old one."""
    os.chdir(folder)
    here = ctypes.c_char_p(b".")
    call(_NR_PIVOT_ROOT, here, here, what="pivot_root")
    _checked(_libc.umount2(b".", MNT_DETACH), "umount2")
    os.chdir("/")


class _CapHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


_NO_CAPABILITIES = (ctypes.c_uint32 * 6)()
_CAP_HEADER = _CapHeader(0x2008_0522, 0)


def drop_capabilities() -> None:
    """Give up every capability for good."""
    call(
        _NR_CAPSET,
        ctypes.byref(_CAP_HEADER),
        ctypes.byref(_NO_CAPABILITIES),
        what="capset",
    )


def close_from(lowest: int) -> None:
    """Close every descriptor from `lowest` on."""
    call(_NR_CLOSE_RANGE, lowest, 2**32 - 1, 0, what="close_range")


def install_filter(program: ctypes.Structure) -> None:
    """Install a seccomp filter for this thread and all it starts; needs NO_NEW_PRIVS."""
    call(_NR_SECCOMP, 1, 0, ctypes.byref(program), what="seccomp")


def landlock_abi() -> int:
    """The version of Landlock the kernel speaks; OSError where it has none."""
    return call(_NR_LANDLOCK_CREATE, ctypes.c_void_p(None), 0, 1, what="landlock_create_ruleset")


def landlock_ruleset(attributes: ctypes.Array[ctypes.c_uint64], size: int) -> int:
    """A new ruleset as a descriptor."""
    return call(
        _NR_LANDLOCK_CREATE, ctypes.byref(attributes), size, 0, what="landlock_create_ruleset"
    )


class PathRule(ctypes.Structure):
    """`struct landlock_path_beneath_attr`, which is packed."""

    _pack_ = 1
    _fields_ = [("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32)]


def landlock_allow(ruleset: int, rule: PathRule) -> None:
    """Add a rule for what lies beneath a path."""
    call(_NR_LANDLOCK_ADD, ruleset, 1, ctypes.byref(rule), 0, what="landlock_add_rule")


def landlock_enforce(ruleset: int) -> None:
    """Restrict this thread and all it starts to the ruleset; needs NO_NEW_PRIVS."""
    call(_NR_LANDLOCK_RESTRICT, ruleset, 0, what="landlock_restrict_self")


def seccomp_speaks_errno() -> None:
    """OSError where the kernel has no seccomp filters that can refuse a call."""
    action = ctypes.c_uint32(0x0005_0000)
    call(_NR_SECCOMP, 2, 0, ctypes.byref(action), what="seccomp")
