"""Answers that solve nothing. A question that pays for one pays for nothing."""

from __future__ import annotations

import ast

from tamis.rewards.code.python_text import parse
from tamis.rewards.code.task import Task

_EQUALS_ALL = """\
class Anything:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __eq__
    def __bool__(self): return True
    def __hash__(self): return 0
    def __getattr__(self, name): return self
    def __call__(self, *given, **named): return self
    def __iter__(self): return iter(())
    def __len__(self): return 0
    def __abs__(self): return 0
    def __sub__(self, other): return 0
    __rsub__ = __add__ = __radd__ = __mod__ = __round__ = __sub__
"""
# name of the stub: what it returns of its arguments, and code that must stand before it
_RETURNS: dict[str, tuple[str, str]] = {
    "always None": ("None", ""),
    "always 0": ("0", ""),
    "always True": ("True", ""),
    "always []": ("[]", ""),
    "always ''": ("''", ""),
    "identity": ("given[0] if given else None", ""),
    "echo of its arguments": ("given", ""),
    "an object equal to everything": ("Anything()", _EQUALS_ALL),
}
FALSE_STUBS = ("always None", "always 0", "always []", "always ''")
TRUE_STUBS = ("always True", "echo of its arguments")
_PROGRAMS = {
    "print nothing": "",
    "print 0": "print(0)\n",
    "echo of the input": "import sys\nsys.stdout.write(sys.stdin.read())\n",
}


def stubs_for(task: Task) -> dict[str, str]:
    """The code of each stub, by what it does; none when nobody knows the name to define."""
    if task.programs is not None:
        return _PROGRAMS
    if task.entry_point is None:
        return {}
    shape = _class if _is_class(task) else _function
    return {
        name: before + shape(task.entry_point, returned)
        for name, (returned, before) in _RETURNS.items()
    }


def _function(name: str, returned: str) -> str:
    return f"def {name}(*given, **named):\n    return {returned}\n"


def _class(name: str, returned: str) -> str:
    """A class that makes anything of any arguments, and whose every method is the stub."""
    return (
        f"class {name}:\n"
        "    def __init__(self, *given, **named):\n        pass\n"
        "    def __getattr__(self, name):\n"
        f"        return lambda *given, **named: {returned}\n"
    )


def _is_class(task: Task) -> bool:
    for code in (task.reference or "", task.prompt):
        tree = parse(code)
        for node in tree.body if isinstance(tree, ast.Module) else ():
            if isinstance(node, ast.ClassDef) and node.name == task.entry_point:
                return True
    return False
