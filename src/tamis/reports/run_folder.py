"""Reads the files of a run folder, one shard at a time; nothing here counts or judges.

A table of a run is a folder of Arrow IPC files. They are memory-mapped and read in the order of their
names, only the columns asked for, so that memory holds one shard at most.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow as pa

from tamis.errors import StoreError
from tamis.records import Rule


class RunInput(msgspec.Struct, frozen=True, kw_only=True):
    """One input as the manifest names it; `confidence` is a word or a number in [0, 1]."""

    path: str
    format: str | None = None
    kind: str | None = None
    confidence: str | float | None = None
    bytes: int | None = None
    read: int = 0
    unreadable: int = 0
    fingerprint: str | None = None


class RunStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step as the manifest names it; `options` are the operator's own and differ by operator."""

    step: str
    op: str
    shape: str
    rows_in: int
    rows_out: int
    options: dict[str, object] = {}
    changed: int = 0
    seconds: float | None = None

    def number(self, option: str) -> float | None:
        """An option as a number, None when it is absent or not a number."""
        value = self.options.get(option)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return float(value) if is_number else None  # type: ignore[arg-type]

    def word(self, option: str) -> str | None:
        """An option as text, None when it is absent or not text."""
        value = self.options.get(option)
        return value if isinstance(value, str) else None


class RunShard(msgspec.Struct, frozen=True, kw_only=True):
    """One shard of kept rows: its file inside the run folder and its number of rows."""

    file: str
    rows: int


class RunGap(msgspec.Struct, frozen=True, kw_only=True):
    """Something the run did not look at, and why."""

    what: str
    why: str


class RunCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A command worth running next, and what for."""

    command: str
    why: str


class RunModel(msgspec.Struct, frozen=True, kw_only=True):
    """The model a step asked. `source` is `live` when it answered during the run, else `recorded`."""

    step: str
    model: str
    source: str | None = None
    calls: int | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`manifest.json` of a run folder, as far as a report reads it."""

    command: str
    kind: str
    counts: dict[str, int]
    tamis_version: str = ""
    recipe: msgspec.Raw = msgspec.Raw(b"{}")
    seed: int | None = None
    inputs: list[RunInput] = []
    dropped_by: dict[str, int] = {}
    steps: list[RunStep] = []
    shards: list[RunShard] = []
    not_checked: list[RunGap] = []
    next: list[RunCommand] = []
    models: list[RunModel] = []
    started: str | float | None = None
    finished: str | float | None = None


def read_manifest(run: Path) -> Manifest:
    """The manifest of a run folder.

    Raises:  StoreError when there is none, or when it is not a manifest of ours.
    """
    path = run / "manifest.json"
    if not path.is_file():
        raise StoreError(
            f"{run}: expected a run folder with manifest.json, found none; give a folder"
        )
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except msgspec.DecodeError as error:
        raise StoreError(
            f"{path}: expected a manifest of a run, got {error}; run it again"
        ) from error


def read_rules(run: Path) -> list[Rule]:
    """Every rule of the checks that ran, by id; empty when no check ran.

    Raises:  StoreError when `rules.json` is damaged.
    """
    path = run / "rules.json"
    if not path.is_file():
        return []
    try:
        rules = msgspec.json.decode(path.read_bytes(), type=list[Rule])
    except msgspec.DecodeError as error:
        raise StoreError(f"{path}: expected a list of rules, got {error}; run it again") from error
    return sorted(rules, key=lambda rule: rule.id)


def shard_files(folder: Path) -> list[Path]:
    """The Arrow files of a table, by name; empty when the run did not write that table."""
    return sorted(folder.glob("*.arrow"))


def shard_schema(path: Path) -> pa.Schema:
    """The columns of one shard, without reading rows.

    Raises:  StoreError when the file is not a whole Arrow file.
    """
    with _mapped(path) as source:
        return _opened(source, path, None).schema


def read_shard(path: Path, columns: list[str] | None = None) -> pa.Table:
    """One shard as a table, all columns or those named (missing ones are left out).

    Raises:  StoreError when the file is not a whole Arrow file.
    """
    options = None
    if columns is not None:
        names = shard_schema(path).names
        fields = [i for i, name in enumerate(names) if name in columns]
        if not fields:
            # an empty list of fields means "all" to Arrow
            return pa.table({})
        options = pa.ipc.IpcReadOptions(included_fields=fields)
    with _mapped(path) as source:
        return _opened(source, path, options).read_all()


def read_shards(folder: Path, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """The shards of a table one by one, in the order of their names; empty shards are skipped."""
    for path in shard_files(folder):
        table = read_shard(path, columns)
        if table.num_rows:
            yield table


def _mapped(path: Path) -> pa.MemoryMappedFile:
    if path.stat().st_size == 0:
        raise StoreError(f"{path}: expected an Arrow file, got no bytes; run it again")
    return pa.memory_map(str(path))


def _opened(
    source: pa.MemoryMappedFile, path: Path, options: pa.ipc.IpcReadOptions | None
) -> pa.ipc.RecordBatchFileReader:
    try:
        return pa.ipc.open_file(source, options=options)
    except pa.ArrowInvalid as error:
        raise StoreError(f"{path}: expected an Arrow file, got {error}; run it again") from error
