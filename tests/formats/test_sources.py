"""Inputs: files, globs, folders, archives and standard input become plain sources."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path

import pytest
import zstandard
from tests.formats.reading import read_all, source_of

from tamis.errors import InputError, StoreError
from tamis.formats import detect, find_sources

LINE = b'{"messages":[{"role":"user","content":"hi"}]}\n'


def test_a_folder_gives_its_inputs_by_relative_name_in_order(tmp_path: Path) -> None:
    for name in ("b/two.jsonl", "a/one.json", "a/notes.txt", "three.ndjson", ".hidden.jsonl"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(LINE)
    found = find_sources([str(tmp_path / "in")], staging=tmp_path / "staging")
    assert [source.name for source in found] == ["a/one.json", "b/two.jsonl", "three.ndjson"]
    assert not (tmp_path / "staging").exists()


def test_clashing_names_are_numbered_and_the_same_file_counts_once(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "rows.jsonl").write_bytes(LINE)
    paths = [str(tmp_path / "x" / "rows.jsonl"), str(tmp_path / "*" / "rows.jsonl")]
    found = find_sources(paths, staging=tmp_path / "staging")
    assert [source.name for source in found] == ["rows.jsonl", "rows.jsonl#2"]
    assert found[0].fingerprint == found[1].fingerprint


@pytest.mark.parametrize("ending", ["gz", "zst"])
def test_a_compressed_file_is_unpacked_once(tmp_path: Path, ending: str) -> None:
    packed = gzip.compress(LINE) if ending == "gz" else zstandard.compress(LINE)
    path = tmp_path / f"rows.jsonl.{ending}"
    path.write_bytes(packed + packed)  # two members, one after the other
    [first] = find_sources([str(path)], staging=tmp_path / "staging")
    assert (first.name, first.bytes) == (path.name, 2 * len(LINE))
    assert Path(first.path).read_bytes() == LINE + LINE
    written = Path(first.path).stat().st_mtime_ns
    [again] = find_sources([str(path)], staging=tmp_path / "staging")
    assert (again, Path(again.path).stat().st_mtime_ns) == (first, written)
    assert len(list((tmp_path / "staging").iterdir())) == 1


@pytest.mark.parametrize("ending", ["gz", "zst"])
@pytest.mark.parametrize("damage", ["cut", "garbage"])
def test_a_broken_archive_is_one_line_and_leaves_nothing(
    tmp_path: Path, ending: str, damage: str
) -> None:
    data = LINE * 1000
    packed = gzip.compress(data) if ending == "gz" else zstandard.compress(data)
    path = tmp_path / f"rows.jsonl.{ending}"
    path.write_bytes(packed[:-20] if damage == "cut" else b"not packed at all")
    with pytest.raises(InputError, match="expected a whole compressed file") as caught:
        find_sources([str(path)], staging=tmp_path / "staging")
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "staging").iterdir()) == []


def test_standard_input_is_spooled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(LINE)))
    [source] = find_sources(["-"], staging=tmp_path / "staging")
    assert (source.name, source.container, source.bytes) == ("stdin", "jsonl", len(LINE))
    rows, _ = read_all(source, "openai")
    assert [row["id"] for row in rows] == ["stdin:1"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x00\x01\x02", "got binary or UTF-16"),
        (LINE.decode().encode("utf-16"), "got binary or UTF-16"),
        (b'{\n "messages": [],\n', "got one value that is no table"),
    ],
)
def test_bytes_that_are_no_rows_are_refused(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        source_of(tmp_path, data)


def test_a_missing_path_a_glob_without_match_and_an_empty_folder_are_refused(
    tmp_path: Path,
) -> None:
    (tmp_path / "empty").mkdir()
    for path in ("none.jsonl", "*.jsonl", "empty"):
        with pytest.raises(InputError, match=r"found none|none does|found nothing"):
            find_sources([str(tmp_path / path)], staging=tmp_path / "staging")


@pytest.mark.parametrize("data", [b"", b" \n\n"])
def test_an_empty_file_is_a_source_without_rows_that_detection_refuses(
    tmp_path: Path, data: bytes
) -> None:
    source = source_of(tmp_path, data)
    assert read_all(source, "openai") == ([], [])
    with pytest.raises(InputError, match="got an empty file"):
        detect(source)


def test_a_staging_folder_that_cannot_be_made_is_a_store_error(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(LINE))
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(StoreError, match="cannot hold"):
        find_sources([str(path)], staging=tmp_path / "taken" / "staging")


def test_a_fingerprint_follows_the_content(tmp_path: Path) -> None:
    first = source_of(tmp_path, LINE, "a.jsonl").fingerprint
    assert source_of(tmp_path, LINE, "b.jsonl").fingerprint == first
    assert source_of(tmp_path, LINE.replace(b"hi", b"ho"), "a.jsonl").fingerprint != first
