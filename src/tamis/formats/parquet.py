"""Rows (JSON lines) as a Parquet file: one schema for all of them, found before the first is written.

Arrow's own JSON reader does the work, in blocks. It would take texts for times and large whole numbers
for floats, so times become texts again, and blocks with such numbers are judged value by value.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, BinaryIO, cast

import msgspec
import pyarrow as pa
import pyarrow.json as pj
import pyarrow.parquet as pq
from msgspec import Raw

from tamis.errors import InputError

_BLOCK_BYTES = 16 << 20
_PIECE_BYTES = 2 << 20
# 2 ** 53 has 16 digits: a float holds fewer digits exactly
_LONG_NUMBER = re.compile(rb"[:\[,]\s*-?[0-9]{16,}")
_LARGEST = 1 << 63
_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
_ELEMENTS = msgspec.json.Decoder(list[Raw])
_READ_ERRORS = (pa.ArrowException, OverflowError, msgspec.DecodeError)


def write_parquet(stream: BinaryIO, lines: Iterable[bytes]) -> int:
    """Write rows in row groups of about 16 MiB of JSON; the number of rows written.

    A key that a row lacks is null in it. Raises: InputError where rows do not share one type for each
    key, or hold what Parquet has no type for.
    """
    with tempfile.TemporaryFile() as spool:
        ends = _spooled(spool, lines)
        start = stream.tell()
        try:
            try:
                # most files are as their first block is; only of others is every block looked at before
                return _write(stream, spool, ends, _schema(spool, ends[:1]))
            except pa.ArrowInvalid:
                stream.seek(start)
                stream.truncate()
                return _write(stream, spool, ends, _schema(spool, ends))
        except _READ_ERRORS as error:
            told = " ".join(str(error).split())
            raise InputError(
                "parquet: rows do not share one type for each key, or hold what it has no type for: "
                f"{told}; write .jsonl"
            ) from error


def _write(stream: BinaryIO, spool: BinaryIO, ends: Sequence[int], schema: pa.Schema) -> int:
    """The number of rows written; ArrowInvalid where some block is not of this schema."""
    n_rows = 0
    has_floats = any(_holds(field.type, pa.types.is_floating) for field in schema)
    with pq.ParquetWriter(stream, schema) as writer:
        for block in _blocks(spool, ends):
            if has_floats and _LONG_NUMBER.search(block):
                _by_value(block, schema)
            table = _read(block, schema)
            writer.write_table(table)
            n_rows += table.num_rows
    return n_rows


def _spooled(spool: BinaryIO, lines: Iterable[bytes]) -> list[int]:
    """Write the lines to a file; gives the places where blocks end."""
    ends: list[int] = []
    place = start = 0
    for line in map(_with_texts, lines):
        place += spool.write(line.rstrip(b"\r")) + spool.write(b"\n")
        if place - start >= _BLOCK_BYTES:
            ends.append(place)
            start = place
    if place > start:
        ends.append(place)
    return ends


def _with_texts(line: bytes) -> bytes:
    """The row with its tools and the arguments of its calls as JSON text, where they are none yet.

    Parquet gives all rows one type: of two tools it would make one, with nulls that nobody wrote.
    """
    if b'"tools"' not in line and b'"functions"' not in line and b'"arguments"' not in line:
        return line
    row = _MEMBERS.decode(line)
    for key, raw in row.items():
        if key in ("tools", "functions") and bytes(raw)[:1] in (b"[", b"{"):
            row[key] = _as_text(raw)
        elif b'"arguments"' in bytes(raw) and bytes(raw)[:1] == b"[":
            row[key] = _encode([_message_with_texts(one) for one in _ELEMENTS.decode(raw)])
    return bytes(_encode(row))


def _message_with_texts(raw: Raw) -> Raw:
    if b'"arguments"' not in bytes(raw) or bytes(raw)[:1] != b"{":
        return raw
    message = _MEMBERS.decode(raw)
    calls = message.get("tool_calls")
    if calls is not None and bytes(calls)[:1] == b"[":
        message["tool_calls"] = _encode([_call_with_text(one) for one in _ELEMENTS.decode(calls)])
    return _encode(message)


def _call_with_text(raw: Raw) -> Raw:
    if bytes(raw)[:1] != b"{":
        return raw
    call = _MEMBERS.decode(raw)
    inner = call.get("function")
    if inner is not None and bytes(inner)[:1] == b"{":
        call["function"] = _call_with_text(inner)
    elif bytes(call.get("arguments", b""))[:1] in (b"[", b"{"):
        call["arguments"] = _as_text(call["arguments"])
    return _encode(call)


def _as_text(raw: Raw) -> Raw:
    return _encode(bytes(raw).decode())


def _encode(value: object) -> Raw:
    return Raw(msgspec.json.encode(value))


def _blocks(spool: BinaryIO, ends: Iterable[int]) -> Iterator[bytes]:
    spool.seek(0)
    start = 0
    for end in ends:
        yield spool.read(end - start)
        start = end


def _schema(spool: BinaryIO, ends: Iterable[int]) -> pa.Schema:
    """The schema of all rows: keys in the order they first come, times as texts."""
    found = pa.schema([])
    for block in _blocks(spool, ends):
        found = pa.unify_schemas([found, _schema_of(block)], promote_options="permissive")
    return found


def _schema_of(block: bytes) -> pa.Schema:
    table = _read(block, None)
    schema = pa.schema([_without_times(field) for field in table.schema])
    return schema


def _read(block: bytes, schema: pa.Schema | None) -> pa.Table:
    options = pj.ParseOptions(
        explicit_schema=schema,
        unexpected_field_behavior="infer" if schema is None else "error",
    )
    # with the types known, pieces of a block are read side by side
    size = len(block) + 1 if schema is None else _PIECE_BYTES
    reading = pj.ReadOptions(block_size=max(size, _longest_line(block)))
    return pj.read_json(pa.BufferReader(block), read_options=reading, parse_options=options)


def _longest_line(block: bytes) -> int:
    place = longest = 0
    while place < len(block):
        end = block.find(b"\n", place) + 1 or len(block)
        longest, place = max(longest, end - place), end
    return longest + 1


def _by_value(block: bytes, schema: pa.Schema) -> None:
    """Read the rows through Python's own numbers, which refuses what a float would bend."""
    for line in block.splitlines():
        row = msgspec.json.decode(line)
        for field in schema:
            _check_numbers(row.get(field.name), field.type)


