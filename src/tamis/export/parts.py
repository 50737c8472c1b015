"""One shard's rows as a trainer reads them, written by any process; and the parts put together."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tamis.dataset import open_shard
from tamis.export.rows_out import OutRow, Refusals, own_key_names, rows_out, ungradable
from tamis.export.targets import get_target
from tamis.export.targets.base import Shape
from tamis.export.verify import Replayed, Tokens, Verifier
from tamis.schema import Kind

_BATCH_ROWS = 1024
_encode = msgspec.json.Encoder().encode


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A shard on its way out: `first_row` is the place of its first row among those of all shards."""

    index: int
    rows: str
    copies: str | None
    first_row: int
    kind: Kind
    target: str
    ways: tuple[str, ...]
    tokenizer: str | None
    max_tokens: int
    folder: str

    def file(self, name: str) -> Path:
        """A file of this part."""
        return Path(self.folder) / f"{self.index:05d}.{name}"


class PartDone(msgspec.Struct, kw_only=True):
    """What was seen of a part's rows; parts are added up in their order."""

    index: int = 0
    n_rows: int = 0
    has_tools: bool = False
    has_reasoning: bool = False
    rewards: set[tuple[str, str | None]] = set()
    flattened: dict[str, int] = {}
    own_keys: dict[str, int] = {}
    ungradable: dict[str, int] = {}
    refused: dict[str, int] = {}
    first_refused: list[str] = []
    replayed: Replayed | None = None
    tokens: Tokens | None = None

    def add(self, other: PartDone) -> None:
        """Take over what the next part saw."""
        self.n_rows += other.n_rows
        self.has_tools = self.has_tools or other.has_tools
        self.has_reasoning = self.has_reasoning or other.has_reasoning
        self.rewards |= other.rewards
        self.flattened = _summed(self.flattened, other.flattened)
        self.own_keys = _summed(self.own_keys, other.own_keys)
        self.ungradable = _summed(self.ungradable, other.ungradable)
        self.refused = _summed(self.refused, other.refused)
        self.first_refused += other.first_refused
        if self.replayed is not None and other.replayed is not None:
            self.replayed.add(other.replayed)
        if self.tokens is not None and other.tokens is not None:
            self.tokens.add(other.tokens)


def _summed(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return dict(Counter(one) + Counter(other))


def n_chosen(rows: Path, copies: Path | None) -> int:
    """How many rows of a shard go out, copies counted."""
    if copies is not None:
        return int(np.load(copies).sum())
    reader = open_shard(rows)
    return sum(reader.get_batch(place).num_rows for place in range(reader.num_record_batches))


def write_part(part: Part) -> PartDone:
    """Write a part's rows, whose they are and what was changed in them, and look at each."""
    target = get_target(part.target)
    shape = target.shapes[part.kind]
    refusals = Refusals()
    verifier = Verifier(part.kind, target, part.tokenizer, part.max_tokens, part.first_row)
    shard = (Path(part.rows), None if part.copies is None else Path(part.copies))
    with _Look(part, shape.schema, verifier) as look:
        rows = rows_out([shard], part.kind, shape, part.ways, refusals)
        for batch in _batches(look.each(rows)):
            verifier.replay(look.write(batch))
    done = look.done
    done.refused, done.first_refused = dict(refusals.reasons), refusals.first
    done.replayed, done.tokens = verifier.replayed, verifier.counted
    return done


class _Look:
    """The files of a part, and what passes on its way into them."""

    def __init__(self, part: Part, schema: pa.Schema | None, verifier: Verifier) -> None:
        self._part = part
        self._schema = schema
        self._verifier = verifier
        self.done = PartDone(index=part.index)

    def __enter__(self) -> _Look:
        names = ("data", "rows", "changes")
        self._files = {name: self._part.file(name).open("wb") for name in names}
        self._table = self._schema and pa.ipc.new_stream(self._files["data"], self._schema)
        return self

    def __exit__(self, *_: object) -> None:
        if self._table is not None:
            self._table.close()
        for file in self._files.values():
            file.close()

    def each(self, rows: Iterable[OutRow]) -> Iterator[dict[str, Any]]:
        """The rows as they are written."""
        for row in rows:
            self._tell(row)
            self._verifier.look(row.given)
            yield row.written
            self.done.n_rows += 1

    def _tell(self, row: OutRow) -> None:
        done, given = self.done, row.given
        told: dict[str, Any] = {"row": self._part.first_row + done.n_rows, "id": row.id}
        self._files["rows"].write(
            _encode({**told, "own_keys": row.own} if row.own else told) + b"\n"
        )
        for key in set(own_key_names(row.own)):
            done.own_keys[key] = done.own_keys.get(key, 0) + 1
        for change in row.changes:
            self._files["changes"].write(_encode({**told, **change._asdict()}) + b"\n")
        for way in {change.way for change in row.changes}:
            done.flattened[way] = done.flattened.get(way, 0) + 1
        done.has_tools = done.has_tools or given.get("tools") is not None
        said = (m for name in ("messages", "chosen") for m in given.get(name) or ())
        done.has_reasoning = done.has_reasoning or any(m["reasoning"] for m in said)
        reward = given.get("reward")
        if reward is not None:
            done.rewards.add((reward["name"], reward["parameters"]))
            why = ungradable(given)
            if why is not None:
                done.ungradable[why] = done.ungradable.get(why, 0) + 1

    def write(self, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Write some rows; gives them back as a loader reads them."""
        if self._table is None:
            lines = [_encode(row) for row in rows]
            self._files["data"].writelines(line + b"\n" for line in lines)
            return [msgspec.json.decode(line) for line in lines]
        batch = _batch(rows, self._schema)
        self._table.write_batch(batch)
        told: list[dict[str, Any]] = batch.to_pylist()
        return told


def _batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    pending: list[dict[str, Any]] = []
    for row in rows:
        pending.append(row)
        if len(pending) == _BATCH_ROWS:
            yield pending
            pending = []
    if pending:
        yield pending


def _batch(rows: Sequence[dict[str, Any]], schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [_column([row.get(field.name) for row in rows], field.type) for field in schema],
        schema=schema,
    )


def _column(values: list[Any], type_: pa.DataType) -> pa.Array:
    if isinstance(type_, pa.JsonType):
        return pa.ExtensionArray.from_storage(type_, pa.array(values, pa.string()))
    return pa.array(values, type_)


def put_together(parts: Sequence[Part], shape: Shape, place: Path) -> None:
    """The trainer's file from the parts' rows in their order."""
    target = place / shape.file
    target.parent.mkdir(parents=True, exist_ok=True)
    if shape.schema is None:
        join_files(parts, "data", target)
        return
    with pq.ParquetWriter(target, shape.schema) as writer:
        for part in parts:
            with pa.ipc.open_stream(part.file("data").read_bytes()) as stream:
                writer.write_table(stream.read_all())


def join_files(parts: Sequence[Part], name: str, target: Path) -> None:
    """One file of the parts, one after another; no file where all are empty."""
    if not any(part.file(name).stat().st_size for part in parts):
        return
    with target.open("wb") as whole:
        for part in parts:
            with part.file(name).open("rb") as file:
                shutil.copyfileobj(file, whole, 1 << 20)
