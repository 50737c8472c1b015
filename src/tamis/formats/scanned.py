"""Turns what the compiled scanner found in many rows into Arrow columns, without a row in between."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from tamis.formats import exact
from tamis.formats.layout import Layout, layout_words
from tamis.formats.rows import RawRows
from tamis.kernels.json_tables import (
    ARGUMENTS,
    ARGUMENTS_JSON,
    CALL_ID,
    CALL_MARKS,
    CALL_NAME,
    CONTENT,
    HAS_TRAIN,
    KEY,
    MARKS,
    MEMBER_KEY,
    MEMBER_VALUE,
    N_CALLS,
    N_MARKS,
    N_MESSAGES,
    NAME,
    NO_TYPE,
    PADDING,
    REASONING,
    ROLE,
    TOOL_CALL_ID,
    TOOLS,
    TRAIN,
    Table,
    Tables,
    empty_tables,
)
from tamis.records import Message, ToolCall
from tamis.schema import MESSAGE, TOOL_CALL

_STRING = pa.string()
_CALLS = MESSAGE.field("tool_calls").type
Bytes = npt.NDArray[np.uint8]


class Scanned(NamedTuple):
    """The simple rows of a block.

    is_simple: (n_rows,) bool, over all rows of the block; the rest is about the simple ones
    columns:   messages, tools, meta
    ids:       `name:key` or `name:number`
    own_keys:  (n_simple,) uint64, xxh3-64 of the id of rows that have a key, else 0
    """

    is_simple: npt.NDArray[np.bool_]
    columns: dict[str, pa.Array]
    ids: pa.StringArray
    own_keys: npt.NDArray[np.uint64]


def load_scanner() -> None:
    """Load what `scan` needs, so that the first block does not wait for it."""
    import tamis.kernels.json_columns
    import tamis.kernels.json_rows  # noqa: F401


def scan(rows: RawRows, layout: Layout, name: str) -> Scanned:
    """Read the simple rows of a block; `name` starts their ids."""
    # numba loads here, because starting it takes longer than reading a small file
    from tamis.kernels.json_rows import scan_rows

    tables = empty_tables(len(rows), rows.n_bytes)
    is_simple = np.zeros(len(rows), dtype=np.bool_)
    scan_rows(rows.text, rows.starts, rows.ends, layout_words(layout), tables, is_simple)
    n_rows = int(np.count_nonzero(is_simple))
    n_messages, n_calls, n_members = tables.found.tolist()
    found = Tables(
        tables.rows[:n_rows],
        tables.messages[:n_messages],
        tables.calls[:n_calls],
        tables.members[:n_members],
        tables.found,
    )
    ids, own_keys = _ids(rows.text, found.rows, rows.numbers[is_simple], name)
    columns = {
        "messages": _messages(rows.text, found, layout),
        "tools": _texts(rows.text, found.rows, TOOLS),
        "meta": _meta(rows.text, found),
    }
    return Scanned(is_simple, columns, ids, own_keys)


def _texts(text: Bytes, table: Table, column: int) -> pa.StringArray:
    from tamis.kernels.json_columns import put_texts, size_of

    n = len(table)
    size = size_of(table, column)
    if size < 0:
        return pa.nulls(n, _STRING)
    offsets = np.empty(n + 1, dtype=np.int32)
    out = np.empty(size + PADDING, dtype=np.uint8)
    valid = np.zeros((n + 7) // 8, dtype=np.uint8)
    n_null = put_texts(text, table, column, offsets, out, valid)
    return _strings(offsets, out, valid if n_null else None)


def _strings(offsets: npt.NDArray[np.int32], out: Bytes, valid: Bytes | None) -> pa.StringArray:
    return pa.StringArray.from_buffers(
        len(offsets) - 1,
        pa.py_buffer(offsets),
        pa.py_buffer(out).slice(0, int(offsets[-1])),
        None if valid is None else pa.py_buffer(valid),
    )


def _meta(text: Bytes, found: Tables) -> pa.StringArray:
    from tamis.kernels.json_columns import put_members

    n = len(found.rows)
    if not len(found.members):
        return pa.nulls(n, _STRING)
    sizes = found.members[:, [MEMBER_KEY + 1, MEMBER_VALUE + 1]].astype(np.int64)
    sizes -= found.members[:, [MEMBER_KEY, MEMBER_VALUE]]
    # two quotes, a colon, a comma; a pair of braces
    size = int(sizes.sum()) + 4 * len(found.members) + 2 * n
    offsets = np.empty(n + 1, dtype=np.int32)
    out = np.empty(size + PADDING, dtype=np.uint8)
    valid = np.zeros((n + 7) // 8, dtype=np.uint8)
    put_members(text, found.rows, found.members, offsets, out, valid)
    return _strings(offsets, out, valid)


def _ids(
    text: Bytes, rows: Table, numbers: npt.NDArray[np.int64], name: str
) -> tuple[pa.StringArray, npt.NDArray[np.uint64]]:
    from tamis.kernels.json_columns import put_ids

    prefix = np.frombuffer(f"{name}:".encode(), dtype=np.uint8)
    has_key = rows[:, KEY] >= 0
    n_key_bytes = int((rows[has_key, KEY + 1] - rows[has_key, KEY]).sum())
    size = n_key_bytes + (len(prefix) + 20) * len(rows)
    offsets = np.empty(len(rows) + 1, dtype=np.int32)
    out = np.empty(size + PADDING, dtype=np.uint8)
    put_ids(text, rows, numbers, prefix, offsets, out)
    own_keys = np.zeros(len(rows), dtype=np.uint64)
    if has_key.any():
        view = out.data
        owned = np.flatnonzero(has_key)
        own_keys[owned] = [
            xxhash.xxh3_64_intdigest(view[start:end]) or 1
            for start, end in zip(offsets[owned].tolist(), offsets[owned + 1].tolist(), strict=True)
        ]
    return _strings(offsets, out, None), own_keys


def _messages(text: Bytes, found: Tables, layout: Layout) -> pa.ListArray:
    messages = found.messages
    read = _read_further(text, messages, layout)
    calls = _calls(text, found) if not read else _written_calls(len(messages), read)
    arrays = {
        "role": _roles(layout).take(pa.array(messages[:, ROLE])),
        "content": _texts(text, messages, CONTENT),
        "reasoning": _texts(text, messages, REASONING),
        "tool_calls": calls,
        "tool_call_id": _texts(text, messages, TOOL_CALL_ID),
        "name": _texts(text, messages, NAME),
        "train": _train(messages),
        "parts": pa.nulls(len(messages), _STRING),
        "extra": _extra(messages, layout, read),
    }
    flat = pa.StructArray.from_arrays(
        [arrays[field.name] for field in MESSAGE], fields=list(MESSAGE)
    )
    return pa.ListArray.from_arrays(pa.array(_offsets(found.rows[:, N_MESSAGES])), flat)


def _offsets(counts: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    offsets = np.zeros(len(counts) + 1, dtype=np.int32)
    np.cumsum(counts, out=offsets[1:])
    return offsets


@cache
def _roles(layout: Layout) -> pa.StringArray:
    return pa.array([role for _, role in layout.roles], _STRING)


def _read_further(text: Bytes, messages: Table, layout: Layout) -> dict[int, Message]:
    """The messages (by place) whose content is a tool call written as a text; it is no content then."""
    if layout.calls is None:
        return {}
    places = np.flatnonzero(messages[:, ROLE] >= layout.n_plain_roles)
    if not len(places):
        return {}
    written = _texts(text, messages[places], CONTENT).to_pylist()
    messages[places, CONTENT] = -1
    words = [layout.roles[role][0] for role in messages[places, ROLE].tolist()]
    return {
        place: layout.calls(word, content)
        for place, word, content in zip(places.tolist(), words, written, strict=True)
    }


def _calls(text: Bytes, found: Tables) -> pa.ListArray:
    counts = found.messages[:, N_CALLS]
    absent = counts < 0
    if absent.all():
        return pa.nulls(len(counts), _CALLS)
    marks = found.calls[:, CALL_MARKS]
    arrays = {
        "name": _texts(text, found.calls, CALL_NAME),
        "arguments": _texts(text, found.calls, ARGUMENTS),
        "id": _texts(text, found.calls, CALL_ID),
        "extra": _call_marks().take(pa.array(marks)),
    }
    flat = pa.StructArray.from_arrays(
        [arrays[field.name] for field in TOOL_CALL], fields=list(TOOL_CALL)
    )
    offsets = pa.array(_offsets(np.where(absent, 0, counts)))
    return pa.ListArray.from_arrays(offsets, flat, mask=pa.array(absent))


@cache
def _call_marks() -> pa.StringArray:
    texts = []
    for marks in range(ARGUMENTS_JSON + NO_TYPE + 1):
        marker: dict[str, object] = {}
        if marks & ARGUMENTS_JSON:
            marker["arguments"] = "json"
        if marks & NO_TYPE:
            marker["type"] = False
        texts.append(exact.rest_text({}, marker, ""))
    return pa.array(texts, _STRING)


def _written_calls(n_messages: int, read: dict[int, Message]) -> pa.ListArray:
    counts = np.zeros(n_messages, dtype=np.int32)
    absent = np.ones(n_messages, dtype=np.bool_)
    calls: list[ToolCall] = []
    for place, message in read.items():
        counts[place] = len(message.tool_calls or ())
        absent[place] = message.tool_calls is None
        calls += message.tool_calls or ()
    flat = pa.StructArray.from_arrays(
        [
            pa.array([getattr(call, field.name) for call in calls], field.type)
            for field in TOOL_CALL
        ],
        fields=list(TOOL_CALL),
    )
    return pa.ListArray.from_arrays(pa.array(_offsets(counts)), flat, mask=pa.array(absent))


def _train(messages: Table) -> pa.BooleanArray:
    has_train = messages[:, MARKS] & HAS_TRAIN != 0
    if not has_train.any():
        return pa.nulls(len(messages), pa.bool_())
    return pa.array(messages[:, MARKS] & TRAIN != 0, mask=~has_train)


def _extra(messages: Table, layout: Layout, read: dict[int, Message]) -> pa.StringArray:
    """What the marks say, as the exact reader writes it: few texts, each for many messages."""
    codes = messages[:, ROLE] * N_MARKS + messages[:, MARKS]
    n_codes = len(layout.roles) * N_MARKS
    texts: list[str | None] = []
    place_of = np.zeros(n_codes, dtype=np.int64)
    for code in np.flatnonzero(np.bincount(codes, minlength=n_codes)).tolist():
        word, _ = layout.roles[code // N_MARKS]
        marker = layout.marks(word, code % N_MARKS)
        place_of[code] = len(texts)
        texts.append(exact.rest_text({}, marker, "") if marker else None)
    places = place_of[codes]
    for at, message in read.items():
        places[at] = len(texts)
        texts.append(message.extra)
    if texts.count(None) == len(texts):
        return pa.nulls(len(messages), _STRING)
    return pa.array(texts, _STRING).take(pa.array(places))
