"""Very many tool-call bodies at once: the same verdicts as `dialects.parse_body`, one by one, in less time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from tamis.text.dialects import (
    JSON_ERRORS,
    JsonCall,
    ParsedBody,
    ParsedCall,
    arguments_object,
    parse_body,
)

# One unreadable body sends its whole chunk to the one-by-one reader.
_CHUNK = 64


def parse_bodies(bodies: Sequence[str]) -> list[ParsedBody]:
    """`[parse_body(body) for body in bodies]`, faster where bodies are JSON objects on one line."""
    parsed: list[ParsedBody | None] = [None] * len(bodies)
    lines: list[tuple[int, str]] = []
    for place, body in enumerate(bodies):
        text = body.strip()
        if text.startswith("{") and "\n" not in text:
            lines.append((place, text))
    for first in range(0, len(lines), _CHUNK):
        chunk = lines[first : first + _CHUNK]
        readings = _read_lines([text for _, text in chunk])
        for (place, _), reading in zip(chunk, readings, strict=False):
            parsed[place] = reading
    return [
        parse_body(body) if known is None else known
        for body, known in zip(bodies, parsed, strict=True)
    ]


def _read_lines(lines: list[str]) -> Iterator[ParsedBody]:
    """One body a line, or none at all when any line is not a plain call with written arguments."""
    try:
        calls = msgspec.json.Decoder(JsonCall).decode_lines("\n".join(lines))
        written = [bytes(call.arguments) for call in calls]
        values = msgspec.json.Decoder().decode_lines(b"\n".join(written))
    except JSON_ERRORS:
        return
    if len(calls) != len(lines) or len(values) != len(lines) or not all(c.name for c in calls):
        return
    for call, text, value in zip(calls, written, values, strict=True):
        arguments = arguments_object(value)
        yield ParsedBody("json", (ParsedCall(call.name or "", arguments, text.decode().strip()),))
