"""What every part of `formats` shares: sources, ranges, batches, and what one format is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tamis.formats.exact import OWN_KEYS
from tamis.formats.layout import Layout
from tamis.formats.tools import ToolShape
from tamis.records import Conversation, Preference, Question, Rollout
from tamis.schema import Kind

Container = Literal["jsonl", "array", "parquet", "table"]
Record = Conversation | Question | Preference | Rollout
Row = dict[str, Any]


class Branch(NamedTuple):
    """One of several records that a single outside row holds; `key` tells it from the others."""

    key: str
    record: Record


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One input file, ready to be read as plain bytes.

    `name` is relative to the input root and starts every row id; `path` is the file to read (a
    decompressed copy for .gz, .zst and stdin, a copy as JSON lines for tables); `fingerprint` is its size and an xxh3-64 over
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


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """How the ranges of a source are read.

    format:      what most of its rows are
    is_mixed:    several formats were seen: each row is read by its own, and rows of another kind than
                 that of `format` are left to the reading of that kind
    is_main:     whether rows that nothing can read are told by this reading (one of a mixed source is)
    is_sure:     the user named the format: no row is taken for one of another
    kinds:       the kinds of all readings of the source
    companions:  ranges of other sources whose rows are joined to these by their keys
    """

    format: str
    is_mixed: bool = False
    is_main: bool = True
    is_sure: bool = False
    kinds: tuple[Kind, ...] = ()
    companions: tuple[Range, ...] = ()


class Detection(msgspec.Struct, frozen=True, kw_only=True):
    """What a source looks like.

    `format` is one of the supported names when `supported`, else the name of what it looks like
    ("" when nothing is recognised). `confidence` is the share of the rows looked at that agree;
    `is_mixed`: several supported formats were among them; `is_forced`: the user said so.
    """

    format: str
    kind: Kind | None
    confidence: float
    votes: dict[str, int]
    keys: tuple[str, ...]
    first_row: str
    supported: bool
    looks_like: str | None = None
    is_mixed: bool = False
    is_forced: bool = False


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

    matches:   does a decoded row have this shape? Takes the row as plain Python.
    parse:     the members of one row (JSON texts) in, a record out, or a branch for each record of a
               row that holds several; RowError names the place.
    write:     one canonical row (plain Python) in, the members of the outside row out; InputError
               names the field the shape cannot hold. None: this shape is only read.
    layout:    what the compiled scanner must know to read simple rows many at once, or None.
    companion: the shape of rows in another file that belong to rows of this one, see `companions.py`.
    tools:     the shape of tools in rows that come from other formats; None: as their author wrote them
    own_keys:  the members that may name a row of this shape, the first there is.
    is_vague:  so little makes this shape that a stray row is not taken for it.
    """

    name: str
    kind: Kind
    about: str
    matches: Callable[[Mapping[str, Any]], bool]
    parse: Callable[[dict[str, msgspec.Raw]], Record | Sequence[Branch]]
    write: Callable[[Row], dict[str, Any]] | None = None
    layout: Layout | None = None
    companion: str | None = None
    tools: ToolShape | None = None
    own_keys: tuple[str, ...] = OWN_KEYS
    is_vague: bool = False
