"""What every part of `formats` shares: sources, ranges, batches, and what one format is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tamis.formats.layout import Layout
from tamis.records import Conversation, Preference, Question
from tamis.schema import Kind

Container = Literal["jsonl", "array", "parquet"]
Record = Conversation | Question | Preference
Row = dict[str, Any]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One input file, ready to be read as plain bytes.

    `name` is relative to the input root and starts every row id; `path` is the file to read (a
    decompressed copy for .gz, .zst and stdin); `fingerprint` is its size and an xxh3-64 over
    those of its blocks of 4 MiB;
    `line_ends` counts the line ends in each of these blocks.
    """

    name: str
    path: str
    container: Container
    bytes: int
    fingerprint: str
    line_ends: tuple[int, ...]


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a source cut at row boundaries; the cuts do not depend on who reads them.

    `start` and `end` are bytes, for Parquet row numbers from 0. `first_line` is the line, the
    array element or the Parquet row, from 1, that stands at `start`. `index` counts a source's ranges.
    `is_one_row`: all its bytes are one row, as in what follows the end of a JSON array.
    """

    source: str
    path: str
    container: Container
    index: int
    start: int
    end: int
    first_line: int
    is_one_row: bool = False


class Detection(msgspec.Struct, frozen=True, kw_only=True):
    """What a source looks like.

    `format` is one of the supported names when `supported`, else the name of what it looks like
    ("" when nothing is recognised). `confidence` is the share of the rows looked at that agree.
    """

    format: str
    kind: Kind | None
    confidence: float
    votes: dict[str, int]
    keys: tuple[str, ...]
    first_row: str
    supported: bool
    looks_like: str | None = None


class ReadBatch(msgspec.Struct, frozen=True):
    """Some rows of a range: `rows` in the kind's schema, and those that could not be read.

    own_keys: (n_rows,) uint64, xxh3-64 of the id where it came from the row's own key (never 0),
              0 where the line number made it.
    """

    rows: pa.RecordBatch
    unreadable: pa.RecordBatch
    own_keys: npt.NDArray[np.uint64]


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """One outside shape, reading and writing together.

    matches: does a decoded row have this shape? Takes the row as plain Python.
    parse:   the members of one row (JSON texts) in, a record out; RowError names the place.
    write:   one canonical row (plain Python) in, the members of the outside row out; InputError
             names the field the shape cannot hold.
    layout:  what the compiled scanner must know to read simple rows many at once, or None.
    """

    name: str
    kind: Kind
    about: str
    matches: Callable[[Mapping[str, Any]], bool]
    parse: Callable[[dict[str, msgspec.Raw]], Record]
    write: Callable[[Row], dict[str, Any]]
    layout: Layout | None = None
