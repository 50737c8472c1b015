"""Numbers about what the checks found: by rule, with rates, and the worst rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from tamis.records import Rule
from tamis.reports.contents import Checks, CleanRule, Findings, Found, RuleFindings
from tamis.reports.grouping import (
    Hashes,
    count_distinct,
    count_groups,
    distinct_ids,
    first_per_group,
)
from tamis.reports.rates import rate_of
from tamis.reports.run_folder import Manifest, keep_ids_whole, read_pieces, read_rules

# Rules of the reader itself; all others belong to checks.
READER = "input/"
SEVERITIES = ("error", "warning", "info")


def count_findings(run: Path, manifest: Manifest, *, n_examples: int = 3) -> Checks | None:
    """What each rule found and which rules found nothing; None when no check ran.

    The worst rows of a rule are those with the most findings of it, then by id. Rules come most severe
    first, then by rows hit.
    Memory: one piece, and 8 bytes for each row a rule hit.
    """
    rules = {rule.id: rule for rule in read_rules(run)}
    totals = count_groups(_pieces(run, ["rule", "severity"]), ["rule", "severity"])
    # a rule of the reader always stands by: alone and silent it is no check
    if not totals.num_rows and all(name.startswith(READER) for name in rules):
        return None
    hit = distinct_ids(_pieces(run, ["rule", "id"]), "rule")
    worst = _worst(run, n_examples) if n_examples else {}
    found: dict[str, tuple[str, int]] = {}
    for line in totals.to_pylist():
        severity, n = found.get(line["rule"], (line["severity"], 0))
        found[line["rule"]] = (severity, n + line["n"])
    listed = [
        _rule_findings(rules.get(name) or _unlisted(name, severity), n, hit, worst, manifest)
        for name, (severity, n) in found.items()
    ]
    listed.sort(key=lambda f: (SEVERITIES.index(f.severity), -f.rows.count, f.rule))
    n_rows = rows_entered(manifest)
    findings = Findings(
        total=sum(f.findings for f in listed),
        rows=rate_of(count_distinct(hit.values()), n_rows),
        by_severity={s: sum(f.findings for f in listed if f.severity == s) for s in SEVERITIES},
        rows_by_severity={
            s: rate_of(count_distinct([hit[f.rule] for f in listed if f.severity == s]), n_rows)
            for s in SEVERITIES
        },
        rules=listed,
    )
    clean = [_clean_rule(rule, manifest) for name, rule in rules.items() if name not in found]
    return Checks(findings=findings, clean=clean)


def rows_entered(manifest: Manifest) -> int:
    """How many rows a run looked at: those parsed and those made."""
    return manifest.counts["parsed"] + manifest.counts["made"]


def _rows_checked(rule: str, manifest: Manifest) -> int:
    """Rows the check of `rule` saw: its step's rows in, or all rows when no step bears its name."""
    check = rule.split("/", maxsplit=1)[0].replace("-", "_")
    seen = [step.rows_in for step in manifest.steps if check in (step.op, step.step)]
    return max(seen) if seen else rows_entered(manifest)


def _pieces(run: Path, columns: list[str]) -> Iterator[pa.Table]:
    return read_pieces(run / "findings", columns)


def _rule_findings(
    rule: Rule, n: int, hit: dict[str, Hashes], worst: dict[str, list[Found]], manifest: Manifest
) -> RuleFindings:
    return RuleFindings(
        rule=rule.id,
        severity=rule.severity,
        dimension=rule.dimension,
        summary=rule.summary,
        fix=rule.fix,
        good=rule.good,
        bad=rule.bad,
        findings=n,
        rows=rate_of(len(hit[rule.id]), _rows_checked(rule.id, manifest)),
        worst=worst.get(rule.id, []),
    )


def _unlisted(name: str, severity: str) -> Rule:
    """A rule that found something but is missing from `rules.json`."""
    known = severity if severity in SEVERITIES else "info"
    return Rule(id=name, severity=known, dimension="not stated", summary="", fix="")  # type: ignore[arg-type]


def _clean_rule(rule: Rule, manifest: Manifest) -> CleanRule:
    n = _rows_checked(rule.id, manifest)
    return CleanRule(
        rule=rule.id,
        severity=rule.severity,
        dimension=rule.dimension,
        summary=rule.summary,
        n=n,
        at_most=rate_of(0, n).high,
    )


def _worst(run: Path, n_examples: int) -> dict[str, list[Found]]:
    columns = ["id", "rule", "path", "message", "excerpt", "start"]
    order = [("found", "descending"), ("id", "ascending")]
    best = first_per_group(
        (_one_per_row(piece, n_examples) for piece in keep_ids_whole(_pieces(run, columns))),
        ["rule"],
        order,
        n_examples,
    )
    worst: dict[str, list[Found]] = {}
    for line in best.to_pylist() if best is not None else []:
        found = Found(**{name: line[name] for name in Found.__struct_fields__})
        worst.setdefault(line["rule"], []).append(found)
    return worst


def _one_per_row(table: pa.Table, n_examples: int) -> pa.Table:
    """The first finding of the worst rows of a piece, with `found`, the row's findings of that rule."""
    numbered = table.append_column("ordinal", pa.array(np.arange(table.num_rows)))
    grouped = numbered.group_by(["rule", "id"]).aggregate(
        [("ordinal", "min"), ("ordinal", "count")]
    )
    grouped = grouped.rename_columns(["rule", "id", "ordinal", "found"])
    best = first_per_group(
        [grouped], ["rule"], [("found", "descending"), ("id", "ascending")], n_examples
    )
    if best is None:
        return table.slice(0, 0).append_column("found", pa.array([], pa.int64()))
    return table.take(best["ordinal"]).append_column("found", best["found"])
