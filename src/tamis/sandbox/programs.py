"""The role `program`: run the candidate as `__main__` on real descriptors, as the interpreter would.

Nothing is said on the job socket; the parent reads stdout, stderr and the exit code.
"""

from __future__ import annotations

import atexit
import builtins
import gc
import os
import sys
import threading
import traceback
from typing import Any, Final, cast

from tamis.sandbox.solution import load_solution, open_standard_streams, seed_random

# functions defined below find their builtins here, whatever a candidate does to the real ones
globals()["__builtins__"] = dict(vars(builtins))

_EXIT_STATUS_MASK: Final = 0xFF
# the interpreter's own code for output that could not be written
_EXIT_UNFLUSHED: Final = 120
_modules: Final = sys.modules
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
    """What follows the last line of a program: its threads end, its exit functions run, its files close."""
    original = (sys.__stdout__, sys.__stderr__)
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
    except BaseException as error:  # noqa: BLE001  (exit functions may raise anything)
        _report(error)
    is_flushed = _flush(sys.stdout, sys.stderr)
    # a writer of its own over descriptor 1 writes what it holds when it goes
    vars(_modules["__main__"]).clear()
    gc.collect()
    is_flushed &= _flush(*original)
    return status if is_flushed else status or _EXIT_UNFLUSHED


def _flush(*streams: Any) -> bool:
    is_flushed = True
    for stream in streams:
        if stream is None or getattr(stream, "closed", False):
            continue
        try:
            stream.flush()
        except BaseException:  # noqa: BLE001  (the stream may be the program's own)
            is_flushed = False
    return is_flushed


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
        traceback.print_exception(type(error), error, trace)
    else:
        sys.excepthook(type(error), error, trace)
