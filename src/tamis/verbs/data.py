"""The data verbs: check, fix, dedup, select, export, run."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from tamis import catalogue
from tamis import recipe as recipes
from tamis.dataset import read_batches
from tamis.errors import InputError, RecipeError
from tamis.ledger import rule_counts
from tamis.recipe import Outputs, Recipe, Step
from tamis.records import Rule
from tamis.reports.sarif import sarif
from tamis.verbs.common import Common, Plan, Result, execute, is_file_output
from tamis.verbs.handover import export_for, folder_writer
from tamis.verbs.look import with_report
from tamis.verbs.models import name_of, opener

LOOKS = ("lengths", "turns", "language", "opener")
SUMMARIES = (
    Step(op="distribution", options={"column": "n_messages"}),
    Step(op="distribution", options={"column": "chars"}),
    Step(op="value_counts", options={"column": "language"}),
    Step(op="opener_diversity"),
)
FIRST_FINDINGS = 100

_NOT_CHECKED = (
    ("facts", "whether statements about the world are true; only arithmetic is checked"),
    ("completeness", "whether an answer covers every part of its question"),
    ("contamination", "overlap with evaluation sets"),
)


def check_steps(checks: Sequence[str] | None = None) -> list[Step]:
    """The steps of `check`: the checks, their counts, and the measures that reports show."""
    names = list(checks) if checks else list(catalogue.CHECKS)
    for name in names:
        if name not in catalogue.CHECKS:
            catalogue.load(name)
            raise RecipeError(f"`{name}` is not a check; checks: {', '.join(catalogue.CHECKS)}")
    counts = Step(op="finding_counts", options={"checks": names})
    return [*(Step(op=name) for name in names), counts, *(Step(op=n) for n in LOOKS), *SUMMARIES]


def check(
    inputs: Sequence[str],
    *,
    checks: Sequence[str] | None = None,
    gate: Sequence[str] = ("error",),
    out: str | None = None,
    common: Common | None = None,
) -> Result:
    """Check every conversation; findings, a summary and a report go to `out` (or `INPUT.check/`).

    `gate`: `error`, `warning`, `none`, or `RULE:RATE` (share of conversations that may have it).
    The exit code is 1 when a gate is missed.
    """
    common = common or Common()
    gates = [parse_gate(text, _rules_of(checks)) for text in gate]
    folder = out or common.output or f"{_one_name(inputs)}.check"
    left_out = [name for name in catalogue.CHECKS if checks and name not in checks]
    plan = Plan(
        command="check",
        inputs=inputs,
        steps=check_steps(checks),
        needs_output=False,
        not_checked=(*_NOT_CHECKED, *((f"check {n}", "left out with --checks") for n in left_out)),
    )
    result = execute(plan, msgspec.structs.replace(common, output=folder))
    if result.run is None:
        return result
    counts = rule_counts(Path(result.run))
    missed = [m for g in gates if (m := missed_gate(g, counts, result.counts["kept"])) is not None]
    result.exit_code = 1 if missed else 0
    if not result.counts["parsed"] and result.counts["unreadable"]:
        result.exit_code = InputError.exit_code
    result.body["gates_missed"] = missed
    result.body["findings"] = {
        rule: {"severity": severity, "findings": n, "conversations": rows}
        for rule, (severity, n, rows) in sorted(counts.items())
    }
    result.body["first_findings"] = findings = first_findings(Path(result.run))
    result.lines += [finding_line(finding) for finding in findings]
    result.renderings["sarif"] = partial(sarif, Path(result.run))
    return with_report(result)


def finding_line(finding: dict[str, Any]) -> str:
    """One finding as people read it: severity, row, place, rule and what was found."""
    told = f"{finding['id']} {finding['path']}: {finding['message']}"
    return f"{finding['severity']:<7} {' '.join(told.split())}  [{finding['rule']}]"


def _rules_of(checks: Sequence[str] | None) -> list[str]:
    """The ids of all rules that these checks (all of them by default) can find."""
    names = list(checks) if checks else list(catalogue.CHECKS)
    return [
        rule.id for name in names if name in catalogue.CHECKS for rule in catalogue.load(name).rules
    ]


def parse_gate(text: str, rules: Sequence[str]) -> tuple[str, float]:
    """`error`, `warning`, `none` or `RULE:RATE` as (name, rate); a rate lies in [0, 1].

    Raises: RecipeError for a rule that is none of `rules`, the ones this check can find.
    """
    name, _, rate = text.partition(":")
    if not rate and name in ("error", "warning", "none"):
        return name, 0.0
    try:
        bound = float(rate)
    except ValueError:
        bound = -1.0
    if not name or not 0 <= bound <= 1:
        raise RecipeError(
            f"--gate {text}: expected error, warning, none or RULE:RATE with a rate from 0 to 1, "
            "like think-tags/unpaired:0.01"
        )
    if name not in rules:
        near = difflib.get_close_matches(name, rules, n=1)
        hint = f"; did you mean `{near[0]}`?" if near else " that is looked for here"
        raise RecipeError(f"--gate {text}: `{name}` is no rule{hint}")
    return name, bound


def missed_gate(
    gate: tuple[str, float], counts: dict[str, tuple[str, int, int]], n: int
) -> dict[str, Any] | None:
    """What was missed of a gate, given (severity, findings, rows) of each rule and the number of rows."""
    name, bound = gate
    if name in ("error", "warning"):
        worse = ("error",) if name == "error" else ("error", "warning")
        rules = sorted(rule for rule, (severity, _, _) in counts.items() if severity in worse)
        return {"gate": name, "rules": rules} if rules else None
    rows = counts.get(name, ("", 0, 0))[2]
    if name == "none" or not n or rows / n <= bound:
        return None
    return {"gate": f"{name}:{bound:g}", "rate": rows / n, "n": n}


def first_findings(run: Path, limit: int = FIRST_FINDINGS) -> list[dict[str, Any]]:
    """The first findings of a run in row order, errors before the rest."""
    found: list[dict[str, Any]] = []
    rest: list[dict[str, Any]] = []
    for shard in sorted((run / "findings").glob("*.arrow")):
        for batch in read_batches(shard):
            if len(found) >= limit:
                return found[:limit]
            for row in batch.slice(0, 20 * limit).to_pylist():
                (found if row["severity"] == "error" else rest).append(row)
    return (found + rest)[:limit]


def fix(inputs: Sequence[str], *, to: str | None = None, common: Common | None = None) -> Result:
    """Mend what can be mended without loss; every edit is in the ledger."""
    plan = Plan(command="fix", inputs=inputs, steps=[Step(op="safe_fixes")], outputs=Outputs(to=to))
    return with_report(execute(plan, common or Common()))


def dedup(
    inputs: Sequence[str],
    *,
    near: float = 0.8,
    text: str = "conversation",
    prefer: str | None = None,
    to: str | None = None,
    common: Common | None = None,
) -> Result:
    """Drop near-duplicates: each dropped row is at least `near` alike (Jaccard) to a kept one.

    `prefer` names a measured column; of a group, the row with the highest value is kept.
    """
    options: dict[str, Any] = {"threshold": near, "text": text}
    steps: list[Step] = []
    if prefer is not None:
        steps, options = _measured(prefer), {**options, "prefer": prefer}
    steps.append(Step(op="near_duplicates", options=options))
    plan = Plan(command="dedup", inputs=inputs, steps=steps, outputs=Outputs(to=to))
    return with_report(execute(plan, common or Common()))


def select(
    inputs: Sequence[str],
    *,
    n: int,
    by: str = "assistant_chars",
    max_similarity: float = 0.9,
    to: str | None = None,
    common: Common | None = None,
) -> Result:
    """Choose `n` rows: best `by` first, none more alike to a chosen one than `max_similarity`."""
    options = {"k": n, "score": by, "max_similarity": max_similarity}
    steps = [*_measured(by), Step(op="diverse_top_k", options=options)]
    plan = Plan(
        command="select",
        inputs=inputs,
        steps=steps,
        outputs=Outputs(to=to),
        not_checked=(("quality", f"rows were ranked by `{by}`; no judge scored them"),),
    )
    return with_report(execute(plan, common or Common()))


def _measured(column: str) -> list[Step]:
    """The steps that measure a column; none if it is not one of ours (a data set may bring it)."""
    from tamis.engine.plan import maker_of

    maker = maker_of(column)
    if maker is None:
        return []
    if maker == "finding_counts":
        checks = list(catalogue.CHECKS)
        return [*(Step(op=c) for c in checks), Step(op=maker, options={"checks": checks})]
    return [Step(op=maker)]


def export(
    inputs: Sequence[str],
    *,
    to: str | None = None,
    handover: Outputs | None = None,
    common: Common | None = None,
) -> Result:
    """Write rows in an outside format, unchanged rows with their original bytes where they fit.

    `handover` names a trainer instead (`Outputs(target="trl")`), whose folder is written.
    """
    common = common or Common()
    if handover is not None and handover.target is not None:
        if to is not None:
            raise RecipeError(
                f"--to {to}: --for {handover.target} says how rows are written; give one"
            )
        return export_for(inputs, handover, common)
    if common.output is not None and not is_file_output(common.output):
        raise RecipeError(
            f"-o {common.output}: export writes a file: .jsonl, .json or .parquet (.gz, .zst)"
        )
    plan = Plan(command="export", inputs=inputs, steps=(), outputs=Outputs(to=to))
    return with_report(execute(plan, common))


def run(path: str, *, common: Common | None = None) -> Result:
    """Run a recipe file; options given here win over those of the recipe."""
    common = common or Common()
    loaded: Recipe = recipes.load(Path(path))
    output = common.output or loaded.outputs.path
    merged = msgspec.structs.replace(
        common,
        output=output,
        as_format=common.as_format or loaded.as_format,
        seed=loaded.seed if common.seed is None else common.seed,
        limit=common.limit or loaded.limit,
        where=common.where or loaded.where,
    )
    plan = Plan(
        command="run",
        inputs=loaded.inputs,
        steps=loaded.steps,
        outputs=loaded.outputs,
        hand_over=None if loaded.outputs.target is None else folder_writer,
        to_kind=loaded.kind,
        base_url=loaded.base_url,
        llm=opener(loaded.base_url),
        llm_name=", ".join(name_of(loaded.base_url, model) for model in _models(loaded)),
    )
    return with_report(execute(plan, merged))


def _models(recipe: Recipe) -> list[str]:
    """The models that steps of a recipe ask."""
    asking = [op for _, op in recipe.operators() if "llm" in getattr(op, "uses", ())]
    return list(dict.fromkeys(str(getattr(op, "model", "")) for op in asking))


def explain(name: str) -> Result:
    """What a rule or a check looks for, with a good and a bad example."""
    lines: list[str] = []
    for check_name in catalogue.CHECKS:
        for rule in catalogue.load(check_name).rules:
            if name in (rule.id, check_name):
                lines += rule_lines(rule)
    if not lines:
        known = [rule.id for c in catalogue.CHECKS for rule in catalogue.load(c).rules]
        near = difflib.get_close_matches(name, [*known, *catalogue.CHECKS], n=1)
        hint = f"; did you mean `{near[0]}`?" if near else f"; rules: {', '.join(known)}"
        raise RecipeError(f"--explain {name}: no such rule or check{hint}")
    return Result(command="check", lines=lines, body={"explained": name})


def rule_lines(rule: Rule) -> list[str]:
    """A rule as people read it."""
    return [
        f"{rule.id}  ({rule.severity}, {rule.dimension})",
        f"  {rule.summary}",
        f"  fix:  {rule.fix}",
        f"  good: {rule.good}",
        f"  bad:  {rule.bad}",
    ]


def _one_name(inputs: Sequence[str]) -> str:
    if inputs and inputs[0] == "-":
        return "stdin"
    return str(inputs[0]).rstrip("/") if inputs else "input"
