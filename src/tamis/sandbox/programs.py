"""The role `program`: run the candidate as `__main__` on real descriptors, as the interpreter would.

Nothing is said on the job socket; the parent reads stdout, stderr and the exit code.
"""

from __future__ import annotations

import atexit
import builtins
import os
import sys
import threading
import traceback
from typing import Final, cast

from tamis.sandbox.solution import load_solution, open_standard_streams, seed_random

# functions defined below find their builtins here, whatever a candidate does to the real ones
globals()["__builtins__"] = dict(vars(builtins))

_EXIT_STATUS_MASK: Final = 0xFF
_default_hook: Final = sys.excepthook
_exit_now: Final = os._exit


def run_program(job: dict[str, object]) -> None:
    """Run `job["source"]` to its end and leave the process with its exit code."""
    # what the fork server registered is none of the program's business
    atexit._clear()
    open_standard_streams()
    seed_random(cast("int", job.get("seed", 0)))
    sys.argv[:] = ["solution.py"]
    status = _run_main(cast("str", job["source"]))
    _exit_now(_finished(status))


def _run_main(source: str) -> int:
    try:
        load_solution(source, name="__main__")
    except SystemExit as leaving:
        return _exit_status(leaving)
    except BaseException as error:  # noqa: BLE001  (the program may raise anything)
        _report(error)
        return 1
    return 0


def _finished(status: int) -> int:
    """What follows the last line of a program: its threads end, then its exit functions run."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
    except BaseException as error:  # noqa: BLE001  (exit functions may raise anything)
        _report(error)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            # closed, replaced or full: an interpreter leaves with 120 then
            status = status or 120
    return status


def _exit_status(leaving: SystemExit) -> int:
    code = leaving.code
    if code is None:
        return 0
    if isinstance(code, int):
        return code & _EXIT_STATUS_MASK
    print(code, file=sys.stderr)
    return 1


def _report(error: BaseException) -> None:
    trace = error.__traceback__
    # the two frames of ours that lead to the program's first one say nothing to its author
    while trace is not None and trace.tb_frame.f_globals.get("__name__") != "__main__":
        trace = trace.tb_next
    if sys.excepthook is _default_hook:
        traceback.print_exception(type(error), error, trace or error.__traceback__)
    else:
        sys.excepthook(type(error), error, trace)
