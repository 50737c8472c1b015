"""What a run may use, and what a box of sandboxes offers."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20
# A loaded machine gives a process a fraction of a core: the wall limit lies this far above CPU time.
_WALL_FACTOR = 3.0
_WALL_EXTRA_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one run; every one of them is enforced by the kernel or by the trusted parent.

    `time_s` is CPU time per test; `wall_s` (default: 3 times that and 2 s more) only ends what sleeps or
    starves; `max_timeouts`: after so many tests that ran out of time the rest count as such without being run (None:
    every test has its chance). `memory_bytes` is the address space of the process, interpreter included; `output_bytes` bounds
    each of stdout, stderr and any file; `threads` and `files` bound what one run has at the same time.
    """

    time_s: float = 10.0
    wall_s: float | None = None
    max_timeouts: int | None = None
    memory_bytes: int = 1 << 30
    output_bytes: int = 8 * MIB
    threads: int = 32
    files: int = 64

    def __post_init__(self) -> None:
        if not 0 < self.time_s <= 3600:
            raise ValueError(f"time_s: expected more than 0 and at most 3600, got {self.time_s}")
        if self.memory_bytes < 256 * MIB:
            raise ValueError(
                f"memory_bytes: expected at least 256 MiB (the interpreter counts), got {self.memory_bytes}"
            )

    @property
    def wall(self) -> float:
        """Seconds on the clock after which a test ends whatever its CPU time says."""
        return self.time_s * _WALL_FACTOR + _WALL_EXTRA_S if self.wall_s is None else self.wall_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What the code in a sandbox can see: allow-listed packages beside the standard library, a work directory.

    `packages` are import names, imported before any code runs. `workdir` gives each run an empty tmpfs of
    `workdir_bytes` at /work as its current directory; it is gone after the run.
    """

    packages: tuple[str, ...] = ()
    workdir: bool = False
    workdir_bytes: int = 64 * MIB
