"""From verified pairs to decisions: best row first, and no row dropped but for a kept one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tamis.schema import DECISIONS

Places = npt.NDArray[np.int64]

# Similarities are rounded to this many decimals before anything compares them.
DECIMALS = 4
EXACT, SAME_WORDS, NEAR = "exact", "same words", "near"


class Ranked(NamedTuple):
    """Rows with their order of preference.

    ids:      (n,) string
    order:    (n,) int64, rows, best first
    id_rank:  (n,) int64, place of each row in the order of ids
    """

    ids: pa.ChunkedArray
    order: Places
    id_rank: Places

    @classmethod
    def by(cls, ids: pa.ChunkedArray, prefer: pa.ChunkedArray | None) -> Ranked:
        """Greatest `prefer` first, null last; ties, and all rows without it, by id."""
        by_id = pc.sort_indices(ids).to_numpy().astype(np.int64)
        id_rank = np.empty(len(ids), np.int64)
        id_rank[by_id] = np.arange(len(ids))
        if prefer is None:
            return cls(ids, by_id, id_rank)
        keyed = pa.table({"prefer": prefer, "id_rank": id_rank})
        keys = [("prefer", "descending"), ("id_rank", "ascending")]
        order = pc.sort_indices(keyed, sort_keys=keys).to_numpy().astype(np.int64)
        return cls(ids, order, id_rank)


class _Pairs(NamedTuple):
    left: Places
    right: Places
    similarity: npt.NDArray[np.float64]
    evidence: pa.Array


def decide_greedily(rows: Ranked, pairs: pa.Table, threshold: float) -> pa.Table:
    """DECISIONS for all rows, in their order: kept, `exact_duplicate` or `near_duplicate`.

    Rows with the same set of shingles are a class, and its best row stands for it: being the same is
    transitive, so the others are exactly as near to any kept row as it is.
    """
    from tamis.kernels.greedy import classes, nearest_kept

    n = len(rows.ids)
    near, exact_class, word_class, counts = _split(pairs, threshold, n, classes)
    best = np.full(n, -1, np.int64)
    best[word_class[rows.order[::-1]]] = rows.order[::-1]
    best = best[word_class]
    heads = rows.order[best[rows.order] == rows.order]
    ends = np.concatenate([best[near.left], best[near.right]])
    others = np.concatenate([best[near.right], best[near.left]])
    grouped = np.argsort(ends, kind="stable")
    first_pair = np.concatenate([[0], np.cumsum(np.bincount(ends, minlength=n))]).astype(np.int64)
    other = others[grouped]
    pair_at = np.tile(np.arange(len(near.left), dtype=np.int64), 2)[grouped]
    chosen = nearest_kept(heads, first_pair, other, pair_at, near.similarity, rows.id_rank)
    return _decisions(
        rows,
        _Outcome(best, chosen[best], other, pair_at, exact_class, word_class, counts),
        near,
        threshold,
    )


class _Outcome(NamedTuple):
    """Per row: the best of its class, the place of the kept neighbour (or -1), its classes."""

    best: Places
    place: Places
    other: Places
    pair_at: Places
    exact_class: Places
    word_class: Places
    counts: dict[int, str]


def _split(
    pairs: pa.Table, threshold: float, n: int, classes: object
) -> tuple[_Pairs, Places, Places, dict[int, str]]:
    """Near pairs at the threshold; each row's class of equal bytes and of equal words; class counts."""
    evidence = pairs.column("evidence").combine_chunks()
    left = pairs.column("left").to_numpy()
    right = pairs.column("right").to_numpy()
    similarity = np.round(pairs.column("similarity").to_numpy().astype(np.float64), DECIMALS)
    is_exact = _starts(evidence, EXACT)
    is_same = is_exact | _starts(evidence, SAME_WORDS)
    exact_class = classes(n, left[is_exact], right[is_exact])  # type: ignore[operator]
    word_class = classes(n, left[is_same], right[is_same])  # type: ignore[operator]
    same = np.flatnonzero(is_same)
    heads, at = np.unique(word_class[left[same]], return_index=True)
    counts = {
        head: text.split(",", 1)[1]
        for head, text in zip(
            heads.tolist(), evidence.take(pa.array(same[at])).to_pylist(), strict=True
        )
    }
    near = np.flatnonzero(~is_same & (similarity >= round(threshold, DECIMALS)))
    kept = _Pairs(left[near], right[near], similarity[near], evidence.take(pa.array(near)))
    return kept, exact_class, word_class, counts


def _starts(evidence: pa.Array, kind: str) -> npt.NDArray[np.bool_]:
    found = pc.starts_with(evidence, f'{{"kind":"{kind}"')
    matches: npt.NDArray[np.bool_] = found.to_numpy(zero_copy_only=False).astype(bool)
    return matches


def _decisions(rows: Ranked, found: _Outcome, near: _Pairs, threshold: float) -> pa.Table:
    n = len(rows.ids)
    is_near = found.place >= 0
    is_copy = ~is_near & (found.best != np.arange(n))
    peer = np.where(is_copy, found.best, -1)
    pair = np.full(n, -1, np.int64)
    pair[is_near] = found.pair_at[found.place[is_near]]
    peer[is_near] = found.other[found.place[is_near]]
    is_exact = is_copy & (found.exact_class == found.exact_class[found.best])
    dropped = is_near | is_copy
    similarity = np.where(is_copy, 1.0, 0.0)
    similarity[is_near] = near.similarity[pair[is_near]]
    reason = np.where(dropped, np.where(is_exact, "exact_duplicate", "near_duplicate"), "kept")
    ids = rows.ids.combine_chunks() if isinstance(rows.ids, pa.ChunkedArray) else rows.ids
    columns = {
        "id": ids,
        "step": pa.nulls(n, pa.string()),
        "copies": pa.array((~dropped).astype(np.int32)),
        "reason": pa.array(reason, pa.string()),
        "peer_id": ids.take(pa.array(peer, mask=~dropped)),
        "score": pa.array(similarity, mask=~dropped),
        "evidence": _evidence(found, near, pair, np.flatnonzero(dropped), is_exact, threshold),
    }
    return pa.table(columns, schema=DECISIONS)


def _evidence(  # noqa: PLR0917
    found: _Outcome,
    near: _Pairs,
    pair: Places,
    dropped: Places,
    is_exact: npt.NDArray[np.bool_],
    threshold: float,
) -> pa.Array:
    """JSON text of each dropped row: how it is like its peer, shared and total shingles, threshold."""
    texts: list[str | None] = [None] * len(pair)
    near_texts = near.evidence.to_pylist()
    end = f',"threshold":{threshold}}}'
    for row, at, head, same_bytes in zip(
        dropped.tolist(),
        pair[dropped].tolist(),
        found.word_class[dropped].tolist(),
        is_exact[dropped].tolist(),
        strict=True,
    ):
        if at >= 0:
            texts[row] = near_texts[at][:-1] + end
        else:
            kind = EXACT if same_bytes else SAME_WORDS
            texts[row] = f'{{"kind":"{kind}",{found.counts[head][:-1]}{end}'
    return pa.array(texts, pa.string())
