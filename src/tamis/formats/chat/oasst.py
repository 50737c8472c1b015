"""Message trees of OpenAssistant: one conversation for each path from the prompt to a last reply.

Source: dataset card of OpenAssistant/oasst1, section on trees (message_tree_id, prompt, replies).
The flat files of the same data have a message in each row and cannot be joined row by row. Only read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Raw

from tamis.errors import RowError
from tamis.formats import exact
from tamis.formats.base import Branch, Format
from tamis.formats.plain import take_text
from tamis.formats.roles import canonical_role
from tamis.records import Conversation, Message


def matches(row: Mapping[str, Any]) -> bool:
    """`message_tree_id` beside a `prompt` that is a message with replies."""
    prompt = row.get("prompt")
    return "message_tree_id" in row and isinstance(prompt, dict) and "text" in prompt


def parse(rest: dict[str, Raw]) -> list[Branch]:
    """A conversation for each last reply, named by its `message_id`.

    Deleted, rejected and unranked replies are read too: their keys stay in `extra` for a rule to judge.
    """
    if "prompt" not in rest:
        raise RowError("$.prompt: expected an object, got nothing (the key is missing)")
    root = rest.pop("prompt")
    meta = exact.rest_text(rest, {}, "$")
    found = [
        Branch(key, Conversation(messages=messages, meta=meta))
        for key, messages in _paths(root, "$.prompt", ())
    ]
    keys = [branch.key for branch in found]
    if len(set(keys)) < len(keys):
        raise RowError("$.prompt: expected a message_id of its own in each reply, got one twice")
    return found


def _paths(raw: Raw, path: str, before: tuple[Message, ...]) -> Iterator[tuple[str, list[Message]]]:
    node = exact.members(raw, path)
    replies = node.pop("replies", Raw(b"null"))
    key = exact.text(node.get("message_id", Raw(b"null")), f"{path}.message_id")
    said = (*before, _message(node, path))
    children = [] if exact.is_null(replies) else exact.elements(replies, f"{path}.replies")
    if not children:
        yield key, list(said)
    for place, child in enumerate(children):
        yield from _paths(child, f"{path}.replies[{place}]", said)


def _message(node: dict[str, Raw], path: str) -> Message:
    content = take_text(node, "text", path)
    word = take_text(node, "role", path)
    marker: dict[str, object] = {} if canonical_role(word) == word else {"role": word}
    return Message(
        role=canonical_role(word), content=content, extra=exact.rest_text(node, marker, path)
    )


FORMAT = Format(
    name="oasst_tree",
    kind="conversations",
    about="OpenAssistant message trees: message_tree_id, prompt, replies",
    matches=matches,
    parse=parse,
)
