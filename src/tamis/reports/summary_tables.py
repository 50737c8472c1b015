"""The tables that Summaries made, as text for people."""

from __future__ import annotations

import math
from collections.abc import Collection
from pathlib import Path

import pyarrow as pa

from tamis.dataset import read_table
from tamis.reports.bins import show_number
from tamis.reports.contents import SummaryTable
from tamis.reports.ledger_numbers import shorten
from tamis.reports.run_folder import shard_files

_MAX_ROWS = 20


def show_tables(run: Path, *, skip: Collection[str] = ()) -> list[SummaryTable]:
    """Each table under `summaries/` not named in `skip`: plain columns, first twenty rows; nulls stay null."""
    tables = []
    for path in shard_files(run / "summaries"):
        if path.stem in skip:
            continue
        table = read_table(path)
        names = [field.name for field in table.schema if not pa.types.is_nested(field.type)]
        lines = table.select(names).slice(0, _MAX_ROWS).to_pylist()
        tables.append(
            SummaryTable(
                step=path.stem,
                columns=names,
                rows=[[_show(line[name]) for name in names] for line in lines],
                n_rows=table.num_rows,
            )
        )
    return tables


def _show(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return show_number(float(value)) if math.isfinite(value) else "not a number"
    return shorten(str(value), 160)
