"""The role `serve`: the candidate's side of the link, which does for the judge what it asks.

Objects of the candidate never leave this process; the judge holds numbers (handles) that stand for
them. What a test passes in is a copy whose changes go back, a function to call back, or an iterator.
"""

from __future__ import annotations

import builtins
import importlib
import operator
from collections.abc import Callable, Iterator
from types import CoroutineType, GeneratorType, MethodType, ModuleType
from typing import Any, Final, cast

from tamis.sandbox.candidate import load_and_tell
from tamis.sandbox.exceptions import ExceptionClasses
from tamis.sandbox.frames import WireError
from tamis.sandbox.graph import Packer, Unpacker
from tamis.sandbox.link import Frame, Link
from tamis.sandbox.messages import Before, pack_call, take_changes, take_nodes, unpack_call
from tamis.sandbox.shared_classes import SharedClasses, is_plain
from tamis.sandbox.solution import class_names, message_of

# functions defined below find their builtins here, whatever a candidate does to the real ones
globals()["__builtins__"] = dict(vars(builtins))

_BUILTINS: Final = dict(vars(builtins))


def run_serve(job: dict[str, object], job_fd: int, peer_fd: int) -> None:
    """Load the candidate, then answer the judge on `peer_fd` until it closes."""
    module = load_and_tell(job, job_fd)
    if module is not None:
        Server(module, peer_fd).link.serve()


class Server:
    """What the judge may ask of the candidate's module."""

    def __init__(self, module: ModuleType, descriptor: int) -> None:
        self._module = module
        self.link = Link(descriptor, self.answer)
        self._objects: list[object] = []
        self._handles: dict[int, int] = {}
        self._errors = ExceptionClasses()
        self._classes = SharedClasses()

    def answer(self, frame: Frame) -> Frame:
        """Do what one request asks, and say what came out and which arguments changed."""
        unpacker = Unpacker(self._unpack_object, classes=self._classes)
        try:
            arguments, named = unpack_call(unpacker, frame)
        except BaseException as error:  # noqa: BLE001  (hashing a key may run the candidate's code)
            return {"raised": self._pack_error(error, Packer(self._pack_object))}
        before = Before(unpacker)
        packer = before.packer(self._pack_object, classes=self._classes)
        try:
            try:
                value = self._operation(cast("str", frame["do"]))(*arguments, **named)
            except BaseException as error:  # noqa: BLE001  (a candidate may raise anything)
                raised = error
                return before.pack_reply(packer, "raised", lambda: self._pack_error(raised, packer))
            return before.pack_reply(packer, "value", lambda: packer.pack(value))
        except (WireError, RecursionError) as error:
            return {"too_large": message_of(error)}

    def ask_test(self, do: str, ticket: int, *arguments: object, **named: object) -> Any:
        """Call what the test passed in; raises what it raised."""
        packer = Packer(self._pack_object, classes=self._classes)
        reply = self.link.ask({"do": do, "on": ticket, **pack_call(packer, arguments, named)})
        unpacker = Unpacker(
            self._unpack_object,
            classes=self._classes,
            shared=packer.shared,
            nodes=packer.nodes,
        )
        take_changes(unpacker, reply)
        value = unpacker.unpack(reply["value"]) if "value" in reply else None
        take_nodes(unpacker, reply)
        if "value" in reply:
            return value
        raised = cast("dict[str, Any]", reply["raised"])
        error = self._errors.rebuild(raised["types"], (), raised["message"])
        # the judge raises the original again if this one comes back to it
        error.__dict__["_ticket"] = raised["ticket"]
        raise error

    def _operation(self, do: str) -> Callable[..., object]:
        if do == "names":
            return self._names
        if do == "share":
            return self._share
        return _OPERATIONS[do]

    def _names(self, *wanted: str) -> list[tuple[str, object]]:
        held = vars(self._module)
        return [(name, held[name]) for name in wanted if name in held]

    def _share(self, *wanted: str) -> list[str]:
        held = vars(self._module)
        plain = {name: held[name] for name in wanted if is_plain(held.get(name))}
        self._classes = SharedClasses(plain)
        return self._classes.names

    def _handle(self, value: object) -> int:
        number = self._handles.get(id(value))
        if number is None:
            number = self._handles[id(value)] = len(self._objects)
            self._objects.append(value)
        return number

    def _pack_object(self, value: Any) -> object:
        kind: type = type(value)
        if kind is RemoteFunction or kind is RemoteIterator:
            return ["test", value.ticket]
        if isinstance(value, type):
            name = str(value.__name__)[:100]
            if _BUILTINS.get(name) is value:
                return ["builtin", name]
            return ["class", name, self._handle(value), class_names(value)]
        if isinstance(value, BaseException):
            return ["exception", self._pack_error(value, Packer(self._pack_object))]
        if kind is MethodType and _is_found_by_name(value):
            # by name: a handle for every `stack.push` would keep all of them alive
            return ["method", value.__name__, self._handle(value.__self__)]
        return [_tag_of(kind), str(kind.__name__)[:100], self._handle(value)]

    def _pack_error(self, error: Any, packer: Packer) -> dict[str, object]:
        packed: dict[str, object] = {
            "types": class_names(type(error)),
            "message": message_of(error),
        }
        ticket = getattr(error, "_ticket", None)
        if type(ticket) is int:
            return {**packed, "ticket": ticket}
        try:
            packed["args"] = [packer.pack(argument) for argument in error.args]
        except (WireError, RecursionError):
            packed["args"] = []
        if _BUILTINS.get(type(error).__name__) is not type(error):
            packed["handle"] = self._handle(error)
        return packed

    def _unpack_object(self, raw: list[Any]) -> object:
        if raw[0] == "handle":
            return self._objects[raw[1]]
        if raw[0] == "method":
            return getattr(self._objects[raw[1]], raw[2])
        if raw[0] == "builtin":
            return _BUILTINS[raw[1]]
        if raw[0] == "exception":
            return self._errors.rebuild(raw[1], (), raw[2])
        if raw[0] == "global":
            return operator.attrgetter(raw[2])(importlib.import_module(raw[1]))
        if raw[0] == "function":
            return RemoteFunction(self, raw[1], raw[2])
        if raw[0] == "iterator":
            return RemoteIterator(self, raw[1])
        raise WireError(f"value: unknown tag {raw[0]!r}")


