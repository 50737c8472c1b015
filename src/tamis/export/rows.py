"""Final rows to one file: unchanged rows by their original bytes, all others encoded."""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from tamis.dataset import read_batches
from tamis.errors import RecipeError
from tamis.formats.write import encode, write_file

Chosen = Sequence[tuple[Path, Path | None]]


class RawSource(msgspec.Struct, frozen=True, kw_only=True):
    """An input file whose rows can be copied by their bytes; `spans_lines`: a row may hold newlines."""

    path: str
    spans_lines: bool


class Lines(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of one shard as lines of a format, to be written to `part` by any process."""

    index: int
    rows: str
    copies: str | None
    form: str
    sources: Mapping[str, RawSource]
    part: str


InParallel = Callable[[Callable[[Lines], None], Sequence[Lines]], Iterator[None]]


def write_rows(
    shards: Chosen,
    target: Path,
    *,
    sources: Mapping[str, RawSource],
    to: str | None,
    in_parallel: InParallel,
) -> int:
    """Write the chosen rows to `target`; gives the number of rows written, copies counted.

    shards:  (rows, copies) for each shard; copies names a .npy of (n_rows,) int32, or None for all
    sources: the raw files by their name in the rows' `source`
    to:      format to write; None keeps that of the rows
    in_parallel: calls a function on each of several tasks, in any order and process
    Raises:  RecipeError when rows of several formats would go into one file without `to`;
             InputError when a row holds what the format cannot say.
    """
    form = to or _only_format(shards, target)
    if form is None:
        return write_file(target, [])
    if len(shards) == 1:
        return write_file(target, _lines(shards, form, sources))
    with tempfile.TemporaryDirectory(prefix="tamis-") as folder:
        tasks = [
            Lines(
                index=index,
                rows=str(rows),
                copies=None if copies is None else str(copies),
                form=form,
                sources=sources,
                part=f"{folder}/{index:05d}",
            )
            for index, (rows, copies) in enumerate(shards)
        ]
        for _ in in_parallel(_write_part, tasks):
            pass
        return write_file(target, _lines_of_parts(tasks))


def _write_part(task: Lines) -> None:
    shard = (Path(task.rows), None if task.copies is None else Path(task.copies))
    with open(task.part, "wb") as part:
        for line in _lines([shard], task.form, task.sources):
            part.write(line)
            part.write(b"\n")


def _lines_of_parts(tasks: Sequence[Lines]) -> Iterator[bytes]:
    for task in tasks:
        with open(task.part, "rb") as part:
            for line in part:
                yield line[:-1]
        os.unlink(task.part)


def _only_format(shards: Chosen, target: Path) -> str | None:
    found: set[str] = set()
    for rows, copies in shards:
        chosen = _copies(copies)
        start = 0
        for batch in read_batches(rows, ["format"]):
            column = batch.column("format")
            if chosen is not None:
                column = column.filter(pa.array(chosen[start : start + len(column)] > 0))
                start += batch.num_rows
            found.update(pc.unique(column).to_pylist())
    if len(found) > 1:
        raise RecipeError(
            f"{target}: the rows were read from several formats ({', '.join(sorted(found))}); "
            "choose one with --to"
        )
    return next(iter(found), None)


def _copies(path: Path | None) -> npt.NDArray[np.int32] | None:
    return None if path is None else np.load(path)


def _lines(shards: Chosen, form: str, sources: Mapping[str, RawSource]) -> Iterator[bytes]:
    with _RawFiles(sources) as files:
        for rows, copies in shards:
            chosen, start = _copies(copies), 0
            for batch in read_batches(rows):
                times = np.ones(batch.num_rows, dtype=np.int32)
                if chosen is not None:
                    times = chosen[start : start + batch.num_rows]
                    start += batch.num_rows
                yield from _batch_lines(batch, times, form, files)


def _batch_lines(
    batch: pa.RecordBatch, times: npt.NDArray[np.int32], form: str, files: _RawFiles
) -> Iterator[bytes]:
    if not times.any():
        return
    raw = _is_raw(batch, form) & files.holds(batch.column("source")) & (times > 0)
    own = files.lines(batch, np.flatnonzero(raw)) if raw.any() else {}
    encoded: Iterator[bytes] = iter(())
    wanted = [row for row in np.flatnonzero(times).tolist() if row not in own]
    if wanted:
        encoded = iter(encode(batch.take(pa.array(wanted)), form))
    for row in np.flatnonzero(times).tolist():
        line = own[row] if row in own else next(encoded)
        for _ in range(int(times[row])):
            yield line


def _is_raw(batch: pa.RecordBatch, form: str) -> npt.NDArray[np.bool_]:
    """(n_rows,) bool: the row still says what its bytes say, in the format that is written."""
    # rows that a step made were read from no format
    same = pc.fill_null(pc.equal(batch.column("format"), form), False)
    unedited = pc.invert(pc.fill_null(batch.column("edited"), False))
    has_bytes = pc.is_valid(batch.column("length"))
    mask = pc.and_(pc.and_(same, unedited), has_bytes)
    raw: npt.NDArray[np.bool_] = mask.to_numpy(zero_copy_only=False)
    return raw


def _has_bytes(path: Path) -> bool:
    # an empty file cannot be mapped
    return path.is_file() and path.stat().st_size > 0


class _RawFiles:
    """Memory maps of the raw sources, opened when first asked for."""

    def __init__(self, sources: Mapping[str, RawSource]) -> None:
        self._sources = {n: s for n, s in sources.items() if _has_bytes(Path(s.path))}
        self._maps: dict[str, mmap.mmap] = {}

    def __enter__(self) -> _RawFiles:
        return self

    def __exit__(self, *_: object) -> None:
        for opened in self._maps.values():
            opened.close()

    def holds(self, names: pa.Array) -> npt.NDArray[np.bool_]:
        """(n_rows,) bool: the row's source is at hand."""
        known = pc.is_in(names, pa.array(list(self._sources), pa.string()))
        mask: npt.NDArray[np.bool_] = known.to_numpy(zero_copy_only=False)
        return mask

    def lines(self, batch: pa.RecordBatch, places: npt.NDArray[np.int64]) -> dict[int, bytes]:
        """The own bytes of these rows, each on one line; only white space outside of strings is left out.

        Without those whose file no longer holds what was read from it.
        """
        some = batch.select(["source", "offset", "length", "content_hash"]).take(pa.array(places))
        told = zip(places.tolist(), *(column.to_pylist() for column in some.columns), strict=True)
        found = {}
        for place, name, offset, length, digest in told:
            line = self._map(name)[offset : offset + length]
            if xxhash.xxh3_64_intdigest(line) != digest:
                continue
            if self._sources[name].spans_lines and b"\n" in line:
                line = msgspec.json.format(line, indent=-1)
            found[place] = line
        return found

    def _map(self, name: str) -> mmap.mmap:
        if name not in self._maps:
            with open(self._sources[name].path, "rb") as file:
                self._maps[name] = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return self._maps[name]
