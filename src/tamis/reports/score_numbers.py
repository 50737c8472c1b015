"""Numbers about scores: what graded rollouts are worth, by value, accuracy, part and flag."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from tamis.dataset import read_table
from tamis.rewards.meanings import PARTS, flag_meaning

# The table of the `score_counts` step, and the columns that say the same row by row.
SCORE_TABLE = "score_counts"
SCORE_COLUMNS = ("score_right", "ungradable_cause", "ungradable_detail")


class ScoreNumber(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What scores come to under one name. `n` are the scores that say something of it.

    For `accuracy` and `flag`, `mean` is the share `count / n` with its 95 % interval `low` to `high`; for
    `value` and `part` those three are null. `meaning` is null for names without words.
    """

    what: Literal["value", "accuracy", "part", "flag"]
    name: str | None
    n: int
    count: int | None
    mean: float
    low: float | None
    high: float | None
    meaning: str | None


def read_scores(run: Path) -> list[ScoreNumber]:
    """The scores of a run that graded rollouts, as `score_counts` sorted them; empty for other runs."""
    path = run / "summaries" / f"{SCORE_TABLE}.arrow"
    if not path.exists():
        return []
    rows = read_table(path).to_pylist()
    return [
        msgspec.convert({**row, "meaning": _meaning(row["what"], row["name"])}, ScoreNumber)
        for row in rows
    ]


def _meaning(what: str, name: str | None) -> str | None:
    if name is None:
        return None
    return PARTS.get(name) if what == "part" else flag_meaning(name)
