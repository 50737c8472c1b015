"""The looking verbs: report, show, why, formats."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from tamis import ledger
from tamis.dataset import is_run_folder, open_dataset, write_bytes
from tamis.errors import InputError, RecipeError, StoreError
from tamis.formats.registry import FORMATS
from tamis.reports.html import render
from tamis.reports.numbers import build_report
from tamis.reports.terminal import markdown, summary_lines
from tamis.schema import ROWS
from tamis.verbs.common import FILE_SUFFIXES, Common, Result


def write_report(runs: Sequence[Path], folder: Path) -> dict[str, Any]:
    """Write `report.json` and the page made from it into `folder`; gives the numbers back."""
    numbers = build_report(list(runs))
    built: dict[str, Any] = msgspec.to_builtins(numbers)
    write_bytes(folder / "report.json", msgspec.json.encode(built))
    write_bytes(folder / "report.html", render(built).encode())
    return built


def stored_report(folder: Path) -> dict[str, Any] | None:
    """The numbers that an earlier call wrote into a run folder, or None."""
    path = folder / "report.json"
    try:
        stored: dict[str, Any] = msgspec.json.decode(path.read_bytes(), type=dict)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    return stored


def with_report(result: Result) -> Result:
    """Write the run's report and put its summary into the result."""
    if result.run is None:
        return result
    folder = Path(result.run)
    numbers = stored_report(folder) if result.already_finished else None
    numbers = numbers or write_report([folder], folder)
    result.lines += summary_lines(numbers)
    result.renderings["md"] = partial(markdown, numbers)
    result.body["report"] = str(folder / "report.html")
    return result


def report(
    runs: Sequence[str], *, title: str | None = None, common: Common | None = None
) -> Result:
    """One page over one or more run folders, rendered from `report.json` beside it."""
    common = common or Common()
    folders = [_run_folder(name) for name in runs]
    target = Path(common.output) if common.output else folders[0]
    is_file = target.is_file() or (not target.exists() and target.suffix in FILE_SUFFIXES)
    if is_file and target.suffix != ".html":
        raise StoreError(
            f"-o {target}: a report is a page ending in .html, or a folder to put it in"
        )
    page = target if target.suffix == ".html" else target / "report.html"
    for path in (page, page.with_suffix(".json")):
        if path.exists() and b"tamis" not in path.read_bytes()[:20_000].lower():
            raise StoreError(f"{path}: exists and is not a report; choose another name with -o")
    built: dict[str, Any] = msgspec.to_builtins(build_report(folders, title=title))
    write_bytes(page.with_suffix(".json"), msgspec.json.encode(built))
    write_bytes(page, render(built).encode())
    return Result(
        command="report",
        output=str(page),
        lines=[f"report: {page}", f"numbers: {page.with_suffix('.json')}"],
        body={"report": str(page), "numbers": str(page.with_suffix(".json"))},
    )


def why(run: str, row_id: str) -> Result:
    """What became of a row, in this run and those before it, and how to get it back."""
    accounts = ledger.why(_run_folder(run), row_id)
    lines: list[str] = []
    for account in accounts:
        lines += _account_lines(account)
    return Result(
        command="why", run=run, lines=lines, body={"accounts": msgspec.to_builtins(accounts)}
    )


