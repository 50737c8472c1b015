"""The candidate's code becomes the module `solution`; what it raises becomes plain words.

All of this runs in the candidate's own process: nothing here is trusted, it only has to be of use to
honest code. What a candidate may shadow or patch by accident is taken at import.
"""

from __future__ import annotations

import builtins
import linecache
import random
import sys
from types import ModuleType
from typing import Final, TextIO

# functions defined below find their builtins here, whatever a candidate does to the real ones
globals()["__builtins__"] = dict(vars(builtins))

BUILTIN_NAMES: Final = frozenset(vars(builtins))
MESSAGE_CHARS: Final = 500

_FILE_NAME: Final = "solution.py"
_compile: Final = compile
_exec: Final = exec
_modules: Final = sys.modules


def load_solution(source: str, *, setup: str = "", name: str = "solution") -> ModuleType:
    """The module made of the task's `setup` code and the candidate's `source`; raises what they raise."""
    module = new_module(name, source)
    if setup:
        _exec(_compile(setup, "setup.py", "exec", dont_inherit=True), module.__dict__)
    _exec(_compile(source, _FILE_NAME, "exec", dont_inherit=True), module.__dict__)
    return module


def new_module(name: str, source: str) -> ModuleType:
    """An empty module that finds its own source: tracebacks and `inspect.getsource` work."""
    module = ModuleType(name)
    module.__file__ = _FILE_NAME
    module.__dict__["__builtins__"] = builtins
    _modules[name] = module
    # a size and no time: linecache then never looks for the file
    linecache.cache[_FILE_NAME] = (len(source), None, source.splitlines(keepends=True), _FILE_NAME)
    return module


def seed_random(seed: int) -> None:
    """Make `random` and a loaded numpy repeatable: both would reseed themselves after the fork."""
    random.seed(seed)
    numpy_random = _modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed(seed)


def open_standard_streams() -> None:
    """Fresh text streams over 0, 1 and 2: the fork server's own may hold text of other times."""
    for descriptor, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        stream = _text_stream(descriptor, mode)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _text_stream(descriptor: int, mode: str) -> TextIO:
    # surrogateescape: what a program echoes is what it read, byte for byte
    return open(  # type: ignore[return-value]
        descriptor, mode, encoding="utf-8", errors="surrogateescape", closefd=False
    )


def described(error: BaseException) -> dict[str, object]:
    """An exception in words: the class names along its mro, and its message."""
    return {"types": class_names(type(error)), "message": message_of(error)}


def class_names(kind: type) -> list[str]:
    """The names of a class and its ancestors, nearest first, without `object`."""
    return [str(each.__name__)[:100] for each in type.mro(kind)[:32] if each is not object]


def message_of(error: BaseException) -> str:
    """What an exception says of itself, cut short; never fails, though its `__str__` may."""
    try:
        return str(error)[:MESSAGE_CHARS]
    except BaseException as second:  # noqa: BLE001  (a candidate's __str__ may raise anything)
        return f"<no message: {type(second).__name__}>"
