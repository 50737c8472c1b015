"""An exported folder, made as the export makes it: canonical rows, a format, `adapt`, Parquet, files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from tamis.export.targets.base import Handover, Target
from tamis.formats.registry import get_format
from tamis.records import Conversation, Message, Preference, Question, ToolCall


def export(
    target: Target,
    kind: Any,
    records: Sequence[Conversation | Preference | Question],
    folder: Path,
    **said: Any,
) -> None:
    """Rows and files of a target in a folder; `said` are members of the handover."""
    shape = target.shapes[kind]
    write = get_format(shape.format).write
    assert write is not None and shape.adapt is not None and shape.schema is not None
    rows = [shape.adapt(write(msgspec.to_builtins(record))) for record in records]
    pq.write_table(pa.Table.from_pylist(rows, schema=shape.schema), folder / shape.file)
    handover = Handover(kind=kind, n_rows=len(rows), file=shape.file, **said)
    for name, text in target.files(handover).items():
        (folder / name).write_text(text, encoding="utf-8")


def user(text: str) -> Message:
    """What a user says."""
    return Message(role="user", content=text)


def assistant(text: str | None, **more: Any) -> Message:
    """What an assistant says."""
    return Message(role="assistant", content=text, **more)


def calling(arguments: str) -> list[Message]:
    """A call of `look` with these arguments, its result, and the answer."""
    calls = [ToolCall(name="look", arguments=arguments, id="call_1")]
    found = Message(role="tool", content="nothing", tool_call_id="call_1")
    return [user("Look."), assistant(None, tool_calls=calls), found, assistant("Nothing there.")]


def clashing() -> list[Conversation]:
    """Two conversations whose tools and arguments have the same keys and other types."""
    by_number = '[{"type":"function","function":{"name":"look","parameters":{"properties":{"at":{"type":"integer"}}}}}]'
    by_list = (
        '[{"type":"function","function":{"name":"look","parameters":{"properties":["at",7]}}}]'
    )
    return [
        Conversation(messages=calling('{"at": 1, "deep": true}'), tools=by_number),
        Conversation(messages=calling('{"at": ["one", {"x": 2.50}]}'), tools=by_list),
    ]
