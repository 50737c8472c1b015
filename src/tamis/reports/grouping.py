"""Counting and picking over Arrow tables shard by shard, in an order that never depends on threads."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

Hashes = npt.NDArray[np.uint64]

# Merge partial counts once they have grown to this many rows, so that shards do not pile up.
_MERGE_AT = 1_000_000


def count_groups(tables: Iterable[pa.Table], keys: list[str]) -> pa.Table:
    """Rows per combination of `keys`: the key columns and `n`, sorted by the keys.

    Memory: one row for each combination.
    """
    parts: list[pa.Table] = []
    pending = 0
    for table in tables:
        parts.append(_counted(table, keys))
        pending += parts[-1].num_rows
        if pending > _MERGE_AT and len(parts) > 1:
            parts = [_merged(parts, keys)]
            pending = 0
    if not parts:
        return pa.table(
            {**{key: pa.array([], pa.string()) for key in keys}, "n": pa.array([], pa.int64())}
        )
    return _merged(parts, keys).sort_by([(key, "ascending") for key in keys])


def _counted(table: pa.Table, keys: list[str]) -> pa.Table:
    return table.group_by(keys).aggregate([([], "count_all")]).rename_columns([*keys, "n"])


def _merged(parts: list[pa.Table], keys: list[str]) -> pa.Table:
    grouped = pa.concat_tables(parts).group_by(keys).aggregate([("n", "sum")])
    return grouped.rename_columns([*keys, "n"])


def first_per_group(
    tables: Iterable[pa.Table], keys: list[str], order: list[tuple[str, str]], n: int
) -> pa.Table | None:
    """The first `n` rows of each group of `keys` in the given order, over all tables.

    Returns them sorted by the keys, then by the order; None when there are no rows. Rows that tie in
    keys and order keep the order of the tables.
    Memory: `n` rows a group and one table.
    """
    best: pa.Table | None = None
    sorting = [*((key, "ascending") for key in keys), *order]
    for table in tables:
        joined = table if best is None else pa.concat_tables([best, table])
        best = _head_of_groups(joined.sort_by(sorting), keys, n).combine_chunks()
    return best if best is not None and best.num_rows else None


def _head_of_groups(table: pa.Table, keys: list[str], n: int) -> pa.Table:
    starts = group_starts(table, keys)
    ends = np.append(starts[1:], table.num_rows)
    place = np.arange(table.num_rows) - np.repeat(starts, ends - starts)
    return table.filter(pa.array(place < n))


def group_starts(table: pa.Table, keys: list[str]) -> npt.NDArray[np.int64]:
    """(n_groups,) int64: the first row of each run of equal `keys` in a table sorted by them."""
    if table.num_rows == 0:
        return np.zeros(0, dtype=np.int64)
    differs = np.zeros(table.num_rows, dtype=bool)
    differs[0] = True
    for key in keys:
        encoded = table[key].combine_chunks().dictionary_encode(null_encoding="encode")
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        differs[1:] |= codes[1:] != codes[:-1]
    return np.flatnonzero(differs).astype(np.int64)


def distinct_ids(tables: Iterable[pa.Table], key: str) -> dict[str, Hashes]:
    """The different `id`s beside each value of `key`, as hashes: (n_ids,) uint64, each once, sorted.

    Memory: 8 bytes for each value and id. Two ids of ten million share a hash about three times in a
    million runs.
    """
    parts: dict[str, list[Hashes]] = {}
    for table in tables:
        for value in pc.unique(table[key]).to_pylist():
            ids = pc.unique(table.filter(pc.equal(table[key], value))["id"])
            parts.setdefault(value, []).append(_hashed(ids))
    return {value: np.unique(np.concatenate(hashes)) for value, hashes in parts.items()}


def _hashed(ids: pa.Array) -> Hashes:
    texts = ids.cast(pa.binary()).to_pylist()
    return np.fromiter((xxhash.xxh3_64_intdigest(t) for t in texts), np.uint64, count=len(texts))


def count_distinct(parts: Iterable[Hashes]) -> int:
    """How many different hashes there are in all parts together."""
    return len(np.unique(np.concatenate([np.zeros(0, np.uint64), *parts])))
