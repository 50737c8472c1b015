"""Collects rows as flat lists of plain values and turns them into one batch of a kind's schema.

Both readers append here: the exact one whole records, the bulk ones flat lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tamis.formats.base import Record
from tamis.records import Message, ToolCall
from tamis.schema import HEAD, MESSAGE, REFERENCE, REWARD, ROWS, TOOL_CALL, Kind

LISTS: dict[Kind, tuple[str, ...]] = {
    "conversations": ("messages",),
    "questions": ("prompt",),
    "preferences": ("prompt", "chosen", "rejected"),
}
_PLAIN: dict[Kind, tuple[str, ...]] = {
    "conversations": ("tools", "meta"),
    "questions": ("meta",),
    "preferences": ("chosen_score", "rejected_score", "tools", "meta"),
}
_STRUCTS = {"reward": REWARD, "reference": REFERENCE}
MESSAGE_FIELDS = tuple(field.name for field in MESSAGE if field.name != "tool_calls")
_CALL_FIELDS = tuple(field.name for field in TOOL_CALL)


class MessageColumns:
    """The messages of one column, flat.

    counts:  messages of each row
    fields:  name -> a value for each message (all fields but `tool_calls`)
    n_calls: tool calls of each message, None where it has no list of them
    calls:   name -> a value for each tool call
    """

    def __init__(self) -> None:
        self.counts: list[int] = []
        self.fields: dict[str, list[Any]] = {name: [] for name in MESSAGE_FIELDS}
        self.n_calls: list[int | None] = []
        self.calls: dict[str, list[Any]] = {name: [] for name in _CALL_FIELDS}

    def append(self, messages: Sequence[Message]) -> None:
        """One row's messages."""
        self.counts.append(len(messages))
        for name, values in self.fields.items():
            values.extend([getattr(message, name) for message in messages])
        for message in messages:
            self.append_calls(message.tool_calls)

    def append_calls(self, calls: Sequence[ToolCall] | None) -> None:
        """One message's tool calls."""
        self.n_calls.append(None if calls is None else len(calls))
        for call in calls or ():
            for name, values in self.calls.items():
                values.append(getattr(call, name))

    def extend(self, counts: Sequence[int], n: int, **fields: list[Any]) -> None:
        """Many rows at once: `n` messages in all, fields not named are null for all of them."""
        self.counts.extend(counts)
        absent = [None] * n
        for name, values in self.fields.items():
            values.extend(fields.get(name, absent))

    def array(self) -> pa.ListArray:
        """The column, of type `schema.MESSAGES`."""
        arrays = [
            self._calls() if field.name == "tool_calls" else _column(self.fields[field.name], field)
            for field in MESSAGE
        ]
        flat = pa.StructArray.from_arrays(arrays, fields=list(MESSAGE))
        return pa.ListArray.from_arrays(pa.array(_offsets(self.counts)), flat)

    def _calls(self) -> pa.ListArray:
        field = MESSAGE.field("tool_calls")
        absent = [count is None for count in self.n_calls]
        if all(absent):
            return pa.nulls(len(absent), field.type)
        flat = pa.StructArray.from_arrays(
            [_column(self.calls[field.name], field) for field in TOOL_CALL], fields=list(TOOL_CALL)
        )
        offsets = pa.array(_offsets([count or 0 for count in self.n_calls]))
        return pa.ListArray.from_arrays(offsets, flat, mask=pa.array(absent))


class RowColumns:
    """Rows of one kind, flat: message columns, plain columns, and who each row is."""

    def __init__(self, kind: Kind) -> None:
        self.kind: Kind = kind
        self.lists = {name: MessageColumns() for name in LISTS[kind]}
        self.plain: dict[str, list[Any]] = {name: [] for name in _PLAIN[kind]}
        self.structs: dict[str, list[Any]] = (
            {name: [] for name in _STRUCTS} if kind == "questions" else {}
        )
        self.keys: list[str | None] = []

    def append(self, record: Record, key: str | None) -> None:
        """One record and the key its row gave itself."""
        for name, messages in self.lists.items():
            messages.append(getattr(record, name))
        for name, values in self.plain.items():
            values.append(getattr(record, name))
        for name, values in self.structs.items():
            values.append(getattr(record, name))
        self.keys.append(key)

    def batch(self, head: dict[str, Any]) -> pa.RecordBatch:
        """The rows as a batch of `schema.ROWS[kind]`; `head` has a value list for each HEAD column."""
        schema = ROWS[self.kind]
        n_rows = len(self.keys)
        columns = []
        for field in schema:
            if field.name in self.lists:
                columns.append(self.lists[field.name].array())
            elif field.name in self.structs:
                columns.append(_struct_column(self.structs[field.name], _STRUCTS[field.name]))
            elif field.name in self.plain:
                columns.append(_column(self.plain[field.name], field))
            elif field.name in HEAD.names:
                columns.append(pa.array(head[field.name], field.type))
            else:  # parents: a row that was read has none
                columns.append(_no_parents(n_rows))
        return pa.RecordBatch.from_arrays(columns, schema=schema)


def _column(values: list[Any], field: pa.Field) -> pa.Array:
    if not any(value is not None for value in values):
        return pa.nulls(len(values), field.type)
    return pa.array(values, field.type)


def _struct_column(values: list[Any], struct: pa.StructType) -> pa.StructArray:
    arrays = [
        pa.array(
            [None if value is None else getattr(value, field.name) for value in values], field.type
        )
        for field in struct
    ]
    absent = pa.array([value is None for value in values], pa.bool_())
    return pa.StructArray.from_arrays(arrays, fields=list(struct), mask=absent)


def _no_parents(n_rows: int) -> pa.ListArray:
    offsets = pa.array(np.zeros(n_rows + 1, dtype=np.int32))
    return pa.ListArray.from_arrays(offsets, pa.array([], pa.string()))


def _offsets(counts: Sequence[int]) -> npt.NDArray[np.int32]:
    sums = np.zeros(len(counts) + 1, dtype=np.int32)
    np.cumsum(np.asarray(counts, dtype=np.int32), out=sums[1:])
    return sums
