"""CSV, TSV and JSON by columns: every row is read, or unreadable with a reason, and no value is bent."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.formats.reading import read_all, source_of

from tamis.errors import InputError
from tamis.formats import detect

CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


def as_csv(rows: list[list[str]], delimiter: str = ",") -> bytes:
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter).writerows(rows)
    return stream.getvalue().encode()


def test_a_csv_with_quotes_and_line_ends_in_cells_is_read(tmp_path: Path) -> None:
    data = as_csv([["instruction", "output", "note"], ['say "hi",\nplease', "hi", "1.10"]])
    source = source_of(tmp_path, data, "rows.csv")
    assert (source.container, detect(source).format) == ("table", "alpaca")
    [row], unreadable = read_all(source, "alpaca")
    assert unreadable == []
    assert [m["content"] for m in row["messages"]] == ['say "hi",\nplease', "hi"]
    assert row["meta"].startswith('{"note":"1.10"')
    assert (row["id"], row["line"], row["offset"], row["length"]) == ("rows.csv:1", 1, None, None)


@pytest.mark.parametrize(("name", "delimiter"), [("r.tsv", "\t"), ("r.csv", ";"), ("r.csv", "|")])
def test_other_delimiters_are_found(tmp_path: Path, name: str, delimiter: str) -> None:
    source = source_of(tmp_path, as_csv([["prompt", "response"], ["a,b", "c"]], delimiter), name)
    [row], _ = read_all(source, "prompt_response")
    assert row["messages"][0]["content"] == "a,b"


def test_a_cell_that_is_a_list_of_turns_is_one(tmp_path: Path) -> None:
    turns = json.dumps([{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}])
    source = source_of(tmp_path, as_csv([["id", "messages"], ["a", turns]]), "rows.csv")
    assert detect(source).format == "openai"
    [row], _ = read_all(source, "openai")
    assert (row["id"], row["messages"][1]["content"]) == ("rows.csv:a", "ho")


def test_a_cell_that_only_looks_like_json_stays_a_text(tmp_path: Path) -> None:
    cells = ["[1, 2] has no role", '[{"role": "user"]', '{"from": 1}']
    rows = [["prompt", "response"], *([cell, cell] for cell in cells)]
    read, _ = read_all(source_of(tmp_path, as_csv(rows), "rows.csv"), "prompt_response")
    assert [row["messages"][0]["content"] for row in read] == cells


def test_rows_that_are_no_rows_of_the_table_are_listed(tmp_path: Path) -> None:
    data = b"prompt,response\na,b\nonly one\n\nx,\xff\ne,f,g\nc,d\n"
    rows, unreadable = read_all(source_of(tmp_path, data, "rows.csv"), "prompt_response")
    assert [row["messages"][0]["content"] for row in rows] == ["a", "c"]
    assert [(one["line"], one["reason"]) for one in unreadable] == [
        (2, "$: expected 2 cells as in the header, got 1"),
        (3, "$: expected UTF-8, got byte 0xff"),
        (4, "$: expected 2 cells as in the header, got 3"),
    ]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"a,b,a\n1,2,3\n", "line 1: expected a name for each column, got `a` twice"),
        (b"a,,c\n1,2,3\n", "line 1: expected a name for each column, got an empty one"),
        ("a,b\n1,2\n".encode("utf-16"), "got binary or UTF-16"),
        (b"", "expected rows, got an empty file"),
        (b"prompt,response\n", "expected rows, got an empty file"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        detect(source_of(tmp_path, data, "rows.csv"))


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6))
def test_every_text_survives_a_csv(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    data = as_csv([["prompt", "response"], *map(list, rows)])
    source = source_of(tmp_path_factory.mktemp("csv"), data, "rows.csv")
    read, unreadable = read_all(source, "prompt_response")
    assert unreadable == []
    # the csv module's reader is the judge: it folds line ends no more than ours
    told = list(csv.reader(io.StringIO(data.decode(), newline="")))[1:]
    assert [[m["content"] for m in row["messages"]] for row in read] == told


@pytest.mark.parametrize(
    "data",
    [
        b'{"instruction": ["a", "b"], "output": ["c", "d"], "n": [1.10, 2]}',
        b'{"instruction": {"0": "a", "1": "b"}, "output": {"0": "c", "1": "d"}, "n": {"0": 1.10, "1": 2}}',
        b'{\n "instruction": ["a",\n "b"],\n "output": ["c", "d"], "n": [1.10, 2]\n}\n',
    ],
)
def test_columns_become_rows_with_their_numbers_as_written(tmp_path: Path, data: bytes) -> None:
    source = source_of(tmp_path, data, "rows.json")
    assert source.container == "table"
    rows, _ = read_all(source, "alpaca")
    assert [[m["content"] for m in row["messages"]] for row in rows] == [["a", "c"], ["b", "d"]]
    assert rows[0]["meta"].startswith('{"n":1.10')


def test_one_object_over_several_lines_is_one_row(tmp_path: Path) -> None:
    data = json.dumps({"messages": [{"role": "user", "content": "a\nb"}]}, indent=2).encode()
    [row], _ = read_all(source_of(tmp_path, data, "rows.json"), "openai")
    assert row["messages"][0]["content"] == "a\nb"


def test_columns_of_different_lengths_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected columns of one length, got a 2, b 1"):
        source_of(tmp_path, b'{"a": ["x", "y"], "b": ["z"]}', "rows.json")


def test_a_single_row_is_no_set_of_columns(tmp_path: Path) -> None:
    data = b'{"messages": [{"role": "user", "content": "a"}], "tools": [{"name": "f"}]}'
    source = source_of(tmp_path, data, "rows.json")
    assert (source.container, detect(source).format) == ("jsonl", "openai")


def test_columns_by_row_number_are_joined_by_their_numbers(tmp_path: Path) -> None:
    data = b'{"question": {"0": "Q0", "1": "Q1"}, "answer": {"1": "A1", "0": "A0"}}'
    rows, _ = read_all(source_of(tmp_path, data, "rows.json"), "question_answer")
    assert [[m["content"] for m in row["messages"]] for row in rows] == [["Q0", "A0"], ["Q1", "A1"]]
    other = b'{"question": {"0": "Q0", "1": "Q1"}, "answer": {"1": "A1", "2": "A2"}}'
    with pytest.raises(InputError, match="expected the row numbers of `question`, got others"):
        source_of(tmp_path, other, "other.json")


@pytest.mark.parametrize(
    "row",
    [
        {"tools": [{"name": "f"}], "messages": [{"role": "user", "content": "a"}]},
        {"segments": [{"text": "a", "label": True}, {"text": "b", "label": False}]},
        {"conversation": [{"human": "a", "assistant": "b"}]},
    ],
)
def test_a_single_row_of_lists_is_a_row(tmp_path: Path, row: dict[str, object]) -> None:
    source = source_of(tmp_path, json.dumps(row).encode() + b"\n")
    assert (source.container, detect(source).supported) == ("jsonl", True)
