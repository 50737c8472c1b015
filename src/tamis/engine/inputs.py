"""What a run reads: outside files with their detected formats, or a data set of ours."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from tamis.dataset import is_run_folder, open_dataset
from tamis.engine.task import FileRange, Shard
from tamis.errors import InputError, RecipeError
from tamis.formats.base import Detection, Source
from tamis.formats.detect import detect, refuse
from tamis.formats.sources import find_sources
from tamis.formats.split import TARGET_BYTES, split
from tamis.recipe import Recipe
from tamis.schema import ROWS, Kind


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """One input as the manifest names it; `container` is `dataset` for a data set of ours."""

    name: str
    path: str
    container: str
    format: str
    kind: Kind
    confidence: float
    bytes: int
    fingerprint: str
    first_row: str = ""


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """All inputs of a run: the shards to read and, for each, which input it belongs to."""

    kind: Kind
    schema: pa.Schema
    inputs: tuple[Input, ...]
    shards: tuple[FileRange | Shard, ...]
    owners: tuple[int, ...]
    set_aside: tuple[Input, ...] = ()

    @property
    def fingerprint(self) -> str:
        """A hash of what is read: names, contents and the formats they are read as."""
        facts = [(i.name, i.fingerprint, i.format) for i in self.inputs]
        return hashlib.blake2b(msgspec.json.encode(facts), digest_size=16).hexdigest()


def resolve(
    recipe: Recipe, staging: Path, to_kind: Kind | None = None, *, shard_bytes: int = TARGET_BYTES
) -> Inputs:
    """Find, detect and cut the inputs of a recipe.

    `shard_bytes` is what one worker takes of a file at a time; `to_kind` picks one kind where the inputs hold several; the others are set aside by name.
    Raises InputError for what cannot be read or is not supported, all files in one message.
    """
    folders = [Path(p) for p in recipe.inputs if p != "-" and is_run_folder(Path(p))]
    if not folders:
        return _resolve_files(recipe, staging, to_kind, shard_bytes)
    if len(recipe.inputs) > 1:
        raise RecipeError(
            f"{folders[0]}: a data set must be the only input; got {len(recipe.inputs)} inputs"
        )
    if recipe.as_format is not None:
        raise RecipeError(
            f"--as {recipe.as_format}: {folders[0]} is a data set, whose rows have been read already"
        )
    return _resolve_dataset(folders[0], recipe.limit)


def _resolve_dataset(folder: Path, limit: int | None) -> Inputs:
    dataset = open_dataset(folder)
    one = Input(
        name=folder.name,
        path=str(folder),
        container="dataset",
        format="tamis",
        kind=dataset.kind,
        confidence=1.0,
        bytes=sum(path.stat().st_size for path in dataset.shards),
        fingerprint=dataset.fingerprint,
    )
    shards: list[FileRange | Shard] = []
    left = limit
    for path, shard in zip(dataset.shards, dataset.manifest["shards"], strict=True):
        shards.append(Shard(path=str(path), limit=left))
        if left is not None:
            left -= min(left, int(shard["rows"]))
            if left == 0:
                break
    return Inputs(
        kind=dataset.kind,
        schema=dataset.schema,
        inputs=(one,),
        shards=tuple(shards),
        owners=(0,) * len(shards),
    )


def _resolve_files(recipe: Recipe, staging: Path, to_kind: Kind | None, shard_bytes: int) -> Inputs:
    sources = find_sources(recipe.inputs, staging=staging)
    found = [(source, _detect(source, recipe.as_format)) for source in sources]
    refused = [answer for _, answer in found if isinstance(answer, InputError)]
    if refused:
        raise InputError("\n".join(str(error) for error in refused))
    known = [(s, d) for s, d in found if isinstance(d, Detection) and d.kind is not None]
    kind = to_kind or _only_kind(known)
    inputs: list[Input] = []
    aside: list[Input] = []
    shards: list[FileRange | Shard] = []
    owners: list[int] = []
    for source, detection in known:
        one = _input(source, detection)
        if one.kind != kind:
            aside.append(one)
            continue
        for piece in split(source, shard_bytes):
            if recipe.limit is None or piece.first_line <= recipe.limit:
                shards.append(
                    FileRange(range=piece, format_name=one.format, last_line=recipe.limit)
                )
                owners.append(len(inputs))
        inputs.append(one)
    if not inputs:
        held = sorted({one.kind for one in aside})
        raise InputError(f"no input holds {kind}; they hold {', '.join(held) or 'nothing'}")
    return Inputs(
        kind=kind,
        schema=ROWS[kind],
        inputs=tuple(inputs),
        shards=tuple(shards),
        owners=tuple(owners),
        set_aside=tuple(aside),
    )


def _detect(source: Source, as_format: str | None) -> Detection | InputError:
    try:
        found = detect(source, as_format=as_format)
        refuse(source, found)
        return found
    except InputError as error:
        return error


def _input(source: Source, detection: Detection) -> Input:
    assert detection.kind is not None
    return Input(
        name=source.name,
        path=source.path,
        container=source.container,
        format=detection.format,
        kind=detection.kind,
        confidence=detection.confidence,
        bytes=source.bytes,
        fingerprint=source.fingerprint,
        first_row=detection.first_row,
    )


def _only_kind(known: Sequence[tuple[Source, Detection]]) -> Kind:
    by_kind: dict[Any, list[str]] = {}
    for source, detection in known:
        by_kind.setdefault(detection.kind, []).append(source.name)
    if len(by_kind) > 1:
        listed = "; ".join(f"{kind}: {', '.join(names[:4])}" for kind, names in by_kind.items())
        raise RecipeError(
            f"the inputs hold several kinds of rows ({listed}); "
            "make a data set of one kind first, with tamis import --to KIND"
        )
    if not by_kind:
        raise InputError("the inputs hold no rows")
    kind: Kind = next(iter(by_kind))
    return kind
