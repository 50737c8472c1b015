"""Exceptions across the link: rebuilt by the names along their mro, never by running foreign code."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Final

from tamis.sandbox.solution import message_of

# functions defined below find their builtins here, whatever a candidate does to the real ones
globals()["__builtins__"] = dict(vars(builtins))

# a KeyboardInterrupt would end unittest's whole run; a group cannot be made without its members
_UNKNOWN: Final = {"KeyboardInterrupt", "ExceptionGroup", "BaseExceptionGroup"}
_REBUILT: Final = {
    name: kind
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, BaseException) and name not in _UNKNOWN
}
_MAX_CLASSES: Final = 256


class ExceptionClasses:
    """The exception classes of one process that stand for those of the other, one for each mro."""

    def __init__(self, methods: dict[str, object] | None = None) -> None:
        self._methods = methods or {}
        self._made: dict[tuple[str, ...], type[BaseException]] = {}

    def find(self, names: Sequence[str]) -> type[BaseException]:
        """The class that stands for these names, nearest first: a builtin one, or a new subclass."""
        key = tuple(names)
        if not key:
            return BaseException
        if key[0] in _REBUILT:
            return _REBUILT[key[0]]
        if key not in self._made:
            if len(self._made) >= _MAX_CLASSES:
                return Exception
            self._made[key] = self._make(key)
        return self._made[key]

    def made(self, kind: type[BaseException]) -> bool:
        """Whether a class was made here to stand for one of the other process."""
        return kind in self._made.values()

    def rebuild(
        self, names: Sequence[str], arguments: Sequence[object], message: str
    ) -> BaseException:
        """An exception of that class which carries the same arguments and the same message."""
        kind = self.find(names)
        try:
            error = kind(*arguments)
        except (TypeError, ValueError, LookupError):
            # its constructor wants what did not cross, as UnicodeDecodeError does
            error = kind.__new__(kind)
            error.args = tuple(arguments)
        if self.made(kind):
            vars(error)["_message"] = message
        elif not arguments and message_of(error) != message:
            error.args = (message,)
        return error

    def _make(self, names: tuple[str, ...]) -> type[BaseException]:
        parent = self.find(names[1:])
        bases: tuple[type[BaseException], ...] = (parent,)
        later = next((at for at in range(2, len(names)) if names[at] not in _REBUILT), None)
        if later is not None and names[1] in _REBUILT:
            # `class Bad(ValueError, AppError)`: what the mro says after the builtin one
            bases = (parent, self.find(names[later:]))
        name = names[0] if names[0].isidentifier() else "Unnamed"
        body = {"__str__": _told_message, "__module__": "solution", **self._methods}
        try:
            return type(name, bases, body)
        except TypeError:
            return type(name, (parent,), body)


def _told_message(error: BaseException) -> str:
    message = vars(error).get("_message")
    return message if isinstance(message, str) else BaseException.__str__(error)
