"""What a row brings along from the format it was read in, undone before it is written in another."""

from __future__ import annotations

from typing import Any

from msgspec import Raw

from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.columns import LISTS
from tamis.formats.tools import reshaped


def fitted(row: Row, form: Format) -> Row:
    """The row without the marks of its own format, its tools in the shape of `form`.

    Marks say how the author spelled what a canonical row cannot say (`human` for a user); in another
    format they would be read as this format's own.
    """
    given = {**row, "meta": without_marks(row["meta"])}
    for name in LISTS[form.kind]:
        given[name] = [_without_marks(message) for message in row[name]]
    if form.tools is not None and row.get("tools") is not None:
        given["tools"] = reshaped(row["tools"], form.tools)
    return given


_READ_PARTS = frozenset(
    f'"{kind}"'.encode()
    for kind in ("text", "thinking", "reasoning", "tool_use", "tool_call", "tool_result")
)
_TEXT_PART = Raw(b'"text"')


def says_only_what_was_read(parts: str) -> bool:
    """Whether a content list holds nothing but what stands in the other fields of its message too."""
    kinds = [
        exact.members(part, "parts").get("type") if bytes(part)[:1] == b"{" else _TEXT_PART
        for part in exact.elements(Raw(parts.encode()), "parts")
    ]
    return all(kind is not None and bytes(kind) in _READ_PARTS for kind in kinds)


def _without_marks(message: dict[str, Any]) -> dict[str, Any]:
    calls = message["tool_calls"]
    if calls is not None:
        calls = [{**call, "extra": without_marks(call["extra"])} for call in calls]
    parts = message["parts"]
    if parts is not None and says_only_what_was_read(parts):
        parts = None  # another format spells it otherwise
    extra = without_marks(message["extra"])
    return {**message, "extra": extra, "tool_calls": calls, "parts": parts}


def without_marks(extra: str | None) -> str | None:
    """The author's own keys of a `meta` or `extra`, None when there are none."""
    if extra is None or exact.MARKER not in extra:
        return extra
    rest, _ = exact.split_rest(extra)
    return exact.rest_text(rest, {}, "")
