# numba has no types
# mypy: disable-error-code="untyped-decorator,no-any-return,no-untyped-call,return-value,assignment"

"""Fills Arrow's buffers from the spans that `json_rows` found: texts without escapes, meta, ids.

The spans were checked when they were found; nothing is checked here again. Buffers are as large as
`size_of` says, plus `PADDING`.
"""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

from tamis.kernels.json_messages import PLACES, TABLE
from tamis.kernels.json_tables import (
    KEY,
    MEMBER_KEY,
    MEMBER_VALUE,
    N_MEMBERS,
    Places,
    Table,
)
from tamis.kernels.json_text import (
    CLOSE_OBJECT,
    COLON,
    COMMA,
    ESCAPED,
    OPEN_OBJECT,
    TEXT,
    Text,
    first_backslash,
    unit_at,
)
from tamis.kernels.machine import copy_bytes, eight_bytes, put_eight

_OFFSETS = nb.int32[::1]
_BYTES = nb.uint8[::1]
_LOW_U = ord("u")
_ZERO = ord("0")


@nb.njit(_nrt=False)
def _put_character(code: int, out: Text, to: int) -> int:
    """Write a character in UTF-8; behind it."""
    if code < 0x80:
        out[to] = code
        return to + 1
    if code < 0x800:
        out[to] = 0xC0 | (code >> 6)
        out[to + 1] = 0x80 | (code & 0x3F)
        return to + 2
    if code < 0x10000:
        out[to] = 0xE0 | (code >> 12)
        out[to + 1] = 0x80 | ((code >> 6) & 0x3F)
        out[to + 2] = 0x80 | (code & 0x3F)
        return to + 3
    out[to] = 0xF0 | (code >> 18)
    out[to + 1] = 0x80 | ((code >> 12) & 0x3F)
    out[to + 2] = 0x80 | ((code >> 6) & 0x3F)
    out[to + 3] = 0x80 | (code & 0x3F)
    return to + 4


@nb.njit(_nrt=False)
def _put_unescaped(text: Text, at: int, end: int, out: Text, to: int) -> int:
    """Write the text `text[at:end]` without its escapes; behind it."""
    while at < end:
        word = eight_bytes(text, at)
        # what is written too much is written over, or lies in the padding
        put_eight(out, to, word)
        n_plain = min(first_backslash(word), end - at)
        at += n_plain
        to += n_plain
        if n_plain == 8 or at >= end:
            continue
        if text[at + 1] != _LOW_U:
            out[to] = ESCAPED[text[at + 1]]
            to += 1
            at += 2
            continue
        code = unit_at(text, at + 2)
        at += 6
        if 0xD800 <= code < 0xDC00:
            code = 0x10000 + ((code - 0xD800) << 10) + unit_at(text, at + 2) - 0xDC00
            at += 6
        to = _put_character(code, out, to)
    return to


@nb.njit(nb.int64(TABLE, nb.int64), cache=True, nogil=True, _nrt=False)
def size_of(table: Table, column: int) -> int:
    """Bytes that the texts of a column of spans have at most; -1 when no row has one."""
    size = 0
    has_any = False
    for row in range(len(table)):
        if table[row, column] >= 0:
            end = table[row, column + 1]
            size += (~end if end < 0 else end) - table[row, column]
            has_any = True
    return size if has_any else -1


@nb.njit(
    nb.int64(TEXT, TABLE, nb.int64, _OFFSETS, _BYTES, _BYTES), cache=True, nogil=True, _nrt=False
)
def put_texts(  # noqa: PLR0917 - compiled functions take no keywords
    text: Text,
    table: Table,
    column: int,
    offsets: npt.NDArray[np.int32],
    out: Text,
    valid: Text,
) -> int:
    """Write the texts of a column of spans; how many are null.

    offsets: (n + 1,) int32; valid: (n + 7) // 8 bytes of zeros, a bit for each text that is there
    """
    to = 0
    n_null = 0
    offsets[0] = 0
    for row in range(len(table)):
        start = np.int64(table[row, column])
        end = np.int64(table[row, column + 1])
        if start < 0:
            n_null += 1
        else:
            valid[row >> 3] |= np.uint8(1 << (row & 7))
            if end < 0:
                to = _put_unescaped(text, start, ~end, out, to)
            else:
                copy_bytes(out, to, text, start, end - start)
                to += end - start
        offsets[row + 1] = to
    return n_null


@nb.njit(nb.void(TEXT, TABLE, TABLE, _OFFSETS, _BYTES, _BYTES), cache=True, nogil=True, _nrt=False)
def put_members(  # noqa: PLR0917 - compiled functions take no keywords
    text: Text,
    rows: Table,
    members: Table,
    offsets: npt.NDArray[np.int32],
    out: Text,
    valid: Text,
) -> None:
    """Write the unread members of each row as a JSON object; a row without any is null."""
    to = 0
    member = 0
    offsets[0] = 0
    for row in range(len(rows)):
        last = member + rows[row, N_MEMBERS]
        if member < last:
            valid[row >> 3] |= np.uint8(1 << (row & 7))
            out[to] = OPEN_OBJECT
            to += 1
        while member < last:
            start = np.int64(members[member, MEMBER_KEY]) - 1
            n_bytes = np.int64(members[member, MEMBER_KEY + 1]) + 1 - start
            copy_bytes(out, to, text, start, n_bytes)
            to += n_bytes
            out[to] = COLON
            start = np.int64(members[member, MEMBER_VALUE])
            n_bytes = np.int64(members[member, MEMBER_VALUE + 1]) - start
            copy_bytes(out, to + 1, text, start, n_bytes)
            to += 1 + n_bytes
            member += 1
            out[to] = COMMA if member < last else CLOSE_OBJECT
            to += 1
        offsets[row + 1] = to


@nb.njit(nb.void(TEXT, TABLE, PLACES, TEXT, _OFFSETS, _BYTES), cache=True, nogil=True)
def put_ids(  # noqa: PLR0917 - compiled functions take no keywords
    text: Text,
    rows: Table,
    numbers: Places,
    prefix: Text,
    offsets: npt.NDArray[np.int32],
    out: Text,
) -> None:
    """Write the prefix and, behind it, the row's own key or else its number."""
    to = 0
    offsets[0] = 0
    digits = np.empty(20, np.uint8)
    for row in range(len(rows)):
        copy_bytes(out, to, prefix, 0, len(prefix))
        to += len(prefix)
        start = np.int64(rows[row, KEY])
        if start >= 0:
            n_bytes = np.int64(rows[row, KEY + 1]) - start
            copy_bytes(out, to, text, start, n_bytes)
        else:
            number = numbers[row]
            at = 20
            while number > 0 or at == 20:
                at -= 1
                digits[at] = _ZERO + number % 10
                number //= 10
            n_bytes = 20 - at
            copy_bytes(out, to, digits, at, n_bytes)
        to += n_bytes
        offsets[row + 1] = to
