"""Prompt and completion: two texts, or two lists of messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from tamis.errors import InputError, RowError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.openai_messages import parse_messages, write_messages
from tamis.formats.plain import joined, roles_are, take_text, turn
from tamis.formats.tools import AS_LIST, put_tools, take_tools
from tamis.records import Conversation


def matches(row: Mapping[str, Any]) -> bool:
    """`prompt` and `completion` are both texts or both lists, and no label judges them."""
    prompt, completion = row.get("prompt"), row.get("completion")
    alike = (isinstance(prompt, str) and isinstance(completion, str)) or (
        isinstance(prompt, list) and isinstance(completion, list)
    )
    return alike and not isinstance(row.get("label"), bool)


def parse(rest: dict[str, Raw]) -> Conversation:
    """One row; texts become a user and an assistant message, lists stay as they are."""
    marker: dict[str, object] = {}
    tools = take_tools(rest, marker, AS_LIST)
    if "prompt" not in rest or exact.is_text(rest["prompt"]):
        asked = turn("user", take_text(rest, "prompt"))
        answered = turn("assistant", take_text(rest, "completion"))
    else:
        if "completion" not in rest:
            raise RowError("$.completion: expected a list, got nothing (the key is missing)")
        asked = parse_messages(rest.pop("prompt"), "$.prompt")
        answered = parse_messages(rest.pop("completion"), "$.completion")
        marker["prompt_messages"] = len(asked)
    meta = exact.rest_text(rest, marker, "$")
    return Conversation(messages=[*asked, *answered], tools=tools, meta=meta)


def write(row: Row) -> dict[str, Any]:
    """Texts for one bare question and answer, else lists: the completion is the last message."""
    rest, marker = exact.split_rest(row["meta"])
    messages = row["messages"]
    written: dict[str, Any]
    if "prompt_messages" not in marker and roles_are(messages, "user", "assistant"):
        written = {"prompt": messages[0]["content"], "completion": messages[1]["content"]}
    else:
        n_asked = len(messages) - 1
        if "prompt_messages" in marker:
            n_asked = msgspec.json.decode(marker["prompt_messages"], type=int)
        elif not messages or messages[-1]["role"] != "assistant":
            raise InputError("messages: expected an assistant message last, to be the completion")
        written = {
            "prompt": write_messages(messages[:n_asked]),
            "completion": write_messages(messages[n_asked:]),
        }
    put_tools(written, row["tools"], marker, AS_LIST)
    return joined(written, rest)


FORMAT = Format(
    name="prompt_completion",
    kind="conversations",
    about="prompt and completion, as texts or as message lists",
    matches=matches,
    parse=parse,
    write=write,
)
