"""Ranges cover every row once, whatever their size, in lines, arrays and Parquet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.formats.reading import line_of, read_all, source_of

from tamis.errors import InputError
from tamis.formats import detect, find_sources, raw_bytes, split, write_file

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    ['"', "\\", '\\"', "],[", "}{", "\\\\", ""]
)
chats = st.lists(
    texts.map(lambda text: {"messages": [{"role": "user", "content": text}]}), max_size=12
)


@settings(max_examples=25, deadline=None)
@given(chats, st.integers(1, 300), st.integers(1, 300), st.sampled_from([None, 1]))
def test_any_range_and_batch_size_gives_the_same_rows(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[Any],
    target: int,
    batch_bytes: int,
    indent: int | None,
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    lines = source_of(folder, b"".join(line_of(row) + b"\n" for row in rows))
    array = source_of(folder, json.dumps(rows, indent=indent).encode(), "rows.json")
    for source in (lines, array):
        read, unreadable = read_all(source, "openai", target, batch_bytes=batch_bytes)
        assert unreadable == []
        assert [row["line"] for row in read] == list(range(1, len(rows) + 1))
        assert [json.loads(raw_bytes(source.path, r["offset"], r["length"])) for r in read] == rows
        assert (read, []) == read_all(source, "openai")
        parts = split(source, target)
        assert [part.index for part in parts] == list(range(len(parts)))


GOOD = '{"messages":[]}'


@pytest.mark.parametrize(
    ("array", "n_rows", "reasons"),
    [
        ("[]", 0, []),
        (" [ ] ", 0, []),
        (f"[{GOOD},]", 1, []),
        (f"[{GOOD}, 3, {GOOD}]", 2, ["expected an object, got 3"]),
        (f"[{GOOD},,{GOOD}]", 2, ["got nothing"]),
        (f"[{GOOD}", 1, ["the array is not closed"]),
        (f'[{GOOD}, {{"messages":', 1, ["the beginning of one", "the array is not closed"]),
        (f'[{GOOD}, {{"messages":"', 1, ["the beginning of one", "the array is not closed"]),
        (f"[{GOOD}] tail", 1, ["expected JSON"]),
        (f"[{GOOD}{GOOD}]", 0, ["trailing"]),
    ],
)
def test_a_damaged_array_loses_nothing(
    tmp_path: Path, array: str, n_rows: int, reasons: list[str]
) -> None:
    source = source_of(tmp_path, array.encode(), "rows.json")
    assert source.container == "array"
    for target in (1, 1 << 20):
        rows, unreadable = read_all(source, "openai", target)
        assert len(rows) == n_rows
        assert len(unreadable) == len(reasons)
        for refused, reason in zip(unreadable, reasons, strict=True):
            assert reason in refused["reason"]


def test_an_array_larger_than_the_scanner_holds_is_read_whole(tmp_path: Path) -> None:
    rows = [{"messages": [{"role": "user", "content": 'a"],[' * 200_000}]} for _ in range(9)]
    source = source_of(tmp_path, json.dumps(rows).encode(), "rows.json")
    read, unreadable = read_all(source, "openai", 1 << 20)
    assert unreadable == []
    assert [row["messages"][0]["content"] for row in read] == [
        row["messages"][0]["content"] for row in rows
    ]


def test_parquet_rows_are_read_by_number_and_absent_keys_stay_absent(tmp_path: Path) -> None:
    rows = [
        {"messages": [{"role": "user", "content": "a"}], "source": "x"},
        {"messages": [{"role": "assistant", "content": None, "name": "n"}], "score": 1.5},
    ]
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.Table.from_pylist(rows * 10_000), path)
    [source] = find_sources([str(path)], staging=tmp_path / "staging")
    assert (source.container, detect(source).format) == ("parquet", "openai")
    read, unreadable = read_all(source, "openai")
    assert (len(read), unreadable) == (20_000, [])
    assert read[19_999]["id"] == "rows.parquet:20000"
    assert (read[0]["offset"], read[0]["length"], read[0]["meta"]) == (None, None, '{"source":"x"}')
    assert read[1]["messages"][0]["name"] == "n"
    assert read[0]["messages"][0]["extra"] is None


def test_a_broken_parquet_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"PAR1 nothing behind")
    [source] = find_sources([str(path)], staging=tmp_path / "staging")
    with pytest.raises(InputError, match="expected a Parquet file"):
        split(source)


@pytest.mark.parametrize("name", ["o.jsonl", "o.json", "o.parquet", "o.jsonl.gz", "o.json.zst"])
def test_a_written_file_reads_back(tmp_path: Path, name: str) -> None:
    lines = [GOOD.replace("[]", f'[{{"role":"user","content":"{n}"}}]').encode() for n in range(3)]
    assert write_file(tmp_path / "out" / name, lines) == 3
    assert [path.name for path in (tmp_path / "out").iterdir()] == [name]
    [source] = find_sources([str(tmp_path / "out" / name)], staging=tmp_path / "staging")
    rows, unreadable = read_all(source, "openai")
    assert unreadable == []
    assert [row["messages"][0]["content"] for row in rows] == ["0", "1", "2"]
