"""How the checks of this folder look at texts: prefilter the batch, then read the few texts hit.

Shared by checks that scan message texts with a `PatternSet`; it decides nothing itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.columns import ROLES, FlatMessages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from tamis.kernels.patterns import PatternSet

    PassOver = Callable[[pa.StringArray, npt.NDArray[np.int64]], npt.NDArray[np.bool_]]

ASSISTANT = ROLES.index("assistant")
EXCERPT_CHARS = 160
_CONTEXT_CHARS = 40


class HitText(msgspec.Struct, frozen=True):
    """One text that a prefilter let through: its row in the batch, its path, and which patterns hit."""

    row: int
    path: str
    text: str
    patterns: list[int]


def message_texts_hit(
    flat: FlatMessages,
    patterns: PatternSet,
    *,
    assistant_only: bool,
    pass_over: PassOver | None = None,
) -> Iterator[HitText]:
    """The `content` and `reasoning` texts that may match, in that order.

    `pass_over(texts, places)` names, of the texts that were hit, those that need no exact rule.
    """
    for field in ("content", "reasoning"):
        texts = flat.text(field)
        if texts.null_count == len(texts):
            continue
        hits = patterns.hits(texts)
        if assistant_only:
            hits = hits.where(flat.role_codes()[hits.place] == ASSISTANT)
        if pass_over is not None and len(hits.place):
            hits = hits.where(~pass_over(texts, hits.place))
        # one take, because a scalar at a time costs more than the rule behind it
        found = texts.take(pa.array(np.unique(hits.place))).to_pylist()
        for (place, ordinals), text in zip(hits.by_place(), found, strict=True):
            if text:
                path = f"messages[{flat.position[place]}].{field}"
                yield HitText(int(flat.owner[place]), path, text, ordinals)


def argument_texts_hit(flat: FlatMessages, patterns: PatternSet) -> Iterator[HitText]:
    """The arguments of structured tool calls that may match."""
    calls = flat.text("tool_calls")
    if calls.null_count == len(calls):
        return
    message = pc.list_parent_indices(calls).to_numpy()
    texts = pc.struct_field(pc.list_flatten(calls), "arguments")
    first_call = np.searchsorted(message, message, side="left")
    for place, ordinals in patterns.hits(_as_array(texts)).by_place():
        text = texts[place].as_py()
        if text:
            owner = int(message[place])
            call = place - int(first_call[place])
            path = f"messages[{flat.position[owner]}].tool_calls[{call}].arguments"
            yield HitText(int(flat.owner[owner]), path, text, ordinals)


def excerpt(text: str, start: int, end: int) -> str:
    """The text from start to end with a little around it, at most `EXCERPT_CHARS` characters.

    >>> excerpt("one two three", 4, 7)
    'one two three'
    """
    left = max(0, start - _CONTEXT_CHARS)
    right = min(len(text), max(end, start + 1) + _CONTEXT_CHARS)
    piece = ("…" if left else "") + text[left:right] + ("…" if right < len(text) else "")
    return piece if len(piece) <= EXCERPT_CHARS else piece[: EXCERPT_CHARS - 1] + "…"


def _as_array(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    return texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
