"""axolotl's template-free rows: pieces of text, each with whether it is trained on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from tamis.errors import InputError, RowError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.plain import bare_text, joined, no_tools, take_text
from tamis.records import Conversation, Message


def matches(row: Mapping[str, Any]) -> bool:
    """`segments` is a list of objects with text and label."""
    pieces = row.get("segments")
    return (
        isinstance(pieces, list)
        and bool(pieces)
        and all(
            isinstance(piece, dict) and "text" in piece and "label" in piece for piece in pieces
        )
    )


def parse(rest: dict[str, Raw]) -> Conversation:
    """One row: a trained piece is an assistant message, any other a user message."""
    if "segments" not in rest:
        raise RowError("$.segments: expected a list, got nothing (the key is missing)")
    pieces = exact.elements(rest.pop("segments"), "$.segments")
    messages = [_parse_piece(piece, f"$.segments[{n}]") for n, piece in enumerate(pieces)]
    return Conversation(messages=messages, meta=exact.rest_text(rest, {}, "$"))


def _parse_piece(raw: Raw, path: str) -> Message:
    rest = exact.members(raw, path)
    content = take_text(rest, "text", path)
    label = bytes(rest.pop("label", b"nothing (the key is missing)"))
    if label not in (b"true", b"false"):
        raise RowError(f"{path}.label: expected true or false, got {exact.kind_of(label)}")
    is_trained = label == b"true"
    return Message(
        role="assistant" if is_trained else "user",
        content=content,
        train=is_trained,
        extra=exact.rest_text(rest, {}, path),
    )


def write(row: Row) -> dict[str, Any]:
    """A piece for each message; the texts follow each other as they are, without any template."""
    no_tools(row)
    rest, _ = exact.split_rest(row["meta"])
    pieces = [_write_piece(message, f"messages[{n}]") for n, message in enumerate(row["messages"])]
    return joined({"segments": pieces}, rest)


def _write_piece(message: dict[str, Any], path: str) -> dict[str, Any]:
    role = message["role"]
    if role not in ("user", "assistant"):
        raise InputError(f"{path}.role: expected user or assistant, got {role}")
    label = role == "assistant" if message["train"] is None else message["train"]
    own_keys, _ = exact.split_rest(message["extra"])
    content = bare_text({**message, "train": None, "extra": None}, role, path)
    return joined({"text": content, "label": label}, own_keys)


FORMAT = Format(
    name="segments",
    kind="conversations",
    about="segments of text and label, trained on or not (axolotl, template-free)",
    matches=matches,
    parse=parse,
    write=write,
)
