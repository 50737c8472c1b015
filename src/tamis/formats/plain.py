"""Shapes that hold bare texts: which messages fit in them, and why others do not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Raw

from tamis.errors import InputError, RowError
from tamis.formats import exact
from tamis.records import Message

_BLANK = (b"null", b'""', b"[]")
_BARE = ("reasoning", "tool_calls", "tool_call_id", "name", "train", "parts")


def take_text(rest: dict[str, Raw], key: str, path: str = "$") -> str:
    """A text that must be there, taken out of `rest`, the members of the object at `path`."""
    if key not in rest:
        raise RowError(f"{path}.{key}: expected text, got nothing (the key is missing)")
    return exact.text(rest.pop(key), f"{path}.{key}")


def turn(role: str, content: str) -> list[Message]:
    """One message in a list."""
    return [Message(role=role, content=content)]


def is_bare(message: dict[str, Any]) -> bool:
    """Whether a message is a role and a text, nothing more."""
    has_more = any(message[field] is not None for field in _BARE)
    return message["content"] is not None and not has_more and message["extra"] is None


def bare_text(message: dict[str, Any], role: str, path: str) -> str:
    """The text of a message of this role; InputError names what a bare text cannot hold."""
    if message["role"] != role:
        raise InputError(f"{path}.role: expected {role} here, got {message['role']}")
    for field in _BARE:
        if message[field] is not None:
            raise InputError(f"{path}.{field}: this format has no place for it")
    if exact.split_rest(message["extra"])[0]:
        raise InputError(f"{path}.extra: this format has no place for it")
    if message["content"] is None:
        raise InputError(f"{path}.content: expected text, got null")
    content: str = message["content"]
    return content


def no_tools(row: dict[str, Any]) -> None:
    """InputError when a row offers tools."""
    if row.get("tools") is not None:
        raise InputError("tools: this format has no place for it")


def roles_are(messages: Sequence[dict[str, Any]], *roles: str) -> bool:
    """Whether the messages are bare and of exactly these roles."""
    return [message["role"] for message in messages] == list(roles) and all(map(is_bare, messages))


def joined(written: dict[str, Any], rest: dict[str, Raw]) -> dict[str, Any]:
    """What a format writes and the author's own keys.

    Raises: InputError where both say something under the same key. A blank value of the author
    (null, an empty text or list) gives way.
    """
    for key, raw in rest.items():
        if key not in written:
            written[key] = raw
        elif bytes(raw) not in _BLANK:
            raise InputError(f"meta.{key}: this format writes a `{key}` of its own; rename it")
        elif not written[key]:
            written[key] = raw
    return written
