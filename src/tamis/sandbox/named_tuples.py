"""Named tuples by name and fields: rebuilt without running any code, as `collections` would."""

from __future__ import annotations

import functools
import keyword
from operator import itemgetter
from typing import Any, Final

from tamis.sandbox.frames import WireError
from tamis.sandbox.questions import answers_itself

_FIELDS: Final = 64


def named_fields(kind: type) -> list[str] | None:
    """The fields of a named tuple's class, or None for any other class."""
    fields = vars(kind).get("_fields")
    if type(fields) is not tuple or not all(type(name) is str for name in fields):
        return None
    return list(fields)


def named_tuple(name: object, fields: object, members: list[Any]) -> tuple[Any, ...]:
    """A tuple whose members can be read by name; raises `WireError` for odd names.

    A member of the candidate's that can be called is not read by the name of a method: it would be asked
    in the place of that method.
    """
    kind = named_tuple_class(name, fields)
    for field, member in zip(kind._fields, members, strict=False):  # type: ignore[attr-defined]
        if answers_itself(field, member):
            raise WireError(f"value: `{field}` of a named tuple that stands for a method")
    return kind(members)


def named_tuple_class(name: object, fields: object) -> type[tuple[Any, ...]]:
    """A tuple class whose members can be read by name; raises `WireError` for odd names."""
    if type(name) is not str or type(fields) is not list or len(fields) > _FIELDS:
        raise WireError("value: expected the name and the fields of a named tuple")
    for field in fields:
        if type(field) is not str or not field.isidentifier() or field.startswith("_"):
            raise WireError("value: expected names as fields of a named tuple")
        if keyword.iskeyword(field):
            raise WireError(f"value: `{field}` cannot be a field of a named tuple")
    return _made(name, tuple(fields))


@functools.lru_cache(maxsize=256)
def _made(name: str, fields: tuple[str, ...]) -> type[tuple[Any, ...]]:
    body: dict[str, Any] = {
        "__slots__": (),
        "_fields": fields,
        "_asdict": lambda self: dict(zip(fields, self, strict=False)),
        "__repr__": lambda self: (
            f"{name}({', '.join(f'{k}={v!r}' for k, v in zip(fields, self, strict=False))})"
        ),
    }
    body.update({field: property(itemgetter(at)) for at, field in enumerate(fields)})
    return type(name, (tuple,), body)
