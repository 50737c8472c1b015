"""Numbers about every scalar column a run measured: quantiles, bars, commonest values, nulls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.reports.bins import FloatArray, bin_numbers
from tamis.reports.contents import (
    Bin,
    Distributions,
    NumberColumn,
    UnchartedColumn,
    WordColumn,
)
from tamis.reports.run_folder import read_pieces, shard_files, shard_schema

_MAX_WORDS = 12
_MAX_DISTINCT = 20_000
_QUANTILES = {"p10": 0.1, "median": 0.5, "p90": 0.9, "p99": 0.99}
# What a column's name ends with tells its unit (style guide).
_UNITS = {
    "chars": "characters",
    "tokens": "tokens",
    "bytes": "bytes",
    "turns": "turns",
    "rate": "share",
    "share": "share",
    "s": "seconds",
    "similarity": "cosine",
}


def describe_columns(run: Path, *, skip: Collection[str] = ()) -> Distributions:
    """Every scalar column under `facts/`, by pass and name; columns named in `skip` are left out.

    Where the kept rows carry the column too, each bar says how many of its rows were kept.
    Memory: one column at a time, 8 bytes a row for numbers; values beyond 20,000 different words stop.
    """
    numbers: list[NumberColumn] = []
    words: list[WordColumn] = []
    uncharted: list[UnchartedColumn] = []
    kept_names = _names(run / "data")
    for folder in fact_passes(run):
        for field in column_fields(folder):
            if field.name in skip or field.name == "id":
                continue
            kept = run / "data" if field.name in kept_names else None
            described = _describe(folder, field, kept)
            match described:
                case NumberColumn():
                    numbers.append(described)
                case WordColumn():
                    words.append(described)
                case UnchartedColumn():
                    uncharted.append(described)
    return Distributions(numbers=numbers, words=words, uncharted=uncharted)


def fact_passes(run: Path) -> list[Path]:
    """The folders of measured facts, one a pass, by name."""
    return sorted(path for path in (run / "facts").glob("*") if path.is_dir())


def column_fields(folder: Path) -> list[pa.Field]:
    """The columns of a table by its first shard; empty when it has no shards."""
    files = shard_files(folder)
    return list(shard_schema(files[0])) if files else []


def _names(folder: Path) -> set[str]:
    return {field.name for field in column_fields(folder)}


def read_column(folder: Path, name: str) -> pa.ChunkedArray:
    """One column of all shards, in row order; empty when no shard has it."""
    chunks = [t[name] for t in read_pieces(folder, [name]) if name in t.column_names]
    if not chunks:
        return pa.chunked_array([], type=pa.null())
    return pa.chunked_array([chunk for column in chunks for chunk in column.chunks])


def _describe(
    folder: Path, field: pa.Field, kept: Path | None
) -> NumberColumn | WordColumn | UnchartedColumn:
    kind = field.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return _describe_numbers(folder, field, kept)
    if pa.types.is_boolean(kind) or _is_text(kind) or _is_word_list(kind):
        return _describe_words(folder, field, kept)
    return UnchartedColumn(
        name=field.name, measured_in=folder.name, reason=f"not a number or a word but {kind}"
    )


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_word_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind)) and _is_text(kind.value_type)


def _finite(column: pa.ChunkedArray) -> FloatArray:
    values: FloatArray = column.drop_null().cast(pa.float64(), safe=False).to_numpy()
    return values[np.isfinite(values)]


def _describe_numbers(
    folder: Path, field: pa.Field, kept: Path | None
) -> NumberColumn | UnchartedColumn:
    column = read_column(folder, field.name)
    values = _finite(column)
    if len(values) == 0:
        reason = f"no row has a value ({len(column):,} nulls)"
        return UnchartedColumn(name=field.name, measured_in=folder.name, reason=reason)
    kept_values = _finite(read_column(kept, field.name)) if kept is not None else None
    title, unit = entitle(field.name)
    return NumberColumn(
        name=field.name,
        title=title,
        unit=unit,
        measured_in=folder.name,
        n=len(values),
        nulls=len(column) - len(values),
        estimated="estimated" in field.name,
        mean=float(values.mean()),
        smallest=float(values.min()),
        quantiles={
            name: float(np.quantile(values, at, method="inverted_cdf"))
            for name, at in _QUANTILES.items()
        },
        largest=float(values.max()),
        bins=bin_numbers(values, kept_values, whole=pa.types.is_integer(field.type)),
    )


def entitle(name: str) -> tuple[str, str]:
    """A column's name in words, and its unit where the name tells it.

    >>> entitle("estimated_tokens")
    ('Estimated tokens', 'tokens')
    >>> entitle("n_tool_calls")
    ('Tool calls', '')
    """
    title = name.removeprefix("n_").replace("_", " ").replace("chars", "characters").strip()
    return title[:1].upper() + title[1:], _UNITS.get(name.rsplit("_", maxsplit=1)[-1], "")


def _describe_words(
    folder: Path, field: pa.Field, kept: Path | None
) -> WordColumn | UnchartedColumn:
    counted = _count_words(folder, field)
    if counted is None or 50 < len(counted.words) == counted.words.total():
        reason = "nearly every row has a value of its own: free text"
        return UnchartedColumn(name=field.name, measured_in=folder.name, reason=reason)
    kept_counted = _count_words(kept, field) if kept is not None else None
    common = sorted(counted.words.items(), key=lambda word: (-word[1], word[0]))[:_MAX_WORDS]
    values = [
        Bin(
            label=word,
            low=None,
            high=None,
            count=count,
            kept=None if kept_counted is None else kept_counted.words[word],
        )
        for word, count in common
    ]
    return WordColumn(
        name=field.name,
        title=entitle(field.name)[0],
        measured_in=folder.name,
        n=counted.n_rows - counted.nulls,
        nulls=counted.nulls,
        lists=_is_word_list(field.type),
        distinct=len(counted.words),
        values=values,
        others=counted.words.total() - sum(count for _, count in common),
    )


class _Words:
    """Counts of values, of rows, and of rows without a value."""

    def __init__(self) -> None:
        self.words: Counter[str] = Counter()
        self.n_rows = 0
        self.nulls = 0


def _count_words(folder: Path, field: pa.Field) -> _Words | None:
    """How often each value occurs; None when there are too many different ones to be a category."""
    counted = _Words()
    for table in read_pieces(folder, [field.name]):
        if field.name not in table.column_names:
            continue
        column = table[field.name]
        counted.n_rows += len(column)
        counted.nulls += column.null_count
        flat = pc.list_flatten(column) if _is_word_list(field.type) else column
        for pair in pc.value_counts(flat.drop_null()).to_pylist():
            word = pair["values"]
            shown = word if isinstance(word, str) else ("yes" if word else "no")
            counted.words[shown[:200]] += pair["counts"]
        if len(counted.words) > _MAX_DISTINCT:
            return None
    return counted
