"""Closing a run: the ledger merged, the counts checked, the manifest written last."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa

from tamis import catalogue
from tamis.dataset import MANIFEST, read_table, read_tables, write_bytes, write_table
from tamis.engine.clashes import DUPLICATE_KEY
from tamis.engine.files import sizes
from tamis.ledger import TABLES, Counts, merge_shards
from tamis.op import Measure, Summary
from tamis.recipe import Recipe
from tamis.records import Rule
from tamis.schema import FINDING_ROWS, ROLLOUTS

if TYPE_CHECKING:
    from tamis.engine.run import Outcome, PassOutcome

Writer = Callable[["Outcome"], int]


def version() -> str:
    """The version of Tamis as manifests write it."""
    return importlib.metadata.version("tamis")


def close(outcome: Outcome, write: Writer | None) -> dict[str, Any]:
    """Merge, write the output through `write`, check the counts, write the manifest; gives it back.

    `write` gives the number of rows it wrote. Raises CountError when the counts do not add up: then
    there is no manifest, and the run does not pass for finished.
    """
    folder = outcome.folder
    _merge(outcome)
    counts, copies = counts_of(outcome)
    written = write(outcome) if write is not None else None
    shards: list[dict[str, Any]] = []
    if outcome.settings.keeps_data:
        shards = _final_data(outcome)
        written = sum(shard["rows"] for shard in shards)
    counts.written = written or 0
    counts.check(copies=None if written is None else copies)
    write_bytes(folder / "rules.json", msgspec.json.encode(_rules(outcome)))
    _drop_unfinished(folder)
    manifest = _manifest(outcome, counts, shards)
    write_bytes(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1))
    _tidy(outcome)
    return manifest


def _drop_unfinished(folder: Path) -> None:
    """Remove what killed tasks left half written."""
    for left in folder.rglob(".*.tmp"):
        left.unlink(missing_ok=True)


def _merge(outcome: Outcome) -> None:
    folder = outcome.folder
    for table, schema in TABLES.items():
        shards = []
        for done in outcome.passes:
            shards += sorted((done.folder / "ledger" / table).glob("*.arrow"))
            if table == "decisions" and done.lane.select is not None:
                shards.append(done.folder / "select" / "decisions.arrow")
        merge_shards(shards, folder / "ledger" / table / "00000.arrow", schema)
    for name, schema in (("findings", FINDING_ROWS), ("rollouts", ROLLOUTS)):
        shards = [s for d in outcome.passes for s in sorted((d.folder / name).glob("*.arrow"))]
        if shards or name == "findings":
            merge_shards(shards, folder / name / "00000.arrow", schema)
    for done in outcome.passes:
        facts = sorted((done.folder / "facts").glob("*.arrow"))
        if facts:
            target = folder / "facts" / str(done.lane.index) / "00000.arrow"
            merge_shards(facts, target, done.lane.facts_schema)
        if done.lane.select is not None:
            pairs = folder / "pairs" / f"{done.lane.select[0]}.arrow"
            write_table(pairs, read_table(done.folder / "select" / "named_pairs.arrow"))
        for name, op in done.lane.steps:
            if isinstance(op, Summary):
                _summarise(folder, name, op, done)


def _summarise(folder: Path, name: str, op: Summary, done: PassOutcome) -> None:
    sketches = sorted((done.folder / "summaries" / name).glob("*.arrow"))
    if sketches:
        merged = op.merge(read_tables(sketches, pa.schema([])))
        write_table(folder / "summaries" / f"{name}.arrow", op.finish(merged))


def counts_of(outcome: Outcome) -> tuple[Counts, int]:
    """What the passes counted, and the copies of rows that are to be written."""
    first = outcome.passes[0]
    counts = Counts(
        parsed=sum(r.parsed for r in first.results),
        unreadable=sum(r.unreadable for r in first.results),
    )
    counts.read = counts.parsed + counts.unreadable
    for done in outcome.passes:
        counts.dropped += sum(result.dropped for result in done.results)
    counts.kept = copies = sum(result.kept for result in outcome.last.results)
    for done in outcome.passes:
        chosen = _copies(done)
        if chosen is not None:
            counts.dropped += int((chosen == 0).sum())
            if done is outcome.last:
                counts.kept, copies = int((chosen > 0).sum()), int(chosen.sum())
    return counts, copies


def _copies(done: PassOutcome) -> np.ndarray | None:
    if done.lane.select is None:
        return None
    arrays = [np.load(shard.copies) for shard in done.shards if shard.copies]
    return np.concatenate(arrays) if arrays else np.zeros(0, dtype=np.int32)


def _final_data(outcome: Outcome) -> list[dict[str, Any]]:
    """Move the last pass's rows to `data/`; gives the manifest's list of shards."""
    target = outcome.folder / "data"
    source = outcome.last.folder / "data"
    if source.is_dir():
        if target.exists():
            shutil.rmtree(target)
        os.replace(source, target)
    return [
        {"file": f"data/{result.index:05d}.arrow", "rows": result.kept}
        for result in outcome.last.results
    ]


def _rules(outcome: Outcome) -> list[Rule]:
    rules = {DUPLICATE_KEY.id: DUPLICATE_KEY}
    for _, op in _operators(outcome):
        if isinstance(op, Measure):
            rules |= {rule.id: rule for rule in op.rules}
    return list(rules.values())


def _operators(outcome: Outcome) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for done in outcome.passes:
        found += done.lane.steps
        if done.lane.select is not None:
            found.append(done.lane.select)
    return found


def _manifest(outcome: Outcome, counts: Counts, shards: list[dict[str, Any]]) -> dict[str, Any]:
    from tamis.engine.run import now

    recipe, settings = outcome.recipe, outcome.settings
    return {
        "schema_version": 1,
        "tamis_version": version(),
        "command": settings.command,
        "kind": outcome.inputs.kind,
        "recipe": recipe_dict(recipe),
        "seed": recipe.seed,
        "fingerprint": outcome.fingerprint,
        "llm": settings.llm_name or None,
        "inputs": inputs_of(outcome),
        "set_aside": [msgspec.to_builtins(one) for one in outcome.inputs.set_aside],
        "joined": [msgspec.to_builtins(one) for one in outcome.inputs.companions],
        "counts": msgspec.to_builtins(counts),
        "dropped_by": dropped_by(outcome),
        "findings": _findings(outcome),
        "steps": _steps(outcome),
        "shards": shards,
        "files": sizes(outcome.folder, settings.output),
        "not_checked": [{"what": what, "why": why} for what, why in settings.not_checked],
        "started": outcome.started,
        "finished": now(),
    }


def recipe_dict(recipe: Recipe) -> dict[str, Any]:
    """The resolved recipe as plain data."""
    return {**msgspec.to_builtins(recipe), "version": 1}


def inputs_of(outcome: Outcome) -> list[dict[str, Any]]:
    """The inputs as manifests name them, with what was read of each."""
    counted = [Counter(read=0, unreadable=0, answered=0) for _ in outcome.inputs.inputs]
    formats: list[Counter[str]] = [Counter() for _ in outcome.inputs.inputs]
    for owner, result in zip(outcome.inputs.owners, outcome.passes[0].results, strict=True):
        counted[owner]["read"] += result.parsed + result.unreadable
        counted[owner]["unreadable"] += result.unreadable
        counted[owner]["answered"] += result.answered
        formats[owner].update(result.formats)
    return [
        {
            **msgspec.to_builtins(one),
            "from_here": _from(outcome.folder, one.path),
            **count,
            "formats": dict(held.most_common()),
        }
        for one, count, held in zip(outcome.inputs.inputs, counted, formats, strict=True)
    ]


def _from(folder: Path, path: str) -> str:
    """A path as seen from the run folder, so that a project can be moved as a whole."""
    return os.path.relpath(path, folder)


def dropped_by(outcome: Outcome) -> dict[str, int]:
    """How many rows were dropped for each reason."""
    reasons: Counter[str] = Counter()
    for done in outcome.passes:
        for result in done.results:
            reasons.update(result.dropped_by)
        if done.lane.select is not None:
            table = read_table(done.folder / "select" / "decisions.arrow", ["reason", "copies"])
            for reason, copies in zip(*(c.to_pylist() for c in table.columns), strict=True):
                reasons[reason] += copies == 0
    return {reason: n for reason, n in sorted(reasons.items()) if n}


def _findings(outcome: Outcome) -> dict[str, int]:
    found: Counter[str] = Counter()
    for done in outcome.passes:
        for result in done.results:
            found.update(result.findings)
        clashes = done.folder / "findings" / "clashes.arrow"
        if clashes.exists():
            found[DUPLICATE_KEY.id] += read_table(clashes).num_rows
    return dict(sorted(found.items()))


def _steps(outcome: Outcome) -> list[dict[str, Any]]:
    listed = []
    for done in outcome.passes:
        share = done.seconds / max(1, len(done.lane.steps) + (done.lane.select is not None))
        for name, op in done.lane.steps:
            flows = [result.steps.get(name, [0, 0, 0]) for result in done.results]
            flow = [sum(values) for values in zip(*flows, strict=True)] or [0, 0, 0]
            listed.append(_step(name, op, flow, share))
        if done.lane.select is not None:
            chosen = _copies(done)
            assert chosen is not None
            listed.append(_step(*done.lane.select, [len(chosen), int(chosen.sum()), 0], share))
    return listed


def _step(name: str, op: Any, flow: list[int], seconds: float) -> dict[str, Any]:
    names = {target: known for known, target in catalogue.OPERATORS.items()}
    target = f"{type(op).__module__}:{type(op).__qualname__}"
    return {
        "step": name,
        "op": names.get(target, target),
        "shape": catalogue.shape_of(op),
        "options": msgspec.to_builtins(op),
        "rows_in": flow[0],
        "rows_out": flow[1],
        "changed": flow[2],
        "seconds": round(seconds, 3),
    }


def _tidy(outcome: Outcome) -> None:
    """Remove what only resuming needed; passes with a Select stay, so that it can be decided again."""
    for done in outcome.passes:
        if done.lane.select is None:
            shutil.rmtree(done.folder, ignore_errors=True)
