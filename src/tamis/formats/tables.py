"""Tables as JSON lines: CSV and TSV with a header, and JSON objects that hold a list for each column.

A table's rows have no bytes of their own, so a copy as JSON lines is read in its place. A row that is
no row of the table becomes a line that starts with `REFUSED` and says why.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw

from tamis.errors import InputError, RowError
from tamis.formats import exact
from tamis.formats.registry import UNKNOWN, name_of, plain

CSV_SUFFIXES = (".csv", ".tsv")
REFUSED = b"!"
_MOST_CELL_CHARS = 1 << 30
_WHOLE_ROW_BYTES = 1 << 30
_DELIMITERS = ",;\t|"
_ESCAPED = range(0xDC80, 0xDD00)


def csv_lines(path: Path, name: str) -> Iterator[bytes]:
    """The rows of a CSV file, each cell a text; a cell that is a JSON list of turns stays one.

    Raises: InputError without a header, or with a name twice in it.
    """
    before = csv.field_size_limit(_MOST_CELL_CHARS)
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
            header_line = stream.readline()
            stream.seek(0)
            delimiter = "\t" if ".tsv" in name.lower() else _delimiter(header_line)
            reader = csv.reader(stream, delimiter=delimiter, strict=True)
            header = next(reader, None)
            if header is None:
                return
            _check_header(header, name)
            yield from _csv_rows(reader, header)
    except csv.Error as error:
        raise InputError(f"{name} line 1: expected names of columns, got: {error}") from error
    finally:
        csv.field_size_limit(before)


def _delimiter(header: str) -> str:
    """The separator that the first line holds most of; a comma when it holds none."""
    return max(_DELIMITERS, key=header.count)


def _check_header(header: Sequence[str], name: str) -> None:
    repeated = sorted({cell for cell in header if header.count(cell) > 1})
    if repeated or any(not cell.strip() for cell in header):
        raise InputError(
            f"{name} line 1: expected a name for each column, "
            f"got {f'`{repeated[0]}` twice' if repeated else 'an empty one'}"
        )


def _csv_rows(reader: Any, header: Sequence[str]) -> Iterator[bytes]:
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield REFUSED + f"$: expected cells, got: {error}".encode()
            continue
        if not cells:  # a blank line
            continue
        wrong = next((c for cell in cells for c in cell if ord(c) in _ESCAPED), None)
        if wrong is not None:
            yield REFUSED + f"$: expected UTF-8, got byte 0x{ord(wrong) - 0xDC00:02x}".encode()
        elif len(cells) != len(header):
            told = f"$: expected {len(header)} cells as in the header, got {len(cells)}"
            yield REFUSED + told.encode()
        else:
            yield msgspec.json.encode(
                {key: _cell(cell) for key, cell in zip(header, cells, strict=True)}
            )


def _cell(cell: str) -> str | Raw:
    """A cell as a text, or as the list of turns that it is."""
    if not cell.lstrip().startswith("[") or ("role" not in cell and "from" not in cell):
        return cell
    try:
        turns = msgspec.json.decode(cell, type=list[dict[str, Raw]])
    except (msgspec.DecodeError, RecursionError):
        return cell
    is_turns = bool(turns) and all("role" in turn or "from" in turn for turn in turns)
    return Raw(cell.strip().encode()) if is_turns else cell


def object_lines(path: Path, name: str, n_bytes: int) -> Iterator[bytes]:
    """The rows of a file that is one JSON object: a list, or an object by row, for each column.

    An object that holds anything else is a row itself.
    Raises: InputError when it is no object, or its columns differ in length.
    """
    if n_bytes > _WHOLE_ROW_BYTES:
        raise InputError(
            f"{name}: expected at most {_WHOLE_ROW_BYTES} bytes in one JSON object, got {n_bytes}; "
            "write a row on each line"
        )
    text = path.read_bytes().removeprefix(b"\xef\xbb\xbf").strip(b" \t\r\n")
    try:
        columns = exact.open_row(text)
        cells = _columns(columns)
    except RowError as error:
        raise InputError(
            f"{name}: expected a list of rows or a row on each line, got one value that is "
            f"no table: {error}"
        ) from error
    if cells is None:
        yield msgspec.json.format(text, indent=-1)
        return
    lengths = {name_: len(values) for name_, values in cells.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{key} {n}" for key, n in list(lengths.items())[:6])
        raise InputError(f"{name}: expected columns of one length, got {told}")
    for row in zip(*cells.values(), strict=True):
        line = msgspec.json.encode(dict(zip(cells, row, strict=True)))
        yield msgspec.json.format(line, indent=-1)


def _columns(members: dict[str, Raw]) -> dict[str, list[Raw]] | None:
    """The values of each column; None when the object is no set of columns."""
    # `{"segments": [...]}` is a row of a known shape, and so is one that holds a list of turns
    if not members or name_of(plain(members)) != UNKNOWN:
        return None
    if all(map(exact.is_list, members.values())):
        found = {key: exact.elements(raw, f"$.{key}") for key, raw in members.items()}
        has_turns = any(values and _has_turns(values) for values in found.values())
        return None if has_turns or not all(found.values()) else found
    if all(bytes(raw)[:1] == b"{" for raw in members.values()):
        by_row = {key: exact.members(raw, f"$.{key}") for key, raw in members.items()}
        # pandas writes a column as an object from row number to value
        if all(values and all(k.isdecimal() for k in values) for values in by_row.values()):
            return _by_row_number(by_row)
    return None


def _by_row_number(by_row: dict[str, dict[str, Raw]]) -> dict[str, list[Raw]]:
    """The values of each column in the order of the first one's row numbers."""
    first, *others = by_row
    numbers = list(by_row[first])
    for key in others:
        if set(by_row[key]) != set(numbers):
            raise RowError(f"$.{key}: expected the row numbers of `{first}`, got others")
    return {key: [values[number] for number in numbers] for key, values in by_row.items()}


def _has_turns(values: Sequence[Raw]) -> bool:
    if bytes(values[0])[:1] != b"{":
        return False
    return not {"role", "from"}.isdisjoint(exact.members(values[0], "$"))


def is_columns(line: bytes) -> bool:
    """Whether one line is an object with a list, or an object by row, for each column."""
    try:
        members = exact.open_row(line)
    except RowError:
        return False
    try:
        return _columns(members) is not None
    except RowError:
        return True  # columns that do not fit together, for `object_lines` to refuse
