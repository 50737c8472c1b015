"""Every format has real or documented rows: seen for what they are, read where they belong, written back.

A fixture is `fixtures/FORMAT.json`: `origin` says where the rows come from; `expect` holds for each row
(a list for a row of several branches) values by their paths in the canonical row; each of `malformed`
must be unreadable when read as this format, for a reason that begins so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.formats.reading import exact_value, read_lines

from tamis.formats import FORMATS, encode, name_of

FOLDER = Path(__file__).parent / "fixtures"


class Malformed(msgspec.Struct, forbid_unknown_fields=True):
    row: msgspec.Raw
    reason: str


class Fixture(msgspec.Struct, forbid_unknown_fields=True):
    origin: str
    rows: list[msgspec.Raw]
    expect: list[dict[str, Any] | list[dict[str, Any]]]
    malformed: list[Malformed]


def fixture(name: str) -> Fixture:
    return msgspec.json.decode((FOLDER / f"{name}.json").read_bytes(), type=Fixture)


def one_line(raw: msgspec.Raw) -> bytes:
    return msgspec.json.format(bytes(raw), indent=-1)


def value_at(row: Any, path: str) -> Any:
    for step in path.split("."):
        row = row[int(step)] if isinstance(row, list) else row[step]
    return row


def test_every_format_has_a_fixture() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == sorted(FORMATS)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_real_row_is_seen_for_what_it_is(name: str) -> None:
    given = fixture(name)
    assert given.origin
    assert given.rows
    assert [name_of(msgspec.json.decode(row)) for row in given.rows] == [name] * len(given.rows)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_everything_in_a_real_row_lands_where_it_belongs(name: str) -> None:
    given = fixture(name)
    for raw, expected in zip(given.rows, given.expect, strict=True):
        read = read_lines([one_line(raw)], name)
        assert read.unreadable.to_pylist() == []
        rows = read.rows.to_pylist()
        each = expected if isinstance(expected, list) else [expected]
        assert len(rows) == len(each)
        for row, values in zip(rows, each, strict=True):
            assert values
            assert {path: value_at(row, path) for path in values} == values


@pytest.mark.parametrize("name", sorted(n for n, form in FORMATS.items() if form.write))
def test_a_real_row_written_back_is_the_same(name: str) -> None:
    lines = [one_line(row) for row in fixture(name).rows]
    written = encode(read_lines(lines, name).rows, name)
    assert [exact_value(line) for line in written] == [exact_value(line) for line in lines]


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_malformed_twin_is_refused_with_a_reason(name: str) -> None:
    malformed = fixture(name).malformed
    assert malformed
    for twin in malformed:
        read = read_lines([one_line(twin.row)], name)
        [refused] = read.unreadable.to_pylist()
        assert refused["reason"].startswith(twin.reason), refused["reason"]
