"""The best rows that differ: by score, skipping what is too similar to a row chosen before."""

from __future__ import annotations

import json
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tamis.embed.static import DIM, load_static
from tamis.errors import RecipeError, SchemaError
from tamis.kernels.pieces import TextChoice, from_messages
from tamis.op import Select
from tamis.schema import DECISIONS, PAIRS

Vectors = npt.NDArray[np.float32]

# Products are taken in blocks of this one shape, padded with zeros, and rounded before they are
# compared: so a result does not hang on how many rows came along.
BLOCK = 512
DECIMALS = 4
KEPT, TOO_SIMILAR, BEYOND, UNSCORED = "kept", "too_similar", "beyond_target", "unscored"


class DiverseTopK(Select, frozen=True, kw_only=True):
    """Takes the best rows by `score`, skipping each that is too similar to one already taken.

    Rows are walked from the highest score down (ties by id). A row is kept when its cosine similarity
    to every row kept so far is at most `max_similarity`; at `k` kept rows the walk ends. A null or NaN
    score is *unscored*: dropped and counted, never taken for 0. Rows without text have no vector and
    are similar to nothing. Without `score` all rows tie, and the order is that of ids.

    When too few differ, fewer than `k` are kept: the evidence of each kept row says how many were, of
    how many asked.

    text:    which text is embedded: `user` the first user message, `assistant`, or `conversation`
    column:  the column of messages to read

    Reads:   messages (or `column`); `score` to decide.
    Adds:    decisions, one a row: reasons `kept`, `too_similar` (peer: the most similar kept row
             before it; score: the similarity), `beyond_target`, `unscored` (score: null).
    Cost:    1 KiB a row for vectors. `decide` is not bucketed: it holds about 1.2 KiB a row and
             1 KiB a kept row; rows walked times rows kept products of 256 numbers.
    Source:  Liu et al. 2024 (DEITA), section 3.3, "repr filter": threshold 0.9 on cosine similarity.
             There the last hidden state of a 7B model, here static vectors; ties there by file order.
    Raises:  RecipeError for k below 1 or max_similarity outside [-1, 1].
    """

    k: int = 10_000
    score: str | None = None
    max_similarity: float = 0.9
    text: TextChoice = "user"
    column: str = "messages"

    def __post_init__(self) -> None:
        if self.k < 1:
            raise RecipeError(f"diverse_top_k: expected k of 1 or more, got {self.k}")
        if not -1 <= self.max_similarity <= 1:
            raise RecipeError(
                "diverse_top_k: expected -1 <= max_similarity <= 1, got "
                f"{self.max_similarity}; it is a cosine similarity, 0.9 is usual"
            )

    @property
    def reads(self) -> tuple[str, ...]:
        """The column of messages."""
        return (self.column,)

    @property
    def decide_reads(self) -> tuple[str, ...]:
        """The fact that ranks rows, if any."""
        return (self.score,) if self.score else ()

    def reuses(self, stored: Select) -> bool:
        """The same vectors serve any score, target and similarity."""
        return isinstance(stored, DiverseTopK) and (stored.text, stored.column) == (
            self.text,
            self.column,
        )

    def sketch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """`id` and `vector`: fixed_size_list<float32>[256], unit length, zeros when there is no text."""
        texts = from_messages(batch.column(self.column), self.text).strings()
        vectors = load_static().encode(texts)
        column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), DIM)
        return pa.RecordBatch.from_arrays([batch.column("id"), column], names=["id", "vector"])

    def candidates(self, sketch: pa.Table) -> pa.Table:
        """None: rows are compared with kept rows only, and `decide` knows which those are."""
        return PAIRS.empty_table()

    def verify(self, pairs: pa.RecordBatch, rows: pa.Table) -> pa.RecordBatch:
        """Nothing to verify: similarities are taken from the vectors themselves."""
        return pairs

    def decide(self, facts: pa.Table, pairs: pa.Table) -> pa.Table:
        """Walk the rows from the best down; see the class."""
        order = self._walk_order(facts)
        walked = facts.column("vector").combine_chunks().take(pa.array(order))
        vectors = np.asarray(walked.flatten()).reshape(-1, DIM)
        picked = _pick(vectors, self.k, round(self.max_similarity, DECIMALS))
        return _decisions(facts.column("id"), order, picked, self)

    def _walk_order(self, facts: pa.Table) -> npt.NDArray[np.int64]:
        """Rows with a score, best first."""
        if self.score is None:
            by_id: npt.NDArray[np.int64] = pc.sort_indices(facts.column("id")).to_numpy()
            return by_id.astype(np.int64)
        if self.score not in facts.column_names:
            raise SchemaError(
                f"diverse_top_k: expected a fact column `{self.score}` to rank by, got "
                f"{', '.join(facts.column_names)}; measure it in an earlier step"
            )
        scores = facts.column(self.score).cast(pa.float64())
        keyed = pa.table({"score": scores, "id": facts.column("id")})
        keys = [("score", "descending"), ("id", "ascending")]
        order = pc.sort_indices(keyed, sort_keys=keys).to_numpy().astype(np.int64)
        is_scored = pc.is_valid(pc.if_else(pc.is_nan(scores), None, scores)).to_numpy()
        ranked: npt.NDArray[np.int64] = order[is_scored[order]]
        return ranked


