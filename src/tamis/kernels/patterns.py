"""Many regular expressions over an Arrow string array in one pass over its bytes.

A `PatternSet` is a *prefilter*: it names the texts that may match, so that an exact rule in plain
Python runs on those few. It scans the array's own content buffer as one block, so a match may run
over the border from one text into the next: such a text is named although it does not match by
itself, and the exact rule lets it go. A text that does match is always named.

Patterns are written in the part of the syntax that `re` and Hyperscan read alike: literals in any
script, alternation, ASCII classes, bounded repeats; no `\\b`, no `^` or `$`, no lookaround, no
empty match. A repeat at the end should be bounded exactly (`x{3}`, not `x+`): the scan calls back
at every end of a match.
"""

from __future__ import annotations

import functools
import hashlib
import re
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tamis.kernels import compiled

if TYPE_CHECKING:
    from collections.abc import Iterator

Engine = Literal["auto", "hyperscan", "re"]
IntArray = npt.NDArray[np.int64]


class Hits(msgspec.Struct, frozen=True):
    """Which texts may match which patterns: unique pairs, by text and then by pattern.

    place:   (n_hits,) int64, ordinal of the text in the array
    pattern: (n_hits,) int64, ordinal of the pattern in the set
    """

    place: IntArray
    pattern: IntArray

    def where(self, wanted: npt.NDArray[np.bool_]) -> Hits:
        """The hits for which (n_hits,) `wanted` is true."""
        return Hits(place=self.place[wanted], pattern=self.pattern[wanted])

    def by_place(self) -> Iterator[tuple[int, list[int]]]:
        """Each text that was hit, with the ordinals of the patterns that hit it."""
        if not len(self.place):
            return
        borders = np.flatnonzero(np.diff(self.place)) + 1
        for patterns, place in zip(
            np.split(self.pattern, borders), self.place[np.append(0, borders)], strict=True
        ):
            yield int(place), patterns.tolist()


class PatternSet(msgspec.Struct, frozen=True):
    """Regular expressions that are looked for together.

    `engine="auto"` takes Hyperscan where its wheel is installed, else `re` text by text: slower,
    and with fewer false hits at borders, so an exact rule behind it finds the same.
    """

    patterns: tuple[str, ...]
    ignore_case: bool = False
    engine: Engine = "auto"

    def hits(self, texts: pa.StringArray) -> Hits:
        """The texts that may match; null and empty texts never do."""
        if self.engine != "re":
            database = _database(self.patterns, self.ignore_case)
            if database is not None:
                return _scan(database, texts)
            if self.engine == "hyperscan":
                raise ModuleNotFoundError("hyperscan: not installed; pip install hyperscan")
        return _search_each(_expressions(self.patterns, self.ignore_case), texts)


def string_buffers(texts: pa.StringArray) -> tuple[npt.NDArray[np.int32], memoryview]:
    """Offsets ((n + 1,) int32, from 0) and bytes of a string array, whatever its own offset."""
    _, offsets_buffer, content = texts.buffers()
    if offsets_buffer is None or len(texts) == 0:
        return np.zeros(len(texts) + 1, dtype=np.int32), memoryview(b"")
    offsets = np.frombuffer(offsets_buffer, dtype=np.int32)[
        texts.offset : texts.offset + len(texts) + 1
    ]
    content_bytes = memoryview(b"") if content is None else memoryview(content)
    return offsets - offsets[0], content_bytes[int(offsets[0]) : int(offsets[-1])]


@functools.cache
def _database(patterns: tuple[str, ...], ignore_case: bool) -> Any:
    """The compiled Hyperscan database, or None where Hyperscan is not installed."""
    try:
        import hyperscan
    except ModuleNotFoundError:
        return None
    flags = hyperscan.HS_FLAG_UTF8 | (hyperscan.HS_FLAG_CASELESS if ignore_case else 0)
    told = repr((patterns, int(flags), hyperscan.__version__)).encode()  # type: ignore[attr-defined]  # its stub leaves it out
    name = f"patterns-{hashlib.sha256(told).hexdigest()[:24]}.hs"
    database = _kept(name)
    if database is None:
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        database.compile(
            expressions=[pattern.encode() for pattern in patterns],
            ids=list(range(len(patterns))),
            elements=len(patterns),
            flags=flags,
        )
        compiled.keep(name, hyperscan.dumpb(database))
    database.scratch = hyperscan.Scratch(database)
    return database


def _kept(name: str) -> Any:
    """A database that was compiled before; None where there is none that fits this machine."""
    import hyperscan

    content = compiled.read(name)
    if content is None:
        return None
    try:
        return hyperscan.loadb(content, mode=hyperscan.HS_MODE_BLOCK)
    except hyperscan.error:
        return None


def _scan(database: Any, texts: pa.StringArray) -> Hits:
    offsets, content = string_buffers(texts)
    ends: list[int] = []
    ordinals: list[int] = []
    note_end, note_ordinal = ends.append, ordinals.append

    def on_match(ordinal: int, _start: int, end: int, _flags: int, _context: object) -> None:
        note_end(end)
        note_ordinal(ordinal)

    if len(content):
        # own scratch per scan, because two threads may not share one
        database.scan(content, match_event_handler=on_match, scratch=database.scratch.clone())
    # the last byte of a match belongs to the text that holds its end
    places = np.searchsorted(offsets, np.asarray(ends, dtype=np.int64) - 1, side="right") - 1
    return _unique_hits(places, np.asarray(ordinals, dtype=np.int64))


@functools.cache
def _expressions(patterns: tuple[str, ...], ignore_case: bool) -> tuple[re.Pattern[str], ...]:
    flags = re.IGNORECASE if ignore_case else 0
    return tuple(re.compile(pattern, flags | re.DOTALL) for pattern in patterns)


def _search_each(expressions: tuple[re.Pattern[str], ...], texts: pa.StringArray) -> Hits:
    found = [
        (place, ordinal)
        for place, text in enumerate(texts.to_pylist())
        if text
        for ordinal, pattern in enumerate(expressions)
        if pattern.search(text)
    ]
    pairs = np.asarray(found, dtype=np.int64).reshape(-1, 2)
    return _unique_hits(pairs[:, 0], pairs[:, 1])


def _unique_hits(places: IntArray, ordinals: IntArray) -> Hits:
    pairs = np.unique(np.stack([places, ordinals], axis=1), axis=0)
    return Hits(place=pairs[:, 0], pattern=pairs[:, 1])
