"""Reads the files of a run folder, a piece at a time; nothing here counts or judges.

A table of a run is a folder of Arrow files. They are memory-mapped and read in the order of their
names, only the columns asked for, so that memory holds one piece at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis import dataset
from tamis.errors import StoreError
from tamis.records import Rule

_PIECE_ROWS = 65_536


class RunInput(msgspec.Struct, frozen=True, kw_only=True):
    """One input as the manifest names it: `name` is for people, `path` is the file really read.

    `confidence` is a word or a number in [0, 1].
    """

    path: str
    name: str | None = None
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
    recipe: dict[str, object] = {}
    seed: int | None = None
    inputs: list[RunInput] = []
    dropped_by: dict[str, int] = {}
    steps: list[RunStep] = []
    shards: list[RunShard] = []
    not_checked: list[RunGap] = []
    next: list[RunCommand] = []
    models: list[RunModel] = []
    llm: str | None = None
    set_aside: list[RunInput] = []
    started: str | float | None = None
    finished: str | float | None = None


def output_path(manifest: Manifest) -> str | None:
    """The file or folder the recipe writes to; None when it names none."""
    outputs = manifest.recipe.get("outputs")
    path = outputs.get("path") if isinstance(outputs, dict) else None
    return path if isinstance(path, str) else None


def read_manifest(run: Path) -> Manifest:
    """The manifest of a run folder.

    Raises:  InputError when there is none, StoreError when it is not a manifest of a run.
    """
    try:
        return msgspec.convert(dataset.read_manifest(run), Manifest)
    except msgspec.ValidationError as error:
        raise StoreError(
            f"{run}: expected a manifest of a run, got {error}; run it again"
        ) from error


def read_rules(run: Path) -> list[Rule]:
    """Every rule that could have found something, by id; empty when the run wrote none.

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
    """The columns of one shard, without reading rows."""
    return dataset.open_shard(path).schema


def read_pieces(folder: Path, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """The rows of a table in order, some 65,536 at a time, all columns or those named.

    Columns a shard lacks are left out of its pieces; empty shards give none.
    """
    for path in shard_files(folder):
        names = shard_schema(path).names
        wanted = names if columns is None else [name for name in names if name in columns]
        gathered: list[pa.RecordBatch] = []
        for batch in dataset.read_batches(path, wanted):
            gathered.append(batch)
            if sum(part.num_rows for part in gathered) >= _PIECE_ROWS:
                yield pa.Table.from_batches(gathered)
                gathered = []
        if any(part.num_rows for part in gathered):
            yield pa.Table.from_batches(gathered)


def keep_ids_whole(pieces: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows, cut so that neighbouring rows of one `id` are never in two pieces."""
    held: pa.Table | None = None
    for piece in pieces:
        joined = piece if held is None else pa.concat_tables([held, piece])
        ids = joined["id"]
        differs = np.flatnonzero(pc.not_equal(ids, ids[-1]).to_numpy())
        cut = int(differs[-1]) + 1 if len(differs) else 0
        held = joined.slice(cut)
        if cut:
            yield joined.slice(0, cut)
    if held is not None:
        yield held
