"""Questions a test puts to a value by a method whose answer is the verdict: `text.startswith("abc")`."""

from __future__ import annotations

import builtins
from typing import Any, Final

# functions defined below find their builtins here, whatever a candidate does to the real ones
globals()["__builtins__"] = dict(vars(builtins))

QUESTIONS: Final = frozenset(
    name
    for kind in (str, bytes, list, tuple, dict, set, int, float)
    for name in dir(kind)
    if name.startswith(("is", "starts", "ends", "find", "rfind", "index", "rindex", "count"))
)
"""Methods of builtin types that would be told what is expected and say whether it is so."""


def answers_itself(name: str, value: Any, kind: type | None = None) -> bool:
    """Whether a value that came as the attribute `name` would answer in place of a real method.

    `kind` is the class of the object that it came with, if that is one of the task's own.
    """
    return callable(value) and (name in QUESTIONS or callable(getattr(kind, name, None)))
