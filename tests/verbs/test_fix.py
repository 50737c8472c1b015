"""`fix`: mends what loses nothing, writes every edit down, and leaves all else as it was."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import tamis
from tamis.text.repair import Edit, undo_edits

from .faults import FINE, MENDED
from .files import Row, quiet, read_lines, rows_in, table, talk, write_rows

# Untouched rows whose bytes say more than their JSON: spaces, escapes, the order of keys, numbers.
PECULIAR = [
    b'{ "id" : "p1",  "messages": [{"content": "Hi?", "role": "user"},'
    b' {"role": "assistant", "content": "Gr\\u00fc\\u00dfe \\/ greetings."}] }',
    b'{"score": 1.10, "messages":[{"role":"user","content":"Hm?"},'
    b'{"role":"assistant","content":"Yes, so it is."}],"big":1e400}',
]
ALIASED: Row = {
    "messages": [
        {"role": "user", "content": "Who?"},
        {"role": " Assistant", "content": "It is I, the old model."},
    ]
}


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Rows to mend among rows that need nothing, and a line that cannot be read."""
    lines = [json.dumps(row).encode() for row, *_ in MENDED] + [json.dumps(ALIASED).encode()]
    lines[1:1] = PECULIAR
    lines += [b"{oh no", json.dumps(FINE).encode()]
    path = tmp_path / "raw.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


@pytest.fixture
def fixed(raw: Path, tmp_path: Path) -> Path:
    """The mended rows, as a data set."""
    tamis.fix([str(raw)], common=quiet(tmp_path / "fixed"))
    return tmp_path / "fixed"


@pytest.mark.parametrize("place", range(len(MENDED)), ids=[rule for _, rule, _ in MENDED])
def test_each_repair_is_one_rule_and_gives_the_text_that_was_meant(
    place: int, tmp_path: Path
) -> None:
    row, rule, text = MENDED[place]
    source = write_rows(tmp_path / "raw.jsonl", [row])
    result = tamis.fix([str(source)], common=quiet(tmp_path / "fixed.jsonl"))
    assert {change["rule"] for change in table(result.run, "ledger/changes")} == {
        f"safe-fixes/{rule}"
    }
    asked, answered = row["messages"]
    mended = {**row, "messages": [asked, {**answered, "content": text}]}
    assert read_lines(tmp_path / "fixed.jsonl") == [mended]


def test_edited_rows_are_those_with_changes_and_the_ledger_undoes_every_edit(
    raw: Path, fixed: Path, tmp_path: Path
) -> None:
    tamis.import_([str(raw)], common=quiet(tmp_path / "data"))
    before = {row["id"]: row for row in rows_in(tmp_path / "data")}
    after = {row["id"]: row for row in rows_in(fixed)}
    changes = table(fixed, "ledger/changes")
    assert before.keys() == after.keys()
    assert {key for key, row in after.items() if row["edited"]} == {c["id"] for c in changes}
    assert len({change["id"] for change in changes}) == len(MENDED) + 1
    for change in reversed(changes):
        undo(after[change["id"]]["messages"], change)
    for key, row in after.items():
        assert {**row, "edited": False} == before[key]


def undo(messages: list[dict[str, Any]], change: Row) -> None:
    """Take one edit of the ledger back."""
    place, field = re.fullmatch(r"messages\[(\d+)\]\.(\w+)", change["path"]).groups()  # type: ignore[union-attr]
    edit = Edit(change["rule"], change["start"], change["end"], change["before"], change["after"])
    message = messages[int(place)]
    message[field] = undo_edits(message[field], [edit])


def test_no_row_is_lost_and_the_counts_say_so(fixed: Path) -> None:
    manifest = json.loads((fixed / "manifest.json").read_bytes())
    n_read = len(MENDED) + len(PECULIAR) + 3
    assert manifest["counts"] == {
        "read": n_read,
        "unreadable": 1,
        "parsed": n_read - 1,
        "made": 0,
        "kept": n_read - 1,
        "dropped": 0,
        "written": n_read - 1,
    }
    [step] = manifest["steps"]
    assert (step["rows_in"], step["rows_out"]) == (n_read - 1, n_read - 1)
    assert step["changed"] == len({c["id"] for c in table(fixed, "ledger/changes")})


def test_fixing_twice_changes_nothing_more(fixed: Path, tmp_path: Path) -> None:
    result = tamis.fix([str(fixed)], common=quiet(tmp_path / "again"))
    assert table(result.run, "ledger/changes") == []
    assert rows_in(tmp_path / "again") == rows_in(fixed)


def test_fixing_twice_from_file_to_file_gives_the_same_bytes(raw: Path, tmp_path: Path) -> None:
    once, twice = tmp_path / "once.jsonl", tmp_path / "twice.jsonl"
    tamis.fix([str(raw)], common=quiet(once))
    result = tamis.fix([str(once)], common=quiet(twice))
    assert table(result.run, "ledger/changes") == []
    assert twice.read_bytes() == once.read_bytes()


def test_untouched_rows_keep_their_bytes_and_edited_rows_only_lose_the_fault(
    raw: Path, tmp_path: Path
) -> None:
    tamis.fix([str(raw)], common=quiet(tmp_path / "fixed.jsonl"))
    written = (tmp_path / "fixed.jsonl").read_bytes().splitlines()
    lines = [line for line in raw.read_bytes().splitlines() if line != b"{oh no"]
    assert written[1:3] == PECULIAR
    assert written[-1] == lines[-1]
    for line, original in zip(written, lines, strict=True):
        if line != original:
            assert without_contents(line) == without_contents(original)


def without_contents(line: bytes) -> Row:
    """A row with everything but the texts and words of roles that `fix` may touch."""
    row: Row = json.loads(line)
    bare = [{k: v for k, v in m.items() if k not in ("content", "role")} for m in row["messages"]]
    return {**row, "messages": bare}


def test_what_could_change_the_meaning_is_left_alone(tmp_path: Path) -> None:
    rows = [
        talk("Say <think>.", "Write `<think>` where the thought begins."),
        talk("Two?", "<think>One open, then <think>another.</think>"),
        talk("< Think >", "The spelling was the user's own."),
        talk("Call.", "<tool_call>not json and no dictionary</tool_call>"),
    ]
    source = write_rows(tmp_path / "raw.jsonl", rows)
    result = tamis.fix([str(source)], common=quiet(tmp_path / "fixed.jsonl"))
    assert table(result.run, "ledger/changes") == []
    assert (tmp_path / "fixed.jsonl").read_bytes() == source.read_bytes()


def test_cuts_and_workers_change_no_edit(raw: Path, fixed: Path, tmp_path: Path) -> None:
    tamis.fix([str(raw)], common=quiet(tmp_path / "cut", workers=2, shard_bytes=200))
    assert table(tmp_path / "cut", "ledger/changes") == table(fixed, "ledger/changes")
    assert rows_in(tmp_path / "cut") == rows_in(fixed)
