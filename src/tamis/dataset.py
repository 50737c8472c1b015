"""Data sets on disk: a folder with a manifest and shards of Arrow IPC.

A data set is a run folder with `data/` shards: the rows of one kind (`schema.ROWS`) followed by the
scalar columns that were measured on them. Shards are plain (uncompressed) IPC files, read through a
memory map without copying. Every file is written under a temporary name and renamed when whole.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import pyarrow as pa

from tamis.errors import InputError, StoreError
from tamis.schema import ROWS, Kind

MANIFEST = "manifest.json"
NOTE, _NOTE_START = "run.json", b'{"fingerprint":'


def store_error(path: Path, error: OSError) -> StoreError:
    """The one-line StoreError for a failed write: full disk, read-only target, missing rights."""
    what = {
        errno.ENOSPC: "the disk is full; free some space and run the same command again",
        errno.EROFS: "the file system is read-only; choose another output",
        errno.EACCES: "no right to write there; choose another output",
        errno.EDQUOT: "the disk quota is used up; free some space and run the same command again",
    }.get(error.errno or 0, error.strerror or str(error))
    return StoreError(f"{path}: cannot be written: {what}")


def write_bytes(path: Path, content: bytes) -> None:
    """Write a small file whole: under a temporary name, flushed to disk, then renamed."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise store_error(path, error) from error


class ShardWriter:
    """Writes batches of one schema to one IPC file; nothing under the final name until it is whole."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self.rows = 0
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._sink = pa.OSFile(str(self._temporary), "wb")
            self._writer = pa.ipc.new_file(self._sink, schema)
        except OSError as error:
            raise store_error(path, error) from error

    def write(self, batch: pa.RecordBatch) -> None:
        """Append one batch."""
        try:
            self._writer.write_batch(batch)
        except OSError as error:
            raise store_error(self.path, error) from error
        self.rows += batch.num_rows

    def close(self) -> None:
        """Finish the file and give it its final name."""
        try:
            self._writer.close()
            self._sink.close()
            os.replace(self._temporary, self.path)
        except OSError as error:
            raise store_error(self.path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
            return
        # the disk may be the reason we are here: closing must not hide the first error
        with contextlib.suppress(OSError):
            self._sink.close()
        self._temporary.unlink(missing_ok=True)


def write_table(path: Path, table: pa.Table) -> None:
    """Write one whole table as a shard."""
    with ShardWriter(path, table.schema) as writer:
        for batch in table.to_batches():
            writer.write(batch)


def open_shard(path: Path) -> pa.ipc.RecordBatchFileReader:
    """A memory-mapped reader of one shard."""
    try:
        return pa.ipc.open_file(pa.memory_map(str(path)))
    except (OSError, pa.ArrowInvalid) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> InputError:
    said = str(error).partition(". Detail")[0]
    return InputError(
        f"{path}: expected an Arrow shard, got: {said}; run the command again that made its folder"
    )


def read_batches(path: Path, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The batches of one shard, zero-copy; only `columns` if given."""
    reader = open_shard(path)
    for i in range(reader.num_record_batches):
        try:
            batch = reader.get_batch(i)
        except (OSError, pa.ArrowInvalid) as error:
            raise _damaged(path, error) from error
        yield batch if columns is None else batch.select(list(columns))


def read_table(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """One shard as a table, zero-copy."""
    table = open_shard(path).read_all()
    return table if columns is None else table.select(list(columns))


def read_tables(paths: Sequence[Path], schema: pa.Schema) -> pa.Table:
    """Several shards of one schema as one table; empty when there are none."""
    tables = [read_table(path) for path in paths]
    return pa.concat_tables(tables) if tables else schema.empty_table()


class Dataset:
    """A data set folder that a run finished: rows of one kind with their measured columns."""

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.folder = folder
        self.manifest = manifest
        self.kind: Kind = manifest["kind"]
        self.shards: list[Path] = [folder / shard["file"] for shard in manifest["shards"]]
        self.fingerprint: str = manifest["fingerprint"]

    @property
    def n_rows(self) -> int:
        """Rows over all shards."""
        return sum(int(shard["rows"]) for shard in self.manifest["shards"])

    @property
    def schema(self) -> pa.Schema:
        """Row columns and measured columns, as in the first shard."""
        return open_shard(self.shards[0]).schema if self.shards else ROWS[self.kind]

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """All batches in order, zero-copy; only `columns` if given."""
        for shard in self.shards:
            yield from read_batches(shard, columns)

    def table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """The whole data set as one memory-mapped table."""
        tables = [read_table(shard, columns) for shard in self.shards]
        return pa.concat_tables(tables) if tables else self.schema.empty_table()


def has_note(folder: Path) -> bool:
    """Whether a run has begun in this folder: its note is there and is ours."""
    try:
        with (folder / NOTE).open("rb") as note:
            return note.read(len(_NOTE_START)) == _NOTE_START
    except OSError:
        return False


def write_note(folder: Path, fingerprint: str = "") -> None:
    """Leave the note that a run has begun here, and which one once that is known."""
    write_bytes(folder / NOTE, msgspec.json.encode({"fingerprint": fingerprint}))


def is_run_folder(path: Path) -> bool:
    """Whether `path` is a folder that Tamis made (a data set or another run folder)."""
    manifest = path / MANIFEST
    return manifest.is_file() and b'"tamis_version"' in manifest.read_bytes()[:4096]


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a run folder."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise InputError(
            f"{folder}: expected a folder made by Tamis, got {error}; import raw files first"
        ) from error
    if not isinstance(manifest, dict):
        raise InputError(f"{folder}: its {MANIFEST} is not an object; run the command again")
    return manifest


def open_dataset(folder: Path) -> Dataset:
    """Open a finished data set; an unfinished run or a folder without rows is refused."""
    manifest = read_manifest(folder)
    if not manifest.get("finished"):
        raise InputError(
            f"{folder}: this run has not finished; run its command again to continue it"
        )
    if not manifest.get("shards"):
        raise InputError(
            f"{folder}: holds no rows (command `{manifest.get('command')}`); expected a data set"
        )
    return Dataset(folder, manifest)
