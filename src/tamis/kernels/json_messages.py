# numba has no types
# mypy: disable-error-code="untyped-decorator,no-any-return,no-untyped-call,return-value"

"""Finds the messages of one row: pieces of the kernel in `json_rows`, compiled into it, never alone.

Each function reads what stands at `at` and gives the place behind it, or `REFUSED` where only the
exact reader may judge: a repeated or unknown key, a key spelled with escapes, content parts, a wrong
type, anything that is no JSON.
"""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

from tamis.kernels.json_tables import (
    ABSENT_CONTENT,
    ARGUMENTS,
    ARGUMENTS_JSON,
    ARGUMENTS_KEY,
    CALL,
    CALL_ID,
    CALL_MARKS,
    CALL_NAME,
    CALLS_KEY,
    CONTENT,
    CONTENT_KEY,
    FIRST_NULL_KEY,
    FOUND_CALLS,
    FOUND_MESSAGES,
    FUNCTION,
    FUNCTION_KEY,
    HAS_TRAIN,
    ID_KEY,
    MARKS,
    MESSAGE,
    N_CALLS,
    NAME_KEY,
    NO_TYPE,
    NULL_REASONING,
    ROLE,
    ROLE_KEY,
    ROLES,
    TRAIN,
    TRAIN_WORD,
    WEIGHT_KEY,
    Tables,
    Words,
)
from tamis.kernels.json_text import (
    CLOSE_LIST,
    CLOSE_OBJECT,
    OPEN_LIST,
    OPEN_OBJECT,
    QUOTE,
    REFUSED,
    TEXT,
    Text,
    is_null,
    next_member,
    open_member,
    skip_blank,
    skip_text,
    skip_value,
)

_ZERO, _ONE, _LOW_T, _LOW_F = (ord(c) for c in "01tf")

PLACES = nb.types.Array(nb.int64, 1, "C", readonly=True)
TABLE = nb.types.Array(nb.int32, 2, "C")
WORDS = nb.types.NamedTuple((TEXT, PLACES, PLACES, PLACES), Words)
TABLES = nb.types.NamedTuple((TABLE, TABLE, TABLE, TABLE, nb.int64[::1]), Tables)


@nb.njit(_nrt=False)
def find_word(text: Text, start: int, end: int, words: Words, group: int) -> int:
    """Place in its group of the word `text[start:end]`, -1 if it is none of them."""
    first = words.groups[group]
    for word in range(first, words.groups[group + 1]):
        spelled = words.ends[word]
        if words.ends[word + 1] - spelled != end - start:
            continue
        at = start
        while at < end and text[at] == words.spelled[spelled + at - start]:
            at += 1
        if at == end:
            return word - first
    return -1


@nb.njit(_nrt=False)
def _open_known(text: Text, at: int, end: int, words: Words, group: int) -> tuple[int, int]:
    """The member at `at`: place of its key among the words of a group, and where its value stands.

    Refused twice where the key is none of them or is spelled with escapes.
    """
    start = at + 1
    key_end, at, is_escaped = open_member(text, at, end)
    if at < 0 or is_escaped:
        return REFUSED, REFUSED
    return find_word(text, start, key_end - 1, words, group), at


@nb.njit(_nrt=False)
def put_text(text: Text, at: int, end: int, line: npt.NDArray[np.int32], column: int) -> int:
    """Note the text that starts at `at`; behind it, refused if something else stands there."""
    if at >= end or text[at] != QUOTE:
        return REFUSED
    after, is_escaped = skip_text(text, at + 1, end)
    line[column] = at + 1
    line[column + 1] = ~(after - 1) if is_escaped else after - 1
    return after


@nb.njit(_nrt=False)
def _put_function(text: Text, at: int, end: int, words: Words, call: npt.NDArray[np.int32]) -> int:
    """A call's name and arguments."""
    if at >= end or text[at] != OPEN_OBJECT:
        return REFUSED
    at = skip_blank(text, at + 1, end)
    seen = 0
    goes_on = True
    while goes_on:
        key, at = _open_known(text, at, end, words, FUNCTION)
        if key < 0 or seen & (1 << key):
            return REFUSED
        seen |= 1 << key
        if key == ARGUMENTS_KEY and text[at] != QUOTE:
            call[ARGUMENTS] = at
            at = skip_value(text, at, end)
            call[ARGUMENTS + 1] = at
            call[CALL_MARKS] |= ARGUMENTS_JSON
        else:
            at = put_text(text, at, end, call, CALL_NAME if key == NAME_KEY else ARGUMENTS)
        if at < 0:
            return REFUSED
        at, goes_on = next_member(text, at, end, CLOSE_OBJECT)
    return at if seen == 3 else REFUSED


@nb.njit(_nrt=False)
def _put_call(text: Text, at: int, end: int, words: Words, tables: Tables) -> int:
    """One {id, type, function: {name, arguments}}."""
    place = tables.found[FOUND_CALLS]
    if at >= end or text[at] != OPEN_OBJECT or place >= len(tables.calls):
        return REFUSED
    call = tables.calls[place]
    call[CALL_ID] = call[CALL_ID + 1] = -1
    call[CALL_MARKS] = NO_TYPE
    at = skip_blank(text, at + 1, end)
    seen = 0
    goes_on = True
    while goes_on:
        key, at = _open_known(text, at, end, words, CALL)
        if key < 0 or seen & (1 << key):
            return REFUSED
        seen |= 1 << key
        if key == FUNCTION_KEY:
            at = _put_function(text, at, end, words, call)
        elif key == ID_KEY:
            at = put_text(text, at, end, call, CALL_ID)
        elif text[at] == QUOTE:
            start = at + 1
            at, is_escaped = skip_text(text, start, end)
            # the usual type is spelled as the key `function`
            if at < 0 or is_escaped or find_word(text, start, at - 1, words, CALL) != FUNCTION_KEY:
                return REFUSED
            call[CALL_MARKS] &= ~NO_TYPE
        else:
            return REFUSED
        if at < 0:
            return REFUSED
        at, goes_on = next_member(text, at, end, CLOSE_OBJECT)
    tables.found[FOUND_CALLS] = place + 1
    return at if seen & (1 << FUNCTION_KEY) else REFUSED


