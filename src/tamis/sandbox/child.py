"""What a forked, locked-down child does: read its one job, play its role, leave the process.

Everything a role needs is imported before the fork server closes its doors, and no more: each module
a process holds makes every fork of it slower.
"""

from __future__ import annotations

import os
from typing import Final, cast

from tamis.sandbox.frames import JOB_BYTES, receive_frame

SIDES: Final = {
    "candidate": ("tamis.sandbox.candidate", "tamis.sandbox.programs", "tamis.sandbox.serve"),
    "judge": ("tamis.sandbox.judge",),
}
"""What a fork server of each side imports beforehand."""

_exit_now: Final = os._exit


def run_job(job_fd: int = 3, peer_fd: int | None = 4) -> None:
    """Read one job from `job_fd` and play its role; never returns.

    `peer_fd` leads to the other child of roles `serve` and `judge`. The exit code means nothing but
    for a program, whose own it is.
    """
    status = 1
    try:
        job = receive_frame(job_fd, cap=JOB_BYTES)
        if job is not None:
            _play(job, job_fd, -1 if peer_fd is None else peer_fd)
        status = 0
    finally:
        # nothing of the candidate's runs after this: no thread, exit function or finaliser
        _exit_now(status)


def _play(job: dict[str, object], job_fd: int, peer_fd: int) -> None:
    role = cast("str", job["role"])
    if role == "calls":
        from tamis.sandbox.candidate import run_calls

        run_calls(job, job_fd)
    elif role == "program":
        from tamis.sandbox.programs import run_program

        os.close(job_fd)
        run_program(job)
    elif role == "serve":
        from tamis.sandbox.serve import run_serve

        run_serve(job, job_fd, peer_fd)
    elif role == "judge":
        from tamis.sandbox.judge import run_judge

        run_judge(job, job_fd, peer_fd)
    else:
        raise ValueError(f"job: expected a role, got {role!r}")
