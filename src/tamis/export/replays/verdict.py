"""The three verdicts, with the rule of the trainer that made them."""

from __future__ import annotations

from tamis.export.targets.base import RowVerdict

ACCEPTED = RowVerdict(verdict="accepted")


def dropped(reason: str) -> RowVerdict:
    """The trainer goes on without the row, because of this."""
    return RowVerdict(verdict="dropped", reason=reason)


def crashes(reason: str) -> RowVerdict:
    """The trainer's load stops at the row, because of this."""
    return RowVerdict(verdict="crashes", reason=reason)
