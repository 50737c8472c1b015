"""Plain Python functions as Measures: the five-minute way, for people who do not know Arrow.

def is_shouting(conversation):
    return any(m.role == "user" and (m.content or "").isupper() for m in conversation.messages)

measure = per_conversation(is_shouting, adds={"shouting": "bool"})
"""

from __future__ import annotations

import functools
import importlib
import statistics
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal

import msgspec
import pyarrow as pa

from tamis.columns import flat_messages
from tamis.errors import RecipeError, SchemaError
from tamis.op import Measure
from tamis.records import Conversation

PlainFunction = Callable[..., Any]
Combine = Literal["list", "sum", "mean", "max", "min"]
Columns = Mapping[str, "pa.DataType | str"]


class PerConversation(Measure, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A plain function of one `Conversation`, as a Measure.

    `function` is `module:name`; `columns` are names with Arrow types by name (`int64`, `string`).
    The function returns the value of the one column, or a mapping with all columns; None is null.

    Reads:   source, messages, tools, meta, parents.
    Adds:    the columns named, null where the function returns None.
    Cost:    builds a record for each row; slow beside the others.
    Source:  our own.
    Raises:  SchemaError, naming function and row, if what comes back does not fit; RecipeError if
             the function cannot be imported.
    """

    reads: ClassVar[tuple[str, ...]] = ("source", "messages", "tools", "meta", "parents")
    function: str
    columns: tuple[tuple[str, str], ...]

    def adds(self) -> pa.Schema:
        """The columns named."""
        return _schema(self.columns)

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Call the function on each conversation of the batch."""
        function = load_function(self.function)
        schema = self.adds()
        rows = [
            _as_values(function(_conversation(row)), schema, self.function, row["id"])
            for row in batch.to_pylist()
        ]
        return _record_batch(rows, schema)


class PerMessage(Measure, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A plain function of the text and the role of one message, as a Measure.

    `combine` brings the values of a conversation's messages together: `list` keeps them all, one
    for each message; the others are numbers over the messages where the function gave one.

    Reads:   messages.
    Adds:    the columns named (lists of them for `list`); a message without content is not shown to
             the function and counts as null; null where no message gave a number.
    Cost:    one call of the function for each message.
    Source:  our own.
    Raises:  SchemaError, naming function and row, if what comes back does not fit; RecipeError if
             the function cannot be imported.
    """

    reads: ClassVar[tuple[str, ...]] = ("messages",)
    function: str
    columns: tuple[tuple[str, str], ...]
    combine: Combine = "list"

    def adds(self) -> pa.Schema:
        """The columns named, as lists where nothing is combined."""
        schema = _schema(self.columns)
        if self.combine == "list":
            return pa.schema([pa.field(f.name, pa.list_(f.type)) for f in schema])
        return schema

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Call the function on each message of the batch."""
        function, message_schema = load_function(self.function), _schema(self.columns)
        flat = flat_messages(batch.column("messages"))
        ids = batch.column("id").to_pylist()
        rows: list[list[dict[str, Any]]] = [[] for _ in ids]
        for owner, text, role in zip(
            flat.owner.tolist(), flat.strings("content"), flat.strings("role"), strict=True
        ):
            answer = None if text is None else function(text, role)
            rows[owner].append(_as_values(answer, message_schema, self.function, ids[owner]))
        schema = self.adds()
        combined = [
            {
                field.name: _combined([values[field.name] for values in row], self.combine)
                for field in schema
            }
            for row in rows
        ]
        checked = [
            _as_values(values, schema, self.function, row_id)
            for values, row_id in zip(combined, ids, strict=True)
        ]
        return _record_batch(checked, schema)


def per_conversation(function: PlainFunction | str, *, adds: Columns) -> PerConversation:
    """Turn a function of one `Conversation` into a Measure that adds these columns."""
    return PerConversation(function=_name_of(function), columns=_columns(adds))


def per_message(
    function: PlainFunction | str, *, adds: Columns, combine: Combine = "list"
) -> PerMessage:
    """Turn a function of `(text, role)` into a Measure that adds these columns."""
    return PerMessage(function=_name_of(function), columns=_columns(adds), combine=combine)


@functools.cache
def load_function(name: str) -> PlainFunction:
    """The function a recipe names as `module:name`."""
    module_name, _, path = name.partition(":")
    if not module_name or not path:
        raise RecipeError(f"function `{name}`: expected `module:name`")
    try:
        found: Any = importlib.import_module(module_name)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise RecipeError(f"function `{name}`: cannot be imported: {error}") from error
    if not callable(found):
        raise RecipeError(f"function `{name}`: expected a function, got {type(found).__name__}")
    function: PlainFunction = found
    return function


def _name_of(function: PlainFunction | str) -> str:
    """The `module:name` of a function, so that workers and recipes can find it again."""
    if isinstance(function, str):
        return function
    module, path = getattr(function, "__module__", ""), getattr(function, "__qualname__", "")
    if not module or not path or "<" in path:
        raise RecipeError(
            f"function `{module}:{path}`: workers cannot import it; define it at the top of a module"
        )
    return f"{module}:{path}"


def _columns(adds: Columns) -> tuple[tuple[str, str], ...]:
    columns = tuple((name, str(kind)) for name, kind in adds.items())
    _schema(columns)
    return columns


def _schema(columns: tuple[tuple[str, str], ...]) -> pa.Schema:
    if not columns:
        raise RecipeError("adds: expected at least one column, got none")
    fields = []
    for name, kind in columns:
        try:
            fields.append(pa.field(name, pa.type_for_alias(kind)))
        except ValueError as error:
            raise RecipeError(
                f"adds `{name}`: expected the name of an Arrow type such as int64, float64, bool, string, got `{kind}`"
            ) from error
    return pa.schema(fields)


def _conversation(row: dict[str, Any]) -> Conversation:
    present = {name: value for name, value in row.items() if value is not None}
    messages = [
        {**message, "role": message["role"] or ""}
        for message in present.get("messages", [])
        if message is not None
    ]
    return msgspec.convert({**present, "messages": messages}, Conversation)


def _as_values(answer: Any, schema: pa.Schema, function: str, row_id: str) -> dict[str, Any]:
    """What a function returned as one value for each column, checked."""
    names = schema.names
    if not isinstance(answer, Mapping):
        if answer is None:
            return dict.fromkeys(names)
        if len(names) > 1:
            raise SchemaError(
                f"{function} row {row_id}: expected a mapping with {', '.join(names)}, got {type(answer).__name__}"
            )
        answer = {names[0]: answer}
    if set(answer) != set(names):
        raise SchemaError(
            f"{function} row {row_id}: expected the columns {', '.join(names)}, got {', '.join(map(str, answer)) or 'none'}"
        )
    for field in schema:
        _check_value(answer[field.name], field, function, row_id)
    return dict(answer)


def _check_value(value: Any, field: pa.Field, function: str, row_id: str) -> None:
    try:
        scalar = pa.scalar(value, type=field.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, TypeError) as error:
        raise SchemaError(
            f"{function} row {row_id}: expected `{field.name}` as {field.type}, got {value!r:.80}"
        ) from error
    # Arrow takes True for 1 and 1.0 for 1; the author most likely meant another column
    if isinstance(value, bool) and not pa.types.is_boolean(field.type):
        raise SchemaError(
            f"{function} row {row_id}: expected `{field.name}` as {field.type}, got {scalar.as_py()!r} from a bool"
        )


def _combined(values: list[Any], combine: Combine) -> Any:
    if combine == "list":
        return values
    given = [value for value in values if value is not None]
    if not given:
        return None
    reduce: dict[Combine, PlainFunction] = {
        "sum": sum,
        "mean": statistics.fmean,
        "max": max,
        "min": min,
    }
    return reduce[combine](given)


def _record_batch(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.RecordBatch:
    arrays = [pa.array([row[f.name] for row in rows], type=f.type) for f in schema]
    return pa.record_batch(arrays, schema=schema)
