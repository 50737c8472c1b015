"""A system text at the top level of a row, beside its list of turns."""

from __future__ import annotations

from typing import Any

from tamis.formats import exact
from tamis.records import Message

SYSTEM_PLACE: dict[str, object] = {"place": "system"}
_SYSTEM_MARK = exact.rest_text({}, SYSTEM_PLACE, "")


def system_message(content: str) -> Message:
    """The system text that stood at the top level of a row."""
    return Message(role="system", content=content, extra=_SYSTEM_MARK)


def is_top_system(message: dict[str, Any]) -> bool:
    """Whether a message stood at the top level of its row, as `system`."""
    return message["role"] == "system" and "place" in exact.split_rest(message["extra"])[1]
