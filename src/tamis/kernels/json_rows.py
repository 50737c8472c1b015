# numba has no types
# mypy: disable-error-code="untyped-decorator,no-any-return,no-untyped-call,return-value"

"""Finds the parts of conversations in many rows of JSON at once: where each text and value lies.

One walk over the bytes checks that a row is JSON, plain enough to be read without second thoughts,
and writes where its parts are. Everything else (a repeated or unknown key where keys have a meaning,
a key spelled with escapes, content parts, a wrong type, a deep value, bytes that are no UTF-8) makes
the row *not simple*: it leaves no trace here and the exact reader judges it. So the twin of these
kernels is `formats.exact`, and the tests hold the two equal.
"""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

from tamis.kernels.json_messages import PLACES, TABLES, WORDS, find_word, put_messages, put_text
from tamis.kernels.json_tables import (
    AT_TOP,
    CONTENT,
    FIRST_OWN_KEY,
    FOUND_CALLS,
    FOUND_MEMBERS,
    FOUND_MESSAGES,
    KEY,
    MARKS,
    MAX_MEMBERS,
    MEMBER_KEY,
    MEMBER_VALUE,
    MEMBER_WIDTH,
    MESSAGES_KEY,
    N_MEMBERS,
    N_MESSAGES,
    RESERVED_KEY,
    ROLE,
    SYSTEM_KEY,
    TOOLS,
    TOOLS_KEY,
    TOP,
    Places,
    Tables,
    Words,
)
from tamis.kernels.json_text import (
    CLOSE_OBJECT,
    MINUS,
    OPEN_LIST,
    OPEN_OBJECT,
    QUOTE,
    REFUSED,
    TEXT,
    Text,
    next_member,
    open_member,
    skip_blank,
    skip_text,
    skip_value,
)

_MAX_KEY_BYTES, _MAX_KEY_DIGITS = 256, 30
_ZERO, _NINE = ord("0"), ord("9")


@nb.njit(_nrt=False)
def _order(text: Text, start: int, end: int, other: int, other_end: int) -> int:
    """Negative, 0 or positive as the first span stands before, at or behind the other."""
    while start < end and other < other_end:
        if text[start] != text[other]:
            return np.int64(text[start]) - np.int64(text[other])
        start += 1
        other += 1
    return (end - start) - (other_end - other)


@nb.njit(_nrt=False)
def _put_member(text: Text, start: int, end: int, tables: Tables, first: int) -> int:
    """Make room for the member of this key among those of its row, which are sorted by key.

    Its place; refused when the key is there already, or there are too many.
    """
    place = tables.found[FOUND_MEMBERS]
    members = tables.members
    if place >= len(members) or place - first >= MAX_MEMBERS:
        return REFUSED
    at = place
    while at > first:
        other = members[at - 1]
        order = _order(text, start, end, other[MEMBER_KEY], other[MEMBER_KEY + 1])
        if order == 0:
            return REFUSED
        if order > 0:
            break
        for column in range(MEMBER_WIDTH):
            members[at, column] = other[column]
        at -= 1
    members[at, MEMBER_KEY] = start
    members[at, MEMBER_KEY + 1] = end
    tables.found[FOUND_MEMBERS] = place + 1
    return at


@nb.njit(_nrt=False)
def _put_key(text: Text, start: int, end: int, row: npt.NDArray[np.int32]) -> bool:
    """Note the row's own key if the value is a short text or a whole number; False to refuse the row."""
    if text[start] == QUOTE:
        _, is_escaped = skip_text(text, start + 1, end)
        if is_escaped or end - start - 2 > _MAX_KEY_BYTES:
            return False
        if end - start > 2:
            row[KEY], row[KEY + 1] = start + 1, end - 1
        return True
    at = start + 1 if text[start] == MINUS else start
    n_digits = end - at
    while at < end and _ZERO <= text[at] <= _NINE:
        at += 1
    if at == end and n_digits <= _MAX_KEY_DIGITS:
        row[KEY], row[KEY + 1] = start, end
    return True


@nb.njit(_nrt=False)
def _put_tools(text: Text, at: int, end: int, words: Words, row: npt.NDArray[np.int32]) -> int:
    """The tools, in the format's usual spelling: as JSON, or as a text that holds a list."""
    if at >= end:
        return REFUSED
    if words.rules[0]:
        if text[at + 1] != OPEN_LIST:
            return REFUSED
        return put_text(text, at, end, row, TOOLS)
    if text[at] != OPEN_LIST and text[at] != OPEN_OBJECT:
        return REFUSED
    row[TOOLS] = at
    at = skip_value(text, at, end)
    row[TOOLS + 1] = at
    return at


