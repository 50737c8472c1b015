"""What a row brings along from the format it was read in, undone before it is written in another."""

from __future__ import annotations

from typing import Any

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


def _without_marks(message: dict[str, Any]) -> dict[str, Any]:
    calls = message["tool_calls"]
    if calls is not None:
        calls = [{**call, "extra": without_marks(call["extra"])} for call in calls]
    return {**message, "extra": without_marks(message["extra"]), "tool_calls": calls}


def without_marks(extra: str | None) -> str | None:
    """The author's own keys of a `meta` or `extra`, None when there are none."""
    if extra is None or exact.MARKER not in extra:
        return extra
    rest, _ = exact.split_rest(extra)
    return exact.rest_text(rest, {}, "")