class _Picked(NamedTuple):
    """Of the rows in walking order: which are kept; of those turned away, the peer and similarity.

    kept:       (n_kept,) int64, places in walking order
    peer:       (n_walked,) int64, place of the most similar kept row, -1 for kept rows
    similarity: (n_walked,) float64
    n_walked:   rows looked at before the target was reached
    """

    kept: npt.NDArray[np.int64]
    peer: npt.NDArray[np.int64]
    similarity: npt.NDArray[np.float64]
    n_walked: int


def _pick(vectors: Vectors, k: int, max_similarity: float) -> _Picked:
    kept: list[int] = []
    chosen = np.zeros((BLOCK, DIM), np.float32)
    peer = np.full(len(vectors), -1, np.int64)
    similarity = np.zeros(len(vectors))
    for start in range(0, len(vectors), BLOCK):
        block = np.zeros((BLOCK, DIM), np.float32)
        rows = vectors[start : start + BLOCK]
        block[: len(rows)] = rows
        nearest, best = _nearest(block, chosen, len(kept))
        within = np.round(block @ block.T, DECIMALS)
        fresh: list[int] = []
        for row in range(len(rows)):
            if len(kept) == k:
                return _Picked(np.array(kept), peer, similarity, start + row)
            if fresh:
                near = within[row, fresh]
                at = int(near.argmax())
                # strictly greater: of equally similar rows the one kept first is the peer
                if near[at] > best[row]:
                    best[row] = near[at]
                    nearest[row] = len(kept) - len(fresh) + at
            if kept and best[row] > max_similarity:
                peer[start + row] = kept[nearest[row]]
                similarity[start + row] = round(float(best[row]), DECIMALS)
                continue
            chosen = _with_room(chosen, len(kept))
            chosen[len(kept)] = rows[row]
            kept.append(start + row)
            fresh.append(row)
    return _Picked(np.array(kept, dtype=np.int64), peer, similarity, len(vectors))


def _with_room(chosen: Vectors, n: int) -> Vectors:
    if n < len(chosen):
        return chosen
    return np.concatenate([chosen, np.zeros_like(chosen)])


def _nearest(
    block: Vectors, chosen: Vectors, n_kept: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """The most similar kept row of each row of `block`, the first among equals, and how similar."""
    nearest = np.zeros(BLOCK, np.int64)
    best = np.full(BLOCK, -2, np.float32)
    for start in range(0, n_kept, BLOCK):
        product = np.round(block @ chosen[start : start + BLOCK].T, DECIMALS)
        product = product[:, : n_kept - start]
        at = product.argmax(axis=1)
        here = product[np.arange(BLOCK), at]
        better = here > best
        best[better] = here[better]
        nearest[better] = start + at[better]
    return nearest, best


def _decisions(
    ids: pa.ChunkedArray, order: npt.NDArray[np.int64], picked: _Picked, op: DiverseTopK
) -> pa.Table:
    n = len(ids)
    reason = np.full(n, UNSCORED, dtype=object)
    reason[order[: picked.n_walked]] = TOO_SIMILAR
    reason[order[picked.n_walked :]] = BEYOND
    reason[order[picked.kept]] = KEPT
    is_similar = reason == TOO_SIMILAR
    peer = np.zeros(n, np.int64)
    similarity = np.zeros(n)
    turned = np.flatnonzero(picked.peer >= 0)
    peer[order[turned]] = order[picked.peer[turned]]
    similarity[order[turned]] = picked.similarity[turned]
    evidence: list[str | None] = [None] * n
    for rank, row in enumerate(order[picked.kept].tolist(), 1):
        counted = {"rank": rank, "kept": len(picked.kept), "asked": op.k}
        evidence[row] = json.dumps(counted, separators=(",", ":"))
    for row in np.flatnonzero(is_similar).tolist():
        compared = {"similarity": similarity[row], "max_similarity": op.max_similarity}
        evidence[row] = json.dumps(compared, separators=(",", ":"))
    full = json.dumps({"kept": len(picked.kept), "asked": op.k}, separators=(",", ":"))
    for row in np.flatnonzero(reason == BEYOND).tolist():
        evidence[row] = full
    unscored = json.dumps({"score": op.score, "value": None}, separators=(",", ":"))
    for row in np.flatnonzero(reason == UNSCORED).tolist():
        evidence[row] = unscored
    columns = {
        "id": ids,
        "step": pa.nulls(n, pa.string()),
        "copies": pa.array((reason == KEPT).astype(np.int32)),
        "reason": pa.array(reason, pa.string()),
        "peer_id": ids.take(pa.array(peer, mask=~is_similar)),
        "score": pa.array(similarity, mask=~is_similar),
        "evidence": pa.array(evidence, pa.string()),
    }
    return pa.table(columns, schema=DECISIONS)
