"""One run from its recipe to its folder: passes in order, resumed where they stopped, counts checked."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from tamis.dataset import (
    MANIFEST,
    NOTE,
    has_note,
    is_run_folder,
    read_manifest,
    write_bytes,
    write_note,
)
from tamis.engine import finish
from tamis.engine.choose import choose
from tamis.engine.clashes import rename_clashes
from tamis.engine.code import code_digest
from tamis.engine.files import LOCK, are_in_place, locked
from tamis.engine.inputs import STAGED, Inputs, SeveralKindsError, collected, resolve
from tamis.engine.plan import Pass, RowsTo, plan
from tamis.engine.pool import Workers
from tamis.engine.progress import Progress
from tamis.engine.task import (
    FileRange,
    Shard,
    Task,
    TaskResult,
    run_task,
    run_task_async,
    stored_result,
)
from tamis.errors import LLMError, StoreError, TamisError
from tamis.formats.scanned import load_scanner
from tamis.formats.split import TARGET_BYTES
from tamis.llm.types import Asker
from tamis.op import Select
from tamis.recipe import Recipe
from tamis.schema import Kind

# inputs of this size keep workers busy long enough to start them before one knows what to do
_LARGE_BYTES = 4 * TARGET_BYTES


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How to run, apart from what: nothing here may change a result.

    `keeps_data` writes the final rows as a data set into the run folder; `output` is the file that the
    caller writes instead; `staging` holds copies of inputs that several runs share; `llm` opens, for
    a run folder, the model that steps may ask, and `llm_name` is what the manifest says of it (it is part of the fingerprint).
    """

    command: str
    workers: int = 0
    keeps_data: bool = False
    output: str | None = None
    to_kind: Kind | None = None
    staging: Path | None = None
    quiet: bool = False
    shard_bytes: int = TARGET_BYTES
    llm: Callable[[Path], AbstractAsyncContextManager[Asker]] | None = None
    llm_name: str = ""
    not_checked: tuple[tuple[str, str], ...] = ()

    @property
    def rows_to(self) -> RowsTo:
        """Where final rows go: into a data set, to the caller's output file, or nowhere."""
        if self.keeps_data:
            return "dataset"
        return "file" if self.output is not None else "nowhere"

    @property
    def n_workers(self) -> int:
        """Worker processes: as asked, else one for each core this process may use."""
        return self.workers or len(os.sched_getaffinity(0))


class PassOutcome(msgspec.Struct, kw_only=True):
    """What one pass did: its folder, its tasks' results, and the shards the next pass reads."""

    lane: Pass
    folder: Path
    results: list[TaskResult]
    shards: list[Shard]
    seconds: float = 0.0


class Outcome(msgspec.Struct, kw_only=True):
    """A run whose passes are all done; `finish.close` turns it into a finished folder."""

    folder: Path
    recipe: Recipe
    settings: Settings
    inputs: Inputs
    passes: list[PassOutcome]
    fingerprint: str
    started: str
    already_finished: bool = False

    @property
    def last(self) -> PassOutcome:
        """The pass whose shards hold the final rows."""
        return self.passes[-1]


def run(recipe: Recipe, folder: Path, settings: Settings) -> Outcome:
    """Run all passes of a recipe in `folder`; finished tasks of an interrupted run are not repeated.

    Raises the first TamisError; whatever was finished by then stays and is used next time.
    """
    with Workers(settings.n_workers) as workers:
        # a folder that holds a finished run may turn out to need nothing
        if not is_run_folder(folder) and _n_file_bytes(recipe.inputs) >= _LARGE_BYTES:
            workers.prepare(load_scanner)
        return _run(recipe, folder, settings, workers)


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """The folder as this run's own, from its first file to its manifest.

    What a run leaves behind that failed before it did anything is removed with it.
    Raises: StoreError where something else lies there, or another run is writing.
    """
    _claim(folder)
    is_new = not folder.exists()
    try:
        with locked(folder):
            if not has_note(folder):
                write_note(folder)
            yield
    except SeveralKindsError:
        # the folder becomes that of a data set for each kind, which read the copies made so far
        for ours in (NOTE, LOCK):
            (folder / ours).unlink(missing_ok=True)
        raise
    except TamisError:
        if is_new and not (folder / "passes").exists() and not is_run_folder(folder):
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _n_file_bytes(inputs: Sequence[str]) -> int:
    """Bytes of the inputs that are plain files."""
    return sum(Path(one).stat().st_size for one in inputs if Path(one).is_file())