def _account_lines(account: ledger.Account) -> list[str]:
    lines = [f"{account.id} in {account.run} (tamis {account.command})"]
    if account.row is not None:
        row = account.row
        place = f"line {row['line']}" if row["line"] is not None else "made here"
        lines.append(f"  came from {row['source']}, {place}, read as {row['format']}")
    for bad in account.unreadable:
        lines.append(f"  could not be read: {bad['reason']}")
        lines.append(f"    bytes {bad['byte_offset']} +{bad['length']} of {bad['file']}")
    for change in account.changes:
        lines.append(
            f"  changed by {change['step']} ({change['rule']}) at {change['path']}: "
            f"{change['before']!r} -> {change['after']!r}"
        )
    for finding in account.findings:
        lines.append(
            f"  {finding['severity']} {finding['rule']} at {finding['path']}: {finding['message']}"
        )
    for decision in account.decisions:
        what = "dropped" if decision["copies"] == 0 else f"repeated {decision['copies']} times"
        lines.append(f"  {what} by step `{decision['step']}`: {decision['reason']}")
        if decision["peer_id"]:
            lines.append(f"    because of {decision['peer_id']}, which was kept")
        if decision["evidence"]:
            lines.append(f"    evidence: {decision['evidence']}")
    if not account.decisions and not account.unreadable:
        lines.append("  kept")
    return lines


def show(path: str, *, row_id: str | None = None, n: int = 3) -> Result:
    """Print rows of a data set as conversations, or one row by its id."""
    folder = Path(path)
    if not is_run_folder(folder):
        raise InputError(f"{path}: expected a data set folder; make one with `tamis import`")
    dataset = open_dataset(folder)
    rows: list[dict[str, Any]] = []
    for batch in dataset.batches():
        for row in batch.to_pylist() if row_id else batch.slice(0, n - len(rows)).to_pylist():
            if row_id is None or row["id"] == row_id:
                rows.append(row)
        if (row_id and rows) or (not row_id and len(rows) >= n):
            break
    if row_id and not rows:
        raise InputError(f"{path}: has no row `{row_id}`; ask `tamis why {path} {row_id}`")
    lines: list[str] = []
    for row in rows:
        lines += [*_row_lines(row), ""]
    return Result(command="show", lines=lines, body={"rows": rows, "n_rows": dataset.n_rows})


def _row_lines(row: dict[str, Any]) -> list[str]:
    lines = [f"── {row['id']}"]
    for key in ("messages", "prompt", "chosen", "rejected"):
        for message in row.get(key) or []:
            label = message["role"] if key in ("messages", "prompt") else f"{key} {message['role']}"
            if message["reasoning"]:
                lines.append(f"{label} (reasoning): {message['reasoning']}")
            if message["content"] is not None:
                lines.append(f"{label}: {message['content']}")
            for call in message["tool_calls"] or []:
                lines.append(f"{label} calls {call['name']}({call['arguments']})")
    if row.get("reference"):
        lines.append(f"reference: {row['reference']['answer']}")
    facts = {k: v for k, v in row.items() if isinstance(v, int | float) and not isinstance(v, bool)}
    hidden = ("line", "offset", "length", "content_hash")
    shown = [f"{key} {value:g}" for key, value in facts.items() if key not in hidden]
    return [*lines, "  ".join(shown)] if shown else lines


def _run_folder(name: str) -> Path:
    for folder in (Path(name), Path(f"{name}.run"), Path(f"{name}.check"), Path(f"{name}.test")):
        if is_run_folder(folder):
            return folder
    raise InputError(f"{name}: expected a run folder or an output made by Tamis; none is there")


def formats(kind: str | None = None) -> Result:
    """The formats Tamis reads and writes, of all kinds of rows or of one.

    Raises: RecipeError for a kind there is not.
    """
    if kind is not None and kind not in ROWS:
        raise RecipeError(f"--kind {kind}: expected one of {', '.join(ROWS)}")
    shown = [form for form in FORMATS.values() if kind in (None, form.kind)]
    told = {
        form.name: {"kind": form.kind, "writes": form.write is not None, "about": form.about}
        for form in sorted(shown, key=lambda form: (form.kind, form.name))
    }
    width = max(len(name) for name in told)
    lines = [
        f"{name.ljust(width)}  {one['kind']:<13}  {'reads, writes' if one['writes'] else 'reads':<13}  {one['about']}"
        for name, one in told.items()
    ]
    return Result(command="formats", lines=lines, body={"formats": told})
