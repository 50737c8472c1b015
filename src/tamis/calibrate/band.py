"""The band of pass rates worth training on, and how sure a measured rate is to lie in it."""

from __future__ import annotations

import msgspec

from tamis.calibrate.intervals import wilson
from tamis.errors import RecipeError


class Place(msgspec.Struct, frozen=True):
    """Where a question lies: its rate, the decision, and whether more draws could change it.

    `rate` and `inside` are None when nothing was gradable. `certain` is true when the whole 95 %
    interval lies on one side of every border of the band: inside it, below it or above it.
    """

    rate: float | None
    inside: bool | None
    certain: bool


class Band(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keep a question when low <= pass rate <= high, both ends kept.

    Default 0.2 to 0.8: wide enough that 16 draws do not throw away questions of the 30-70 % core
    by chance. Questions always or never solved give a group-relative trainer no signal.
    """

    low: float = 0.2
    high: float = 0.8

    def __post_init__(self) -> None:
        """Refuse a band that keeps nothing by construction."""
        if not 0 <= self.low <= self.high <= 1:
            raise RecipeError(
                f"band: expected 0 <= low <= high <= 1, got {self.low} and {self.high}"
            )

    def place(self, n_correct: int, n_draws: int) -> Place:
        """Where c right of n graded draws lie."""
        if n_draws == 0:
            return Place(None, None, False)
        rate = n_correct / n_draws
        interval = wilson(n_correct, n_draws)
        within = self.low <= interval.low and interval.high <= self.high
        outside = interval.high < self.low or interval.low > self.high
        return Place(rate, self.low <= rate <= self.high, within or outside)