def _run(recipe: Recipe, folder: Path, settings: Settings, workers: Workers) -> Outcome:
    staging = settings.staging or folder / STAGED
    inputs = resolve(recipe, staging, settings.to_kind, shard_bytes=settings.shard_bytes)
    lanes = plan(recipe, inputs.kind, inputs.schema, rows_to=settings.rows_to)
    fingerprint = _fingerprint(recipe, inputs, settings)
    finished = is_finished(folder, fingerprint, settings.output)
    outcome = Outcome(
        folder=folder,
        recipe=recipe,
        settings=settings,
        inputs=inputs,
        passes=[],
        fingerprint=fingerprint,
        started=now(),
        already_finished=finished,
    )
    if finished:
        return outcome
    # from here on the folder is being rewritten: an older manifest must not vouch for it
    (folder / MANIFEST).unlink(missing_ok=True)
    write_note(folder, fingerprint)
    rows: list[FileRange | Shard] = list(inputs.shards)
    key = (
        inputs.fingerprint
        + f"|{recipe.limit}|{settings.llm_name}|{settings.shard_bytes}|{finish.version()}"
    )
    for lane in lanes:
        done, key = _run_pass(lane, rows, key, outcome, workers)
        outcome.passes.append(done)
        rows = list(done.shards)
    return outcome


