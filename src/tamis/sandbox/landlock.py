"""Landlock: which files a process and its children may ever touch, whatever its user id allows."""

from __future__ import annotations

import ctypes
import os
import stat
from dataclasses import dataclass

from tamis.sandbox import syscalls

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_ALL_V1 = (1 << 13) - 1
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_NET_TCP = 0b11
_SCOPES = 0b11
# What a work directory allows: all but running programs and making devices.
_MAKE = (1 << 4) | (1 << 5) | (1 << 7) | (1 << 8) | (1 << 10) | (1 << 12)
_WORK = _WRITE_FILE | _READ_FILE | _READ_DIR | _MAKE | _REFER | _TRUNCATE


@dataclass(frozen=True, slots=True)
class Reads:
    """What may be read: whole `trees` and files, folders that may only be listed, devices."""

    trees: tuple[str, ...]
    listable: tuple[str, ...]
    devices: tuple[str, ...]


def handled(abi: int) -> tuple[int, int, int]:
    """What a ruleset of this version governs: rights on files, on TCP, and scopes, as bit sets."""
    files = _ALL_V1
    files |= _REFER if abi >= 2 else 0
    files |= _TRUNCATE if abi >= 3 else 0
    files |= _IOCTL_DEV if abi >= 5 else 0
    return files, _NET_TCP if abi >= 4 else 0, _SCOPES if abi >= 6 else 0


def restrict(reads: Reads, *, work: str | None = None) -> int:
    """Allow what `reads` says, and everything but running programs in `work`; nothing else.

    Returns the version of Landlock. Raises: OSError where the kernel has none, or a path is missing.
    """
    abi = syscalls.landlock_abi()
    files, net, scopes = handled(abi)
    attributes = (ctypes.c_uint64 * 3)(files, net, scopes)
    size = 8 * (1 + (abi >= 4) + (abi >= 6))
    ruleset = syscalls.landlock_ruleset(attributes, size)
    for path in reads.trees:
        _allow(ruleset, path, _READ_FILE | _READ_DIR)
    for path in reads.listable:
        _allow(ruleset, path, _READ_DIR)
    for path in reads.devices:
        _allow(ruleset, path, _READ_FILE | _WRITE_FILE)
    if work is not None:
        _allow(ruleset, work, _WORK & files)
    syscalls.landlock_enforce(ruleset)
    os.close(ruleset)
    return abi


def _allow(ruleset: int, path: str, rights: int) -> None:
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(fd).st_mode):
            rights &= ~_READ_DIR
        syscalls.landlock_allow(ruleset, syscalls.PathRule(rights, fd))
    finally:
        os.close(fd)
