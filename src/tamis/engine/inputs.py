"""What a run reads: outside files with their detected formats, or a data set of ours."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pyarrow as pa

from tamis.dataset import has_note, is_run_folder, open_dataset, read_manifest, read_table
from tamis.engine.files import LOCK
from tamis.engine.task import FileRange, Shard
from tamis.errors import InputError, RecipeError
from tamis.formats.base import Detection, Reading, Source
from tamis.formats.companions import COMPANIONS, Companion
from tamis.formats.detect import detect, refuse
from tamis.formats.registry import FORMATS
from tamis.formats.sources import find_sources
from tamis.formats.split import TARGET_BYTES, split
from tamis.recipe import Recipe
from tamis.schema import ROWS, Kind

# The folder of a run that holds copies of inputs that cannot be read in place.
STAGED = "staged"


class SeveralKindsError(RecipeError):
    """The inputs hold several kinds of rows (`kinds`, that of most files first), and nobody chose one."""

    def __init__(self, message: str, kinds: Sequence[Kind]) -> None:
        super().__init__(message)
        self.kinds = tuple(kinds)


class OtherKindError(InputError):
    """The inputs hold rows, but none of the kind that was asked for; `held` are the kinds they hold."""

    def __init__(self, message: str, held: Sequence[Kind]) -> None:
        super().__init__(message)
        self.held = tuple(held)


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


class JoinedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file whose rows were joined to those of the inputs by their keys."""

    name: str
    path: str
    format: str
    bytes: int
    fingerprint: str


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """All inputs of a run: the shards to read and, for each, which input it belongs to."""

    kind: Kind
    schema: pa.Schema
    inputs: tuple[Input, ...]
    shards: tuple[FileRange | Shard, ...]
    owners: tuple[int, ...]
    set_aside: tuple[Input, ...] = ()
    companions: tuple[JoinedFile, ...] = ()

    @property
    def fingerprint(self) -> str:
        """A hash of what is read: names, contents and the formats they are read as."""
        facts = [(i.name, i.fingerprint, i.format) for i in self.inputs]
        facts += [(i.name, i.fingerprint, i.format) for i in self.companions]
        return hashlib.blake2b(msgspec.json.encode(facts), digest_size=16).hexdigest()


def resolve(
    recipe: Recipe, staging: Path, to_kind: Kind | None = None, *, shard_bytes: int = TARGET_BYTES
) -> Inputs:
    """Find, detect and cut the inputs of a recipe.

    `shard_bytes` is what one worker takes of a file at a time; `to_kind` picks one kind where the inputs hold several; the others are set aside by name.
    Raises InputError for what cannot be read or is not supported, all files in one message.
    """
    for one in recipe.inputs:
        held = [] if one == "-" else collected(Path(one))
        if held:
            raise RecipeError(
                f"{one}: holds the data sets {', '.join(held)}; name one, like {one}/{held[0]}"
            )
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
    if to_kind == "rollouts" and stored_rollouts(folders[0]):
        return _resolve_stored(folders[0], recipe.limit, shard_bytes)
    return _resolve_dataset(folders[0], recipe.limit, shard_bytes)


def stored_rollouts(folder: Path) -> list[Path]:
    """The answers that a calibration stored beside its questions; none in other folders."""
    return sorted((folder / "rollouts").glob("*.arrow")) if is_run_folder(folder) else []


def collected(folder: Path) -> list[str]:
    """The names of the data sets in a folder that holds nothing else; none for any other folder."""
    if not folder.is_dir() or is_run_folder(folder):
        return []
    inside = [one for one in sorted(folder.iterdir()) if one.name not in (STAGED, LOCK)]
    return [one.name for one in inside] if all(map(has_note, inside)) else []


def _resolve_dataset(folder: Path, limit: int | None, shard_bytes: int) -> Inputs:
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
        n_rows = int(shard["rows"])
        n_rows = n_rows if left is None else min(left, n_rows)
        shards += _pieces(path, n_rows, shard_bytes)
        if left is not None:
            left -= n_rows
            if left == 0:
                break
    return Inputs(
        kind=dataset.kind,
        schema=dataset.schema,
        inputs=(one,),
        shards=tuple(shards),
        owners=(0,) * len(shards),
    )


def _resolve_stored(folder: Path, limit: int | None, shard_bytes: int) -> Inputs:
    """The rollouts in the run folder of a calibration."""
    manifest = read_manifest(folder)
    if not manifest.get("finished"):
        raise InputError(
            f"{folder}: this run has not finished; run its command again to continue it"
        )
    shards: list[FileRange | Shard] = []
    left = limit
    paths = stored_rollouts(folder)
    for path in paths:
        n_rows = read_table(path).num_rows
        n_rows = n_rows if left is None else min(left, n_rows)
        shards += _pieces(path, n_rows, shard_bytes)
        left = None if left is None else left - n_rows
    one = Input(
        name=f"{folder.name}/rollouts",
        path=str(folder),
        container="dataset",
        format="tamis",
        kind="rollouts",
        confidence=1.0,
        bytes=sum(path.stat().st_size for path in paths),
        fingerprint=f"{manifest['fingerprint']}/rollouts",
    )
    return Inputs(
        kind="rollouts",
        schema=ROWS["rollouts"],
        inputs=(one,),
        shards=tuple(shards),
        owners=(0,) * len(shards),
    )


