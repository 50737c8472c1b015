"""What stands for the candidate's objects in the judge: handles that only ever ask.

The rules that keep a lying object from passing (`docs/design/sandbox.md`): a handle never equals a
test's own value, and no arithmetic, order, hash or `in` between the two is offered, for the test's
operand is the expected value; nor are the questions one asks a text or a set (`startswith`), where the
test did not make the object itself by calling the candidate's class. What a test learns from two
handles about each other, or from attributes of an object it did not make, is the candidate's word: `weak`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

from tamis.sandbox.questions import QUESTIONS

if TYPE_CHECKING:
    from tamis.sandbox.session import Session


class TestEnded(BaseException):
    """A test cannot go on and has failed; `except Exception` in a test must not hide it."""


class UnsupportedTest(TestEnded):
    """The test does something that cannot cross the link."""


class CandidateLost(TestEnded):
    """The candidate's process has ended, or what it sends can no longer be understood."""


class Handle:
    """An object of the candidate, known by its number."""

    __slots__ = ("_is_made", "_name", "_number", "_session")

    _session: Session
    _number: int
    _name: str
    # whether the test named the object or made it by calling a class it named
    _is_made: bool

    def __init__(self, session: Session, number: int, name: str) -> None:
        object.__setattr__(self, "_session", session)
        object.__setattr__(self, "_number", number)
        object.__setattr__(self, "_name", name)
        object.__setattr__(self, "_is_made", False)

    def __getattr__(self, name: str) -> Any:
        if name in QUESTIONS and not self._is_made:
            self._session.refuse(f"`{name}` of an object the candidate returned ({self._name})")
        if name in _SOURCE_ATTRIBUTES:
            self._session.refuse(f"`{name}` of the candidate's {self._name}")
        return self._session.ask("get", self, name)

    def __setattr__(self, name: str, value: object) -> None:
        self._session.ask("set", self, name, value)

    def __delattr__(self, name: str) -> None:
        self._session.ask("del", self, name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Handle) and self._claim("eq", other)

    def __ne__(self, other: object) -> bool:
        return not isinstance(other, Handle) or self._claim("ne", other)

    def __hash__(self) -> int:  # noqa: PLE0309  (it never returns)
        self._session.refuse(f"the hash of a candidate's object ({self._name})")

    def __bool__(self) -> bool:
        return self._claim("bool")

    def __lt__(self, other: object) -> bool:
        return self._ordered("lt", other)

    def __le__(self, other: object) -> bool:
        return self._ordered("le", other)

    def __gt__(self, other: object) -> bool:
        return self._ordered("gt", other)

    def __ge__(self, other: object) -> bool:
        return self._ordered("ge", other)

    def __contains__(self, _: object) -> bool:
        self._session.refuse(f"`in` a candidate's object ({self._name})")

    def __len__(self) -> int:
        n_members = self._session.ask("len", self)
        return n_members if type(n_members) is int else -1

    def __iter__(self) -> Iterator[Any]:
        members = self._session.ask("iter", self)
        if not isinstance(members, Iterator):
            raise TypeError(f"{self._name} is not iterable")
        return members

    def __reversed__(self) -> Any:
        return self._session.ask("reversed", self)

    def __getitem__(self, key: Any) -> Any:
        return self._session.ask("item", self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._session.ask("set_item", self, key, value)

    def __delitem__(self, key: Any) -> None:
        self._session.ask("del_item", self, key)

    def __str__(self) -> str:
        return self._text("str")

    def __repr__(self) -> str:
        return self._text("repr")

    def __format__(self, spec: str) -> str:
        return self._text("format", spec)

    def __int__(self) -> int:
        return int(self._number_of("int", int))

    def __index__(self) -> int:
        return int(self._number_of("index", int))

    def __float__(self) -> float:
        return float(self._number_of("float", float))

    def __enter__(self) -> Any:
        return self._session.ask("enter", self)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        return bool(self._session.ask("leave", self, error))

    def __dir__(self) -> list[str]:
        names = self._session.ask("dir", self)
        return [name for name in names if type(name) is str]

    def __instancecheck__(self, value: object) -> bool:
        return isinstance(value, Handle) and self._claim_of("is_instance", value)

    def __subclasscheck__(self, kind: object) -> bool:
        return isinstance(kind, Handle) and self._claim_of("is_subclass", kind)

    def __mro_entries__(self, _: object) -> NoReturn:
        self._session.refuse(f"a class of the test that inherits from the candidate's {self._name}")

    def __copy__(self) -> NoReturn:
        self._session.refuse(f"a copy of a candidate's object ({self._name})")

    def __deepcopy__(self, _: object) -> NoReturn:
        self._session.refuse(f"a copy of a candidate's object ({self._name})")

    def __reduce_ex__(self, _: object) -> NoReturn:
        self._session.refuse(f"a pickle of a candidate's object ({self._name})")

    def _claim(self, do: str, *others: object) -> bool:
        self._session.weak = True
        return self._session.ask(do, self, *others) is True

    def _claim_of(self, do: str, subject: object) -> bool:
        self._session.weak = True
        return self._session.ask(do, subject, self) is True

    def _ordered(self, do: str, other: object) -> bool:
        if not isinstance(other, Handle):
            self._session.refuse(f"order between a candidate's object ({self._name}) and a value")
        return self._claim(do, other)

    def _text(self, do: str, *arguments: object) -> str:
        text = self._session.ask(do, self, *arguments)
        if type(text) is not str:
            raise TypeError(f"{do}() of a candidate's object returned no text")
        return text

    def _number_of(self, do: str, kind: type[Any]) -> Any:
        number = self._session.ask(do, self)
        if type(number) is not kind:
            raise TypeError(f"{do}() of a candidate's object returned no {kind.__name__}")
        return number


class CallableHandle(Handle):
    """A function, class or other callable object of the candidate."""

    __slots__ = ()

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call it in the candidate's process."""
        return self._session.ask("call", self, *arguments, **named)


class ClassHandle(Handle):
    """A class of the candidate; what a test makes by calling it is the test's choice."""

    __slots__ = ()

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Make an object in the candidate's process."""
        made = self._session.ask("call", self, *arguments, **named)
        if self._is_made and isinstance(made, Handle):
            mark_made(made)
        return made


class IteratorHandle(Handle):
    """An iterator of the candidate, read one member at a time."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return self._session.ask("next", self)


class MethodHandle:
    """A method of a candidate's object, looked up anew at each call."""

    __slots__ = ("__name__", "__self__", "_session")

    def __init__(self, session: Session, owner: Handle, name: str) -> None:
        self._session = session
        self.__self__ = owner
        self.__name__ = name

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the method in the candidate's process."""
        return self._session.ask("invoke", self.__self__, self.__name__, *arguments, **named)

    def __getattr__(self, name: str) -> Any:
        if name in _SOURCE_ATTRIBUTES:
            self._session.refuse(f"`{name}` of the candidate's {self.__name__}")
        raise AttributeError(name)


class SolutionModule:
    """What `import solution` gives a test: the candidate's names, read only."""

    _session: Session
    # what a test reads from the candidate by `import *` is in its globals already
    __all__: tuple[str, ...] = ()

    def __init__(self, session: Session) -> None:
        object.__setattr__(self, "_session", session)
        object.__setattr__(self, "__name__", "solution")

    def __getattr__(self, name: str) -> Any:
        if name in _MODULE_ATTRIBUTES:
            raise AttributeError(name)
        if name in _SOURCE_ATTRIBUTES:
            self._session.refuse(f"`{name}` of the candidate's module")
        found = self._session.names([name])
        if name not in found:
            raise AttributeError(f"module 'solution' has no attribute '{name}'")
        return found[name]

    def __setattr__(self, name: str, _: object) -> None:
        self._session.refuse(f"setting `{name}` in the candidate's module")

    def __delattr__(self, name: str) -> None:
        self._session.refuse(f"deleting `{name}` in the candidate's module")


def generator_over(session: Session, remote: Handle) -> Generator[Any, Any, Any]:
    """A real generator, so that tests for one hold, which steps the candidate's."""
    # nothing is asked when it is closed: that may be the garbage collector, in the middle of an ask
    sent = None
    while True:
        try:
            member = (
                session.ask("next", remote) if sent is None else session.ask("send", remote, sent)
            )
        except StopIteration as end:
            return end.value
        sent = yield member


async def coroutine_over(session: Session, remote: Handle) -> Any:
    """A real coroutine which, once awaited, runs the candidate's to its end."""
    return session.ask("finish", remote)


def mark_made(handle: Handle) -> None:
    """Note that a test itself named or made an object, so that it may ask it anything."""
    object.__setattr__(handle, "_is_made", True)


# what inspect and functools look at before they read source or bind arguments
_SOURCE_ATTRIBUTES = frozenset(
    {
        "__wrapped__",
        "__code__",
        "__globals__",
        "__closure__",
        "__signature__",
        "__func__",
        "__file__",
    }
)
# what the import system asks any module for
_MODULE_ATTRIBUTES = frozenset({"__path__", "__spec__", "__loader__", "__warningregistry__"})


def _arithmetic(name: str, do: str) -> None:
    def ask(self: Handle, other: object) -> Any:
        if not isinstance(other, Handle):
            self._session.refuse(f"`{do}` between a candidate's object ({self._name}) and a value")
        return self._session.ask(do, self, other)

    def refuse(self: Handle, _: object) -> NoReturn:
        self._session.refuse(f"`{do}` between a value and a candidate's object ({self._name})")

    setattr(Handle, f"__{name}__", ask)
    setattr(Handle, f"__r{name}__", refuse)


def _unary(name: str) -> None:
    def refuse(self: Handle, *_: object) -> NoReturn:
        self._session.refuse(f"`{name}` of a candidate's object ({self._name})")

    setattr(Handle, f"__{name}__", refuse)


for _name in "add sub mul truediv floordiv mod pow matmul xor lshift rshift".split():
    _arithmetic(_name, _name)
_arithmetic("and", "and_")
_arithmetic("or", "or_")
for _name in "neg pos abs invert round trunc floor ceil complex".split():
    _unary(_name)
