"""What graded rollouts are worth, as lines for people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tamis.dataset import read_table
from tamis.reports.visible import visible
from tamis.reports.words import show_percent


def score_table(run: Path) -> list[dict[str, Any]]:
    """What the scores of a run come to: value, accuracy, parts and flags, see `SCORE_COUNTS`."""
    path = run / "summaries" / "score_counts.arrow"
    rows: list[dict[str, Any]] = read_table(path).to_pylist() if path.exists() else []
    return rows


def score_lines(table: Sequence[dict[str, Any]], n_parsed: int) -> list[str]:
    """The table for people; every rate with its n and its 95 % interval."""
    shown: list[tuple[str, str]] = []
    for row in table:
        if row["what"] == "value":
            shown.append(("graded", f"{row['n']:,} of {n_parsed:,} rollouts"))
            shown.append(("value", f"{row['mean']:.4g} on average (n = {row['n']:,})"))
        elif row["what"] == "part":
            shown.append(
                (f"part {row['name']}", f"{row['mean']:.4g} on average (n = {row['n']:,})")
            )
        else:
            name = "right" if row["what"] == "accuracy" else f"flag {row['name']}"
            shown.append((name, f"{row['count']:,}, {_share(row)}"))
    width = max((len(name) for name, _ in shown), default=0)
    return [f"{name.ljust(width)}  {told}" for name, told in shown]


def _share(row: dict[str, Any]) -> str:
    bounds = f"95 % interval {show_percent(row['low'])} to {show_percent(row['high'])}"
    return f"{show_percent(row['mean'])} ({bounds}, n = {row['n']:,})"


def scores_below(page: Callable[[], str], scores: Sequence[str]) -> str:
    """The page of the run, and what the scores come to as a block behind it."""
    return "\n".join([page(), "```text", *map(visible, scores), "```"])
