"""The assistant messages that may hold think or tool-call tags, for the checks that read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tamis.columns import ROLES, FlatMessages
from tamis.text.prefilter import texts_with_tags

# A message of a megabyte of lone tags is one fault, not a hundred thousand findings.
MAX_PER_MESSAGE = 16

ASSISTANT = ROLES.index("assistant")


class TaggedMessage(NamedTuple):
    """One assistant message that passed the prefilter; `has_calls` tells of structured tool calls."""

    row: int
    position: int
    content: str
    has_calls: bool


def tagged_messages(flat: FlatMessages) -> Iterator[TaggedMessage]:
    """Assistant messages whose content may hold a tag, in row order, without reading the others."""
    contents = flat.text("content")
    hits = text_hits(contents)
    if not len(hits):
        return
    hits = hits[flat.role_codes()[hits] == ASSISTANT]
    has_calls = call_counts(flat)[hits] > 0
    texts = contents.take(pa.array(hits)).to_pylist()
    for place, text, calls in zip(hits.tolist(), texts, has_calls.tolist(), strict=True):
        yield TaggedMessage(int(flat.owner[place]), int(flat.position[place]), text, calls)


def text_hits(texts: pa.StringArray) -> npt.NDArray[np.int64]:
    """Indexes of texts that may hold a tag, read from Arrow's own buffers."""
    _, offset_buffer, byte_buffer = texts.buffers()
    if not len(texts) or byte_buffer is None:
        return np.empty(0, dtype=np.int64)
    offsets = np.frombuffer(offset_buffer, dtype=np.int32)[
        texts.offset : texts.offset + len(texts) + 1
    ]
    found = texts_with_tags(np.frombuffer(byte_buffer, dtype=np.uint8), offsets.astype(np.int64))
    # a null may still span bytes of the buffer
    return found[_is_valid(texts)[found]] if texts.null_count else found


def call_counts(flat: FlatMessages) -> npt.NDArray[np.int64]:
    """(n_messages,) structured tool calls of each message; none where the list is null."""
    lengths = pc.list_value_length(pc.struct_field(flat.values, "tool_calls"))
    # an absent list holds no calls: this null is a count, not a missing measurement
    counts: npt.NDArray[np.int64] = (
        pc.fill_null(lengths, 0).to_numpy(zero_copy_only=False).astype(np.int64)
    )
    return counts


def _is_valid(texts: pa.StringArray) -> npt.NDArray[np.bool_]:
    valid: npt.NDArray[np.bool_] = pc.is_valid(texts).to_numpy(zero_copy_only=False)
    return valid
