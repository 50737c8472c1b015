"""A folder that a trainer loads: rows, config, script, reward, card, and what was verified of it."""

from __future__ import annotations

import glob
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from tamis.errors import InputError, RecipeError, StoreError
from tamis.export.card import RunFacts, card
from tamis.export.flatten import WAYS
from tamis.export.proof import Proof, prove
from tamis.export.rows_out import Chosen, OutRow, Refusals, own_key_names, rows_out
from tamis.export.targets import get_target
from tamis.export.targets.base import Handover, Shape, Target
from tamis.export.verify import Verified, Verifier
from tamis.export.verify_page import page
from tamis.formats.write import replacing, umask
from tamis.schema import Kind

ROWS_FILE = "rows.jsonl"
FLATTENED_FILE = "flattened.jsonl"
_BATCH_ROWS = 1024
_encode = msgspec.json.Encoder().encode


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asked for: the trainer, the model to train, the tokenizer to count with, the limits.

    `python` is the interpreter that has the trainer, whose own loader then looks at the folder.
    """

    target: str
    model: str | None = None
    tokenizer: str | None = None
    max_tokens: int = 4096
    flatten: tuple[str, ...] = ()
    python: str | None = None


class Handed(msgspec.Struct, frozen=True, kw_only=True):
    """What was handed over: the rows written, what was verified, and what stayed behind."""

    n_rows: int
    verified: Verified
    flattened: dict[str, int]
    own_keys: dict[str, int]
    proof: Proof | None = None
    asked_for_proof: bool = False


def check_wanted(wanted: Wanted) -> Target:
    """The trainer that was asked for; RecipeError for a name, a way or a limit there is not."""
    target = get_target(wanted.target)
    for way in wanted.flatten:
        if way not in WAYS:
            raise RecipeError(f"--flatten {way}: expected one of {', '.join(WAYS)}")
    if wanted.max_tokens < 1:
        raise RecipeError(f"--max-tokens {wanted.max_tokens}: expected 1 or more")
    return target


def hand_over(
    shards: Chosen, folder: Path, *, kind: Kind, wanted: Wanted, facts: RunFacts
) -> Handed:
    """Write the folder, which appears under its name when whole.

    Raises: InputError when the trainer does not train on this kind of rows, or when it cannot hold some
            of them and no way that was asked for makes them fit: then nothing is written.
    """
    target = check_wanted(wanted)
    if kind not in target.shapes:
        raise InputError(
            f"{target.name} does not train on {kind}; it takes {', '.join(target.shapes)}"
        )
    with _replacing_folder(folder) as place:
        return _write_all(shards, place, target.shapes[kind], kind=kind, wanted=wanted, facts=facts)


def _write_all(
    shards: Chosen, place: Path, shape: Shape, *, kind: Kind, wanted: Wanted, facts: RunFacts
) -> Handed:
    target = get_target(wanted.target)
    refusals = Refusals()
    verifier = Verifier(kind, target, wanted.tokenizer, wanted.max_tokens)
    tally = _Tally(place, verifier)
    rows = rows_out(shards, kind, shape, wanted.flatten, refusals)
    write_rows(place / shape.file, shape, (row.written for row in tally.each(rows)))
    tally.close()
    if len(refusals):
        raise InputError(_refused(target, refusals, tally.n_rows))
    handover = Handover(
        kind=kind,
        n_rows=tally.n_rows,
        file=shape.file,
        model=wanted.model or wanted.tokenizer or "MODEL",
        max_tokens=wanted.max_tokens,
        has_tools=tally.has_tools,
        has_reasoning=tally.has_reasoning,
        rewards=tuple(sorted(tally.rewards, key=lambda one: (one[0], one[1] or ""))),
    )
    verified = verifier.finish(read_rows(place / shape.file))
    _write_texts(place, target.files(handover))
    handed = Handed(
        n_rows=tally.n_rows,
        verified=verified,
        flattened=dict(tally.flattened),
        own_keys=dict(tally.own_keys),
        proof=_proof(place, target, kind, wanted),
        asked_for_proof=wanted.python is not None,
    )
    texts = {
        "VERIFY.md": page(handover, target, verified, handed.proof, handed.flattened),
        "README.md": card(handover, target, facts, own_keys=handed.own_keys),
    }
    _write_texts(place, texts)
    return handed


def _proof(place: Path, target: Target, kind: Kind, wanted: Wanted) -> Proof | None:
    if wanted.python is None:
        return None
    named = None if wanted.tokenizer is None else Path(wanted.tokenizer)
    tokenizer = named if named is not None and named.is_dir() else None
    return prove(place, kind, target, python=wanted.python, tokenizer=tokenizer)


class _Tally:
    """Looks at rows as they pass: writes whose they are, and counts what the files must say."""

    def __init__(self, place: Path, verifier: Verifier) -> None:
        self.n_rows = 0
        self.has_tools = self.has_reasoning = False
        self.rewards: set[tuple[str, str | None]] = set()
        self.flattened: Counter[str] = Counter()
        self.own_keys: Counter[str] = Counter()
        self._verifier = verifier
        self._rows = (place / ROWS_FILE).open("wb")
        self._changes: list[bytes] = []
        self._place = place

    def each(self, rows: Iterable[OutRow]) -> Iterator[OutRow]:
        """The same rows."""
        for row in rows:
            self._look(row)
            self._verifier.look(row.given)
            yield row
            self.n_rows += 1

    def _look(self, row: OutRow) -> None:
        told: dict[str, Any] = {"row": self.n_rows, "id": row.id}
        self._rows.write(_encode({**told, "own_keys": row.own} if row.own else told) + b"\n")
        self.own_keys.update(set(own_key_names(row.own)))
        for change in row.changes:
            self._changes.append(_encode({**told, **change._asdict()}))
        self.flattened.update({change.way for change in row.changes})
        given = row.given
        self.has_tools = self.has_tools or given.get("tools") is not None
        messages = [m for name in ("messages", "chosen") for m in given.get(name) or ()]
        self.has_reasoning = self.has_reasoning or any(m["reasoning"] for m in messages)
        reward = given.get("reward")
        if reward is not None:
            self.rewards.add((reward["name"], reward["parameters"]))

    def close(self) -> None:
        """Everything is on its way to the disk."""
        self._rows.close()
        if self._changes:
            path = self._place / FLATTENED_FILE
            path.write_bytes(b"\n".join(self._changes) + b"\n")


def _refused(target: Target, refusals: Refusals, n_written: int) -> str:
    n_rows = len(refusals) + n_written
    reasons = "; ".join(f"{n:,} × {why}" for why, n in refusals.reasons.most_common(4))
    return (
        f"{target.name} cannot hold {len(refusals):,} of {n_rows:,} rows: {reasons}. The first: "
        f"{refusals.first[0]}. Leave such rows out (tamis select, --where), or see whether --flatten "
        f"{'|'.join(WAYS)} makes them fit"
    )


def write_rows(path: Path, shape: Shape, rows: Iterable[dict[str, Any]]) -> None:
    """The rows in the shape's file: JSON lines, or Parquet with its schema."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        if shape.schema is None:
            for row in rows:
                stream.write(_encode(row) + b"\n")
            return
        with pq.ParquetWriter(stream, shape.schema) as writer:
            for batch in _batches(rows, shape.schema):
                writer.write_batch(batch)


