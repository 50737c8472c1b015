"""The chat formats inside which some rows of preferences are written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Raw

from tamis.formats import exact
from tamis.formats.base import Row
from tamis.formats.chat import openai, pairs, sharegpt
from tamis.records import Conversation, Message

_CHATS = {form.name: form for form in (*openai.FORMATS, *sharegpt.FORMATS, *pairs.FORMATS)}
# ms-swift reads tool calls as turns of their own, and since version 4 in OpenAI's shape.
SWIFT = ("ms_swift", "openai")


def chat_matches(name: str, row: Mapping[str, Any]) -> bool:
    """Whether a row as plain Python has the shape of this chat format."""
    return _CHATS[name].matches(row)


class Chat(NamedTuple):
    """A conversation inside a row: its messages and tools, the keys nobody read, and the marks."""

    messages: list[Message]
    tools: str | None
    own: dict[str, Raw]
    marker: dict[str, object]


def parse_chat(name: str, members: dict[str, Raw]) -> Chat:
    """The conversation that these members hold in this chat format; RowError as it raises.

    A `system` at the top level stays among the keys nobody read, for `sides.take_system` to place.
    """
    system = {"system": members.pop("system")} if "system" in members else {}
    found = _CHATS[name].parse(members)
    assert isinstance(found, Conversation)
    own, marks = exact.split_rest(found.meta)
    return Chat(found.messages, found.tools, own | system, dict(marks))


def write_chat(
    name: str, messages: Sequence[dict[str, Any]], row: Row, marker: dict[str, Raw]
) -> dict[str, Any]:
    """The members for these messages and the row's tools, without the author's other keys."""
    write = _CHATS[name].write
    assert write is not None
    meta = exact.rest_text({}, dict(marker), "meta")
    return write({"messages": list(messages), "tools": row["tools"], "meta": meta})


def chat_of(names: Sequence[str], members: dict[str, Raw]) -> str:
    """Which of these chat formats of `messages` a row is in, the last when none of the others fits."""
    raw = members.get("messages")
    if len(names) > 1 and raw is not None:
        # unlike msgspec, json reads a number that is too large for a float
        row = {"messages": json.loads(bytes(raw))}
        return next((name for name in names if chat_matches(name, row)), names[-1])
    return names[-1]
