"""The assistant messages that hold think or tool-call tags, for the checks that read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tamis.columns import ROLES, FlatMessages
from tamis.text.bulk import parse_bodies
from tamis.text.dialects import ParsedBody
from tamis.text.tag_table import TagTable, simple_calls

# A message of a megabyte of lone tags is one fault, not a hundred thousand findings.
MAX_PER_MESSAGE = 16

ASSISTANT = ROLES.index("assistant")

Indexes = npt.NDArray[np.int64]


class TaggedMessage(NamedTuple):
    """One assistant message to read; `goes_on` tells of structured tool calls, or of a next message
    that is the assistant's too."""

    row: int
    position: int
    content: str
    goes_on: bool


def of_assistants(flat: FlatMessages, messages: Indexes) -> Indexes:
    """Those of the messages that are the assistant's and have content."""
    if not len(messages):
        return messages
    # a null may still span bytes of the buffer
    valid = pc.is_valid(flat.text("content")).to_numpy(zero_copy_only=False)
    chosen: Indexes = messages[(flat.role_codes()[messages] == ASSISTANT) & valid[messages]]
    return chosen


def read_messages(flat: FlatMessages, messages: Indexes) -> Iterator[TaggedMessage]:
    """The chosen messages one by one, in order."""
    if not len(messages):
        return
    assistant = flat.role_codes() == ASSISTANT
    goes_on = call_counts(flat) > 0
    goes_on[:-1] |= assistant[1:] & (flat.position[1:] > 0)
    texts = flat.text("content").take(pa.array(messages)).to_pylist()
    for place, text in zip(messages.tolist(), texts, strict=True):
        row, position = int(flat.owner[place]), int(flat.position[place])
        yield TaggedMessage(row, position, text, bool(goes_on[place]))


def simple_bodies(table: TagTable) -> tuple[list[int], list[ParsedBody]]:
    """Message and reading of each tool call that plain pairing finds; other messages need reading whole."""
    bodies = simple_calls(table)
    if not len(bodies.owner):
        return [], []
    first, last = int(bodies.start[0]), int(bodies.end[-1])
    text = table.texts[first:last].tobytes()
    written = [
        text[start:end].decode()
        for start, end in zip(
            (bodies.start - first).tolist(), (bodies.end - first).tolist(), strict=True
        )
    ]
    return bodies.owner.tolist(), parse_bodies(written)


def call_counts(flat: FlatMessages) -> Indexes:
    """(n_messages,) structured tool calls of each message; none where the list is null."""
    lengths = pc.list_value_length(pc.struct_field(flat.values, "tool_calls"))
    # an absent list holds no calls: this null is a count, not a missing measurement
    counts: Indexes = pc.fill_null(lengths, 0).to_numpy(zero_copy_only=False).astype(np.int64)
    return counts
