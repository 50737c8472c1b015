"""Writes canonical rows in an outside format, and files that are whole or not there."""

from __future__ import annotations

import glob
import gzip
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import msgspec
import pyarrow as pa
import zstandard

from tamis.errors import InputError, StoreError
from tamis.formats.columns import LISTS
from tamis.formats.fit import fitted
from tamis.formats.parquet import write_parquet
from tamis.formats.registry import get_format, writable
from tamis.schema import ROWS

_encode = msgspec.json.Encoder().encode


def encode(batch: pa.RecordBatch, format_name: str) -> list[bytes]:
    """One line of JSON, without a line end, for each row of a batch.

    Raises: InputError naming the row and the field that the format cannot hold.
    """
    form = get_format(format_name)
    if form.write is None:
        raise InputError(
            f"format `{form.name}`: is only read; choose another with --to: {', '.join(writable())}"
        )
    wanted = [name for name in ROWS[form.kind].names if name in batch.schema.names]
    missing = [name for name in LISTS[form.kind] if name not in wanted]
    if missing:
        raise InputError(
            f"format `{form.name}`: expected {form.kind}, got rows without {missing[0]}"
        )
    written = []
    for row in batch.select(wanted).to_pylist():
        try:
            given = row if row["format"] == form.name else fitted(row, form)
            written.append(_encode(form.write(given)))
        except InputError as error:
            raise InputError(f"row {row['id']} to {form.name}: {error}") from error
    return written


def raw_bytes(source_path: str, offset: int, length: int) -> bytes:
    """The original bytes of a row."""
    try:
        with Path(source_path).open("rb") as stream:
            stream.seek(offset)
            found = stream.read(length)
    except OSError as error:
        raise InputError(f"{source_path}: cannot be read: {error.strerror or error}") from error
    if len(found) != length:
        raise InputError(f"{source_path}: expected {length} bytes at {offset}, got {len(found)}")
    return found


def write_file(target: Path, lines: Iterable[bytes]) -> int:
    """Write rows (JSON, one each) by the target's extension; the number of rows written.

    .jsonl and .ndjson: lines; .json: an array; .parquet: columns as Arrow reads them from the JSON;
    .gz and .zst behind the first two compress. The file appears under its name when whole.
    Raises: StoreError in one line when it cannot be written; InputError for another extension.
    """
    plain = target.name.removesuffix(".gz").removesuffix(".zst")
    writers = {".jsonl": _write_lines, ".ndjson": _write_lines, ".json": _write_array}
    suffix = Path(plain).suffix
    with replacing(target) as stream:
        if suffix == ".parquet" and plain == target.name:
            return write_parquet(stream, lines)
        if suffix not in writers:
            raise InputError(
                f"{target}: expected .jsonl, .json or .parquet (and .gz, .zst), got {suffix}"
            )
        with _compressing(target.name, stream) as out:
            return writers[suffix](out, lines)


@contextmanager
def replacing(target: Path) -> Iterator[BinaryIO]:
    """A stream whose bytes appear under `target` only once all are on the disk.

    Raises: StoreError when the folder or the disk refuses.
    """
    temporary = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for left in target.parent.glob(f".{glob.escape(target.name)}.part-*"):
            left.unlink(missing_ok=True)  # of a run that was killed
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.part-")
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o666 & ~umask())
        os.replace(temporary, target)
    except OSError as error:
        raise StoreError(f"{target}: cannot be written: {error.strerror or error}") from error
    finally:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)


def umask() -> int:
    """The permissions this process leaves out of new files."""
    now = os.umask(0)
    os.umask(now)
    return now


@contextmanager
def _compressing(name: str, stream: BinaryIO) -> Iterator[BinaryIO]:
    if name.endswith(".gz"):
        # no name and no time inside: the same rows give the same bytes
        with gzip.GzipFile("", "wb", compresslevel=6, fileobj=stream, mtime=0) as packed:
            yield cast(BinaryIO, packed)
    elif name.endswith(".zst"):
        with zstandard.ZstdCompressor(level=3).stream_writer(stream, closefd=False) as packed_zst:
            yield cast(BinaryIO, packed_zst)
    else:
        yield stream


def _write_lines(stream: BinaryIO, lines: Iterable[bytes]) -> int:
    n_rows = 0
    for line in lines:
        stream.write(line)
        stream.write(b"\n")
        n_rows += 1
    return n_rows


def _write_array(stream: BinaryIO, lines: Iterable[bytes]) -> int:
    n_rows = 0
    for line in lines:
        stream.write(b",\n" if n_rows else b"[\n")
        stream.write(line.rstrip(b"\r"))  # of a line that ended in CRLF
        n_rows += 1
    stream.write(b"\n]\n" if n_rows else b"[]\n")
    return n_rows
