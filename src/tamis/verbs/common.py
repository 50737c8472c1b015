"""What every verb shares: its common options, running a recipe, and the result it gives back."""

from __future__ import annotations

import difflib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import msgspec

from tamis import recipe as recipes
from tamis.dataset import has_note, is_run_folder, read_manifest, write_bytes
from tamis.engine import finish
from tamis.engine.inputs import resolve
from tamis.engine.plan import plan
from tamis.engine.pool import Workers
from tamis.engine.run import Outcome, Settings, claimed, run
from tamis.errors import RecipeError, StoreError
from tamis.export.rows import RawSource, write_rows
from tamis.formats import FORMATS, writable
from tamis.llm.types import Asker
from tamis.recipe import Outputs, Recipe, Step
from tamis.schema import HEAD, Kind

FILE_SUFFIXES = (".jsonl", ".ndjson", ".json", ".parquet")
SQUEEZED = (".gz", ".zst")
OTHER_SUFFIXES = frozenset(
    (".csv", ".tsv", ".txt", ".bz2", ".xz", ".zip", ".html", ".yaml", ".yml", ".arrow", *SQUEEZED)
)


class Common(msgspec.Struct, frozen=True, kw_only=True):
    """The options every data verb knows.

    output: a folder (data set) or a file by extension; as_format names the input format instead of
    detecting it; where is an SQL condition over scalar columns; limit reads the first rows of each
    input file; recipe_out writes the recipe there (`-`: standard output) and runs nothing; dry_run
    shows what would be read and done; shard_bytes is what a worker takes of a file at a time.
    """

    output: str | None = None
    as_format: str | None = None
    seed: int | None = None
    limit: int | None = None
    where: str | None = None
    engine: str = "local"
    workers: int = 0
    recipe_out: str | None = None
    dry_run: bool = False
    quiet: bool = False
    shard_bytes: int = 16 << 20


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a verb wants done, before the common options are applied.

    `outputs` says the format or the trainer; the path comes from the options.
    `hand_over` writes a trainer's folder. `llm` opens the model for a run folder (its store of finished calls lives there).
    """

    command: str
    inputs: Sequence[str]
    steps: Sequence[Step]
    outputs: Outputs = Outputs()
    hand_over: Callable[[Outputs], finish.Writer] | None = None
    to_kind: Kind | None = None
    base_url: str | None = None
    needs_output: bool = True
    llm: Callable[[Path], AbstractAsyncContextManager[Asker]] | None = None
    llm_name: str = ""
    not_checked: tuple[tuple[str, str], ...] = ()


class Result(msgspec.Struct, kw_only=True):
    """What a verb did: the run folder, the output, the counts, and the exit code it asks for.

    `lines` is the account for people, `renderings` make the same in other styles (md, sarif); `body` holds
    what only this command adds to the JSON envelope.
    """

    command: str
    run: str | None = None
    output: str | None = None
    counts: dict[str, int] = {}
    dropped_by: dict[str, int] = {}
    exit_code: int = 0
    lines: list[str] = []
    body: dict[str, Any] = {}
    renderings: dict[str, Callable[[], str]] = {}
    already_finished: bool = False

    def envelope(self) -> dict[str, Any]:
        """The JSON envelope that `--format json` prints."""
        return {
            "schema_version": 1,
            "command": self.command,
            "exit_code": self.exit_code,
            "run": self.run,
            "output": self.output,
            "counts": self.counts,
            "dropped_by": self.dropped_by,
            **self.body,
        }


def is_file_output(output: str) -> bool:
    """Whether an output names a file (by its extension) and not a folder."""
    path = Path(output)
    suffixes = [s.lower() for s in path.suffixes]
    if suffixes and suffixes[-1] in SQUEEZED:
        suffixes = suffixes[:-1]
    return bool(suffixes) and suffixes[-1] in FILE_SUFFIXES


def _check_output(output: str, plan_: Plan) -> None:
    """Refuse an output whose name says a file that cannot be written, and a format for a folder."""
    if is_file_output(output) and plan_.outputs.target is None:
        return
    if Path(output).suffix.lower() in OTHER_SUFFIXES:
        raise RecipeError(
            f"-o {output}: expected a folder or a file ending in {', '.join(FILE_SUFFIXES)} (.gz, .zst)"
        )
    if plan_.outputs.to is not None and plan_.command != "run":
        raise RecipeError(
            f"--to {plan_.outputs.to}: {output} is a data set folder; give -o a file, like {output}.jsonl"
        )


def _check_format(option: str, name: str | None, known: Iterable[str]) -> None:
    if name is None or name in known:
        return
    if name in FORMATS:
        raise RecipeError(f"{option} {name}: is only read; tamis formats lists what is written")
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean `{near[0]}`?" if near else "tamis formats lists them"
    raise RecipeError(f"{option} {name}: no such format; {hint}")


def build_recipe(plan_: Plan, common: Common) -> Recipe:
    """The recipe behind a verb's call; raises RecipeError for options that contradict each other."""
    if common.engine != "local":
        raise RecipeError(f"--engine {common.engine}: expected local (ray comes later)")
    runs = not (common.recipe_out or common.dry_run)
    if runs and plan_.needs_output and common.output is None:
        raise RecipeError(f"tamis {plan_.command}: give an output folder or file with -o")
    if common.workers < 0:
        raise RecipeError(f"--workers {common.workers}: expected 0 (one a core) or more")
    _check_format("--to", plan_.outputs.to, writable())
    _check_format("--as", common.as_format, FORMATS)
    if common.output is not None and plan_.needs_output:
        # a recipe may name a format for its own file, and be run into a folder
        _check_output(common.output, plan_)
    if common.limit is not None and common.limit < 1:
        raise RecipeError(f"--limit {common.limit}: expected 1 or more")
    for name in plan_.inputs:
        if common.output and Path(name).resolve() == Path(common.output).resolve():
            raise StoreError(f"{common.output}: is also an input; choose another output")
    return Recipe(
        inputs=list(plan_.inputs),
        steps=list(plan_.steps),
        outputs=msgspec.structs.replace(plan_.outputs, path=common.output),
        as_format=common.as_format,
        seed=common.seed or 0,
        limit=common.limit,
        where=common.where,
        kind=plan_.to_kind,
        base_url=plan_.base_url,
    )