@nb.njit(_nrt=False)
def _put_system(text: Text, at: int, end: int, words: Words, tables: Tables) -> int:
    """A system text at the top level, as a message."""
    place = tables.found[FOUND_MESSAGES]
    if place >= len(tables.messages):
        return REFUSED
    message = tables.messages[place]
    message[:] = -1
    message[ROLE] = words.rules[2]
    message[MARKS] = AT_TOP
    tables.found[FOUND_MESSAGES] = place + 1
    return put_text(text, at, end, message, CONTENT)


@nb.njit(_nrt=False)
def _move_to_front(messages: npt.NDArray[np.int32], first: int, place: int) -> None:
    for column in range(messages.shape[1]):
        moved = messages[place, column]
        for at in range(place, first, -1):
            messages[at, column] = messages[at - 1, column]
        messages[first, column] = moved


@nb.njit(_nrt=False)
def _put_members(  # noqa: PLR0917 - compiled functions take no keywords
    text: Text,
    at: int,
    end: int,
    words: Words,
    tables: Tables,
    row: npt.NDArray[np.int32],
) -> int:
    """The top level of a row, behind its brace."""
    first, first_member = tables.found[FOUND_MESSAGES], tables.found[FOUND_MEMBERS]
    own = system = -1
    seen = 0
    goes_on = True
    while goes_on:
        start = at + 1
        key_end, at, is_escaped = open_member(text, at, end)
        if at < 0 or is_escaped:
            return REFUSED
        key = find_word(text, start, key_end - 1, words, TOP)
        if key == RESERVED_KEY or (key >= 0 and seen & (1 << key)):
            return REFUSED
        if key >= 0:
            seen |= 1 << key
        if key == MESSAGES_KEY:
            at = put_messages(text, at, end, words, tables)
        elif key == TOOLS_KEY:
            at = _put_tools(text, at, end, words, row)
        elif key == SYSTEM_KEY:
            system = tables.found[FOUND_MESSAGES]
            at = _put_system(text, at, end, words, tables)
        else:
            value = at
            at = skip_value(text, at, end)
            place = _put_member(text, start, key_end - 1, tables, first_member)
            if at < 0 or place < 0:
                return REFUSED
            tables.members[place, MEMBER_VALUE] = value
            tables.members[place, MEMBER_VALUE + 1] = at
            # of several own keys the first word of the list counts
            if key >= FIRST_OWN_KEY and (own < 0 or key < own):
                before = row[KEY]
                row[KEY] = -1
                if not _put_key(text, value, at, row):
                    return REFUSED
                if row[KEY] >= 0:
                    own = key
                else:
                    row[KEY] = before
        if at < 0:
            return REFUSED
        at, goes_on = next_member(text, at, end, CLOSE_OBJECT)
    if not seen & (1 << MESSAGES_KEY):
        return REFUSED
    if system > first:
        _move_to_front(tables.messages, first, system)
    row[N_MESSAGES] = tables.found[FOUND_MESSAGES] - first
    row[N_MEMBERS] = tables.found[FOUND_MEMBERS] - first_member
    return at


@nb.njit(_nrt=False)
def _put_row(  # noqa: PLR0917 - compiled functions take no keywords
    text: Text,
    at: int,
    end: int,
    words: Words,
    tables: Tables,
    row: npt.NDArray[np.int32],
) -> bool:
    """One row; False to refuse it."""
    at = skip_blank(text, at, end)
    if at >= end or text[at] != OPEN_OBJECT:
        return False
    row[:] = -1
    at = _put_members(text, skip_blank(text, at + 1, end), end, words, tables, row)
    return at >= 0 and skip_blank(text, at, end) == end


@nb.njit(
    nb.void(TEXT, PLACES, PLACES, WORDS, TABLES, nb.boolean[::1]),
    cache=True,
    nogil=True,
    _nrt=False,
)
def scan_rows(  # noqa: PLR0917 - compiled functions take no keywords
    text: Text,
    starts: Places,
    ends: Places,
    words: Words,
    tables: Tables,
    is_simple: npt.NDArray[np.bool_],
) -> None:
    """Say which rows are simple, and write where the parts of those lie.

    text: goes on for `PADDING` bytes below 0x80 behind the last row; starts, ends: (n_rows,) bytes
    tables: made by `empty_tables`; `rows` gets a line for each simple row
    """
    found = tables.found
    n_rows = 0
    for place in range(len(starts)):
        n_messages, n_calls, n_members = (
            found[FOUND_MESSAGES],
            found[FOUND_CALLS],
            found[FOUND_MEMBERS],
        )
        row = tables.rows[n_rows]
        is_simple[place] = _put_row(text, starts[place], ends[place], words, tables, row)
        if is_simple[place]:
            n_rows += 1
        else:
            found[FOUND_MESSAGES], found[FOUND_CALLS] = n_messages, n_calls
            found[FOUND_MEMBERS] = n_members
