"""Bad input gives one clear line or ledger entries: never a traceback, never half a file."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tamis.dataset import read_table

from .run_tamis import said, tamis

GOOD = (
    '{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Hello."}]}'
)


def envelope(*arguments: str, cwd: Path) -> dict[str, object]:
    done = tamis(*arguments, "--format", "json", cwd=cwd)
    assert done.returncode == 0, said(done)
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


BAD_FILES = {
    "empty": b"",
    "binary": bytes(range(256)) * 40,
    "only_blank_lines": b"\n\n \n",
    "truncated_gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03abc",
    "a_number": b"42\n",
    "utf16": GOOD.encode("utf-16"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_without_one_readable_row_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    source = tmp_path / (f"{name}.jsonl.gz" if "gzip" in name else f"{name}.jsonl")
    source.write_bytes(BAD_FILES[name])
    done = tamis("import", source.name, "-o", "out", cwd=tmp_path)
    assert done.returncode == 3, (done.stdout, said(done))
    assert len(said(done).splitlines()) == 1
    assert source.name in said(done)


BAD_LINES = {
    "half_a_line": GOOD[:50].encode(),
    "wrong_encoding": b'{"messages": [{"role": "user", "content": "caf\xe9"}]}',
    "lone_surrogate": b'{"messages": [{"role": "user", "content": "\\ud800"}]}',
    "nan": b'{"messages": [{"role": "user", "content": "x"}], "score": NaN}',
    "deep_nesting": b'{"messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "duplicate_keys": b'{"messages": [{"role": "user", "role": "assistant", "content": "x"}]}',
    "content_is_a_number": b'{"messages": [{"role": "user", "content": 5}]}',
    "not_an_object": b'["hi"]',
    "nul_bytes": b"\x00\x00\x00",
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_a_line_that_cannot_be_read_is_an_entry_and_the_rest_is_kept(
    name: str, tmp_path: Path
) -> None:
    source = tmp_path / "raw.jsonl"
    source.write_bytes(b"\n".join([GOOD.encode()] * 5 + [BAD_LINES[name]] + [GOOD.encode()] * 5))
    answer = envelope("import", "raw.jsonl", "-o", "out", cwd=tmp_path)
    assert answer["counts"] == {
        "read": 11,
        "unreadable": 1,
        "parsed": 10,
        "made": 0,
        "kept": 10,
        "dropped": 0,
        "written": 10,
    }
    (entry,) = read_table(tmp_path / "out/ledger/unreadable/00000.arrow").to_pylist()
    assert (entry["file"], entry["line"]) == ("raw.jsonl", 6)
    assert entry["reason"]
    begin, end = entry["byte_offset"], entry["byte_offset"] + entry["length"]
    assert source.read_bytes()[begin:end] == BAD_LINES[name]
    done = tamis("why", "out", "raw.jsonl:6", cwd=tmp_path)
    assert "could not be read" in done.stdout.decode()


KEPT_LINES = {
    "byte_order_mark": b"\xef\xbb\xbf" + GOOD.encode(),
    "huge_numbers": GOOD[:-1].encode() + b', "big": 1e400, "long": 123456789012345678901234567890}',
    "windows_line_end": GOOD.encode() + b"\r",
    "unknown_keys": GOOD[:-1].encode() + b', "note": {"a": 1.10}}',
}


@pytest.mark.parametrize("name", KEPT_LINES)
def test_an_odd_line_is_read_and_comes_out_with_its_own_bytes(name: str, tmp_path: Path) -> None:
    source = tmp_path / "raw.jsonl"
    source.write_bytes(KEPT_LINES[name] + b"\n" + GOOD.encode() + b"\n")
    answer = envelope("export", "raw.jsonl", "-o", "out.jsonl", cwd=tmp_path)
    assert answer["counts"]["unreadable"] == 0  # type: ignore[index]
    written = (tmp_path / "out.jsonl").read_bytes().splitlines()
    assert written[0] == KEPT_LINES[name].removeprefix(b"\xef\xbb\xbf").rstrip(b"\r")
    assert written[1] == GOOD.encode()


@pytest.mark.slow
def test_a_line_of_100_mb_is_read(tmp_path: Path) -> None:
    text = "All work and no play makes for a long line. " * 2_400_000
    row = {"messages": [{"role": "user", "content": "Go."}, {"role": "assistant", "content": text}]}
    (tmp_path / "raw.jsonl").write_text(json.dumps(row) + "\n" + GOOD + "\n")
    answer = envelope("import", "raw.jsonl", "-o", "out", cwd=tmp_path)
    assert answer["counts"]["parsed"] == 2  # type: ignore[index]
    done = tamis("check", "out", "--gate", "none", cwd=tmp_path)
    assert done.returncode == 0, said(done)


def test_a_read_only_target_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "raw.jsonl").write_text(GOOD + "\n")
    done = tamis("import", "raw.jsonl", "-o", "/proc/nowhere/out", cwd=tmp_path)
    assert done.returncode == 2
    assert len(said(done).splitlines()) == 1
    assert "cannot be written" in said(done)


@pytest.mark.parametrize("megabytes", [1, 3])
def test_a_full_disk_is_one_line_and_leaves_no_partial_file(megabytes: int, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tamis-test", str(small)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small tmpfs needs root")
    try:
        rows = "".join(GOOD.replace("hi", "hi " * 500) + "\n" for _ in range(3000))
        (tmp_path / "raw.jsonl").write_text(rows)
        for command in (
            ("import", "raw.jsonl", "-o", "small/out"),
            ("dedup", "raw.jsonl", "-o", "small/out.jsonl"),
        ):
            done = tamis(*command, cwd=tmp_path)
            assert done.returncode == 2, said(done)
            assert "the disk is full" in said(done)
            assert len(said(done).splitlines()) == 1
            assert not (small / "out.jsonl").exists()
            assert not (small / "out/manifest.json").exists()
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_typo_is_answered_with_the_word_that_was_meant(tmp_path: Path) -> None:
    (tmp_path / "raw.jsonl").write_text(GOOD + "\n")
    done = tamis("chek", "raw.jsonl", cwd=tmp_path)
    assert done.returncode == 2
    assert "check" in said(done)
    done = tamis("check", "raw.jsonl", "--checks", "think_tag", cwd=tmp_path)
    assert (done.returncode, "did you mean `think_tags`?" in said(done)) == (2, True)
    done = tamis("check", "rw.jsonl", cwd=tmp_path)
    assert done.returncode == 3
    assert len(said(done).splitlines()) == 1
    done = tamis("import", "raw.jsonl", "-o", "out", "--as", "sharegtp", cwd=tmp_path)
    assert done.returncode in (2, 3)
    assert "sharegpt" in said(done)


def test_the_exit_code_follows_the_gate(tmp_path: Path) -> None:
    bad = GOOD.replace("Hello.", "<think>Hello.")
    (tmp_path / "raw.jsonl").write_text((GOOD + "\n") * 9 + bad + "\n")
    gates = {"error": 1, "none": 0, "think-tags/unpaired:0.05": 1, "think-tags/unpaired:0.5": 0}
    for gate, code in gates.items():
        done = tamis("check", "raw.jsonl", "--gate", gate, cwd=tmp_path)
        assert done.returncode == code, (gate, said(done))
    done = tamis("check", "raw.jsonl", "--gate", "think-tags/unpaired:5", cwd=tmp_path)
    assert done.returncode == 2