def execute(plan_: Plan, common: Common, *, staging: Path | None = None) -> Result:
    """Run what a verb planned, or only show it; the one way from a verb to the engine.

    `staging` holds copies of inputs that several runs share.
    """
    recipe = build_recipe(plan_, common)
    if common.recipe_out:
        return _recipe_out(plan_, recipe, common.recipe_out)
    if common.dry_run:
        return dry_run(plan_, recipe)
    output = common.output
    to_file = (
        output is not None
        and plan_.needs_output
        and (is_file_output(output) or plan_.outputs.target is not None)
    )
    folder = Path(f"{output}.run" if to_file else str(output))
    if to_file:
        expect_own(Path(str(output)), folder)
    settings = Settings(
        command=plan_.command,
        workers=common.workers,
        keeps_data=plan_.needs_output and not to_file,
        output=output if to_file else None,
        to_kind=plan_.to_kind,
        staging=staging,
        quiet=common.quiet,
        shard_bytes=common.shard_bytes,
        llm=plan_.llm,
        llm_name=plan_.llm_name,
        not_checked=plan_.not_checked,
    )
    with claimed(folder):
        outcome = run(recipe, folder, settings)
        if outcome.already_finished:
            manifest = read_manifest(folder)
        else:
            manifest = finish.close(outcome, _writer(plan_, recipe) if to_file else None)
    return Result(
        command=plan_.command,
        run=str(folder),
        output=output,
        counts=manifest["counts"],
        dropped_by=manifest["dropped_by"],
        lines=_aside_lines(manifest),
        already_finished=outcome.already_finished,
        body={k: manifest[k] for k in ("inputs", "set_aside", "joined", "steps")},
    )


def expect_own(output: Path, folder: Path) -> None:
    """Refuse an output file that is there without the run folder that made it."""
    if output.exists() and not has_note(folder):
        raise StoreError(f"{output}: exists and was not made by Tamis; choose another output")


