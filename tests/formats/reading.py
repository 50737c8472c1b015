"""Reading in tests: write bytes to a file, read them whole, look at rows as plain Python."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from tamis.formats import ReadBatch, Reading, Source, find_sources, get_format, read_range, split
from tamis.formats.read import read_rows
from tamis.formats.rows import rows_of
from tamis.schema import ROWS, UNREADABLE


def source_of(folder: Path, data: bytes, name: str = "rows.jsonl") -> Source:
    path = folder / name
    path.write_bytes(data)
    [source] = find_sources([str(path)], staging=folder / "staging")
    return source


def batches(
    source: Source, format_name: str, target: int = 16 << 20, **options: Any
) -> Iterator[ReadBatch]:
    for part in split(source, target):
        for batch in read_range(part, Reading(format=format_name), **options):
            batch.rows.validate(full=True)
            assert batch.rows.schema == ROWS[get_format(format_name).kind]
            assert batch.unreadable.schema == UNREADABLE
            assert len(batch.own_keys) == len(batch.rows)
            yield batch


def read_all(
    source: Source, format_name: str, target: int = 16 << 20, **options: Any
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """All rows and all unreadable ones of a source."""
    rows: list[dict[str, Any]] = []
    unreadable: list[dict[str, Any]] = []
    for batch in batches(source, format_name, target, **options):
        rows += batch.rows.to_pylist()
        unreadable += batch.unreadable.to_pylist()
    return rows, unreadable


def read_lines(lines: list[bytes], format_name: str, *, scanned: bool = True) -> ReadBatch:
    """Lines in one step, with or without the compiled scanner."""
    reading = Reading(format=format_name)
    return read_rows(rows_of(lines, 1, 0), "rows.jsonl", reading, scanned=scanned)


def line_of(row: Any) -> bytes:
    return msgspec.json.encode(row)


def exact_value(line: bytes) -> Any:
    """JSON as Python with numbers as their text, so that 1.10 is not 1.1."""
    return json.loads(line, parse_float=str, parse_int=str)


def table_of(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = batch.to_pylist()
    return rows