def now() -> str:
    """The time as manifests write it."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def _claim(folder: Path) -> None:
    """Refuse a folder that holds something that is not a run of ours."""
    if folder.exists() and not folder.is_dir():
        raise StoreError(f"{folder}: is a file; choose another output")
    ours = is_run_folder(folder) or has_note(folder) or bool(collected(folder))
    if folder.is_dir() and not ours and any(one.name != LOCK for one in folder.iterdir()):
        raise StoreError(f"{folder}: is not empty and not made by Tamis; choose another output")


def _fingerprint(recipe: Recipe, inputs: Inputs, settings: Settings) -> str:
    said = msgspec.json.encode(
        [
            inputs.fingerprint,
            [(name, _spec(op)) for name, op in recipe.operators()],
            [recipe.seed, recipe.limit, recipe.where, settings.llm_name, settings.keeps_data],
            [settings.output, msgspec.structs.replace(recipe.outputs, path=None), settings.to_kind],
            finish.version(),
        ]
    )
    return hashlib.blake2b(said, digest_size=16).hexdigest()


def _spec(op: Any) -> Any:
    said = [type(op).__module__, type(op).__qualname__, op.version, msgspec.to_builtins(op)]
    return [*said, code_digest(op)]


def _run_pass(
    lane: Pass, rows: list[FileRange | Shard], key: str, outcome: Outcome, workers: Workers
) -> tuple[PassOutcome, str]:
    started = dt.datetime.now(dt.UTC)
    folder = outcome.folder / "passes" / str(lane.index)
    steps = [(name, _spec(op)) for name, op in lane.steps]
    said = msgspec.json.encode([key, steps, lane.writes_data, lane.data_schema.names])
    key = hashlib.blake2b(said, digest_size=16).hexdigest()
    maker = _prepare(folder, key, lane)
    tasks = [
        Task(index=i, lane=_made_by(lane, maker), folder=str(folder), rows=one)
        for i, one in enumerate(rows)
    ]
    results = _run_tasks(tasks, lane, outcome, workers)
    if any(result.has_own_keys for result in results):
        tasks = rename_clashes(folder, tasks)
        results = _run_tasks(tasks, lane, outcome, workers)
    shards = [folder / "data" / f"{task.index:05d}.arrow" for task in tasks]
    done = PassOutcome(lane=lane, folder=folder, results=results, shards=[])
    if lane.select is not None and maker is not None:
        name, select = lane.select
        choose(folder, lane, shards, workers, maker)
        key = f"{key}|{name}|{msgspec.json.encode(_spec(select)).decode()}"
        copies = [str(folder / "copies" / f"{shard.stem}.npy") for shard in shards]
        done.shards = [Shard(path=str(s), copies=c) for s, c in zip(shards, copies, strict=True)]
    elif lane.writes_data:
        done.shards = [Shard(path=str(s)) for s in shards]
    done.seconds = (dt.datetime.now(dt.UTC) - started).total_seconds()
    return done, key


def _made_by(lane: Pass, maker: Select | None) -> Pass:
    if lane.select is None or maker is None:
        return lane
    return msgspec.structs.replace(lane, select=(lane.select[0], maker))


def _prepare(folder: Path, key: str, lane: Pass) -> Select | None:
    """Make the pass folder ready: keep what an equal pass left there, drop anything else.

    Gives the Select whose sketches and pairs lie there or will: a stored one that the wanted one can
    reuse, else the wanted one itself.
    """
    wanted = lane.select[1] if lane.select else None
    note = folder / "key.json"
    try:
        stored = msgspec.json.decode(note.read_bytes())
    except (FileNotFoundError, msgspec.DecodeError):
        stored = {}
    same = stored.get("key") == key
    if same and wanted is None:
        return None
    if same and wanted is not None and stored.get("select") is not None:
        maker = _twin(wanted, stored["select"])
        if maker is not None and wanted.reuses(maker):
            return maker
    if folder.exists():
        shutil.rmtree(folder)
    spec = msgspec.to_builtins(wanted) if wanted is not None else None
    write_bytes(note, msgspec.json.encode({"key": key, "select": spec}))
    return wanted


def _twin(wanted: Select, options: dict[str, Any]) -> Select | None:
    """An operator of the same class as `wanted` with stored options, or None if they do not fit."""
    try:
        return msgspec.convert(options, type(wanted))
    except msgspec.ValidationError:
        return None


def _run_tasks(
    tasks: list[Task], lane: Pass, outcome: Outcome, workers: Workers
) -> list[TaskResult]:
    results: dict[int, TaskResult] = {}
    for task in tasks:
        stored = stored_result(task)
        if stored is not None:
            results[task.index] = stored
    left = [task for task in tasks if task.index not in results]
    label = f"tamis {outcome.settings.command}, pass {lane.index + 1}"
    with Progress(label, len(tasks), quiet=outcome.settings.quiet) as progress:
        for result in results.values():
            progress.advance(result.parsed)
        for result in _results(left, lane, outcome, workers):
            results[result.index] = result
            progress.advance(result.parsed)
    return [results[task.index] for task in tasks]


def _results(
    tasks: list[Task], lane: Pass, outcome: Outcome, workers: Workers
) -> Iterator[TaskResult]:
    if not tasks:
        return
    if lane.asks_models:
        yield from _asked(tasks, outcome)
        return
    yield from workers.map(run_task, tasks, apart=lane.runs_code)


def _asked(tasks: list[Task], outcome: Outcome) -> Iterator[TaskResult]:
    """Run tasks whose steps ask a model, in one event loop of this process."""
    if outcome.settings.llm is None:
        raise LLMError(f"tamis {outcome.settings.command}: a step asks a model, but none is given")
    with asyncio.Runner() as runner:
        opened = outcome.settings.llm(outcome.folder)
        llm = runner.run(_entered(opened))
        try:
            for task in tasks:
                yield runner.run(run_task_async(task, llm))
        finally:
            runner.run(_left(opened))


async def _entered(opened: AbstractAsyncContextManager[Asker]) -> Asker:
    return await opened.__aenter__()


async def _left(opened: AbstractAsyncContextManager[Asker]) -> None:
    await opened.__aexit__(None, None, None)


def is_finished(folder: Path, fingerprint: str, output: str | None) -> bool:
    """Whether `folder` holds a finished run with this fingerprint, all it wrote still in place."""
    if not is_run_folder(folder):
        return False
    manifest = read_manifest(folder)
    is_same = bool(manifest.get("finished")) and manifest.get("fingerprint") == fingerprint
    return is_same and are_in_place(folder, manifest.get("files", {}), output)