def _aside_lines(manifest: dict[str, Any]) -> list[str]:
    """The files that a command left aside."""
    return [
        f"set aside {one['name']}: it holds {one['kind']} ({one['format']})"
        for one in manifest["set_aside"]
    ]


def _writer(plan_: Plan, recipe: Recipe) -> finish.Writer:
    if plan_.hand_over is not None:
        return plan_.hand_over(recipe.outputs)

    def write(outcome: Outcome) -> int:
        inputs = [msgspec.to_builtins(one) for one in outcome.inputs.inputs]
        sources = {
            one["name"]: RawSource(path=one["path"], spans_lines=one["container"] == "array")
            for one in files_behind(inputs)
            if one["container"] in ("jsonl", "array")
        }
        shards = [(Path(s.path), Path(s.copies) if s.copies else None) for s in outcome.last.shards]
        with Workers(outcome.settings.n_workers) as workers:
            return write_rows(
                shards,
                Path(str(recipe.outputs.path)),
                sources=sources,
                to=recipe.outputs.to,
                in_parallel=workers.map,
            )

    return write


def files_behind(inputs: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The outside files that rows were read from, through the data sets made from them."""
    for one in inputs:
        if one["container"] != "dataset":
            yield one
        elif is_run_folder(Path(one["path"])):  # it may be gone: its rows were copied
            yield from files_behind(read_manifest(Path(one["path"]))["inputs"])


def _recipe_out(plan_: Plan, recipe: Recipe, target: str) -> Result:
    text = recipes.dump(recipe)
    result = Result(command=plan_.command, body={"recipe": text})
    if target == "-":
        result.lines = text.splitlines()
    elif Path(target).exists() and b"version:" not in Path(target).read_bytes()[:400]:
        raise StoreError(f"{target}: exists and is not a recipe; choose another name")
    else:
        write_bytes(Path(target), text.encode())
        result.lines = [f"recipe written to {target}; run it with: tamis run {target}"]
    return result


def dry_run(plan_: Plan, recipe: Recipe) -> Result:
    """Find and detect the inputs and plan the passes, writing nothing that stays."""
    with tempfile.TemporaryDirectory(prefix="tamis-") as staging:
        inputs = resolve(recipe, Path(staging), plan_.to_kind)
        lanes = plan(recipe, inputs.kind, inputs.schema, rows_to="nowhere")
        first = _first_rows(inputs)
    lines = [f"would read {len(inputs.inputs)} input(s) as {inputs.kind}:"]
    for one in inputs.inputs:
        lines.append(
            f"  {one.name}: {one.format} (confidence {one.confidence:.0%}), {one.bytes:,} bytes"
        )
        if one.first_row:
            lines.append(f"    first row:  {one.first_row[:400]}")
        if one.name in first:
            lines.append(f"    becomes:    {first[one.name][:400]}")
    for one in inputs.set_aside:
        lines.append(f"  {one.name}: set aside, holds {one.kind} ({one.format})")
    for lane in lanes:
        names = [name for name, _ in lane.steps] + ([lane.select[0]] if lane.select else [])
        lines.append(f"pass {lane.index + 1}: {', '.join(names) or 'write rows'}")
    body = {
        "inputs": [msgspec.to_builtins(one) for one in inputs.inputs],
        "passes": [[name for name, _ in lane.steps] for lane in lanes],
    }
    return Result(command=plan_.command, lines=lines, body=body)


def _first_rows(inputs: Any) -> dict[str, str]:
    """For each file the first row as Tamis reads it, as JSON text."""
    from tamis.engine.task import FileRange
    from tamis.formats.read import read_range

    found: dict[str, str] = {}
    for piece in inputs.shards:
        if not isinstance(piece, FileRange) or piece.range.source in found:
            continue
        for read in read_range(piece.range, piece.reading, batch_bytes=1 << 16):
            if read.rows.num_rows:
                row = read.rows.slice(0, 1).to_pylist()[0]
                told = {k: v for k, v in row.items() if k == "id" or k not in HEAD.names}
                shown = {k: v for k, v in told.items() if v not in (None, [], False)}
                found[piece.range.source] = msgspec.json.encode(_without_nulls(shown)).decode()
                break
    return found


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_without_nulls(v) for v in value]
    return value
