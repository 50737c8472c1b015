"""The bulk readers' ground: typed decoding of whole lines, and the proof that nothing was repeated.

A typed decoder takes the last of repeated keys without a word. `decode_lines` therefore counts: each
member of an object, whatever its key, has a colon behind a quote or a blank. A line that shows exactly
as many of those as its typed row has members holds no repeated key; it can show more (a quoted word
before a colon in a text), never fewer. Such lines are counted again without their texts: dropping
every byte but quotes, backslashes and colons leaves `"":` once for each member with a plain key, and
nothing else. What still differs, or does not fit, is left to the exact reader.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Raw

from tamis.formats import exact
from tamis.formats.base import MARKER

_COLON, _QUOTE, _BLANK = b':" '
_KEPT = b'"\\:'
_DROPPED = bytes(byte for byte in range(256) if byte not in _KEPT)
_MEMBER = b'"":'
# A key may be spelled with escapes; letters and `_` are \u004x to \u007x.
_ESCAPED_KEY = re.compile(rb"\\u00[4-7]")
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
MAX_EXTRA_KEYS = 64
# levels a typed row puts around a value it carries as text
_LEVELS_LEFT = exact.MAX_DEPTH - 8


class Members(msgspec.Struct):
    """How many members typed rows were read from, and the texts they carry, which hold more of them.

    counts: for each row, without those that only `more_members` sees; raws: (place of the row, text).
    """

    counts: list[int]
    raws: list[tuple[int, Raw]]


class Counter(Protocol):
    """What a bulk reader knows about its typed rows."""

    def members(self, rows: Sequence[Any]) -> Members:
        """Members that every such row has, and those it takes no time to see."""
        ...

    def more_members(self, row: Any) -> tuple[int, list[Raw]]:
        """The rest of a row's members, and the carried texts among them."""
        ...


def decode_lines(
    lines: Sequence[bytes], decode: Callable[[bytes], Any], counter: Counter
) -> list[Any]:
    """A typed row for each line, None where only the exact reader may judge it."""
    rows = _decoded(decode, lines)
    typed = [place for place, row in enumerate(rows) if row is not None]
    found = counter.members([rows[place] for place in typed])
    expected = np.array(found.counts, dtype=np.int64)
    carried: dict[int, list[bytes]] = {}
    if found.raws:
        texts = [bytes(raw) for _, raw in found.raws]
        np.add.at(expected, [place for place, _ in found.raws], _n_colons(texts))
        for (place, _), text in zip(found.raws, texts, strict=True):
            carried.setdefault(place, []).append(text)
        if not exact.is_utf8(b"".join(texts)):
            # the decoder looks into the texts it reads, not into those it carries
            for place, texts in carried.items():
                if not all(map(exact.is_utf8, texts)):
                    rows[typed[place]] = None
    shown = _n_colons(lines)[typed]
    for place in np.flatnonzero(expected != shown).tolist():
        at = typed[place]
        if rows[at] is not None:
            n_more, more = counter.more_members(rows[at])
            texts = [bytes(raw) for raw in more]
            n_expected = int(expected[place]) + n_more + sum(_n_colons(texts).tolist())
            n_members = found.counts[place] + n_more
            texts += carried.get(place, [])
            if not _shows(lines[at], n_members, texts, n_extra=int(shown[place]) - n_expected):
                rows[at] = None
    return rows


def _shows(line: bytes, n_members: int, carried: Sequence[bytes], *, n_extra: int) -> bool:
    """Whether the line has these members and no more; `n_extra` colons are not explained yet."""
    if not all(map(exact.is_utf8, carried)):
        return False
    if n_extra == 0:
        return True
    n_plain = n_members + sum(map(_n_plain, carried))
    return _ESCAPED_KEY.search(line) is None and _n_plain(line) == n_plain


