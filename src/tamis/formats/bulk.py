"""The bulk readers' ground: typed decoding of whole lines, and the proof that nothing was repeated.

A typed decoder takes the last of repeated keys without a word. `decode_lines` therefore counts: dropping
every byte but quotes, backslashes, colons and line ends leaves `"":` once for each member with a plain
key, and never fewer; so a line holds no repeated key if it shows exactly as many as its typed row.
Lines for which that cannot be said, or that do not fit, are left to the exact reader.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from tamis.formats import exact

_KEPT = b'"\\:\n'
_DROPPED = bytes(byte for byte in range(256) if byte not in _KEPT)
_MEMBER = b'"":'
# A key may be spelled with escapes; letters and `_` are \u004x to \u007x.
_ESCAPED_KEY = re.compile(rb"\\u00[4-7]")
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
MAX_EXTRA_KEYS = 64
# levels a typed row puts around a value it carries as text
_OWN_LEVELS = 8


def count_members(text: bytes) -> int:
    """Members with a plain key in a JSON text, at every level."""
    return text.translate(None, _DROPPED).count(_MEMBER)


def decode_lines(
    lines: Sequence[bytes],
    decode: Callable[[bytes], Any],
    n_members: Callable[[Sequence[Any]], int],
) -> list[Any]:
    """A typed row for each line, None where only the exact reader may judge it.

    n_members: how many members with a plain key these typed rows were made from, at every level.
    """
    block = b"\n".join(lines)
    # two looks at most: `\u00` is rare in clean text, and an escaped letter still rarer
    if b"\\u00" in block and _ESCAPED_KEY.search(block) is not None:
        rows = [None if _ESCAPED_KEY.search(line) else _decoded(decode, line) for line in lines]
    else:
        rows = [_decoded(decode, line) for line in lines]
    skeleton = block.translate(None, _DROPPED)
    typed = [row for row in rows if row is not None]
    if len(typed) == len(rows) and n_members(typed) == skeleton.count(_MEMBER):
        return rows
    shown = [line.count(_MEMBER) for line in skeleton.split(b"\n")]
    return [
        row if row is not None and n_members([row]) == n_shown else None
        for row, n_shown in zip(rows, shown, strict=True)
    ]


def _decoded(decode: Callable[[bytes], Any], line: bytes) -> Any:
    try:
        return decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


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
        self._openings = [msgspec.json.encode(key) + b":" for key in self.keys]
        self._own = [
            (key, self._names[self.keys.index(key)]) for key in exact.OWN_KEYS if key in self.keys
        ]

    def n_members(self, rows: Sequence[Any]) -> int:
        """Members of the unread keys: themselves and all inside them."""
        count = 0
        for name in self._names:
            values = [raw for row in rows if (raw := getattr(row, name)) is not None]
            count += len(values) + count_members(b"\n".join(values))
        return count

    def is_deep(self, row: Any) -> bool:
        """Whether an unread key may be nested deeper than Tamis reads."""
        return any(is_deep(getattr(row, name)) for name in self._names)

    def meta(self, rows: Sequence[Any], markers: Sequence[bytes | None]) -> list[str | None]:
        """The `meta` of each row, as `exact.rest_text` writes it; `markers` are marker texts."""
        return [self._meta_text(row, marker) for row, marker in zip(rows, markers, strict=True)]

    def _meta_text(self, row: Any, marker: bytes | None) -> str | None:
        pieces = []
        for opening, name in zip(self._openings, self._names, strict=True):
            raw = getattr(row, name)
            if raw is not None:
                pieces.append(b"%b%b" % (opening, raw))
        if marker is not None:
            pieces.append(marker)
        return (b"{" + b",".join(pieces) + b"}").decode() if pieces else None

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
    plain = [key for key in found if key not in known and _PLAIN_KEY.fullmatch(key)]
    return sorted(plain)[:MAX_EXTRA_KEYS]


def is_deep(raw: Raw | None) -> bool:
    """Whether a value nested in a row may be deeper than Tamis reads."""
    return raw is not None and exact.is_deeper(bytes(raw), exact.MAX_DEPTH - _OWN_LEVELS)
