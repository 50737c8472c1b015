"""Where the parts of conversations lie in many rows of JSON: the tables the scanner writes.

A *span* is two numbers: the first byte and the byte behind the last. A text's span is what stands
between its quotes; its end is negative (`~end`) when it has escapes. A part that is not there starts
at -1. No numba here, so importing this is cheap.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Table = npt.NDArray[np.int32]
Places = npt.NDArray[np.int64]

# bytes behind the last row, because the kernels look at eight at a time
PADDING = 32
# columns of the tables; a span takes two
N_MESSAGES, TOOLS, KEY, N_MEMBERS, ROW_WIDTH = 0, 1, 3, 5, 6
ROLE, MARKS, CONTENT, REASONING, TOOL_CALL_ID, NAME, N_CALLS = 0, 1, 2, 4, 6, 8, 10
MESSAGE_WIDTH = 11
CALL_NAME, ARGUMENTS, CALL_ID, CALL_MARKS, CALL_WIDTH = 0, 2, 4, 6, 7
MEMBER_KEY, MEMBER_VALUE, MEMBER_WIDTH = 0, 2, 4
# marks of a message: what a canonical message cannot say
ABSENT_CONTENT, NULL_REASONING, NULL_ID, NULL_NAME, NULL_CALLS, AT_TOP = 1, 2, 4, 8, 16, 32
HAS_TRAIN, TRAIN, TRAIN_WORD, N_MARKS = 64, 128, 256, 512
# marks of a tool call
ARGUMENTS_JSON, NO_TYPE = 1, 2
# groups of words; the places of words in them are fixed, because they say what a key means
TOP, MESSAGE, CALL, FUNCTION, ROLES, N_GROUPS = 0, 1, 2, 3, 4, 5
MESSAGES_KEY, TOOLS_KEY, SYSTEM_KEY, RESERVED_KEY, FIRST_OWN_KEY = 0, 1, 2, 3, 4
ROLE_KEY, CONTENT_KEY, FIRST_NULL_KEY, CALLS_KEY, WEIGHT_KEY = 0, 1, 2, 5, 6
FUNCTION_KEY, ID_KEY = 0, 1
NAME_KEY, ARGUMENTS_KEY = 0, 1
NO_WORD = "\n"  # in place of a word a format does not have: no text without escapes holds it
FOUND_MESSAGES, FOUND_CALLS, FOUND_MEMBERS = 0, 1, 2
MAX_MEMBERS = 64


class Words(NamedTuple):
    """The keys and role words a format knows.

    spelled: (n_bytes,) uint8, all words one after another; ends: (n_words + 1,) int64, from 0
    groups:  (N_GROUPS + 1,) int64, the words of each group
    rules:   (3,) int64: is every content, and `tools`, a text (never null or absent); roles from this
             one on have no mark beside them, because their content is read further; the place of
             the role of a `system` at the top level
    """

    spelled: npt.NDArray[np.uint8]
    ends: Places
    groups: Places
    rules: Places


def words_of(groups: Sequence[Sequence[str]], rules: tuple[bool, int, int]) -> Words:
    """Words by group, in the order that the scanner gives meaning to."""
    spelled = [word.encode() for group in groups for word in group]
    return Words(
        np.frombuffer(b"".join(spelled), dtype=np.uint8),
        _frozen([0, *accumulate(map(len, spelled))]),
        _frozen([0, *accumulate(map(len, groups))]),
        _frozen(rules),
    )


def _frozen(numbers: Sequence[int]) -> Places:
    # the kernels are compiled for read-only words
    places = np.array(numbers, dtype=np.int64)
    places.flags.writeable = False
    return places


class Tables(NamedTuple):
    """Where the parts of rows lie: int32 tables of one line for each row, message, call and member.

    found: (3,) int64, how many messages, calls and unread members there are
    """

    rows: Table
    messages: Table
    calls: Table
    members: Table
    found: Places


def empty_tables(n_rows: int, n_bytes: int) -> Tables:
    """Tables that the parts of `n_rows` rows of together `n_bytes` fit in; memory is taken when written."""
    return Tables(
        np.empty((n_rows, ROW_WIDTH), np.int32),
        # the shortest message, call and member
        np.empty((n_bytes // len('{"role":""}') + 2, MESSAGE_WIDTH), np.int32),
        np.empty(
            (n_bytes // len('{"function":{"name":"","arguments":1}}') + 2, CALL_WIDTH), np.int32
        ),
        np.empty((n_bytes // len('"":1,') + 2, MEMBER_WIDTH), np.int32),
        np.zeros(3, np.int64),
    )
