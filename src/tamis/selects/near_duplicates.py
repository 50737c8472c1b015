"""Near-duplicate conversations: one kept, the others dropped within the threshold of the kept one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tamis.errors import RecipeError, SchemaError
from tamis.kernels.pieces import Pieces, TextChoice, from_messages
from tamis.op import Select
from tamis.schema import PAIRS
from tamis.selects.greedy import DECIMALS, EXACT, NEAR, SAME_WORDS, Ranked, decide_greedily

Pairs = npt.NDArray[np.int64]


class NearDuplicates(Select, frozen=True, kw_only=True):
    """Drops conversations that say nearly the same as one that is kept, and names that one.

    Similarity is the Jaccard similarity of the sets of shingles of `shingle` words (`tamis.kernels`
    tells what a word is in each script): near 1 means a copy with small edits. `threshold` is a
    promise: a pair at the threshold is compared with probability 99 % or more, and what is compared is
    judged by its true similarity, never by the estimate. A row is dropped only if a *kept* row is
    within the threshold of it; that row is its peer. No chains.

    Rows are taken in order of `prefer` (a fact column; greatest first, null last; ties by id) and kept
    unless near a row kept before. Rows without any text are left alone. Rows whose text has no word
    ("?!") are compared byte by byte only. Byte-identical rows are `exact_duplicate`, others
    `near_duplicate`.

    In a crowd of more than about 360 *different* texts that look alike to one band each is compared
    with its closest neighbours only: the cost stays linear, and a few near pairs may stay.

    text:      `conversation` all messages with roles, reasoning and tool calls; `user` the first user
               message; `assistant` all that the assistant says
    column:    the column of messages to read

    Reads:   messages (or `column`); `prefer` to decide.
    Adds:    decisions, one a row: reasons `kept`, `exact_duplicate`, `near_duplicate`; score is the
             similarity to the peer; evidence is JSON text with kind, shared, total, threshold.
    Cost:    sketches of 170 to 250 bytes a row. `decide` is not bucketed: it holds about 60 bytes a
             row and 40 a pair.
    Source:  Broder 1997 (resemblance, MinHash), Leskovec et al., Mining of Massive Datasets, ch. 3
             (bands). There windows of words; here padded windows, so short texts compare by one rule.
    Raises:  RecipeError for a threshold outside (0, 1] or a shingle below 1.
    """

    threshold: float = 0.8
    text: TextChoice = "conversation"
    prefer: str | None = None
    shingle: int = 5
    column: str = "messages"

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise RecipeError(
                f"near_duplicates: expected 0 < threshold <= 1, got {self.threshold}; "
                "0.8 is usual for copies with small edits"
            )
        if not 1 <= self.shingle <= 64:
            raise RecipeError(
                f"near_duplicates: expected a shingle of 1 to 64 words, got {self.shingle}; 5 is usual"
            )

    @property
    def reads(self) -> tuple[str, ...]:
        """The column of messages."""
        return (self.column,)

    @property
    def verify_reads(self) -> tuple[str, ...]:
        """The same messages again: similarity is taken from the texts."""
        return (self.column,)

    @property
    def decide_reads(self) -> tuple[str, ...]:
        """The fact that says which of two alike rows is better, if any."""
        return (self.prefer,) if self.prefer else ()

    def reuses(self, stored: Select) -> bool:
        """Pairs found at a lower threshold hold all that a higher one needs, whatever is preferred."""
        return (
            isinstance(stored, NearDuplicates)
            and (stored.text, stored.shingle, stored.column)
            == (self.text, self.shingle, self.column)
            and stored.threshold <= self.threshold
        )

    def sketch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """`id`, band keys, signature, hashes of the exact bytes and of the words.

        bands: fixed_size_list<uint64>, zeros for a row without a word; signature: fixed-size binary,
        one byte a permutation; exact, words: uint64, null where there is nothing; n_tokens: int64.
        """
        from tamis.kernels import minhash

        plan = minhash.plan_bands(self.threshold)
        made = minhash.sketch(self._pieces(batch), plan, self.shingle)
        wordless = made.words == 0
        bands = pa.FixedSizeListArray.from_arrays(pa.array(made.bands.reshape(-1)), plan.n)
        width = pa.binary(plan.permutations)
        signature = pa.Array.from_buffers(
            width, len(wordless), [None, pa.py_buffer(made.signature.reshape(-1))]
        )
        columns = {
            "id": batch.column("id"),
            "bands": bands,
            "signature": signature,
            "exact": pa.array(made.exact, mask=made.exact == 0),
            "words": pa.array(made.words, mask=wordless),
            "n_tokens": pa.array(made.n_tokens),
        }
        return pa.RecordBatch.from_pydict(columns)

    def candidates(self, sketch: pa.Table) -> pa.Table:
        """Pairs that might be alike: equal bytes, equal words, or a shared band.

        Of rows with equal bytes only the first is compared with others; of those with equal words,
        likewise: each other member has one pair, with that first row. So copies cost linear work.
        """
        from tamis.kernels import minhash

        if sketch.num_rows == 0:
            return PAIRS.empty_table()
        plan = minhash.plan_bands(self.threshold)
        alone = np.arange(sketch.num_rows, dtype=np.int64)
        first_exact = _first_with(_numbers(sketch, "exact"))
        first_words = _first_with(_numbers(sketch, "words"), among=first_exact == alone)
        copies = np.flatnonzero(first_exact != alone)
        rewordings = np.flatnonzero((first_exact == alone) & (first_words != alone))
        words = _numbers(sketch, "words")
        single = np.flatnonzero((first_exact == alone) & (first_words == alone) & (words != 0))
        bands = _bands(sketch.column("bands"), plan.n)[single]
        signature = _signatures(sketch.column("signature"), plan.permutations)[single]
        near = minhash.candidate_pairs(bands, signature, words[single], plan.least_matches)
        pairs = np.concatenate(
            [
                np.stack([first_exact[copies], copies], axis=1),
                np.stack([first_words[rewordings], rewordings], axis=1),
                single[near],
            ]
        )
        return _candidates(pairs)

    def verify(self, pairs: pa.RecordBatch, rows: pa.Table) -> pa.RecordBatch:
        """The true similarity of each pair, from the texts; pairs below the threshold are left out."""
        from tamis.kernels.shingles import count_shared

        left = pairs.column("left").to_numpy()
        right = pairs.column("right").to_numpy()
        texts = _Texts.of([self._pieces(batch) for batch in rows.to_batches()], self.shingle)
        counts = count_shared(texts.offsets, texts.hashes, left, right)
        shared, total = counts[:, 0], counts[:, 1]
        is_exact = texts.are_equal(left, right, shared == total)
        similarity = np.divide(shared, total, out=np.zeros(len(total)), where=total > 0)
        similarity = np.round(np.where(is_exact, 1.0, similarity), DECIMALS)
        found = np.flatnonzero(similarity >= round(self.threshold, DECIMALS))
        numbers = (is_exact[found], shared[found], total[found])
        evidence = [
            _evidence(*pair) for pair in zip(*(column.tolist() for column in numbers), strict=True)
        ]
        columns = [left[found], right[found], similarity[found].astype(np.float32)]
        return pa.RecordBatch.from_arrays(
            [*map(pa.array, columns), pa.array(evidence, pa.string())], schema=PAIRS
        )

    def decide(self, facts: pa.Table, pairs: pa.Table) -> pa.Table:
        """Keep the best of each set of alike rows; may be asked again with a higher `threshold`."""
        prefer = None
        if self.prefer is not None:
            if self.prefer not in facts.column_names:
                raise SchemaError(
                    f"near_duplicates: expected a fact column `{self.prefer}` to prefer by, got "
                    f"{', '.join(facts.column_names)}; measure it in an earlier step"
                )
            prefer = facts.column(self.prefer)
        ranked = Ranked.by(facts.column("id"), prefer)
        return decide_greedily(ranked, pairs, self.threshold)

    def _pieces(self, batch: pa.RecordBatch) -> Pieces:
        return from_messages(batch.column(self.column), self.text)


class _Texts(NamedTuple):
    """The rows under comparison: sorted shingle sets, and where their bytes are."""

    offsets: Pairs
    hashes: npt.NDArray[np.uint64]
    chunks: list[Pieces]
    first_rows: Pairs

    @classmethod
    def of(cls, chunks: list[Pieces], width: int) -> _Texts:
        from tamis.kernels.shingles import shingle_sets

        sets = [shingle_sets(pieces, width) for pieces in chunks]
        starts = np.cumsum([0] + [len(hashes) for _, hashes in sets])
        offsets = [np.zeros(1, np.int64)]
        offsets += [own[1:] + start for (own, _), start in zip(sets, starts, strict=False)]
        hashes = [np.empty(0, np.uint64)] + [own for _, own in sets]
        first_rows = np.cumsum([0] + [len(pieces.rows) - 1 for pieces in chunks])
        return cls(np.concatenate(offsets), np.concatenate(hashes), chunks, first_rows)

    def are_equal(
        self, left: Pairs, right: Pairs, may_be: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.bool_]:
        """Whether rows say the same bytes in the same roles; rows without bytes equal nothing."""
        from tamis.kernels.shingles import equal_rows

        equal = np.zeros(len(left), dtype=bool)
        wanted = np.flatnonzero(may_be)
        ends = [self._place(side[wanted]) for side in (left, right)]
        chunks = np.stack([chunk for chunk, _ in ends], axis=1)
        rows = np.stack([row for _, row in ends], axis=1)
        for one, other in np.unique(chunks, axis=0).tolist():
            here = (chunks == (one, other)).all(axis=1)
            pairs = np.ascontiguousarray(rows[here])
            equal[wanted[here]] = equal_rows(self.chunks[one], self.chunks[other], pairs)
        return equal

    def _place(self, rows: Pairs) -> tuple[Pairs, Pairs]:
        """The chunk of each row, and its place in there."""
        chunk = np.searchsorted(self.first_rows, rows, side="right") - 1
        return chunk, rows - self.first_rows[chunk]


def _evidence(is_exact: bool, shared: int, total: int) -> str:
    kind = EXACT if is_exact else SAME_WORDS if shared == total else NEAR
    return f'{{"kind":"{kind}","shared":{shared},"total":{total}}}'


def _numbers(sketch: pa.Table, name: str) -> npt.NDArray[np.uint64]:
    """A column of hashes, 0 where there is none: the hash of something is never 0."""
    numbers: npt.NDArray[np.uint64] = sketch.column(name).fill_null(0).to_numpy()
    return numbers


def _first_with(
    values: npt.NDArray[np.uint64], among: npt.NDArray[np.bool_] | None = None
) -> Pairs:
    """(n,) int64: the first row (of those `among`) with the same value; itself where it is 0."""
    first = np.arange(len(values), dtype=np.int64)
    rows = np.flatnonzero(values != 0 if among is None else (values != 0) & among)
    _, at, group = np.unique(values[rows], return_index=True, return_inverse=True)
    first[rows] = rows[at[group]]
    return first


def _bands(column: pa.ChunkedArray, n: int) -> npt.NDArray[np.uint64]:
    chunks = [
        np.asarray(chunk.values)[chunk.offset * n :][: len(chunk) * n] for chunk in column.chunks
    ]
    return np.concatenate(chunks).reshape(-1, n)


def _signatures(column: pa.ChunkedArray, n: int) -> npt.NDArray[np.uint8]:
    chunks = [
        np.frombuffer(chunk.buffers()[1], np.uint8)[chunk.offset * n :][: len(chunk) * n]
        for chunk in column.chunks
    ]
    return np.concatenate(chunks).reshape(-1, n)


def _candidates(pairs: Pairs) -> pa.Table:
    """PAIRS without similarity, sorted by left, then right."""
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    columns = [pa.array(pairs[:, 0].copy()), pa.array(pairs[:, 1].copy())]
    empty = [pa.nulls(len(pairs), pa.float32()), pa.nulls(len(pairs), pa.string())]
    return pa.table([*columns, *empty], schema=PAIRS)
