"""The `tools` member of a row: a JSON list, or that list as a text."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from tamis.errors import RowError
from tamis.formats import exact
from tamis.formats.openai_messages import is_json

# What a row says without any mark: `tools` as a list in the API's shape, as a text in ShareGPT's.
AS_LIST = "list"
AS_TEXT = "text"


def take_tools(rest: dict[str, Raw], marker: dict[str, object], usual: str) -> str | None:
    """The JSON text of the tools, taken out of `rest`; a spelling other than `usual` is marked.

    Raises: RowError unless it is a list, an object, a text or null.
    """
    raw = rest.pop("tools", None)
    if raw is None:
        return None
    if exact.is_null(raw):
        marker["tools"] = "null"
        return None
    if exact.is_text(raw):
        written = exact.text(raw, "$.tools")
        if usual != AS_TEXT or not written.strip():
            marker["tools"] = AS_TEXT
        if not written.strip():
            marker["blank_tools"] = written
            return None
        return written
    if bytes(raw)[:1] not in (b"[", b"{"):
        raise RowError(f"$.tools: expected a list, got {exact.kind_of(bytes(raw))}")
    if usual != AS_LIST:
        marker["tools"] = AS_LIST
    return exact.json_text(raw)


def put_tools(
    written: dict[str, Any], tools: str | None, marker: dict[str, Raw], usual: str
) -> None:
    """`tools` as its author spelled it, in the format's usual spelling when nobody said."""
    how = msgspec.json.decode(marker["tools"], type=str) if "tools" in marker else usual
    if tools is None:
        if how == "null":
            written["tools"] = None
        elif "blank_tools" in marker:
            written["tools"] = marker["blank_tools"]
    elif how == AS_TEXT or not is_json(tools):
        written["tools"] = tools
    else:
        written["tools"] = Raw(tools.encode())