class RemoteFunction:
    """A function of the test, called over the link."""

    def __init__(self, server: Server, ticket: int, name: str) -> None:
        self._server = server
        self.ticket = ticket
        self.__name__ = self.__qualname__ = name

    def __call__(self, *arguments: object, **named: object) -> Any:
        """Call the test's function and return what it returns."""
        return self._server.ask_test("call", self.ticket, *arguments, **named)


class RemoteIterator:
    """An iterator of the test, read one member at a time."""

    def __init__(self, server: Server, ticket: int) -> None:
        self._server = server
        self.ticket = ticket

    def __iter__(self) -> Iterator[object]:
        return self

    def __next__(self) -> object:
        return self._server.ask_test("next", self.ticket)


def _tag_of(kind: type) -> str:
    if kind is GeneratorType:
        return "generator"
    if kind is CoroutineType:
        return "coroutine"
    if hasattr(kind, "__next__"):
        return "iterator"
    return "callable" if hasattr(kind, "__call__") else "object"  # noqa: B004  (asks the class)


def _is_found_by_name(method: Any) -> bool:
    return bool(getattr(method.__self__, method.__name__, None) == method)


def _invoke(owner: object, name: str, /, *arguments: object, **named: object) -> object:
    return getattr(owner, name)(*arguments, **named)


def _call(function: Callable[..., object], /, *arguments: object, **named: object) -> object:
    return function(*arguments, **named)


def _finish(coroutine: Any) -> object:
    import asyncio  # 7 MB that every run would pay for

    return asyncio.run(coroutine)


def _enter(manager: Any) -> object:
    return type(manager).__enter__(manager)


def _leave(manager: Any, error: BaseException | None) -> object:
    kind = None if error is None else type(error)
    return type(manager).__exit__(manager, kind, error, None)


def _send(generator: Any, value: object) -> object:
    return generator.send(value)


_OPERATIONS: Final[dict[str, Callable[..., object]]] = {
    "call": _call,
    "invoke": _invoke,
    "get": getattr,
    "set": setattr,
    "del": delattr,
    "item": operator.getitem,
    "set_item": operator.setitem,
    "del_item": operator.delitem,
    "len": len,
    "iter": iter,
    "next": next,
    "reversed": reversed,
    "bool": bool,
    "str": str,
    "repr": repr,
    "format": format,
    "int": int,
    "float": float,
    "index": operator.index,
    "dir": dir,
    "is_instance": isinstance,
    "is_subclass": issubclass,
    "enter": _enter,
    "leave": _leave,
    "send": _send,
    "finish": _finish,
    **{
        name: getattr(operator, name)
        for name in "eq ne lt le gt ge add sub mul truediv floordiv mod pow matmul and_ or_ xor"
        " lshift rshift".split()
    },
}
