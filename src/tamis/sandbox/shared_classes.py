"""Plain classes that both processes have from the task's own code: their objects cross as values.

A tree or a linked list of the task is copied with its identities, and what a candidate changes in it
comes back. No constructor, setter or other method runs for that: attributes are written as they are.
"""

from __future__ import annotations

import builtins
import contextlib
from collections.abc import Callable, Mapping
from types import MemberDescriptorType
from typing import Any, Final, cast

from tamis.sandbox.frames import WireError
from tamis.sandbox.questions import answers_itself

# functions defined below find their builtins here, whatever a candidate does to the real ones
globals()["__builtins__"] = dict(vars(builtins))

State = list[tuple[str, Any]]
_new_object: Final = cast("Callable[..., object]", object.__new__)


class SharedClasses:
    """The classes of one process by the names both use."""

    def __init__(self, classes: Mapping[str, type] | None = None) -> None:
        self._classes = dict(classes or {})

    def __bool__(self) -> bool:
        return bool(self._classes)

    @property
    def names(self) -> list[str]:
        """The names that both processes know."""
        return [*self._classes]

    def name_of(self, kind: type) -> str | None:
        """The name of a shared class; None for any other."""
        for name, shared in self._classes.items():
            if shared is kind:
                return name
        return None

    def blank(self, name: object) -> object:
        """A new object of the class without any attribute; raises `WireError` for no shared class."""
        kind = self._classes.get(name) if type(name) is str else None
        if kind is None:
            raise WireError("value: an object of a class that is not shared")
        return _new_object(kind)


def is_plain(kind: object) -> bool:
    """Whether objects of a class hold nothing but attributes, so that copying those copies them."""
    if not isinstance(kind, type) or vars(object)["__new__"] is not kind.__new__:
        return False
    try:
        _new_object(kind)
    except TypeError:
        return False
    return True


def state_of(value: object) -> State:
    """The attributes of an object of a plain class, those in slots too."""
    state = [*getattr(value, "__dict__", {}).items()]
    for name, slot in _slots(type(value)).items():
        try:
            state.append((name, slot.__get__(value)))
        except AttributeError:
            continue
    return state


def restore(value: object, pairs: object, *, unpack: Callable[[Any], Any]) -> None:
    """Give an object exactly these attributes; raises `WireError` for names no honest sender writes."""
    slots = _slots(type(value))
    attributes: dict[str, Any] = {}
    if type(pairs) is not list:
        raise WireError("value: expected the attributes of an object")
    for pair in pairs:
        if type(pair) is not list or len(pair) != 2 or type(pair[0]) is not str:
            raise WireError("value: expected the name and the value of an attribute")
        name = pair[0]
        if name.startswith("__") or not name.isidentifier():
            raise WireError("value: expected the name of an attribute")
        attributes[name] = unpack(pair[1])
        if answers_itself(name, attributes[name], type(value)):
            raise WireError(f"value: an attribute `{name}` that stands for a method")
    for name, slot in slots.items():
        if name in attributes:
            slot.__set__(value, attributes.pop(name))
        else:
            with contextlib.suppress(AttributeError):
                slot.__delete__(value)
    held = getattr(value, "__dict__", None)
    if held is not None:
        held.clear()
        held.update(attributes)
    elif attributes:
        raise WireError("value: an attribute that the class has no slot for")


def _slots(kind: type) -> dict[str, MemberDescriptorType]:
    return {
        name: slot
        for base in reversed(type.mro(kind))
        for name, slot in vars(base).items()
        if type(slot) is MemberDescriptorType and base is not object
    }
