"""Mutated rows of every format: read as they stand, or listed as unreadable with a reason; nothing else.

`TAMIS_MUTATIONS` sets how many of each format; `make soak` takes 10,000.
"""

from __future__ import annotations

import os
import zlib

import pytest
from tests.formats.mutations import mutations
from tests.formats.reading import exact_value, read_lines
from tests.formats.test_fixtures import fixture, one_line

from tamis.formats import FORMATS, encode, get_format

EACH = int(os.environ.get("TAMIS_MUTATIONS", "60"))
_OWN = ("id", "source", "line", "offset", "length", "content_hash")


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_mutated_row_is_read_as_it_stands_or_listed_with_a_reason(name: str) -> None:
    rows = [one_line(row) for row in fixture(name).rows]
    seed = zlib.crc32(name.encode())
    n_read = n_refused = 0
    for place, row in enumerate(rows):
        for line in mutations(row, seed + place, -(-EACH // len(rows))):
            read = read_lines([line], name)
            refused = read.unreadable.to_pylist()
            if read.rows.num_rows == 0:
                # a tree without a path has no row, and is no lost row only when that is said
                assert len(refused) == 1, line
                assert refused[0]["reason"].startswith("$"), (line, refused)
                assert "\n" not in refused[0]["reason"]
                n_refused += 1
                continue
            n_read += 1
            assert refused == [], line
            _is_the_same_when_read_again(read.rows, line)
    assert n_read + n_refused >= EACH
    assert n_read
    assert n_refused


def _is_the_same_when_read_again(rows: object, line: bytes) -> None:
    read = rows.to_pylist()  # type: ignore[attr-defined]
    form = get_format(read[0]["format"])
    if form.write is None:
        again = read_lines([line], form.name).rows.to_pylist()
        assert _said(again) == _said(read), line
        return
    [written] = encode(rows, form.name)  # type: ignore[arg-type]
    assert exact_value(written) == exact_value(line), line
    again = read_lines([written], form.name).rows.to_pylist()
    assert _said(again) == _said(read), line


def _said(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    return [{key: value for key, value in row.items() if key not in _OWN} for row in rows]
