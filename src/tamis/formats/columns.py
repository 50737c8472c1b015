"""Collects records as flat lists of plain values and turns them into the columns of a kind's schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tamis.formats.base import Record
from tamis.records import Message
from tamis.schema import MESSAGE, REFERENCE, REWARD, ROWS, SCORE, TOOL_CALL, Kind

LISTS: dict[Kind, tuple[str, ...]] = {
    "conversations": ("messages",),
    "questions": ("prompt",),
    "preferences": ("prompt", "chosen", "rejected"),
    "rollouts": ("messages",),
}
_PLAIN: dict[Kind, tuple[str, ...]] = {
    "conversations": ("tools", "meta"),
    "questions": ("tools", "meta"),
    "preferences": ("chosen_score", "rejected_score", "tools", "meta"),
    "rollouts": (
        "question_id",
        "model",
        "sampling",
        "sample",
        "finish_reason",
        "prompt_tokens",
        "completion_tokens",
        "meta",
    ),
}
_STRUCTS: dict[Kind, dict[str, pa.StructType]] = {
    "questions": {"reward": REWARD, "reference": REFERENCE},
    "rollouts": {"score": SCORE},
}
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
        self.counts.append(len(messages))
        for name in MESSAGE_FIELDS:
            values = [getattr(message, name) for message in messages]
            if name in self.fields:
                self.fields[name].extend(values)
            elif values.count(None) != len(values):
                self.fields[name] = [*([None] * self.n_messages), *values]
        self.n_messages += len(messages)
        for message in messages:
            calls = message.tool_calls
            self.n_calls.append(None if calls is None else len(calls))
            for name, listed in self.calls.items():
                listed.extend([getattr(call, name) for call in calls or ()])

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
            [pa.array(self.calls[field.name], field.type) for field in TOOL_CALL],
            fields=list(TOOL_CALL),
        )
        offsets = pa.array(_offsets([count or 0 for count in self.n_calls]))
        return pa.ListArray.from_arrays(offsets, flat, mask=pa.array(absent))


class RowColumns:
    """Rows of one kind, flat: message columns, plain columns, and structs."""

    def __init__(self, kind: Kind) -> None:
        self.kind: Kind = kind
        self.lists = {name: MessageColumns() for name in LISTS[kind]}
        self.plain: dict[str, list[Any]] = {name: [] for name in _PLAIN[kind]}
        self.types = _STRUCTS.get(kind, {})
        self.structs: dict[str, list[Any]] = {name: [] for name in self.types}

    def append(self, record: Record) -> None:
        """One record."""
        for name, messages in self.lists.items():
            messages.append(getattr(record, name))
        for name, values in self.plain.items():
            values.append(getattr(record, name))
        for name, values in self.structs.items():
            values.append(getattr(record, name))

    def name_questions(self, names: Sequence[str]) -> None:
        """Name the question of rollouts that stand in one row with it, and name none themselves."""
        if self.kind == "rollouts":
            asked = self.plain["question_id"]
            asked[:] = [own or name for own, name in zip(asked, names, strict=True)]

    def arrays(self) -> dict[str, pa.Array]:
        """The columns that a format fills, by name."""
        found = {name: messages.array() for name, messages in self.lists.items()}
        found |= {
            name: _struct_column(self.structs[name], type_) for name, type_ in self.types.items()
        }
        schema = ROWS[self.kind]
        return found | {
            name: pa.array(values, schema.field(name).type) for name, values in self.plain.items()
        }


def _struct_column(values: list[Any], struct: pa.StructType) -> pa.StructArray:
    arrays = [
        pa.array(
            [None if value is None else _plain(getattr(value, field.name)) for value in values],
            field.type,
        )
        for field in struct
    ]
    absent = pa.array([value is None for value in values], pa.bool_())
    return pa.StructArray.from_arrays(arrays, fields=list(struct), mask=absent)


def _plain(value: Any) -> Any:
    # the parts of a score are JSON text in a column
    return msgspec.json.encode(value).decode() if isinstance(value, dict) else value


def _offsets(counts: Sequence[int]) -> npt.NDArray[np.int32]:
    sums = np.zeros(len(counts) + 1, dtype=np.int32)
    np.cumsum(np.asarray(counts, dtype=np.int32), out=sums[1:])
    return sums
