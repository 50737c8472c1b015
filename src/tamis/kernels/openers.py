# numba has no types
# mypy: disable-error-code="untyped-decorator,no-any-return,no-untyped-call"

"""The first words of many texts, straight on Arrow's bytes: ASCII, kana, Chinese characters and Thai.

The plain-Python twins are in `measures.opener`, which also read what is left to them here.
"""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

from tamis.kernels.eights import TEXT, head_end
from tamis.kernels.tokens import character_at

# what became of a text
NO_WORDS, FOUND, LEFT = 0, 1, 2
_APOSTROPHE, _HYPHEN, _SPACE = (ord(c) for c in "'- ")
# what stands in a think block is passed over
_THINK = np.frombuffer(b"<think>", dtype=np.uint8)
_THOUGHT = np.frombuffer(b"</think>", dtype=np.uint8)
_INDEXES = nb.types.Array(nb.int64, 1, "C", readonly=True)


@nb.njit(nb.boolean(nb.int64), cache=True, nogil=True, inline="always")
def _is_word(byte: int) -> bool:
    return 97 <= (byte | 32) <= 122 or 48 <= byte <= 57


@nb.njit(nb.boolean(TEXT, nb.int64, nb.int64, TEXT), cache=True, nogil=True)
def _stands_at(text: npt.NDArray[np.uint8], at: int, end: int, word: npt.NDArray[np.uint8]) -> bool:
    if at + len(word) > end:
        return False
    for place in range(len(word)):  # noqa: SIM110 - compiled functions take no generators
        if text[at + place] != word[place]:
            return False
    return True


@nb.njit(nb.int64(TEXT, nb.int64, nb.int64, nb.int64), cache=True, nogil=True)
def _behind_thinking(text: npt.NDArray[np.uint8], at: int, end: int, n_chars: int) -> int:
    """Behind the think block in front, if there is one; `end` where it is not closed."""
    start = at
    while at < end and text[at] <= _SPACE:
        at += 1
    if not _stands_at(text, at, min(end, start + n_chars), _THINK):
        return start
    while at < end and not _stands_at(text, at, end, _THOUGHT):
        at += 1
    return min(at + len(_THOUGHT), end)


@nb.njit(nb.boolean(nb.int64), cache=True, nogil=True, inline="always")
def _is_unspaced(code: int) -> bool:
    """Kana, Chinese characters and Thai: what `measures.opener` takes sign by sign."""
    return 0x3040 <= code <= 0x30FF or 0x3400 <= code <= 0x9FFF or 0x0E00 <= code <= 0x0E7F


@nb.njit(nb.boolean(nb.int64), cache=True, nogil=True, inline="always")
def _separates(code: int) -> bool:
    """Brackets, stops and quotes that are surely no letters; `’` may join two words."""
    return (
        0x3001 <= code <= 0x3003
        or 0x3008 <= code <= 0x3020
        or 0xFF01 <= code <= 0xFF0F
        or 0xFF1A <= code <= 0xFF20
        or 0x201C <= code <= 0x201D
        or code == 0x2014
    )


@nb.njit(
    nb.int64(TEXT, nb.int64, nb.int64, nb.int64, nb.uint8[::1], nb.int64), cache=True, nogil=True
)
def _put_words(  # noqa: PLR0917 - compiled functions take no keywords
    text: npt.NDArray[np.uint8],
    at: int,
    end: int,
    n_words: int,
    out: npt.NDArray[np.uint8],
    to: int,
) -> int:
    """Write the words, a space between them; behind them, or -1 where only Python can tell."""
    room = 2 * n_words
    before = 0  # what stands before: nothing, a word, or a sign of a script without spaces
    while at < end and room > 0:
        byte = np.int64(text[at])
        if byte >= 0x80:
            code, width = character_at(text, at)
            if _separates(code):
                at += width
                continue
            if not _is_unspaced(code) or at + width > end:
                return -1
            if before == 1:
                out[to] = _SPACE
                to += 1
            for place in range(width):
                out[to + place] = text[at + place]
            to += width
            at += width
            room -= 1
            before = 2
            continue
        if not _is_word(byte):
            at += 1
            continue
        if room == 1:
            break
        if before:
            out[to] = _SPACE
            to += 1
        room -= 2
        before = 1
        has_joint = False
        while at < end:
            byte = np.int64(text[at])
            follows = np.int64(text[at + 1]) if at + 1 < end else _SPACE
            if byte >= 0x80:
                code, _ = character_at(text, at)
                # behind a joint a word goes on with any letter
                if not (_separates(code) or (_is_unspaced(code) and not has_joint)):
                    return -1
                break
            joins = byte == _APOSTROPHE or byte == _HYPHEN  # noqa: PLR1714
            if joins and follows >= 0x80:
                return -1
            if not (_is_word(byte) or (joins and _is_word(follows))):
                break
            has_joint = has_joint or joins
            out[to] = byte | 32 if 65 <= byte <= 90 else byte
            to += 1
            at += 1
    return to


@nb.njit(
    nb.types.Tuple((nb.uint8[::1], nb.int32[::1], nb.uint8[::1]))(
        TEXT, _INDEXES, _INDEXES, nb.int64, nb.int64
    ),
    cache=True,
    nogil=True,
)
def first_words(
    text: npt.NDArray[np.uint8],
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    n_words: int,
    n_chars: int,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
    """The first `n_words` words in the first `n_chars` characters of each text, in lower case.

    A think block in front is passed over.

    text: UTF-8; starts, ends: (n,) int64 bytes of it

    Gives the words as Arrow holds them (bytes and (n + 1,) int32 offsets), and (n,) uint8: `NO_WORDS`,
    `FOUND`, or `LEFT` for a text with letters that only Python knows.
    """
    n = len(starts)
    size = 0
    for row in range(n):
        # what is looked at, and a space for each word that follows a sign without one
        size += min(ends[row] - starts[row], 4 * n_chars) + 2 * n_words
    out = np.empty(size, dtype=np.uint8)
    offsets = np.zeros(n + 1, dtype=np.int32)
    kinds = np.zeros(n, dtype=np.uint8)
    to = 0
    for row in range(n):
        start = _behind_thinking(text, starts[row], ends[row], n_chars)
        end = head_end(text, start, ends[row], n_chars)
        behind = _put_words(text, start, end, n_words, out, to)
        if behind < 0:
            kinds[row] = LEFT
        elif behind > to:
            kinds[row] = FOUND
            to = behind
        offsets[row + 1] = to
    return out[:to].copy(), offsets, kinds
