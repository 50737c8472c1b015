"""Files elsewhere: fetched once through fsspec, named as they are there, refused in one line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from tests.formats.reading import read_all

from tamis.errors import InputError
from tamis.formats import find_sources

LINE = b'{"instruction": "a", "output": "b"}\n'


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    system = fsspec.filesystem("memory")
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


def test_a_file_a_glob_and_a_folder_are_found(
    memory: fsspec.AbstractFileSystem, tmp_path: Path
) -> None:
    memory.pipe({"/set/a.jsonl": LINE, "/set/deep/b.jsonl": LINE * 2, "/set/readme.txt": b"x"})
    for url, names in (
        ("memory://set/a.jsonl", ["a.jsonl"]),
        ("memory://set/*.jsonl", ["a.jsonl"]),
        ("memory://set", ["a.jsonl", "deep/b.jsonl"]),
    ):
        sources = find_sources([url], staging=tmp_path)
        assert [source.name for source in sources] == names
    rows, _ = read_all(sources[1], "alpaca")
    assert [row["id"] for row in rows] == ["deep/b.jsonl:1", "deep/b.jsonl:2"]


def test_a_file_is_fetched_again_only_when_it_changed(
    memory: fsspec.AbstractFileSystem, tmp_path: Path
) -> None:
    memory.pipe({"/set/a.jsonl": LINE})
    first, again = (find_sources(["memory://set/a.jsonl"], staging=tmp_path)[0] for _ in range(2))
    assert first.path == again.path
    memory.pipe({"/set/a.jsonl": LINE * 3})
    [changed] = find_sources(["memory://set/a.jsonl"], staging=tmp_path)
    assert (changed.path != first.path, changed.bytes) == (True, 3 * len(LINE))


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("memory://set/none.jsonl", "expected a file or a folder, found nothing there"),
        ("memory://set/*.csv", "expected at least one file to match, none does"),
        ("nowhere://set/a.jsonl", "cannot be read: ValueError Protocol not known"),
    ],
)
def test_what_is_not_there_is_told_in_one_line(
    memory: fsspec.AbstractFileSystem, tmp_path: Path, url: str, reason: str
) -> None:
    memory.pipe({"/set/a.jsonl": LINE})
    with pytest.raises(InputError, match=reason) as refused:
        find_sources([url], staging=tmp_path)
    assert "\n" not in str(refused.value)
