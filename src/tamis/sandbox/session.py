"""The judge's side of the link: asks the candidate, believes nothing but values, keeps count of claims.

Whatever comes back is data. A reply that is malformed, forged or missing fails the test that asked and
never more than that: verdicts are made in `judge`, from what is written down here.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NoReturn

from tamis.sandbox.exceptions import ExceptionClasses
from tamis.sandbox.frames import TooLarge, WireError, readable
from tamis.sandbox.graph import Packer, Unpacker
from tamis.sandbox.link import Frame, Link, LinkClosed
from tamis.sandbox.messages import Before, pack_call, take_changes, take_nodes, unpack_call
from tamis.sandbox.proxies import (
    CallableHandle,
    CandidateLost,
    ClassHandle,
    Handle,
    IteratorHandle,
    MethodHandle,
    TestEnded,
    UnsupportedTest,
    coroutine_over,
    generator_over,
    mark_made,
)
from tamis.sandbox.shared_classes import SharedClasses
from tamis.sandbox.solution import class_names, message_of

_BUILTINS: Final = dict(vars(builtins))
_BUILTIN_TYPES: Final = {name: kind for name, kind in _BUILTINS.items() if isinstance(kind, type)}
_HANDLE_CLASSES: Final[dict[str, type[Handle]]] = {
    "object": Handle,
    "callable": CallableHandle,
    "class": ClassHandle,
    "iterator": IteratorHandle,
    "generator": IteratorHandle,
    "coroutine": Handle,
}
# what an object says of itself here may be all a test looks at
_CLAIMS: Final = frozenset({"get", "item", "invoke"})
_STEPS: Final = frozenset({"next", "send"})
_ENDS_OF_LOOPS: Final = (StopIteration, StopAsyncIteration)
_MAX_NUMBER: Final = 1 << 53


class Session:
    """One judge's talk with one candidate.

    `weak` is set when the test at hand took the candidate's word for a comparison; `trouble` says why
    it can no longer pass; `lost` that no later test can be run with this candidate either. `functions` are
    names that the task wants as functions: a class in such a place is not one that the test makes objects of.
    """

    def __init__(self, descriptor: int, *, functions: Iterable[str] = ()) -> None:
        self.weak = False
        self.trouble: str | None = None
        self.lost = False
        # whether the tests speak of StopIteration themselves
        self.expects_stop = False
        self._functions = frozenset(functions)
        self._link = Link(descriptor, self._answer)
        self._handles: dict[int, Any] = {}
        self._classes = SharedClasses()
        self._errors = ExceptionClasses({"__getattr__": _remote_attribute})
        self._error_classes: dict[type[BaseException], int] = {}
        self._tickets: list[object] = []
        self._ticket_of: dict[int, int] = {}
        self._own_errors: list[BaseException] = []

    def begin(self) -> None:
        """Forget what the test before did."""
        self.weak = False
        if not self.lost:
            self.trouble = None

    def names(self, wanted: Sequence[str]) -> dict[str, Any]:
        """The candidate's objects of these global names, those that it defines."""
        found = self.ask("names", *wanted)
        if type(found) is not list:
            self._end("crashed: the candidate sent no names")
        pairs = [pair for pair in found if type(pair) is tuple and len(pair) == 2]
        named = {name: value for name, value in pairs if type(name) is str and name in wanted}
        for name, value in named.items():
            is_in_place = name in self._functions and isinstance(value, ClassHandle)
            if isinstance(value, Handle) and not is_in_place:
                mark_made(value)
        return named

    def refuse(self, what: str) -> NoReturn:
        """End the test at hand as one that cannot be run over the link."""
        self.trouble = self.trouble or f"unsupported: {readable(what)}"
        raise UnsupportedTest(self.trouble)

    def ask(self, do: str, /, *arguments: object, **named: object) -> Any:
        """Have the candidate do something; returns its value or raises what it raised."""
        if self.trouble is not None:
            raise UnsupportedTest(self.trouble)
        if do in _CLAIMS and isinstance(arguments[0], Handle) and not arguments[0]._is_made:
            self.weak = True
        packer = Packer(self._pack_object, classes=self._classes)
        try:
            request: Frame = {"do": do, **pack_call(packer, arguments, named)}
        except (TooLarge, RecursionError) as error:
            self.refuse(f"an argument that cannot be sent: {error}")
        reply = self._exchange(request)
        unpacker = Unpacker(
            self._unpack_object, classes=self._classes, shared=packer.shared, nodes=packer.nodes
        )
        try:
            take_changes(unpacker, reply)
            raised, value = None, None
            if "value" in reply:
                value = unpacker.unpack(reply["value"])
            else:
                raised = self._error_in(reply, unpacker)
            take_nodes(unpacker, reply)
        except (WireError, RecursionError, MemoryError) as error:
            self._end(f"crashed: the candidate's reply cannot be read: {readable(str(error))}")
        if isinstance(raised, _ENDS_OF_LOOPS) and do not in _STEPS and not self.expects_stop:
            # it would end `all(map(...))` of a test as if everything had held; generators refuse it, too
            raised = RuntimeError(f"the candidate raised {type(raised).__name__}")
        if raised is not None:
            raise raised
        return value

    def share(self, classes: Mapping[str, type]) -> None:
        """Have objects of these classes of the task cross as values, where the candidate has them too."""
        agreed = self.ask("share", *classes)
        if type(agreed) is list:
            kept = {name: kind for name, kind in classes.items() if name in agreed}
            self._classes = SharedClasses(kept)

    def _exchange(self, request: Frame) -> Frame:
        try:
            return self._link.ask(request)
        except TooLarge:
            self.refuse("an argument larger than what one frame carries")
        except LinkClosed:
            self._lose("crashed: the candidate's process ended")
        except WireError as error:
            self._lose(f"crashed: {readable(str(error))}")
        except RecursionError:
            if not self._link.in_step:
                self.lost = True
            raise

    def _lose(self, why: str) -> NoReturn:
        self.lost = True
        self.trouble = why
        raise CandidateLost(why)

    def _end(self, why: str) -> NoReturn:
        self.trouble = self.trouble or why
        raise TestEnded(self.trouble)

    def _error_in(self, reply: Frame, unpacker: Unpacker) -> BaseException:
        if "raised" in reply:
            return self._error(reply["raised"], unpacker)
        if "too_large" in reply:
            self._end(f"too large: {readable(reply['too_large'])}")
        raise WireError("reply: expected a value or an exception")

    def _error(self, raised: Any, unpacker: Unpacker) -> BaseException:
        if type(raised) is not dict or type(raised.get("types")) is not list:
            raise WireError("reply: expected an exception")
        ticket = raised.get("ticket")
        if type(ticket) is int and 0 <= ticket < len(self._own_errors):
            return self._own_errors[ticket]
        names = [name for name in raised["types"][:32] if type(name) is str and len(name) <= 100]
        arguments = unpacker.members(raised.get("args", []))
        error = self._errors.rebuild(names, arguments, readable(raised.get("message"), limit=2000))
        if self._errors.made(type(error)) and type(raised.get("handle")) is int:
            vars(error)["_remote"] = self._handle("object", names[0], raised["handle"])
        return error

    def _handle(self, tag: str, name: Any, number: Any) -> Any:
        if type(name) is not str or type(number) is not int or not 0 <= number < _MAX_NUMBER:
            raise WireError("reply: expected a handle")
        known = self._handles.get(number)
        if known is None:
            known = _HANDLE_CLASSES[tag](self, number, readable(name, limit=100))
            if tag == "generator":
                known = generator_over(self, known)
            elif tag == "coroutine":
                return coroutine_over(self, known)
            self._handles[number] = known
        return known

    def _unpack_object(self, raw: list[Any]) -> object:
        tag, *rest = raw
        if tag == "class" and len(rest) == 3:
            return self._class(*rest)
        if tag in _HANDLE_CLASSES and len(rest) == 2:
            return self._handle(tag, *rest)
        if tag == "method" and len(rest) == 2 and type(rest[0]) is str:
            owner = self._handle("object", "object", rest[1])
            return MethodHandle(self, owner, rest[0])
        if tag == "builtin" and len(rest) == 1 and rest[0] in _BUILTIN_TYPES:
            return _BUILTIN_TYPES[rest[0]]
        if tag == "exception" and len(rest) == 1:
            return self._error(rest[0], Unpacker(self._unpack_object))
        if tag == "test" and len(rest) == 1:
            return self._own(rest[0])
        raise WireError(f"reply: unknown tag {readable(tag, limit=40)!r}")

    def _class(self, name: Any, number: Any, ancestors: Any) -> object:
        if type(ancestors) is not list or not all(type(each) is str for each in ancestors):
            raise WireError("reply: expected the names of a class")
        if "BaseException" not in ancestors:
            return self._handle("class", name, number)
        kind = self._errors.find([each[:100] for each in ancestors[:32]])
        self._error_classes[kind] = number
        return kind

    def _own(self, ticket: Any) -> Any:
        if type(ticket) is not int or not 0 <= ticket < len(self._tickets):
            raise WireError("reply: expected something the test passed in")
        return self._tickets[ticket]

    def _ticket(self, value: object) -> int:
        known = self._ticket_of.get(id(value))
        if known is None:
            known = self._ticket_of[id(value)] = len(self._tickets)
            self._tickets.append(value)
        return known

    def _pack_object(self, value: Any) -> object:
        if isinstance(value, Handle):
            return ["handle", object.__getattribute__(value, "_number")]
        if isinstance(value, MethodHandle):
            return ["method", object.__getattribute__(value.__self__, "_number"), value.__name__]
        if isinstance(value, type):
            return self._pack_class(value)
        if isinstance(value, BaseException):
            if "_remote" in vars(value):
                return self._pack_object(vars(value)["_remote"])
            return ["exception", class_names(type(value)), message_of(value)]
        if hasattr(type(value), "__next__"):
            return ["iterator", self._ticket(value)]
        if callable(value):
            return _global_name(value) or [
                "function",
                self._ticket(value),
                str(getattr(value, "__name__", "function")),
            ]
        self.refuse(f"an object of class {type(value).__name__} as an argument")

    def _pack_class(self, kind: type) -> object:
        number = self._error_classes.get(kind)
        if number is not None:
            return ["handle", number]
        named = _global_name(kind)
        if named is None:
            self.refuse(f"the test's class {kind.__name__} as an argument")
        return named

    def _answer(self, frame: Frame) -> Frame:
        unpacker = Unpacker(self._unpack_object, classes=self._classes)
        try:
            passed = self._own(frame.get("on"))
            arguments, named = unpack_call(unpacker, frame)
        except (WireError, RecursionError) as error:
            self.trouble = self.trouble or "crashed: the candidate's call back cannot be read"
            return _refusal(error)
        except TestEnded as ended:
            return _refusal(ended)
        before = Before(unpacker)
        packer = before.packer(self._pack_object, classes=self._classes)
        try:
            value = next(passed) if frame["do"] == "next" else passed(*arguments, **named)
            return before.pack_reply(packer, "value", lambda: packer.pack(value))
        except TestEnded as ended:
            return _refusal(ended)
        except BaseException as error:  # noqa: BLE001  (the test's own: it goes its way through the candidate)
            self._own_errors.append(error)
            raised = {"types": class_names(type(error)), "message": message_of(error)}
            return {"raised": {**raised, "ticket": len(self._own_errors) - 1}}


def _global_name(value: Any) -> list[object] | None:
    """How to find something of the standard library by name in the other process."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if type(name) is not str or (type(module) is not str and module is not None):
        return None
    if _BUILTINS.get(name) is value:
        return ["builtin", name]
    if module is None or module.partition(".")[0] not in sys.stdlib_module_names:
        return None
    holder: Any = sys.modules.get(module)
    for part in name.split("."):
        holder = getattr(holder, part, None)
    return ["global", module, name] if holder is value and module != "builtins" else None


def _refusal(error: BaseException) -> Frame:
    raised = {"types": ["RuntimeError", "Exception", "BaseException"], "message": message_of(error)}
    return {"raised": {**raised, "ticket": -1}}


def _remote_attribute(error: BaseException, name: str) -> Any:
    remote = vars(error).get("_remote")
    if remote is None or name.startswith("__"):
        raise AttributeError(name)
    return getattr(remote, name)