@nb.njit(_nrt=False)
def _put_calls(  # noqa: PLR0917 - compiled functions take no keywords
    text: Text, at: int, end: int, words: Words, tables: Tables, message: npt.NDArray[np.int32]
) -> int:
    """A list of calls."""
    if text[at] != OPEN_LIST:
        return REFUSED
    at = skip_blank(text, at + 1, end)
    message[N_CALLS] = 0
    if at < end and text[at] == CLOSE_LIST:
        return at + 1
    goes_on = True
    while goes_on:
        at = _put_call(text, at, end, words, tables)
        if at < 0:
            return REFUSED
        message[N_CALLS] += 1
        at, goes_on = next_member(text, at, end, CLOSE_LIST)
    return at


@nb.njit(_nrt=False)
def _put_role(text: Text, at: int, end: int, words: Words, message: npt.NDArray[np.int32]) -> int:
    if text[at] != QUOTE:
        return REFUSED
    after, is_escaped = skip_text(text, at + 1, end)
    if after < 0 or is_escaped:
        return REFUSED
    message[ROLE] = find_word(text, at + 1, after - 1, words, ROLES)
    return after if message[ROLE] >= 0 else REFUSED


@nb.njit(_nrt=False)
def _put_train(text: Text, at: int, key: int, message: npt.NDArray[np.int32]) -> int:
    """The author's loss flag: `weight` 0 or 1, or `train` true or false."""
    if message[MARKS] & HAS_TRAIN:
        return REFUSED
    message[MARKS] |= HAS_TRAIN
    if key == WEIGHT_KEY:
        # what goes on, as in 1.0, is refused by the reader of what follows
        if text[at] != _ZERO and text[at] != _ONE:
            return REFUSED
        message[MARKS] |= TRAIN if text[at] == _ONE else 0
        return at + 1
    message[MARKS] |= TRAIN_WORD | (TRAIN if text[at] == _LOW_T else 0)
    if text[at] == QUOTE or (text[at] != _LOW_T and text[at] != _LOW_F):
        return REFUSED
    return skip_value(text, at, at + 5)


@nb.njit(_nrt=False)
def _put_field(  # noqa: PLR0917 - compiled functions take no keywords
    text: Text,
    at: int,
    end: int,
    key: int,
    words: Words,
    tables: Tables,
    message: npt.NDArray[np.int32],
) -> int:
    """The value at `at` of one key of a message."""
    if at >= end:
        return REFUSED
    if key == ROLE_KEY:
        return _put_role(text, at, end, words, message)
    if key >= WEIGHT_KEY:
        return _put_train(text, at, key, message)
    if is_null(text, at):
        # the null marks follow each other as the keys do; content's null is no mark
        if key == CONTENT_KEY and words.rules[0]:
            return REFUSED
        message[MARKS] |= 0 if key == CONTENT_KEY else NULL_REASONING << (key - FIRST_NULL_KEY)
        return at + 4
    if key == CALLS_KEY:
        return _put_calls(text, at, end, words, tables, message)
    return put_text(text, at, end, message, CONTENT + 2 * (key - CONTENT_KEY))


@nb.njit(_nrt=False)
def _put_message(text: Text, at: int, end: int, words: Words, tables: Tables) -> int:
    """One message or turn."""
    place = tables.found[FOUND_MESSAGES]
    if at >= end or text[at] != OPEN_OBJECT or place >= len(tables.messages):
        return REFUSED
    message = tables.messages[place]
    message[:] = -1
    message[MARKS] = 0
    at = skip_blank(text, at + 1, end)
    seen = 0
    goes_on = True
    while goes_on:
        key, at = _open_known(text, at, end, words, MESSAGE)
        if key < 0 or seen & (1 << key):
            return REFUSED
        seen |= 1 << key
        at = _put_field(text, at, end, key, words, tables, message)
        if at < 0:
            return REFUSED
        at, goes_on = next_member(text, at, end, CLOSE_OBJECT)
    if not seen & (1 << ROLE_KEY):
        return REFUSED
    if not seen & (1 << CONTENT_KEY):
        if words.rules[0]:
            return REFUSED
        message[MARKS] |= ABSENT_CONTENT
    if message[ROLE] >= words.rules[1] and message[MARKS]:
        return REFUSED
    tables.found[FOUND_MESSAGES] = place + 1
    return at


@nb.njit(_nrt=False)
def put_messages(text: Text, at: int, end: int, words: Words, tables: Tables) -> int:
    """A list of messages."""
    if at >= end or text[at] != OPEN_LIST:
        return REFUSED
    at = skip_blank(text, at + 1, end)
    if at < end and text[at] == CLOSE_LIST:
        return at + 1
    goes_on = True
    while goes_on:
        at = _put_message(text, at, end, words, tables)
        if at < 0:
            return REFUSED
        at, goes_on = next_member(text, at, end, CLOSE_LIST)
    return at
