"""Collects rows as flat lists of plain values and turns them into one batch of a kind's schema.

Both readers append here: the exact one whole records, the bulk ones flat lists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    fields:  name -> a value for each message, for the fields that any message has
    n_calls: tool calls of each message, None where it has no list of them
    calls:   name -> a value for each tool call
    """

    def __init__(self) -> None:
        self.counts: list[int] = []
        self.n_messages = 0
        self.fields: dict[str, list[Any]] = {}
        self.n_calls: list[int | None] = []
        self.calls: dict[str, list[Any]] = {name: [] for name in _CALL_FIELDS}

    def append(self, messages: Sequence[Message]) -> None:
        """One row's messages."""
        fields = {
            name: values
            for name in MESSAGE_FIELDS
            if any(values := [getattr(message, name) for message in messages])
            or values.count(None) != len(values)
        }
        calls = {
            place: message.tool_calls
            for place, message in enumerate(messages)
            if message.tool_calls is not None
        }
        self.extend([len(messages)], len(messages), calls, **fields)

    def extend(
        self,
        counts: Sequence[int],
        n: int,
        calls: Mapping[int, Sequence[ToolCall]],
        **fields: list[Any],
    ) -> None:
        """Many rows at once: `n` messages in all, fields not named are null for all of them.

        calls: tool calls of the messages (by place) that have a list of them.
        """
        self.counts.extend(counts)
        for name in fields:
            if name not in self.fields:
                self.fields[name] = [None] * self.n_messages
        for name, values in self.fields.items():
            values.extend(fields[name] if name in fields else [None] * n)
        self.n_messages += n
        self._extend_calls(n, calls)

    def _extend_calls(self, n: int, calls: Mapping[int, Sequence[ToolCall]]) -> None:
        counts: list[int | None] = [None] * n
        for place in sorted(calls):
            counts[place] = len(calls[place])
            for name, values in self.calls.items():
                values.extend([getattr(call, name) for call in calls[place]])
        self.n_calls.extend(counts)

    def array(self) -> pa.ListArray:
        """The column, of type `schema.MESSAGES`."""
        arrays = [
            self._calls() if field.name == "tool_calls" else self._field(field) for field in MESSAGE
        ]
        flat = pa.StructArray.from_arrays(arrays, fields=list(MESSAGE))
        return pa.ListArray.from_arrays(pa.array(_offsets(self.counts)), flat)

    def _field(self, field: pa.Field) -> pa.Array:
        if field.name not in self.fields:
            return pa.nulls(self.n_messages, field.type)
        return pa.array(self.fields[field.name], field.type)

    def _calls(self) -> pa.ListArray:
        if self.n_calls.count(None) == self.n_messages:
            return pa.nulls(self.n_messages, MESSAGE.field("tool_calls").type)
        absent = [count is None for count in self.n_calls]
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
        """The rows as a batch of `schema.ROWS[kind]`; `head` has the HEAD columns."""
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
                values = head[field.name]
                is_array = isinstance(values, pa.Array)
                columns.append(values if is_array else pa.array(values, field.type))
            else:  # parents: a row that was read has none
                columns.append(_no_parents(n_rows))
        return pa.RecordBatch.from_arrays(columns, schema=schema)


def _column(values: list[Any], field: pa.Field) -> pa.Array:
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