def _pieces(path: Path, n_rows: int, shard_bytes: int) -> list[Shard]:
    """The first rows of a shard, in pieces when it is far larger than a worker takes at a time."""
    n_pieces = max(1, min(n_rows, path.stat().st_size // (2 * shard_bytes)))
    cuts = [n_rows * piece // n_pieces for piece in range(n_pieces + 1)]
    return [
        Shard(path=str(path), skip=start, limit=end - start)
        for start, end in itertools.pairwise(cuts)
    ]


def _resolve_files(recipe: Recipe, staging: Path, to_kind: Kind | None, shard_bytes: int) -> Inputs:
    found = _detected(find_sources(recipe.inputs, staging=staging), recipe.as_format)
    kind = to_kind or _only_kind(found)
    inputs: list[Input] = []
    aside: list[Input] = []
    shards: list[FileRange | Shard] = []
    owners: list[int] = []
    for source, detection in found:
        aside += [_input(source, detection, one) for one in _kinds(detection) if one != kind]
        if kind not in _kinds(detection):
            continue
        reading = _reading(detection, kind, found)
        for piece in split(source, shard_bytes):
            if recipe.limit is None or piece.first_line <= recipe.limit:
                shards.append(FileRange(range=piece, reading=reading, last_line=recipe.limit))
                owners.append(len(inputs))
        inputs.append(_input(source, detection, kind))
    if not inputs:
        held = sorted({one.kind for one in aside})
        told = f"no input holds {kind}; they hold {', '.join(held) or 'nothing'}"
        raise OtherKindError(told, held)
    companions = [
        _companion(source, detection) for source, detection in found if not _kinds(detection)
    ]
    return Inputs(
        kind=kind,
        schema=ROWS[kind],
        inputs=tuple(inputs),
        shards=tuple(shards),
        owners=tuple(owners),
        set_aside=tuple(aside),
        companions=tuple(companions),
    )


_Found = Sequence[tuple[Source, Detection]]


def _detected(sources: Sequence[Source], as_format: str | None) -> _Found:
    """What each source is; companions only beside sources that they belong to."""
    found = [(source, _detect(source, as_format)) for source in sources]
    refused = [answer for _, answer in found if isinstance(answer, InputError)]
    if refused:
        raise InputError("\n".join(str(error) for error in refused))
    known = [(s, d) for s, d in found if isinstance(d, Detection)]
    wanted = {FORMATS[name].companion for _, d in known for name in d.votes if name in FORMATS}
    for source, detection in known:
        if detection.format in COMPANIONS and detection.format not in wanted:
            raise InputError(_alone(source, COMPANIONS[detection.format]))
    return known


def _alone(source: Source, companion: Companion) -> str:
    stem, dot, ending = source.name.partition(".")
    owner = stem.removesuffix(companion.beside) + dot + ending
    near = owner if owner != source.name else "the file of their questions"
    return (
        f"{source.name}: expected rows of their own, got {companion.about}; "
        f"give the file they belong to as well, like {near}"
    )


def _kinds(detection: Detection) -> list[Kind]:
    """The kinds of the rows looked at, that of most rows first; none for a companion."""
    if detection.kind is None:
        return []
    if detection.is_forced:
        return [detection.kind]
    held = dict.fromkeys(FORMATS[name].kind for name in detection.votes if name in FORMATS)
    return list(dict.fromkeys([detection.kind, *held]))


def _reading(detection: Detection, kind: Kind, found: _Found) -> Reading:
    """How the rows of one kind are read from a source that looks like this."""
    is_main = kind == detection.kind
    seen = [name for name in detection.votes if name in FORMATS]
    name = detection.format if is_main else next(n for n in seen if FORMATS[n].kind == kind)
    wanted = {FORMATS[one].companion for one in (name, *seen)}
    companions = [
        piece
        for source, d in found
        if d.format in COMPANIONS and d.format in wanted
        for piece in split(source)
    ]
    return Reading(
        format=name,
        is_mixed=detection.is_mixed,
        is_sure=detection.is_forced,
        kinds=tuple(_kinds(detection)),
        is_main=is_main,
        companions=tuple(companions),
    )


def _detect(source: Source, as_format: str | None) -> Detection | InputError:
    try:
        found = detect(source, as_format=as_format)
        refuse(source, found)
        return found
    except InputError as error:
        return error


def _input(source: Source, detection: Detection, kind: Kind) -> Input:
    votes = {n: votes for n, votes in detection.votes.items() if n in FORMATS}
    ours = [name for name in votes if FORMATS[name].kind == kind]
    return Input(
        name=source.name,
        path=source.path,
        container=source.container,
        format=detection.format if kind == detection.kind else ours[0],
        kind=kind,
        confidence=detection.confidence
        if kind == detection.kind
        else votes[ours[0]] / sum(votes.values()),
        bytes=source.bytes,
        fingerprint=source.fingerprint,
        first_row=detection.first_row,
    )


def _companion(source: Source, detection: Detection) -> JoinedFile:
    return JoinedFile(
        name=source.name,
        path=source.path,
        format=detection.format,
        bytes=source.bytes,
        fingerprint=source.fingerprint,
    )


def _only_kind(found: _Found) -> Kind:
    by_kind: dict[Kind, list[str]] = {}
    for source, detection in found:
        for one in _kinds(detection):
            by_kind.setdefault(one, []).append(source.name)
    if len(by_kind) > 1:
        listed = "; ".join(f"{one}: {', '.join(names[:4])}" for one, names in by_kind.items())
        raise SeveralKindsError(
            f"the inputs hold several kinds of rows ({listed}); "
            "make a data set of each first, with tamis import",
            sorted(by_kind, key=lambda one: -len(by_kind[one])),
        )
    if not by_kind:
        raise InputError("the inputs hold no rows")
    kind: Kind = next(iter(by_kind))
    return kind
