"""The words with which the first reply opens."""

from __future__ import annotations

import re
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tamis.columns import ROLES, flat_messages
from tamis.kernels.patterns import string_buffers
from tamis.op import Measure

_HEAD_CHARS = 200
# letters without spaces between words: one sign each
_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]|[^\W_\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]+(?:['’-][^\W_]+)*"
)
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]")


class Opener(Measure, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The first `n_words` words of the first assistant reply, in lower case, without punctuation.

    Many conversations with one opener show a template mill. In scripts without spaces a word counts
    as two signs. A think block in front is passed over.

    Reads:   messages; the first assistant message with content.
    Adds:    opener  string; null when there is no such message or no word in its opening.
    Cost:    the first 200 characters of one message a conversation.
    Source:  opener counts of instruction data audits; the script rule is our own.
    """

    reads: ClassVar[tuple[str, ...]] = ("messages",)
    n_words: int = 3

    def adds(self) -> pa.Schema:
        """One string."""
        return pa.schema([pa.field("opener", pa.string())])

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Measure a batch."""
        flat = flat_messages(batch.column("messages"))
        content = flat.text("content")
        has_text = pc.fill_null(pc.greater(pc.binary_length(content), 0), False)
        is_reply = (flat.role_codes() == ROLES.index("assistant")) & has_text.to_numpy(
            zero_copy_only=False
        )
        replies = np.flatnonzero(is_reply)
        rows, first = np.unique(flat.owner[replies], return_index=True)
        openers = _openers(content, replies[first], self.n_words)
        places = np.zeros(flat.n_rows, dtype=np.int64)
        places[rows] = np.arange(len(rows))
        has_none = np.ones(flat.n_rows, dtype=np.bool_)
        has_none[rows] = False
        return pa.record_batch([openers.take(pa.array(places, mask=has_none))], schema=self.adds())


def _openers(
    content: pa.StringArray, messages: npt.NDArray[np.int64], n_words: int
) -> pa.StringArray:
    """The opening of each of the messages."""
    # numba loads with the first batch
    from tamis.kernels.openers import FOUND, LEFT, first_words

    offsets, content_bytes = string_buffers(content)
    spans = offsets.astype(np.int64)
    words, ends, kinds = first_words(
        np.frombuffer(content_bytes, np.uint8),
        spans[messages],
        spans[messages + 1],
        n_words,
        _HEAD_CHARS,
    )
    found = pa.StringArray.from_buffers(len(messages), pa.py_buffer(ends), pa.py_buffer(words))
    found = pc.if_else(pa.array(kinds == FOUND), found, None)
    left = np.flatnonzero(kinds == LEFT)
    if not len(left):
        return found
    texts = content.take(pa.array(messages[left])).to_pylist()
    openers = found.to_pylist()
    for place, text in zip(left.tolist(), texts, strict=True):
        openers[place] = opening_words(behind_thinking(text, _HEAD_CHARS)[:_HEAD_CHARS], n_words)
    return pa.array(openers, pa.string())


def behind_thinking(text: str, n_chars: int) -> str:
    """What follows a think block that opens in the first characters; the text where none does."""
    if not text[:n_chars].lstrip().startswith("<think>"):
        return text
    return text.partition("</think>")[2]


def opening_words(text: str, n_words: int) -> str | None:
    """The first words of a text, in lower case.

    >>> opening_words("**Sure!** I'd love to help.", 3), opening_words("好的，我来帮你。", 3)
    ("sure i'd love", '好的我来帮你')
    """
    words: list[str] = []
    room = 2 * n_words
    for match in _WORD.finditer(text):
        word = match.group().lower().replace("’", "'")
        size = 1 if _UNSPACED.match(word) else 2
        if size > room:
            break
        room -= size
        words.append(word)
    if not words:
        return None
    return "".join(
        word if not at or (_UNSPACED.match(word) and _UNSPACED.match(words[at - 1])) else f" {word}"
        for at, word in enumerate(words)
    )
