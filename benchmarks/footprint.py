"""What a process holds at a quiet moment: processes below it, descriptors, threads, memory, files, IPC objects."""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

NOBODY = 65534
MIB = 1 << 20
# Where code that gets out would leave something, whoever looks after it.
PLACES = ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run", "/")
_libc = ctypes.CDLL(None)
_M_MMAP_THRESHOLD = -3
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Footprint:
    """One look. `servers` maps each process below to its resident memory in MiB."""

    servers: Mapping[int, float]
    descriptors: int
    threads: int
    memory_mib: float
    files: frozenset[str]
    ipc: frozenset[str]


def give_back_freed_memory() -> None:
    """Have the C library return large buffers when they are freed: what it keeps of them looks like a leak."""
    _libc.mallopt(_M_MMAP_THRESHOLD, 128 << 10)


def look(own_temporary: Path) -> Footprint:
    """What there is now; `own_temporary` is a folder that nobody else writes to."""
    gc.collect()
    _libc.malloc_trim(0)
    below = processes_below(os.getpid())
    return Footprint(
        servers={pid: _memory_mib(pid) for pid in sorted(below)},
        descriptors=len(os.listdir("/proc/self/fd")),
        threads=len(os.listdir("/proc/self/task")),
        memory_mib=_memory_mib(os.getpid()),
        files=frozenset({*_files_of_runs(), *map(str, own_temporary.iterdir())}),
        ipc=frozenset(_ipc_objects()),
    )


def processes_below(pid: int) -> set[int]:
    """All processes that descend from this one, zombies too."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            stat = Path(f"/proc/{name}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended while we looked
        parents[int(name)] = int(stat.rpartition(")")[2].split()[1])
    found = {pid}
    while True:
        more = {child for child, parent in parents.items() if parent in found} - found
        if not more:
            return found - {pid}
        found |= more


def _memory_mib(pid: int) -> float:
    # a fork server lets nobody read its smaps, but this anybody may read
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * _PAGE / MIB


def _files_of_runs() -> set[str]:
    """Files of the user that runs have: nobody for root, else the user itself."""
    uid = NOBODY if os.geteuid() == 0 else os.geteuid()
    found = set()
    for place in PLACES:
        if not os.access(place, os.R_OK):
            continue
        with os.scandir(place) as entries:
            for entry in entries:
                try:
                    if entry.stat(follow_symlinks=False).st_uid == uid:
                        found.add(entry.path)
                except FileNotFoundError:
                    continue  # gone while we looked
    return found


def _ipc_objects() -> set[str]:
    lines = set()
    for kind in ("shm", "msg", "sem"):
        path = Path("/proc/sysvipc", kind)
        if path.exists():
            rows = path.read_text().splitlines()[1:]
            lines |= {f"{kind} {' '.join(row.split()[:2])}" for row in rows}
    return lines
