"""Finds the input files and makes each one plain, seekable bytes.

Compressed files and standard input are written once into a staging folder (under a temporary name,
then renamed), and found there again by the next run. An empty file is a source of zero bytes: the
caller says so; `detect` refuses it.
"""

from __future__ import annotations

import glob
import gzip
import hashlib
import os
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, cast

import xxhash
import zstandard

from tamis.dataset import has_note
from tamis.errors import InputError, StoreError
from tamis.formats.base import Container, Source
from tamis.formats.blocks import look_at
from tamis.formats.remote import is_remote, remote_files
from tamis.formats.tables import CSV_SUFFIXES, csv_lines, is_columns, object_lines

SUFFIXES = (".jsonl", ".json", ".ndjson", ".parquet", *CSV_SUFFIXES)
_BLOCK = 1 << 22
_PACKED_BLOCK = 1 << 17
_HEAD_BYTES = 1 << 16
_BOM = b"\xef\xbb\xbf"
_SPACE = b" \t\r\n"


def find_sources(paths: Sequence[str], *, staging: Path) -> list[Source]:
    """The sources behind files, globs, folders, addresses and `-`, in the order given, folders sorted.

    Names are relative to the folder that was named, or the file's base name; names that clash get
    `#2`, `#3`, ... in the order of their paths.
    Raises: InputError for a missing file, no match, a broken archive, or bytes that are not text.
    """
    found: list[tuple[str, Path | None]] = []
    for path in paths:
        found += _fetched(path, staging) if is_remote(path) else _named_files(path)
    sources = []
    taken: set[str] = set()
    seen: set[Path] = set()
    for name, file in found:
        if file is not None:
            if file.resolve() in seen:
                continue
            seen.add(file.resolve())
        if not _is_text(name):
            raise InputError(f"{name!a}: expected a file name in UTF-8; rename the file")
        unique, turn = name, 2
        while unique in taken:
            unique, turn = f"{name}#{turn}", turn + 1
        taken.add(unique)
        sources.append(_open_source(unique, file, staging))
    return sources


def _fetched(url: str, staging: Path) -> list[tuple[str, Path | None]]:
    def spool(name: str, blocks: Iterator[bytes], key: str) -> Path:
        place = staging / "fetched" / key
        return place if place.exists() else _spool(name, blocks, lambda _: place)

    return [*remote_files(url, _is_input, spool)]


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _named_files(path: str) -> list[tuple[str, Path | None]]:
    if path == "-":
        return [("stdin", None)]
    place = Path(path)
    if place.is_dir():
        inside = sorted(
            file
            for file in place.rglob("*")
            if file.is_file() and _is_input(file.name) and not _is_ours(file, place)
        )
        if not inside:
            raise InputError(
                f"{path}: expected {', '.join(SUFFIXES)} files in this folder, found none"
            )
        return [(file.relative_to(place).as_posix(), file) for file in inside]
    if place.exists():
        return [(place.name, place)]
    matched = sorted(glob.glob(path, recursive=True))
    if glob.has_magic(path) and matched:
        return [named for match in matched for named in _named_files(match)]
    if glob.has_magic(path):
        raise InputError(f"{path}: expected at least one file to match, none does")
    raise InputError(f"{path}: expected a file or a folder, found nothing there")


def _is_ours(file: Path, root: Path) -> bool:
    """Whether a file below `root` lies in a folder of a run, or is what a run wrote beside its folder."""
    above = [folder for folder in file.parents if folder != root and folder.is_relative_to(root)]
    return any(map(has_note, (*above, file.with_name(f"{file.name}.run"))))


def _is_input(name: str) -> bool:
    plain = name.lower().removesuffix(".gz").removesuffix(".zst")
    return plain.endswith(SUFFIXES) and not name.startswith(".")


def _open_source(name: str, file: Path | None, staging: Path) -> Source:
    try:
        plain = _staged(name, file, staging)
        container: Container = "table"
        lines = _table_lines(name, plain)
        if lines is None:
            with plain.open("rb") as stream:
                container = _sniff(name, stream)
        else:
            plain = _spool(name, _joined(lines), lambda digest: staging / f"table-{digest}")
        n_bytes = plain.stat().st_size
        blocks = look_at(plain, n_bytes)
    except OSError as error:
        raise InputError(f"{file or name}: cannot be read: {error.strerror or error}") from error
    digest = xxhash.xxh3_64_hexdigest(b"".join(block.digest for block in blocks))
    return Source(
        name=name,
        path=str(plain),
        container=container,
        bytes=n_bytes,
        fingerprint=f"{n_bytes}-{digest}",
        line_ends=tuple(block.n_line_ends for block in blocks),
    )


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    while block := stream.read(_BLOCK):
        yield block


