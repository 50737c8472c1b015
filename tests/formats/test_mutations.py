"""Mutated rows of every format: read as they stand, or listed as unreadable with a reason; nothing else.

`TAMIS_MUTATIONS` sets how many of each format; `make soak` takes 10,000.
"""

from __future__ import annotations

import os
import zlib
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from tests.formats.mutations import mutations
from tests.formats.reading import exact_value, read_lines
from tests.formats.test_fixtures import fixture, one_line

from tamis.formats import FORMATS, encode, get_format

EACH = int(os.environ.get("TAMIS_MUTATIONS", "60"))
_OWN = ("id", "source", "line", "offset", "length", "content_hash", "question_id")


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_mutated_row_is_read_as_it_stands_or_listed_with_a_reason(name: str) -> None:
    rows = [one_line(row) for row in fixture(name).rows]
    seed = zlib.crc32(name.encode())
    each = -(-EACH // len(rows))
    lines = [
        line
        for place, row in enumerate(rows)
        for line in mutations(row, seed + place, each)
        if line.strip()
    ]
    read = read_lines(lines, name)
    refused = {one["line"]: one["reason"] for one in read.unreadable.to_pylist()}
    for line, reason in refused.items():
        assert reason.startswith("$"), (lines[line - 1], reason)
        assert "\n" not in reason
    parsed = set(read.rows.column("line").to_pylist())
    # each line is one or the other; a row of several records has several rows
    assert parsed | set(refused) == set(range(1, len(lines) + 1))
    assert not parsed & set(refused)
    assert parsed
    assert refused
    for form in set(read.rows.column("format").to_pylist()):
        rows_of_form = read.rows.filter(pc.equal(read.rows.column("format"), form))
        _are_the_same_when_read_again(rows_of_form, form, lines)


def _are_the_same_when_read_again(rows: pa.RecordBatch, form: str, lines: list[bytes]) -> None:
    given = [lines[line - 1] for line in rows.column("line").to_pylist()]
    if get_format(form).write is None:
        once = list(dict.fromkeys(given))
        again = read_lines(once, form).rows
        assert {_said(row) for row in again.to_pylist()} == {_said(row) for row in rows.to_pylist()}
        return
    written = encode(rows, form)
    for before, after in zip(given, written, strict=True):
        assert exact_value(after) == exact_value(before), before
    again = read_lines(written, form).rows
    for before, row, other in zip(given, rows.to_pylist(), again.to_pylist(), strict=True):
        assert _said(other) == _said(row), before


def _said(row: dict[str, Any]) -> str:
    return repr([(key, value) for key, value in row.items() if key not in _OWN])
