"""What is compiled once is kept, and a damaged or foreign file is made again, never trusted."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from tamis.kernels import compiled, patterns


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of this test's own, and no database in memory."""
    monkeypatch.setattr(compiled, "folder", lambda: tmp_path)
    monkeypatch.setattr(patterns, "_database", patterns._database.__wrapped__)
    return tmp_path


def test_what_was_kept_is_read_back(kept: Path) -> None:
    assert compiled.read("one") is None
    compiled.keep("one", b"abc")
    assert compiled.read("one") == b"abc"
    assert [path.name for path in kept.iterdir()] == ["one"]


@pytest.mark.parametrize("damage", [b"", b"x", b"\0" * 400])
def test_a_damaged_file_is_made_again(kept: Path, damage: bytes) -> None:
    texts = pa.array(["a spade", "nothing", "two spades"])
    wanted = patterns.PatternSet(patterns=("spade",), engine="hyperscan")
    assert wanted.hits(texts).place.tolist() == [0, 2]
    [file] = kept.iterdir()
    whole = file.read_bytes()
    for content in (damage, whole[:-1], whole[:40] + b"?" + whole[41:]):
        file.write_bytes(content)
        assert wanted.hits(texts).place.tolist() == [0, 2]
        assert file.read_bytes() == whole


def test_nothing_is_kept_where_nothing_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "folder", lambda: None)
    compiled.keep("one", b"abc")
    assert compiled.read("one") is None


def test_a_folder_that_vanishes_is_no_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(compiled, "folder", lambda: tmp_path / "gone")
    compiled.keep("one", b"abc")
    assert compiled.read("one") is None
