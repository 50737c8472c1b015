"""Counts everything a report says, from the files of run folders alone.

`build_report` is pure: the same files give the same report, and nothing but those files is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tamis.errors import StoreError
from tamis.records import Rule
from tamis.reports.cluster_numbers import count_clusters
from tamis.reports.contents import (
    SCHEMA_VERSION,
    Counts,
    Reason,
    Report,
    Section,
    SumRule,
)
from tamis.reports.distributions import describe_columns
from tamis.reports.findings import count_findings
from tamis.reports.ledger_numbers import count_changes, count_steps, count_unreadable
from tamis.reports.pass_rates import RATE_COLUMNS, count_pass_rates
from tamis.reports.run_folder import (
    Manifest,
    RunModel,
    output_path,
    read_manifest,
    read_rules,
)
from tamis.reports.score_numbers import SCORE_COLUMNS, SCORE_TABLE, read_scores
from tamis.reports.summary_tables import show_tables
from tamis.reports.words import list_gaps, show_json, suggest, summarize, title_run

_COUNTS = Counts.__struct_fields__
# Commands that write no rows.
_LOOKS = ("check", "reward test")


def build_report(
    runs: Path | Sequence[Path],
    *,
    title: str | None = None,
    known_rules: Sequence[Rule] = (),
    n_examples: int = 3,
) -> dict[str, object]:
    """The content of `report.json` for one run folder or several, a section each, as plain data.

    `known_rules` are all rules there are: those that did not run are named as not checked.
    `n_examples` is how many rows illustrate each number; 0 leaves all quotations of rows out.
    Memory: one shard, plus 8 bytes for each row a rule hit and for each row of one column.
    Raises:  StoreError when a folder is not a run or a file in it is damaged.
    """
    folders = [runs] if isinstance(runs, Path) else list(runs)
    if not folders:
        raise StoreError("report: expected at least one run folder, got none; name one")
    sections = [_section(run, known_rules, n_examples) for run in folders]
    report = Report(
        schema_version=SCHEMA_VERSION,
        title=title or (sections[0].title if len(sections) == 1 else f"{len(sections)} runs"),
        tamis_version=sections[-1].tamis_version,
        sections=sections,
    )
    plain: dict[str, object] = msgspec.to_builtins(report)
    return plain


def _section(run: Path, known_rules: Sequence[Rule], n_examples: int) -> Section:
    manifest = read_manifest(run)
    counts = _counts(run, manifest)
    only_looks = manifest.command in _LOOKS
    section = Section(
        name=run.resolve().name,
        title=title_run(manifest.command, manifest.inputs),
        command=manifest.command,
        kind=manifest.kind,
        only_looks=only_looks,
        tamis_version=manifest.tamis_version,
        seed=manifest.seed,
        started=_moment(manifest.started),
        finished=_moment(manifest.finished),
        seconds=_seconds(manifest),
        summary=[],
        counts=counts,
        sums=add_up(counts, only_looks=only_looks),
        dropped_by=_dropped_by(manifest),
        inputs=manifest.inputs,
        set_aside=manifest.set_aside,
        models=_models(manifest),
        steps=count_steps(run, manifest, n_examples=n_examples),
        unreadable=count_unreadable(run, n_examples=n_examples),
        checks=count_findings(run, manifest, n_examples=n_examples),
        changes=count_changes(run, n_examples=n_examples),
        clusters=count_clusters(run, manifest, n_clusters=20 if n_examples else 0),
        pass_rates=count_pass_rates(run, manifest),
        scores=read_scores(run),
        distributions=describe_columns(run, skip=(*RATE_COLUMNS, *SCORE_COLUMNS)),
        tables=show_tables(run, skip=(SCORE_TABLE,)) if n_examples else [],
        not_checked=[],
        next=[],
        recipe=show_json(manifest.recipe),
    )
    return _with_words(run, manifest, section, known_rules)


def _with_words(
    run: Path, manifest: Manifest, section: Section, known_rules: Sequence[Rule]
) -> Section:
    ran = {rule.id for rule in read_rules(run)}
    unasked = sorted(rule.id for rule in known_rules if rule.id not in ran) if ran else []
    said = {gap.what for gap in manifest.not_checked}
    gaps = [gap for gap in list_gaps(section, unasked) if gap.what not in said]
    return msgspec.structs.replace(
        section,
        summary=summarize(section),
        not_checked=[*manifest.not_checked, *gaps],
        next=manifest.next or suggest(section, str(run), _output(run, manifest)),
    )


def _counts(run: Path, manifest: Manifest) -> Counts:
    missing = [name for name in _COUNTS if name not in manifest.counts]
    if missing:
        raise StoreError(
            f"{run / 'manifest.json'} counts: expected {', '.join(_COUNTS)}, "
            f"missing {', '.join(missing)}; run it again"
        )
    return Counts(**{name: manifest.counts[name] for name in _COUNTS})


def _output(run: Path, manifest: Manifest) -> str | None:
    """Where the rows of a run lie: in its own folder, or in the file it wrote beside it."""
    if manifest.shards:
        return str(run)
    return output_path(manifest) if manifest.counts["written"] else None


def add_up(counts: Counts, *, only_looks: bool) -> list[SumRule]:
    """The sum rules spelled out with the run's numbers, and whether each holds.

    A command that `only_looks` writes nothing; any other writes every kept row at least once.
    """
    return [
        SumRule(
            rule="read = parsed + unreadable",
            numbers=f"{counts.read:,} = {counts.parsed:,} + {counts.unreadable:,}",
            holds=counts.read == counts.parsed + counts.unreadable,
        ),
        SumRule(
            rule="parsed + made = kept + dropped",
            numbers=f"{counts.parsed:,} + {counts.made:,} = {counts.kept:,} + {counts.dropped:,}",
            holds=counts.parsed + counts.made == counts.kept + counts.dropped,
        ),
        SumRule(
            rule="written = sum of copies over kept",
            numbers="it only looks" if only_looks else f"{counts.written:,} over {counts.kept:,}",
            holds=counts.written == 0 if only_looks else counts.written >= counts.kept,
        ),
    ]


def _dropped_by(manifest: Manifest) -> list[Reason]:
    reasons = [Reason(reason=name, count=n) for name, n in manifest.dropped_by.items() if n]
    return sorted(reasons, key=lambda reason: (-reason.count, reason.reason))


def _models(manifest: Manifest) -> list[RunModel]:
    """The models asked: as the manifest lists them, else as the options of model steps tell."""
    if manifest.models:
        return manifest.models
    said = manifest.llm or ""
    models = []
    for step in manifest.steps:
        if step.shape == "model":
            is_recorded = "recorded" in said or step.options.get("recorded") is True
            source = "recorded" if is_recorded else "live" if said else None
            name = step.word("model") or said or "a model not stated"
            models.append(RunModel(step=step.step, model=name, source=source))
    return models


def _moment(moment: str | float | None) -> str | None:
    if isinstance(moment, int | float):
        return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
    return moment


def _seconds(manifest: Manifest) -> float | None:
    """How long the run took, null when a moment is missing or not a moment."""
    if manifest.started is None or manifest.finished is None:
        return None
    if isinstance(manifest.started, str) and isinstance(manifest.finished, str):
        took = datetime.fromisoformat(manifest.finished) - datetime.fromisoformat(manifest.started)
        return took.total_seconds()
    if isinstance(manifest.started, str) or isinstance(manifest.finished, str):
        return None
    return manifest.finished - manifest.started
