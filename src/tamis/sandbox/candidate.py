"""The role `calls`: evaluate each case in the candidate's module and send what came out, at once.

The values leave by themselves: no expected value, assert or verdict is ever in this process.
"""

from __future__ import annotations

import builtins
from types import ModuleType
from typing import Final, cast

from tamis.sandbox.frames import TooLarge, send_frame
from tamis.sandbox.reading import decode, numpy_array
from tamis.sandbox.solution import (
    BUILTIN_NAMES,
    described,
    load_solution,
    seed_random,
)
from tamis.sandbox.values import encode

# functions defined below find their builtins here, whatever a candidate does to the real ones
globals()["__builtins__"] = dict(vars(builtins))

_eval: Final = eval
_original_builtins: Final = dict(vars(builtins))


def run_calls(job: dict[str, object], job_fd: int) -> None:
    """Load the candidate, then answer every case of the job in order on `job_fd`."""
    module = load_and_tell(job, job_fd)
    if module is None:
        return
    for case in cast("list[dict[str, object]]", job["cases"]):
        send_frame(job_fd, _answered(case, module))
    send_frame(job_fd, {"done": True})


def load_and_tell(job: dict[str, object], job_fd: int) -> ModuleType | None:
    """Load the candidate's module and say so; None once `load_failed` has been said."""
    seed_random(cast("int", job.get("seed", 0)))
    try:
        module = load_solution(cast("str", job["source"]), setup=cast("str", job.get("setup", "")))
    except BaseException as error:  # noqa: BLE001  (a candidate may raise anything, SystemExit too)
        send_frame(job_fd, {"load_failed": described(error)})
        return None
    send_frame(job_fd, {"loaded": True})
    return module


def _answered(case: dict[str, object], module: ModuleType) -> dict[str, object]:
    number = case["id"]
    try:
        value = _evaluated(case, module)
        return {"id": number, "value": encode(value)}
    except TooLarge as error:
        return {"id": number, "too_large": str(error)}
    except BaseException as error:  # noqa: BLE001  (a candidate may raise anything, SystemExit too)
        return {"id": number, "raised": described(error)}


def _evaluated(case: dict[str, object], module: ModuleType) -> object:
    if "expr" in case:
        expression = cast("str", case["expr"])
        code = compile(expression, "<call>", "eval", dont_inherit=True)
        return _eval(code, _names_of_expression(expression, module))
    function = vars(module)[cast("str", case["entry"])]
    arguments = [
        decode(raw, arrays=numpy_array) for raw in cast("list[object]", case.get("args", ()))
    ]
    named = cast("list[tuple[str, object]]", case.get("kwargs", ()))
    keywords = {name: decode(raw, arrays=numpy_array) for name, raw in named}
    return function(*arguments, **keywords)


def _names_of_expression(expression: str, module: ModuleType) -> dict[str, object]:
    """The module's names, without those that would shadow a builtin in the test's own arguments.

    The called function itself is the candidate's, even if it is named `sum`.
    """
    called = expression.partition("(")[0].strip()
    names: dict[str, object] = {
        name: value
        for name, value in vars(module).items()
        if name not in BUILTIN_NAMES or name == called
    }
    names["__builtins__"] = _original_builtins
    return names