def _staged(name: str, file: Path | None, staging: Path) -> Path:
    """The plain file behind an input: itself, or its copy in the staging folder."""
    if file is None:
        return _spool(name, _blocks(sys.stdin.buffer), lambda digest: staging / f"stdin-{digest}")
    if not file.is_file():  # a pipe can be read once
        with file.open("rb") as stream:
            return _spool(name, _blocks(stream), lambda digest: staging / f"pipe-{digest}")
    if not file.name.lower().endswith((".gz", ".zst")):
        return file
    status = file.stat()
    told = f"{file.resolve()}|{status.st_size}|{status.st_mtime_ns}"
    place = staging / f"{hashlib.sha256(told.encode()).hexdigest()[:16]}-{file.stem}"
    if place.exists():
        return place
    return _spool(str(file), _decompressed(file), lambda _: place)


def _decompressed(file: Path) -> Iterator[bytes]:
    try:
        with file.open("rb") as stream:
            if file.name.lower().endswith(".gz"):
                with gzip.open(stream) as plain:
                    yield from _blocks(cast(BinaryIO, plain))
            else:
                yield from _zstd_blocks(stream)
    except (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError) as error:
        raise InputError(f"{file}: expected a whole compressed file, got: {error}") from error


def _zstd_blocks(stream: BinaryIO) -> Iterator[bytes]:
    """Frames one after another; the library's own reader takes a cut frame for a whole one."""
    frame = zstandard.ZstdDecompressor().decompressobj()
    has_begun = False
    while packed := stream.read(_PACKED_BLOCK):
        while packed:
            if frame.eof:
                frame = zstandard.ZstdDecompressor().decompressobj()
            has_begun = True
            yield frame.decompress(packed)
            packed = frame.unused_data if frame.eof else b""
    if has_begun and not frame.eof:
        raise EOFError("the last frame is cut")


def _spool(name: str, blocks: Iterator[bytes], place_for: Callable[[str], Path]) -> Path:
    """Write blocks under a temporary name, then rename to the place their content hash gives."""
    digest = xxhash.xxh3_64()
    first = place_for("")
    temporary = None
    try:
        first.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=first.parent, prefix=".part-")
        with os.fdopen(handle, "wb") as stream:
            for block in blocks:
                digest.update(block)
                stream.write(block)
        place = place_for(digest.hexdigest())
        os.replace(temporary, place)
    except OSError as error:
        raise StoreError(
            f"{first.parent}: cannot hold {name}: {error.strerror or error}"
        ) from error
    finally:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)
    return place


def _table_lines(name: str, plain: Path) -> Iterator[bytes] | None:
    """The rows of a table as JSON lines; None for a file that is read as it is."""
    stem = name.lower().removesuffix(".gz").removesuffix(".zst")
    with plain.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
        if stem.endswith(CSV_SUFFIXES):
            _refuse_binary(name, head)
            return csv_lines(plain, name)
        head = head.removeprefix(_BOM).lstrip(_SPACE)
        if not head.startswith(b"{"):
            return None
        first, _, rest = head.partition(b"\n")
        if first.strip() == b"{":  # one object over several lines
            return object_lines(plain, name, plain.stat().st_size)
        # a single line may be a row, or hold all rows by columns
        is_one_line = not rest.strip() and (len(head) < _HEAD_BYTES or b"\n" not in head)
        if not is_one_line:
            return None
        stream.seek(0)
        line = stream.readline().removeprefix(_BOM).strip()
        if stream.read(1) or not is_columns(line):
            return None
    return object_lines(plain, name, plain.stat().st_size)


def _joined(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Lines in blocks, each line with its end."""
    block = bytearray()
    for line in lines:
        block += line
        block += b"\n"
        if len(block) >= _BLOCK:
            yield bytes(block)
            block.clear()
    yield bytes(block)


def _sniff(name: str, stream: BinaryIO) -> Container:
    head = stream.read(_HEAD_BYTES)
    if head.startswith(b"PAR1"):
        return "parquet"
    _refuse_binary(name, head)
    start = head.removeprefix(_BOM).lstrip(_SPACE)
    while not start and head:
        head = stream.read(_HEAD_BYTES)
        start = head.lstrip(_SPACE)
    return "array" if start.startswith(b"[") else "jsonl"


def _refuse_binary(name: str, head: bytes) -> None:
    # a NUL in a later line is that line's fault: it becomes an unreadable row
    first_line = head.partition(b"\n")[0]
    if b"\0" in first_line or head.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd")):
        raise InputError(
            f"{name}: expected JSON in UTF-8, CSV or Parquet, got binary or UTF-16 bytes"
        )
