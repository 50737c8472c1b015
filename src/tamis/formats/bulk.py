"""The bulk readers' ground: typed decoding of whole lines, and the proof that nothing was repeated.

A typed decoder takes the last of repeated keys without a word. `decode_lines` therefore counts: once
every byte but quotes, backslashes and colons is dropped, `"":` stands for each member with a plain
key, at every level, and for nothing else. A line holds no repeated key if it shows exactly as many of
those as its typed row has members. What differs, has a key spelled with escapes or does not fit is
left to the exact reader.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec
from msgspec import Raw

from tamis.formats import exact
from tamis.formats.base import MARKER

_BETWEEN = b"\0"
_KEPT = b'"\\:' + _BETWEEN
_DROPPED = bytes(byte for byte in range(256) if byte not in _KEPT)
_MEMBER = b'"":'
# A key may be spelled with escapes; letters and `_` are \u004x to \u007x.
_ESCAPED_KEY = re.compile(rb"\\u00[4-7]")
_MAYBE_ESCAPED = b'\\":'
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
MAX_EXTRA_KEYS = 64
# levels a typed row puts around a value it carries as text
_LEVELS_LEFT = exact.MAX_DEPTH - 8


class Members(msgspec.Struct):
    """How many members typed rows were read from, and the texts they carry, which hold more of them.

    counts: for each row, without those that only `more_members` sees; raws: (place of the row, text).
    """

    counts: list[int]
    raws: list[tuple[int, bytes]]


class Counter(Protocol):
    """What a bulk reader knows about its typed rows."""

    def members(self, rows: Sequence[Any]) -> Members:
        """Members that every such row has, and those it takes no time to see."""
        ...

    def more_members(self, row: Any) -> tuple[int, list[bytes]]:
        """The rest of a row's members, and the carried texts among them."""
        ...


def decode_lines(
    lines: Sequence[bytes], decode: Callable[[bytes], Any], counter: Counter
) -> list[Any]:
    """A typed row for each line, None where only the exact reader may judge it."""
    rows = _decoded(decode, lines)
    shown = _drop_escaped(rows, lines)
    typed = [place for place, row in enumerate(rows) if row is not None]
    found = counter.members([rows[place] for place in typed])
    for owner, text in found.raws:
        if b":" in text:
            found.counts[owner] += _n_plain(text)
    for place, at in enumerate(typed):
        if found.counts[place] != shown[at]:
            n_more, texts = counter.more_members(rows[at])
            found.raws += [(place, text) for text in texts]
            if found.counts[place] + n_more + sum(map(_n_plain, texts)) != shown[at]:
                rows[at] = None
    if not exact.is_utf8(b"".join([text for _, text in found.raws])):
        # the decoder looks into the texts it reads, not into those it carries
        for place, text in found.raws:
            if not exact.is_utf8(text):
                rows[typed[place]] = None
    return rows


def _drop_escaped(rows: list[Any], lines: Sequence[bytes]) -> list[int]:
    """Members each line shows; a row whose keys may be spelled with escapes becomes None."""
    block = _BETWEEN.join(lines)
    skeleton = block.translate(None, _DROPPED)
    # a key with an escape ends in `\":` here, as does a quoted word in a text; the block tells which
    if _MAYBE_ESCAPED in skeleton and _ESCAPED_KEY.search(block) is not None:
        for place, line in enumerate(lines):
            if _ESCAPED_KEY.search(line) is not None:
                rows[place] = None
    pieces = skeleton.split(_BETWEEN)
    if len(pieces) != len(lines):  # a line has this byte itself, and is no JSON
        return [_n_plain(line) for line in lines]
    return [piece.count(_MEMBER) for piece in pieces]


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

    def raws(self, rows: Sequence[Any]) -> list[tuple[int, bytes]]:
        """The values of the unread keys, each with the place of its row."""
        return [
            (place, bytes(raw))
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
        if len(self._names) > 1:
            return [self._meta_text(row) for row in rows]
        [(opening, name)] = self._openings
        start = b"{" + opening
        return [
            None if (raw := getattr(row, name)) is None else (b"%b%b}" % (start, raw)).decode()
            for row in rows
        ]

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
        if len(self._own) > 1:
            own = self._own
            return [exact.own_key({key: getattr(row, name) for key, name in own}) for row in rows]
        [(_, name)] = self._own
        return [
            None if (raw := getattr(row, name)) is None else exact.key_of(bytes(raw))
            for row in rows
        ]


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
