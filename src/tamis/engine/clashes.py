"""Rows that bring the same key: every one but the first gets its line number, and a finding."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from tamis.dataset import ShardWriter, read_table
from tamis.engine.task import FileRange, Task, stored_result
from tamis.records import Rule
from tamis.schema import FINDING_ROWS

DUPLICATE_KEY = Rule(
    id="input/duplicate-key",
    severity="warning",
    dimension="format",
    summary="Two rows of one source bring the same key.",
    fix="give each row its own key; until then the later row is named by its line",
    good='{"id": "a1", ...} and {"id": "a2", ...}',
    bad='{"id": "a1", ...} twice',
)


def rename_clashes(folder: Path, tasks: list[Task]) -> list[Task]:
    """The tasks with new names for rows whose id came before; changed ones lose their done-marker.

    The first row in input order keeps its id, whatever the workers' order was. Writes the findings
    into `folder/findings`. Sees the keys as the rows brought them, so it always finds the same.
    """
    clashes = _clashes(folder, tasks)
    found: list[tuple[str, str, int]] = []
    renamed = []
    for task in tasks:
        names = clashes.get(task.index, [])
        renames = {line: ending for line, _, ending in names}
        found += [(old + ending, old, line) for line, old, ending in names]
        if renames and isinstance(task.rows, FileRange):
            rows = msgspec.structs.replace(task.rows, renames=renames)
            task = msgspec.structs.replace(task, rows=rows)  # noqa: PLW2901
            stored = stored_result(task)
            if stored is not None and stored.renamed != len(renames):
                task.marker.unlink()
        renamed.append(task)
    if found:
        _write_findings(folder, found)
    return renamed


class _Keys(NamedTuple):
    """Key hashes of rows in input order: (n,) uint64 key, (n,) int64 line, (n,) int64 shard."""

    key: npt.NDArray[np.uint64]
    line: npt.NDArray[np.int64]
    shard: npt.NDArray[np.int64]


def _clashes(folder: Path, tasks: list[Task]) -> dict[int, list[tuple[int, str, str]]]:
    """For each shard the (line, id, new ending) of rows whose id an earlier row of the input has.

    All rows of a line get the same ending, also where only one of its branches clashes.
    """
    keys = _keys(folder, tasks)
    order = np.argsort(keys.key, kind="stable")
    repeated = np.zeros(len(keys.key), dtype=bool)
    repeated[order[1:]] = keys.key[order[1:]] == keys.key[order[:-1]]
    taken = set(keys.key.tolist()) if repeated.any() else set()
    clashes: dict[int, list[tuple[int, str, str]]] = {}
    for index in np.unique(keys.shard[repeated]).tolist():
        lines = np.unique(keys.line[repeated & (keys.shard == index)]).tolist()
        ids = _ids(folder, tasks[index], lines)
        clashes[index] = [
            (line, row_id, ending)
            for line, row_ids in zip(lines, ids, strict=True)
            for ending in [_free_ending(row_ids, line, taken)]
            for row_id in row_ids
        ]
    return clashes


def _keys(folder: Path, tasks: list[Task]) -> _Keys:
    parts: list[_Keys] = []
    for task in tasks:
        owned: npt.NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        path = folder / "keys" / f"{task.index:05d}.arrow"
        result = stored_result(task)
        if path.exists():
            table = read_table(path)
            owned = table.column("line").to_numpy()
            parts.append(_part(task, table.column("key").to_numpy(), owned))
        if result is not None and result.keyless:
            # a row without a key is named by its line, which another row may bring as its key
            rows = read_table(_rows_file(folder, task), ["id", "line"])
            rows = rows.filter(pc.invert(pc.is_in(rows.column("line"), pa.array(owned))))
            hashes = [xxhash.xxh3_64_intdigest(i.encode()) for i in rows.column("id").to_pylist()]
            lines = rows.column("line").to_numpy()
            parts.append(_part(task, np.array(hashes, dtype=np.uint64), lines))
    keys = _Keys(*(np.concatenate(part) for part in zip(*parts, strict=True)))
    order = np.lexsort((keys.line, keys.shard))
    return _Keys(keys.key[order], keys.line[order], keys.shard[order])


def _part(task: Task, key: npt.NDArray[np.uint64], line: npt.NDArray[np.int64]) -> _Keys:
    return _Keys(key, line, np.full(len(key), task.index, dtype=np.int64))


def _rows_file(folder: Path, task: Task) -> Path:
    return folder / "ledger" / "rows" / f"{task.index:05d}.arrow"


def _ids(folder: Path, task: Task, lines: list[int]) -> list[list[str]]:
    """For each line the ids that its rows had before any renaming."""
    rows = read_table(_rows_file(folder, task), ["id", "line"])
    at: dict[int, list[str]] = {line: [] for line in lines}
    for row_id, line in zip(
        rows.column("id").to_pylist(), rows.column("line").to_pylist(), strict=True
    ):
        if line in at:
            at[line].append(row_id)
    stored = stored_result(task)
    if stored is None or not stored.renamed:
        return [at[line] for line in lines]
    return [[one.rstrip("@").removesuffix(f"@{line}") for one in at[line]] for line in lines]


def _free_ending(row_ids: list[str], line: int, taken: set[int]) -> str:
    """`@line`, with more `@` behind it while another row of the input has one of those names."""
    ending = f"@{line}"
    while any(xxhash.xxh3_64_intdigest((one + ending).encode()) in taken for one in row_ids):
        ending += "@"
    return ending


def _write_findings(folder: Path, found: list[tuple[str, str, int]]) -> None:
    rows = [
        {
            "id": new,
            "rule": DUPLICATE_KEY.id,
            "severity": DUPLICATE_KEY.severity,
            "path": "id",
            "message": f"line {line} brings a key that an earlier row has; its id is now {new}",
            "start": None,
            "end": None,
            "fix": DUPLICATE_KEY.fix,
            "excerpt": old,
        }
        for new, old, line in found
    ]
    with ShardWriter(folder / "findings" / "clashes.arrow", FINDING_ROWS) as writer:
        for batch in pa.Table.from_pylist(rows, schema=FINDING_ROWS).to_batches():
            writer.write(batch)
