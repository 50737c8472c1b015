"""`import`: outside files become data sets, one for each kind of rows, and every row is accounted for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from tamis.engine.inputs import STAGED, SeveralKindsError
from tamis.errors import InputError, RecipeError
from tamis.formats import get_format
from tamis.schema import Kind
from tamis.verbs.common import Common, Plan, Result, execute, is_file_output
from tamis.verbs.look import with_report

_MOST_FILES = 60
_COLUMNS = ("file", "became", "format", "rows", "unreadable")


def import_(
    inputs: Sequence[str], *, to: Kind | None = None, common: Common | None = None
) -> Result:
    """Read files of any supported format into a data set folder, every row accounted for.

    Inputs that hold several kinds of rows become a data set each, in folders of the output named after
    the kinds, unless `to` names one.
    """
    common = common or Common()
    if common.output is not None and is_file_output(common.output):
        raise RecipeError(
            f"-o {common.output}: import makes a data set folder; use `tamis export` to write files"
        )
    plan = Plan(command="import", inputs=inputs, steps=(), to_kind=to)
    try:
        result = execute(plan, common)
    except SeveralKindsError as several:
        return _each_kind(plan, common, several.kinds)
    result.lines = [*_table(result.body), *result.lines]
    if result.run is not None and not result.counts["parsed"] and result.counts["unreadable"]:
        result.exit_code = InputError.exit_code
    return with_report(result)


def _each_kind(plan: Plan, common: Common, kinds: Sequence[Kind]) -> Result:
    """A data set for each kind, below the output; copies of inputs are shared."""
    results: dict[str, Result] = {}
    for kind in kinds:
        one = msgspec.structs.replace(plan, to_kind=kind)
        if common.dry_run:
            results[kind] = execute(one, common)
            continue
        folder = Path(str(common.output)) / kind
        to_folder = msgspec.structs.replace(common, output=str(folder))
        results[kind] = execute(one, to_folder, staging=folder.parent / STAGED)
    merged = Result(
        command=plan.command,
        output=common.output,
        counts=_summed([one.counts for one in results.values()]),
        already_finished=all(one.already_finished for one in results.values()),
    )
    if common.dry_run:
        merged.lines = [line for one in results.values() for line in one.lines]
        merged.body = {"sets": {kind: one.body for kind, one in results.items()}}
        return merged
    body = _merged_body(results)
    merged.lines = _table(body)
    for name, result in results.items():
        result.lines = []  # which files hold other kinds stands in the table
        merged.lines += ["", f"{name}:", *with_report(result).lines]
    merged.body = {
        **body,
        "sets": {kind: one.envelope() for kind, one in results.items()},
    }
    return merged


def _summed(counts: Sequence[dict[str, int]]) -> dict[str, int]:
    names = dict.fromkeys(name for one in counts for name in one)
    return {name: sum(one[name] for one in counts) for name in names}


def _merged_body(results: dict[str, Result]) -> dict[str, Any]:
    joined = {one["name"]: one for result in results.values() for one in result.body["joined"]}
    return {
        "inputs": [one for result in results.values() for one in result.body["inputs"]],
        "joined": list(joined.values()),
    }


def _table(body: dict[str, Any]) -> list[str]:
    """What each file became, as aligned lines."""
    rows = [
        (
            one["name"],
            one["kind"],
            _formats(one) + _answered(one, bool(body.get("joined"))),
            f"{one['read'] - one['unreadable']:,}",
            f"{one['unreadable']:,}" if one["unreadable"] else "-",
        )
        for one in body.get("inputs", ())
        if "read" in one
    ]
    rows += [(one["name"], "joined", one["format"], "-", "-") for one in body.get("joined", ())]
    if not rows:
        return []
    shown = [_COLUMNS, *sorted(rows)[:_MOST_FILES]]
    widths = [max(len(row[at]) for row in shown) for at in range(len(_COLUMNS))]
    lines = [
        "  ".join(
            cell.rjust(width) if at > 2 else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in shown
    ]
    more = len(rows) - _MOST_FILES
    return [*lines, f"and {more} more files"] if more > 0 else lines


def _answered(one: dict[str, Any], has_companions: bool) -> str:
    """How many rows found their answers in another file, where not all did."""
    n_rows = one["read"] - one["unreadable"]
    takes_answers = has_companions and get_format(one["format"]).companion is not None
    if not takes_answers or one["answered"] == n_rows:
        return ""
    return f" ({one['answered']:,} with answers)"


def _formats(one: dict[str, Any]) -> str:
    """The format of a file's rows, with the number of each where there are several."""
    held = one["formats"]
    if len(held) < 2:
        return str(next(iter(held), one["format"]))
    return ", ".join(f"{name} {n:,}" for name, n in held.items())
