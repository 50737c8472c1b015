"""`tamis report | show | why | formats`: thin twins of the verbs."""

from __future__ import annotations

from typing import Annotated

import typer

from tamis.cli.options import Format, check_style, emit

PANEL = "look"


def register(app: typer.Typer) -> None:
    """Put the looking commands on the app."""
    for command in (report, show, why, formats):
        app.command(rich_help_panel=PANEL)(command)


def report(
    runs: Annotated[list[str], typer.Argument(help="Run folders, or outputs that have one.")],
    output: Annotated[str | None, typer.Option("-o", "--output", help="Page to write.")] = None,
    style: Format = "human",
) -> None:
    """Write one page over one or more runs.

    Example: tamis report data/v0 data/v1 -o report.html
    """
    check_style(style)
    from tamis.verbs import look
    from tamis.verbs.common import Common

    emit(look.report(runs, common=Common(output=output)), style)


def show(
    path: Annotated[str, typer.Argument(help="A data set folder.")],
    row_id: Annotated[str | None, typer.Argument(help="A row's id.")] = None,
    n: Annotated[int, typer.Option("-n", help="How many rows.")] = 3,
    style: Format = "human",
) -> None:
    """Print rows as conversations.

    Example: tamis show data/v1 -n 2
    """
    check_style(style)
    from tamis.verbs import look

    emit(look.show(path, row_id=row_id, n=n), style)


def why(
    run: Annotated[str, typer.Argument(help="A run folder, or an output that has one.")],
    row_id: Annotated[str, typer.Argument(help="A row's id; unreadable lines are source:LINE.")],
    style: Format = "human",
) -> None:
    """Say what became of a row, by which rule, and how to get it back.

    Example: tamis why unique.jsonl pool.jsonl:17
    """
    check_style(style)
    from tamis.verbs import look

    emit(look.why(run, row_id), style)


def formats(
    kind: Annotated[str | None, typer.Option("--kind", help="Only this kind of rows.")] = None,
    style: Format = "human",
) -> None:
    """List the formats that are read and written.

    Example: tamis formats --kind preferences
    """
    check_style(style)
    from tamis.verbs import look

    emit(look.formats(kind), style)
