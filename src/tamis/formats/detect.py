"""Says which format a source is in, by a vote of rows from its beginning, middle and end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from tamis.errors import InputError
from tamis.formats.base import Detection, Source
from tamis.formats.companions import COMPANIONS
from tamis.formats.registry import FORMATS, UNKNOWN, get_format, name_of
from tamis.formats.rows import raw_rows
from tamis.formats.split import split

ROWS_PER_PLACE = 64
_PLACE_BYTES = 4 << 20
_FIRST_ROW_CHARS = 2000
_decode = msgspec.json.Decoder().decode


def detect(source: Source, *, as_format: str | None = None) -> Detection:
    """What a source looks like; `as_format` is believed without a vote deciding.

    Raises: InputError for an unknown `as_format`, a source without rows, or rows none of which is
    a JSON object (unless `as_format` says what they should have been).
    """
    forced = None if as_format is None else get_format(as_format)
    lines = list(_some_rows(source))
    if not lines and forced is None:
        raise InputError(f"{source.name}: expected rows, got an empty file")
    votes: Counter[str] = Counter()
    keys: dict[str, None] = {}
    for line in lines:
        row = _plain_row(line)
        if row is not None:
            votes[name_of(row)] += 1
            keys.update(dict.fromkeys(row))
    first_row = lines[0].decode(errors="replace")[:_FIRST_ROW_CHARS] if lines else ""
    if forced is None and not votes:
        raise InputError(
            f"{source.name}: expected JSON objects, none of {len(lines)} rows is one "
            f"(the first begins {first_row[:60]!r})"
        )
    name = forced.name if forced is not None else _winner(votes)
    known = FORMATS.get(name)
    return Detection(
        format="" if name == UNKNOWN else name,
        kind=None if known is None else known.kind,
        confidence=votes[name] / votes.total() if votes else 0.0,
        votes=dict(votes.most_common()),
        keys=tuple(keys),
        first_row=first_row,
        supported=known is not None or name in COMPANIONS,
        looks_like=None if known is not None or name == UNKNOWN else name,
        is_forced=forced is not None,
        is_mixed=forced is None and sum(one in FORMATS for one in votes) > 1,
    )


def refuse(source: Source, detection: Detection) -> None:
    """InputError unless the format is supported; it says what the source looks like instead."""
    if detection.supported:
        return
    if detection.looks_like is not None:
        raise InputError(
            f"{source.name}: looks like {detection.looks_like}, which is not supported; "
            "tamis formats lists what is"
        )
    raise InputError(
        f"{source.name}: expected rows of a known shape, got rows with keys "
        f"{', '.join(detection.keys[:20])}; tamis formats lists the shapes, --as FORMAT reads them as one"
    )


def _winner(votes: Counter[str]) -> str:
    # a supported format wins a tie, then the alphabet
    return min(votes, key=lambda name: (-votes[name], name not in FORMATS, name))


def _plain_row(line: bytes) -> dict[str, Any] | None:
    try:
        row = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _some_rows(source: Source) -> Iterator[bytes]:
    if source.bytes == 0:
        return
    if source.container == "jsonl":
        yield from _some_lines(source)
        return
    ranges = split(source)
    for place in sorted({0, len(ranges) // 2, len(ranges) - 1} if ranges else ()):
        for rows in raw_rows(ranges[place], _PLACE_BYTES):
            step = max(1, len(rows) // ROWS_PER_PLACE)
            yield from map(rows.line, range(0, len(rows), step))
            break


def _some_lines(source: Source) -> Iterator[bytes]:
    """Lines from three places; a place starts at the first line that begins there."""
    seen = 0
    with Path(source.path).open("rb") as stream:
        for start in (0, source.bytes // 2, source.bytes - source.bytes // 8):
            if start < seen:
                continue
            stream.seek(start)
            if start:
                stream.readline()
            for _ in range(ROWS_PER_PLACE):
                line = stream.readline()
                if line.strip():
                    yield line.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n")
                if not line or stream.tell() - start > _PLACE_BYTES:
                    break
            seen = stream.tell()