def _check_numbers(value: Any, type_: pa.DataType) -> None:
    if isinstance(value, list):
        for one in value:
            _check_numbers(one, type_.value_type)
    elif isinstance(value, dict):
        for field in type_:
            _check_numbers(value.get(field.name), field.type)
    elif isinstance(value, int) and pa.types.is_floating(type_) and _is_bent(value):
        raise OverflowError(f"the whole number {value} is no 64-bit number, and no exact float")


def _is_bent(value: int) -> bool:
    return abs(value) >= _LARGEST or int(float(value)) != value


def _holds(type_: pa.DataType, is_it: Callable[[pa.DataType], bool]) -> bool:
    if pa.types.is_list(type_):
        return _holds(type_.value_type, is_it)
    if pa.types.is_struct(type_):
        return any(_holds(field.type, is_it) for field in type_)
    return is_it(type_)


def _without_times(field: pa.Field) -> pa.Field:
    return cast(pa.Field, field.with_type(_text_for_time(field.type)))


def _text_for_time(type_: pa.DataType) -> pa.DataType:
    if pa.types.is_list(type_):
        return pa.list_(_text_for_time(type_.value_type))
    if pa.types.is_struct(type_):
        return pa.struct([_without_times(field) for field in type_])
    return pa.string() if pa.types.is_temporal(type_) else type_
