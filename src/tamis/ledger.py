"""The ledger of a run: what became of every row, why, and how to get it back.

Tables lie under `ledger/` of a run folder: `rows` (where each row came from), `decisions` (only those
with `copies` other than 1), `changes` and `unreadable`. `counts` are checked, never assumed:

    read = parsed + unreadable
    parsed + made = kept + dropped
    written = sum of copies over kept rows
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from tamis.dataset import MANIFEST, ShardWriter, read_batches, read_manifest, read_table
from tamis.errors import CountError, InputError
from tamis.schema import CHANGES, DECISIONS, HEAD, UNREADABLE

TABLES: dict[str, pa.Schema] = {
    "rows": HEAD,
    "decisions": DECISIONS,
    "changes": CHANGES,
    "unreadable": UNREADABLE,
}


class Counts(msgspec.Struct, kw_only=True):
    """Rows of a run by what became of them; `written` counts copies."""

    read: int = 0
    unreadable: int = 0
    parsed: int = 0
    made: int = 0
    kept: int = 0
    dropped: int = 0
    written: int = 0

    def check(self, *, copies: int | None) -> None:
        """Raise CountError unless the counting rule holds.

        `copies` is their sum over kept rows; None for a command that writes no rows.
        """
        rules = {
            f"read {self.read} = parsed {self.parsed} + unreadable {self.unreadable}": self.read
            == self.parsed + self.unreadable,
            f"parsed {self.parsed} + made {self.made} = kept {self.kept} + dropped {self.dropped}": (
                self.parsed + self.made == self.kept + self.dropped
            ),
            f"written {self.written} = copies {copies}": self.written == (copies or 0),
        }
        broken = [rule for rule, holds in rules.items() if not holds]
        if broken:
            raise CountError(f"the counts do not add up: expected {'; '.join(broken)}")


def merge_shards(shards: list[Path], target: Path, schema: pa.Schema) -> int:
    """Concatenate shards of one table into `target` (always written, so absence is visible)."""
    with ShardWriter(target, schema) as writer:
        for shard in shards:
            for batch in read_batches(shard):
                writer.write(batch)
    return writer.rows


def tables(run: Path, table: str) -> list[Path]:
    """The shards of one ledger table of a run, in order."""
    return sorted((run / "ledger" / table).glob("*.arrow"))


class Account(msgspec.Struct, kw_only=True):
    """All that one run knows of one id."""

    id: str
    run: str
    command: str
    row: dict[str, Any] | None = None
    decisions: list[dict[str, Any]] = []
    changes: list[dict[str, Any]] = []
    findings: list[dict[str, Any]] = []
    unreadable: list[dict[str, Any]] = []

    @property
    def is_known(self) -> bool:
        """Whether the run has met this id at all."""
        return bool(self.row or self.decisions or self.changes or self.findings or self.unreadable)


def why(run: Path, row_id: str) -> list[Account]:
    """What became of a row in a run and, before it, in the runs that its input data sets came from.

    Oldest run first. An unreadable line is asked for as `source:LINE`.
    Raises InputError when no run of the chain has met the id; names ids that are near.
    """
    chain = _chain(run)
    accounts = [account for folder in chain if (account := _account(folder, row_id)).is_known]
    if not accounts:
        near = _near(chain[-1], row_id)
        hint = f"; did you mean {', '.join(f'`{n}`' for n in near)}?" if near else ""
        raise InputError(f"{run}: no row has the id `{row_id}`{hint}")
    return list(reversed(accounts))


def _chain(run: Path) -> list[Path]:
    """This run and the runs it was made from, newest first."""
    chain, folder = [run], run
    while True:
        inputs = read_manifest(folder).get("inputs", [])
        parents = [_place(folder, i) for i in inputs if i.get("container") == "dataset"]
        if not parents or parents[0] is None or parents[0] in chain:
            return chain
        folder = parents[0]
        chain.append(folder)


def _place(run: Path, source: dict[str, Any]) -> Path | None:
    """The folder of an input data set: where it lies from the run, or where it was named; None when gone."""
    from_here = Path(os.path.normpath(run / source.get("from_here", source["path"])))
    for place in (from_here, Path(source["path"])):
        if (place / MANIFEST).is_file():
            return place
    return None


def _account(run: Path, row_id: str) -> Account:
    source, _, line = row_id.rpartition(":")
    unreadable = [
        {**found, "bytes": (found["bytes"] or b"")[:400].decode("utf-8", "backslashreplace")}
        for found in _find(tables(run, "unreadable"), "file", source)
        if str(found["line"]) == line
    ]
    rows = _find(tables(run, "rows"), "id", row_id)
    return Account(
        id=row_id,
        run=str(run),
        command=str(read_manifest(run).get("command")),
        row=rows[0] if rows else None,
        decisions=_find(tables(run, "decisions"), "id", row_id),
        changes=_find(tables(run, "changes"), "id", row_id),
        findings=_find(sorted((run / "findings").glob("*.arrow")), "id", row_id),
        unreadable=unreadable,
    )


def _find(shards: list[Path], column: str, value: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for shard in shards:
        for batch in read_batches(shard):
            hits = batch.filter(pc.equal(batch.column(column), value))
            found += hits.to_pylist()
    return found


def _near(run: Path, row_id: str, limit: int = 3) -> list[str]:
    from rapidfuzz import process

    ids: list[str] = []
    for shard in tables(run, "rows"):
        for batch in read_batches(shard, ["id"]):
            ids += batch.column("id").to_pylist()
    return [name for name, _, _ in process.extract(row_id, ids, limit=limit, score_cutoff=60)]


def rule_counts(run: Path) -> dict[str, tuple[str, int, int]]:
    """For each rule that found something: its severity, its findings, and the rows they are in."""
    counts: dict[str, tuple[str, int, int]] = {}
    for shard in sorted((run / "findings").glob("*.arrow")):
        table = read_table(shard, ["rule", "severity", "id"])
        grouped = table.group_by(["rule", "severity"]).aggregate(
            [("id", "count"), ("id", "count_distinct")]
        )
        for row in grouped.to_pylist():
            _, findings, rows = counts.get(row["rule"], ("", 0, 0))
            counts[row["rule"]] = (
                row["severity"],
                findings + row["id_count"],
                rows + row["id_count_distinct"],
            )
    return counts
