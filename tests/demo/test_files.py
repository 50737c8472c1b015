import gzip
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest
import zstandard

from tamis.demo.faults import FAULTS
from tamis.demo.files import DemoFiles, write_demo


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoFiles:
    return write_demo(tmp_path_factory.mktemp("demo"), seed=0)


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            digest.update(file.relative_to(folder).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()


def _lines(path: Path) -> list[bytes]:
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    elif path.suffix == ".zst":
        content = zstandard.decompress(content)
    return content.split(b"\n")[:-1]


def _row(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:  # a broken encoding is a ValueError too
        return None
    return row if isinstance(row, dict) else None


def _rows(path: Path) -> list[dict[str, Any] | None]:
    if path.suffix == ".parquet":
        rows: list[dict[str, Any] | None] = pq.read_table(path).to_pylist()
        return rows
    if path.suffix == ".json":
        array: list[dict[str, Any] | None] = json.loads(path.read_text("utf-8"))
        return array
    return [_row(line) for line in _lines(path)]


def test_the_same_seed_gives_the_same_bytes_in_another_process(
    demo: DemoFiles, tmp_path: Path
) -> None:
    program = "import sys; from tamis.demo.files import write_demo; write_demo(sys.argv[1], seed=0)"
    subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        check=True,
        env=os.environ | {"PYTHONHASHSEED": "77"},
    )
    assert _digest(tmp_path) == _digest(demo.folder)


def test_every_file_decodes_to_the_rows_it_declares(demo: DemoFiles) -> None:
    read = {
        file.path: (len(rows), rows.count(None))
        for file in demo.files
        for rows in [_rows(demo.raw / file.path)]
    }
    assert read == {file.path: (file.rows, file.unreadable) for file in demo.files}
    assert len(read) == 8


def test_planted_json_says_what_was_returned_and_lies_outside_the_raw_folder(
    demo: DemoFiles,
) -> None:
    note = json.loads(demo.planted.read_text("utf-8"))
    assert note["faults"] == msgspec.to_builtins(demo.faults)
    assert not demo.planted.is_relative_to(demo.raw)


def test_a_planted_row_has_the_key_and_the_place_that_are_noted(demo: DemoFiles) -> None:
    rows = {file.path: _rows(demo.raw / file.path) for file in demo.files}
    for fault in demo.faults:
        row = rows[fault.file][fault.row - 1]
        if fault.severity == "unreadable":
            assert row is None
        else:
            assert row is not None and row.get("id") == fault.key


def test_a_row_carries_one_fault_at_most(demo: DemoFiles) -> None:
    places = [(fault.file, fault.row) for fault in demo.faults]
    assert len(places) == len(set(places))


def test_copies_name_a_clean_original(demo: DemoFiles) -> None:
    faulty = {fault.key for fault in demo.faults if fault.key}
    copies = [fault for fault in demo.faults if fault.severity == "duplicate"]
    assert len(copies) == 12
    assert all(copy.peer not in faulty and copy.peer_file for copy in copies)


def test_twenty_seeds_hold_every_kind_each_time(tmp_path: Path) -> None:
    kinds = {fault.kind for fault in FAULTS} | {"near-duplicate", "exact-duplicate"}
    kinds |= {"half-line", "bad-encoding", "no-json"}
    digests = set()
    for seed in range(20):
        demo = write_demo(tmp_path / str(seed), seed=seed)
        assert {fault.kind for fault in demo.faults} == kinds, seed
        digests.add(_digest(demo.folder))
    assert len(digests) == 20


def test_a_small_pool_is_written_too(tmp_path: Path) -> None:
    demo = write_demo(tmp_path, seed=3, n=12)
    assert sum(file.rows - file.unreadable for file in demo.files if "q" not in file.path) >= 12


def test_questions_are_gsm8k_lines(demo: DemoFiles) -> None:
    rows = [json.loads(line) for line in _lines(demo.questions)]
    assert len({row["question"] for row in rows}) == len(rows) == 40
    assert all(row["answer"].rpartition("\n#### ")[2].isdigit() for row in rows)


def test_preferences_prefer_another_answer_than_the_rejected(demo: DemoFiles) -> None:
    rows = [json.loads(line) for line in _lines(demo.preferences)]
    assert len(rows) == 24
    assert all(row["chosen"] != row["rejected"] for row in rows)
