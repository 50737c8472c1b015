"""Finds, over one buffer of many texts, the few that could begin or end blank.

A necessary condition only: the exact readers run on what passes. Takes numpy views so that this package
stays free of Arrow. Not imported by the other files here: they work without numpy.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int64]
Indexes = npt.NDArray[np.int64]

_SPACE = ord(" ")


def _bytes_table(members: Iterable[int]) -> npt.NDArray[np.bool_]:
    """(256,) bool: which bytes are members."""
    table = np.zeros(256, dtype=bool)
    table[list(members)] = True
    return table


# The UTF-8 of white space and invisible marks beyond ASCII: a first byte, then those that may follow.
_WIDE_BLANKS: tuple[tuple[int, *tuple[npt.NDArray[np.bool_], ...]], ...] = (
    (0xC2, _bytes_table([0x85, 0xA0])),  # next line, no-break space
    (0xE1, _bytes_table([0x9A]), _bytes_table([0x80])),  # ogham space
    (0xE2, _bytes_table([0x80, 0x81]), _bytes_table(range(0x80, 0xC0))),  # U+2000 to U+207F
    (0xE3, _bytes_table([0x80]), _bytes_table([0x80])),  # ideographic space
    (0xEF, _bytes_table([0xBB]), _bytes_table([0xBF])),  # byte order mark
)


def texts_with_blank_ends(texts: Bytes, offsets: Offsets) -> Indexes:
    """Indexes, ascending, of texts that may begin or end with white space or an invisible mark.

    texts:   (n_bytes,) uint8, the UTF-8 of all texts one after another
    offsets: (n_texts + 1,) int64 into `texts`

    Looks at the first and the last character only; the invisible marks are zero-width space, word joiner
    and byte order mark.
    """
    filled = np.flatnonzero(offsets[1:] > offsets[:-1])
    if not len(filled):
        return filled
    begin, end = offsets[filled], offsets[filled + 1]
    found = (texts[begin] <= _SPACE) | (texts[end - 1] <= _SPACE)
    for first_byte, *others in _WIDE_BLANKS:
        length = 1 + len(others)
        whole = end - begin >= length
        for at in (begin, np.maximum(end - length, begin)):
            same = whole & (texts[at] == first_byte)
            if same.any():
                for step, allowed in enumerate(others, 1):
                    same &= allowed[texts[np.minimum(at + step, end - 1)]]
                found |= same
    return filled[found]
