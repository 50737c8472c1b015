"""Numbers about pass rates: how often a model answers each question right, and how sure that is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tamis.calibrate.intervals import informative_probability
from tamis.reports.contents import Bin, IdList, Informative, PassRates, QuestionRate, Rate
from tamis.reports.distributions import column_fields, fact_passes, read_column
from tamis.reports.rates import rate_of
from tamis.reports.run_folder import Manifest

IntArray = npt.NDArray[np.int64]

_MAX_SHOWN = 48
_MAX_IDS = 20
_GROUPS = (4, 8, 16)
# With at most this many answers a question, each possible rate gets a bar of its own.
_MAX_EXACT = 24
_COUNTS = ("n_sampled", "n_correct", "n_ungradable", "n_truncated")
# The columns a calibration measures: shown here, and not among the distributions.
RATE_COLUMNS = (*_COUNTS, "pass_rate", "pass_rate_low", "pass_rate_high")


def is_calibrated(folder: Path) -> bool:
    """Whether a pass measured pass rates, with the counts behind them."""
    return {*_COUNTS, "pass_rate"} <= {field.name for field in column_fields(folder)}


class _Counted:
    """The questions with at least one graded answer, sorted by (rate, id).

    ids: (n,) strings;  right, graded: (n,) int64, 0 <= right <= graded, graded > 0
    """

    def __init__(self, folder: Path) -> None:
        right, sampled, ungradable = (
            read_column(folder, name).cast(pa.int64())
            for name in ("n_correct", "n_sampled", "n_ungradable")
        )
        graded = pc.subtract(sampled, ungradable)
        usable = pc.and_(pc.is_valid(right), pc.greater(graded, 0))
        # null where graded is null: such a question is unmeasured too
        usable = pc.fill_null(usable, False)
        ids = read_column(folder, "id")
        self.unmeasured = len(ids) - pc.sum(usable).as_py() if len(ids) else 0
        table = pa.table({"id": ids, "right": right, "graded": graded}).filter(usable)
        rate = pc.divide(table["right"].cast(pa.float64()), table["graded"].cast(pa.float64()))
        table = table.append_column("rate", rate)
        table = table.sort_by([("rate", "ascending"), ("id", "ascending")])
        self.ids: pa.ChunkedArray = table["id"]
        self.right: IntArray = table["right"].to_numpy()
        self.graded: IntArray = table["graded"].to_numpy()
        self.rates: npt.NDArray[np.float64] = table["rate"].to_numpy()


def count_pass_rates(run: Path, manifest: Manifest) -> list[PassRates]:
    """The pass rates of each pass that measured them; empty for runs that did not calibrate."""
    measured = []
    for folder in fact_passes(run):
        if is_calibrated(folder):
            counted = _Counted(folder)
            if len(counted.ids):
                measured.append(_pass_rates(run, manifest, folder, counted))
    return measured


def _pass_rates(run: Path, manifest: Manifest, folder: Path, counted: _Counted) -> PassRates:
    low, high = _band(manifest)
    inside = _within(counted.rates, low, high)
    intervals = [
        rate_of(int(c), int(n)) for c, n in zip(counted.right, counted.graded, strict=True)
    ]
    has_band = low is not None or high is not None
    kept = _kept(run, counted.ids) if manifest.shards else None
    return PassRates(
        measured_in=folder.name,
        questions=len(counted.ids),
        unmeasured=counted.unmeasured,
        answers=int(counted.graded.sum()),
        ungradable=pc.sum(read_column(folder, "n_ungradable")).as_py(),
        truncated=pc.sum(read_column(folder, "n_truncated")).as_py(),
        passes=rate_of(int(counted.right.sum()), int(counted.graded.sum())),
        band_low=low,
        band_high=high,
        in_band=rate_of(int(inside.sum()), len(inside)) if has_band else None,
        surely_in_band=sum(_is_surely_inside(r, low, high) for r in intervals)
        if has_band
        else None,
        widest=max(
            (r.high - r.low) / 2 for r in intervals if r.high is not None and r.low is not None
        ),
        answers_each=_answers_each(counted.graded),
        bins=_rate_bins(counted, kept),
        shown=_shown(counted, intervals, kept),
        never=_listed(counted, counted.right == 0),
        always=_listed(counted, counted.right == counted.graded),
        informative=_informative(counted, inside if has_band else None),
    )


def _band(manifest: Manifest) -> tuple[float | None, float | None]:
    """The bounds of the last step that kept rows by pass rate; nulls when there was none."""
    keeps = [s for s in manifest.steps if s.shape == "keep" and s.word("column") == "pass_rate"]
    return (keeps[-1].number("at_least"), keeps[-1].number("at_most")) if keeps else (None, None)


def _within(
    rates: npt.NDArray[np.float64], low: float | None, high: float | None
) -> npt.NDArray[np.bool_]:
    inside = np.ones(len(rates), dtype=bool)
    if low is not None:
        inside &= rates >= low
    if high is not None:
        inside &= rates <= high
    return inside


def _is_surely_inside(passes: Rate, low: float | None, high: float | None) -> bool:
    if passes.low is None or passes.high is None:
        return False
    return (low is None or passes.low >= low) and (high is None or passes.high <= high)


def _kept(run: Path, ids: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    kept = pc.is_in(
        ids, value_set=read_column(run / "data", "id").cast(pa.string()).combine_chunks()
    )
    flags: npt.NDArray[np.bool_] = kept.to_numpy()
    return flags


def _answers_each(graded: IntArray) -> list[Bin]:
    """How many questions have how many graded answers: the commonest counts, by count."""
    values, counts = np.unique(graded, return_counts=True)
    common = np.sort(np.argsort(-counts, kind="stable")[:12])
    return [
        Bin(
            label=f"{values[i]}",
            low=float(values[i]),
            high=float(values[i]),
            count=int(counts[i]),
            kept=None,
        )
        for i in common
    ]


def _rate_bins(counted: _Counted, kept: npt.NDArray[np.bool_] | None) -> list[Bin]:
    """A bar for each possible rate where every question has the same few answers, else tenths.

    Tenths keep 0 and 1 apart: a question never or always answered right teaches nothing.
    """
    n = int(counted.graded[0])
    if n <= _MAX_EXACT and bool((counted.graded == n).all()):
        places, width = counted.right, n + 1
        edges = [(f"{c}/{n}", c / n, c / n) for c in range(width)]
    else:
        tenths = np.clip(np.floor(np.round(counted.rates * 10, 9)), 0, 9).astype(np.int64)
        is_never, is_always = counted.right == 0, counted.right == counted.graded
        places, width = np.where(is_never, 0, np.where(is_always, 11, tenths + 1)), 12
        edges = [("0", 0.0, 0.0)]
        edges += [(f"{t / 10:.1f}–{(t + 1) / 10:.1f}", t / 10, (t + 1) / 10) for t in range(10)]
        edges += [("1", 1.0, 1.0)]
    counts = np.bincount(places, minlength=width)
    kept_counts = None if kept is None else np.bincount(places[kept], minlength=width)
    return [
        Bin(
            label=label,
            low=low,
            high=high,
            count=int(counts[i]),
            kept=None if kept_counts is None else int(kept_counts[i]),
        )
        for i, (label, low, high) in enumerate(edges)
    ]


def _shown(
    counted: _Counted, intervals: list[Rate], kept: npt.NDArray[np.bool_] | None
) -> list[QuestionRate]:
    """All questions, or 48 of them evenly spaced from the hardest to the easiest."""
    n = len(intervals)
    places = np.unique(np.linspace(0, n - 1, min(n, _MAX_SHOWN)).round().astype(int))
    return [
        QuestionRate(
            id=counted.ids[int(i)].as_py(),
            passes=intervals[i],
            kept=None if kept is None else bool(kept[i]),
        )
        for i in places
    ]


def _listed(counted: _Counted, chosen: npt.NDArray[np.bool_]) -> IdList:
    ids = counted.ids.filter(pa.array(chosen))
    return IdList(count=len(ids), ids=sorted(ids.to_pylist())[:_MAX_IDS])


def _informative(counted: _Counted, inside: npt.NDArray[np.bool_] | None) -> list[Informative]:
    """For groups of 4, 8 and 16 answers: the share expected to hold both right and wrong ones.

    Unbiased from the counts alone: a group is drawn from a question's own answers without putting
    back, so only questions with at least that many graded answers count.
    """
    listed = []
    for group in _GROUPS:
        enough = counted.graded >= group
        if not enough.any():
            continue
        mixed = _mixed_share(counted.right[enough], counted.graded[enough], group)
        banded = mixed[inside[enough]] if inside is not None else mixed[:0]
        listed.append(
            Informative(
                group=group,
                questions=int(enough.sum()),
                all=float(mixed.mean()),
                band=float(banded.mean()) if len(banded) else None,
            )
        )
    return listed


def _mixed_share(right: IntArray, graded: IntArray, group: int) -> npt.NDArray[np.float64]:
    """(n,) chance that `group` of a question's answers are neither all right nor all wrong."""
    pairs, back = np.unique(np.stack([right, graded]), axis=1, return_inverse=True)
    chances = [informative_probability(int(c), int(n), group) for c, n in pairs.T]
    return np.array(chances, dtype=np.float64)[back.reshape(-1)]