def _batches(rows: Iterable[dict[str, Any]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    pending: list[dict[str, Any]] = []
    for row in rows:
        pending.append(row)
        if len(pending) == _BATCH_ROWS:
            yield _batch(pending, schema)
            pending = []
    if pending:
        yield _batch(pending, schema)


def _batch(rows: Sequence[dict[str, Any]], schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [_column([row.get(field.name) for row in rows], field.type) for field in schema],
        schema=schema,
    )


def _column(values: list[Any], type_: pa.DataType) -> pa.Array:
    if isinstance(type_, pa.JsonType):
        return pa.ExtensionArray.from_storage(type_, pa.array(values, pa.string()))
    return pa.array(values, type_)


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a trainer's file as its loader sees them, decoded."""
    if path.suffix == ".parquet":
        for batch in pq.ParquetFile(path).iter_batches(batch_size=_BATCH_ROWS):
            yield from batch.to_pylist()
        return
    with path.open("rb") as stream:
        for line in stream:
            yield msgspec.json.decode(line)


def _write_texts(place: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        with replacing(place / name) as stream:
            stream.write(text.encode())
        if text.startswith("#!"):
            (place / name).chmod((place / name).stat().st_mode | 0o111)


@contextmanager
def _replacing_folder(folder: Path) -> Iterator[Path]:
    """A folder whose files appear under its name only once all are there."""
    place = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for left in folder.parent.glob(f".{glob.escape(folder.name)}.part-*"):
            shutil.rmtree(left, ignore_errors=True)  # of a run that was killed
        place = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.part-"))
        yield place
        place.chmod(0o777 & ~umask())
        if folder.exists():
            folder.rename(place.with_name(f"{place.name}-old"))
        place.rename(folder)
        shutil.rmtree(place.with_name(f"{place.name}-old"), ignore_errors=True)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written: {error.strerror or error}") from error
    finally:
        if place is not None:
            shutil.rmtree(place, ignore_errors=True)