def _n_colons(texts: Sequence[bytes]) -> npt.NDArray[np.int64]:
    """(n_texts,) colons behind a quote or a blank in each text."""
    ends = np.cumsum([len(text) + 1 for text in texts])
    codes = np.frombuffer(b"\n".join(texts) + b"\n" * 9, dtype=np.uint8)
    codes = codes[: 1 + (len(codes) - 1) // 8 * 8]
    before = codes[:-1]
    marks = (codes[1:] == _COLON) & ((before == _QUOTE) | (before <= _BLANK))
    # most eights of bytes have no mark: looking at eight at once finds the others four times as fast
    hot = np.flatnonzero(marks.view(np.uint64))
    rows, places = np.nonzero(marks.reshape(-1, 8)[hot])
    return np.diff(np.searchsorted(hot[rows] * 8 + places, ends), prepend=0)


def _n_plain(text: bytes) -> int:
    return text.translate(None, _DROPPED).count(_MEMBER)


def _decoded(decode: Callable[[bytes], Any], lines: Sequence[bytes]) -> list[Any]:
    rows: list[Any] = []
    for line in lines:
        try:
            rows.append(decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            rows.append(None)
    return rows


class TopLevel:
    """A typed top level: the keys a format reads, and the keys these rows have beside them.

    The latter are carried as their author's text (`msgspec.Raw`) and become `meta`.
    """

    def __init__(self, fields: Sequence[tuple[str, Any]], lines: Sequence[bytes]) -> None:
        self.keys = _learn_keys(lines, [name for name, _ in fields])
        self._names = [f"key_{place}" for place in range(len(self.keys))]
        row: Any = msgspec.defstruct(
            "Row",
            [
                *[(name, kind) for name, kind in fields[:1]],
                *[(name, kind, None) for name, kind in fields[1:]],
                *[(name, Raw, None) for name in self._names],
            ],
            rename=dict(zip(self._names, self.keys, strict=True)),
            forbid_unknown_fields=True,
            gc=False,
        )
        self.decode = msgspec.json.Decoder(row).decode
        openings = [msgspec.json.encode(key) + b":" for key in self.keys]
        self._openings = list(zip(openings, self._names, strict=True))
        self._own = [
            (key, self._names[self.keys.index(key)]) for key in exact.OWN_KEYS if key in self.keys
        ]

    def raws(self, rows: Sequence[Any]) -> list[tuple[int, Raw]]:
        """The values of the unread keys, each with the place of its row."""
        return [
            (place, raw)
            for name in self._names
            for place, row in enumerate(rows)
            if (raw := getattr(row, name)) is not None
        ]

    def is_deep(self, row: Any) -> bool:
        """Whether an unread key may be nested deeper than Tamis reads."""
        return any(is_deep(getattr(row, name)) for name in self._names)

    def meta(self, rows: Sequence[Any]) -> list[str | None]:
        """The `meta` of each row, as `exact.rest_text` writes it."""
        if not self._names:
            return [None] * len(rows)
        return [self._meta_text(row) for row in rows]

    def _meta_text(self, row: Any) -> str | None:
        pieces = [
            b"%b%b" % (opening, raw)
            for opening, name in self._openings
            if (raw := getattr(row, name)) is not None
        ]
        return (b"{%b}" % b",".join(pieces)).decode() if pieces else None

    def own_keys(self, rows: Sequence[Any]) -> list[str | None]:
        """The key each row gives itself."""
        if not self._own:
            return [None] * len(rows)
        return [exact.own_key({key: getattr(row, name) for key, name in self._own}) for row in rows]


def _learn_keys(lines: Sequence[bytes], known: Sequence[str]) -> list[str]:
    found: set[str] = set()
    for line in lines:
        try:
            found.update(msgspec.json.decode(line, type=dict[str, Raw]))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
    taken = {*known, MARKER}
    plain = [key for key in found if key not in taken and _PLAIN_KEY.fullmatch(key)]
    return sorted(plain)[:MAX_EXTRA_KEYS]


def is_deep(raw: Raw | None) -> bool:
    """Whether a value nested in a row may be deeper than Tamis reads."""
    if raw is None:
        return False
    value = bytes(raw)
    # each level takes two bytes
    return len(value) > 2 * _LEVELS_LEFT and exact.is_deeper(value, _LEVELS_LEFT)
