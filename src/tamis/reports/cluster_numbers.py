"""Numbers about duplicates: clusters of rows around the one that was kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tamis.dataset import read_table
from tamis.reports.bins import FloatArray
from tamis.reports.contents import Bin, Cluster, Clusters, Member
from tamis.reports.grouping import count_groups, first_per_group
from tamis.reports.ledger_numbers import shorten
from tamis.reports.rates import rate_of
from tamis.reports.run_folder import Manifest, RunStep, read_pieces

_MAX_MEMBERS = 8
_SIZES = ((2, 2), (3, 3), (4, 4), (5, 9), (10, 19), (20, 49), (50, 99), (100, None))


def count_clusters(run: Path, manifest: Manifest, *, n_clusters: int = 20) -> list[Clusters]:
    """The duplicate clusters of each step that dropped rows for the sake of a kept peer.

    A cluster is a kept row and the rows dropped in its favour, each within the threshold of the kept
    row itself. Largest first, then by id.
    Memory: one row for each cluster, and one piece.
    """
    counted = count_groups(_with_peer(run, ["step", "peer_id"]), ["step", "peer_id"])
    # a step that looks for pairs is reported even if it found none
    compared = {path.stem for path in (run / "pairs").glob("*.arrow")}
    found = [
        _clusters_of(run, step, counted.filter(pc.equal(counted["step"], step.step)), n_clusters)
        for step in manifest.steps
        if step.shape == "select"
    ]
    return [clusters for clusters in found if clusters.clusters or clusters.step in compared]


def _with_peer(run: Path, columns: list[str]) -> Iterator[pa.Table]:
    needed = list({*columns, "peer_id", "copies"})
    for table in read_pieces(run / "ledger" / "decisions", needed):
        is_member = pc.and_(pc.equal(table["copies"], 0), pc.is_valid(table["peer_id"]))
        yield table.filter(is_member).select(columns)


def _clusters_of(run: Path, step: RunStep, counted: pa.Table, n_clusters: int) -> Clusters:
    largest = counted.sort_by([("n", "descending"), ("peer_id", "ascending")]).slice(0, n_clusters)
    dropped = pc.sum(counted["n"]).as_py() if counted.num_rows else 0
    pairs = _similarities(run / "pairs" / f"{step.step}.arrow")
    return Clusters(
        step=step.step,
        op=step.op,
        threshold=step.number("threshold"),
        clusters=counted.num_rows,
        dropped=dropped,
        rows=rate_of(dropped, step.rows_in),
        sizes=_size_bins(counted["n"].to_numpy() + 1),
        pairs=None if pairs is None else len(pairs),
        similarities=[] if pairs is None else _similarity_bins(pairs),
        largest=_largest(run, step.step, largest),
    )


def _size_bins(sizes: npt.NDArray[np.int64]) -> list[Bin]:
    bins = []
    for low, high in _SIZES:
        inside = sizes >= low if high is None else (sizes >= low) & (sizes <= high)
        label = f"{low} and more" if high is None else str(low) if low == high else f"{low}–{high}"
        top = None if high is None else float(high + 1)
        bins.append(Bin(label=label, low=float(low), high=top, count=int(inside.sum()), kept=None))
    while bins and bins[-1].count == 0:
        bins.pop()
    return bins


def _similarities(path: Path) -> FloatArray | None:
    if not path.is_file():
        return None
    similarity = read_table(path, ["similarity"])["similarity"]
    values: FloatArray = similarity.drop_null().cast(pa.float64()).to_numpy()
    return values


def _similarity_bins(values: FloatArray) -> list[Bin]:
    """Twentieths from the lowest similarity that occurs up to 1."""
    if len(values) == 0:
        return []
    # compare in whole hundredths: 0.85 as float32 lies a little below 0.85
    hundredths = np.floor(np.round(values.astype(np.float64) * 100, 4)).astype(int)
    first = int(hundredths.min()) // 5 * 5
    bins = []
    for low in range(min(first, 95), 100, 5):
        last = low == 95
        inside = (hundredths >= low) & ((hundredths <= 100) if last else (hundredths < low + 5))
        label = f"{low / 100:.2f}–{(low + 5) / 100:.2f}"
        bins.append(
            Bin(
                label=label, low=low / 100, high=(low + 5) / 100, count=int(inside.sum()), kept=None
            )
        )
    return bins


def _largest(run: Path, step: str, largest: pa.Table) -> list[Cluster]:
    members = _members(run, step, largest["peer_id"])
    openings = _openings(run, largest["peer_id"])
    return [
        Cluster(
            kept_id=line["peer_id"],
            size=line["n"] + 1,
            opening=openings.get(line["peer_id"]),
            members=[
                Member(id=line["peer_id"], kept=True, similarity=None, reason=None, evidence=None),
                *members.get(line["peer_id"], []),
            ],
        )
        for line in largest.to_pylist()
    ]


def _members(run: Path, step: str, peers: pa.ChunkedArray) -> dict[str, list[Member]]:
    """The dropped rows most like each kept peer, a few of each."""

    def of_these(columns: list[str]) -> Iterator[pa.Table]:
        for table in _with_peer(run, columns):
            right_step = pc.equal(table["step"], step)
            yield table.filter(
                pc.and_(right_step, pc.is_in(table["peer_id"], value_set=peers.combine_chunks()))
            )

    columns = ["id", "step", "peer_id", "score", "reason", "evidence"]
    order = [("score", "descending"), ("id", "ascending")]
    first = first_per_group(of_these(columns), ["peer_id"], order, _MAX_MEMBERS)
    members: dict[str, list[Member]] = {}
    for line in first.to_pylist() if first is not None else []:
        members.setdefault(line["peer_id"], []).append(
            Member(
                id=line["id"],
                kept=False,
                similarity=line["score"],
                reason=line["reason"],
                evidence=shorten(line["evidence"], 400) or None,
            )
        )
    return members


def _openings(run: Path, ids: pa.ChunkedArray) -> dict[str, str]:
    """How the first user message of each kept row begins, by id."""
    openings: dict[str, str] = {}
    for table in read_pieces(run / "data", ["id", "messages", "prompt"]):
        texts = next((name for name in ("messages", "prompt") if name in table.column_names), None)
        if texts is None:
            return {}
        wanted = table.filter(pc.is_in(table["id"], value_set=ids.combine_chunks()))
        for line in wanted.to_pylist():
            said = [m["content"] for m in line[texts] or [] if m["role"] == "user" and m["content"]]
            if said:
                openings[line["id"]] = shorten(" ".join(said[0].split()), 160)
    return openings
