# numba has no types
# mypy: disable-error-code="untyped-decorator,no-any-return,no-untyped-call,return-value"

"""Counts letters by script, and the words that hold English together, straight on Arrow's bytes.

One pass over the heads of many conversations: what is code, a link or a tag is passed over by the same
rule as `measures.language.CODE`, so that the counts are those of the text that is left.
"""

from __future__ import annotations

import functools
import re

import numba as nb
import numpy as np
import numpy.typing as npt

from tamis.kernels.tokens import TEXT

# planes beyond hold no letters
_N_CODES = 0x32400
_LETTER_BIT, _SPACE_BIT = 64, 128
_SCRIPT_BITS = _LETTER_BIT - 1
_TICK, _LESS, _GREATER, _LINE_END = 96, 60, 62, 10
_LONGEST_TAG = 80
_MOST_WORD_LETTERS = 9

# Words of English prose: those no other language of the script has often, and those that some have.
OWN_WORDS = (
    "the and that it you your are this have from with not but what when there can which their if each about "
    "how them then she these would into has than its who could only should because our any where does they "
    "were some other while between such both through before without just very much here why out up his "
    "been more may after let using use first new get make work know every don doesn isn"
)
SHARED_WORDS = "a of to in is for on as an or at was be most we so all will i he my me do had by no over one am her him now"
_OWN, _SHARED = 2, 1
_STRETCH_WORDS = 40
_STRETCH_SCORE, _STRETCH_OWN = 12, 3
_LEAST_SCORE = 10
_N_SLOTS = 1024
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


def _word_code(word: str) -> int:
    code = 0
    for letter in word:
        code = code << 5 | (ord(letter) & 31)
    return code


def _slot_of(code: int) -> int:
    return (code * int(_SPREAD) & 0xFFFFFFFFFFFFFFFF) >> 54


def _word_table() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Codes and weights of the words, each at the first free slot from its own."""
    codes = np.zeros(_N_SLOTS, dtype=np.int64)
    weights = np.zeros(_N_SLOTS, dtype=np.int64)
    for text, weight in ((OWN_WORDS, _OWN), (SHARED_WORDS, _SHARED)):
        for word in text.split():
            slot = _slot_of(_word_code(word))
            while codes[slot]:
                slot = (slot + 1) % _N_SLOTS
            codes[slot], weights[slot] = _word_code(word), weight
    return codes, weights


_CODES, _WEIGHTS = _word_table()


@functools.cache
def character_table(scripts: tuple[tuple[int, int, int], ...]) -> npt.NDArray[np.uint8]:
    """(n_codes,) uint8: number of the script (from 1, 0 for none) and whether it is a letter, white space.

    scripts: (number, first code point, last code point)
    """
    table = np.zeros(_N_CODES, dtype=np.uint8)
    for number, first, last in scripts:
        table[first : last + 1] = number
    every = "".join(map(chr, range(_N_CODES)))
    for pattern, bit in ((r"[^\W\d_]+", _LETTER_BIT), (r"\s+", _SPACE_BIT)):
        for run in re.finditer(pattern, every):
            table[run.start() : run.end()] |= bit
    return table


@nb.njit(nb.int64(nb.int64), cache=True, nogil=True)
def _weight(code: int) -> int:
    """2 for a word of English only, 1 for one of English and others, else 0."""
    slot = np.int64((np.uint64(code) * _SPREAD) >> np.uint64(54))
    while _CODES[slot] != 0:
        if _CODES[slot] == code:
            return _WEIGHTS[slot]
        slot = (slot + 1) % _N_SLOTS
    return 0


@nb.njit(
    nb.int64(TEXT, nb.int64, nb.int64, nb.int64, nb.int32[::1], nb.int64), cache=True, nogil=True
)
def _decode(  # noqa: PLR0917 - compiled functions take no keywords
    text: npt.NDArray[np.uint8],
    at: int,
    end: int,
    most: int,
    signs: npt.NDArray[np.int32],
    n_signs: int,
) -> int:
    """Write at most `most` characters behind the first `n_signs`; how many there are then."""
    most = min(most, len(signs) - n_signs)
    for _ in range(most):
        if at >= end:
            break
        letter = nb.int32(text[at])
        if letter < 0x80:
            at += 1
        elif letter < 0xE0:
            letter = (letter & 0x1F) << 6 | (text[at + 1] & 0x3F)
            at += 2
        elif letter < 0xF0:
            letter = (letter & 0x0F) << 12 | (text[at + 1] & 0x3F) << 6 | (text[at + 2] & 0x3F)
            at += 3
        else:
            high = (letter & 0x07) << 18 | (text[at + 1] & 0x3F) << 12
            letter = high | (text[at + 2] & 0x3F) << 6 | (text[at + 3] & 0x3F)
            at += 4
        signs[n_signs] = letter
        n_signs += 1
    return n_signs


@nb.njit(nb.int64(nb.int32[::1], nb.int64, nb.int64), cache=True, nogil=True)
def _behind_ticks(signs: npt.NDArray[np.int32], at: int, n: int) -> int:
    """Behind the code that begins with the backtick here; itself where none does."""
    if at + 2 < n and signs[at + 1] == _TICK and signs[at + 2] == _TICK:
        for end in range(at + 3, n - 2):
            if signs[end] == _TICK and signs[end + 1] == _TICK and signs[end + 2] == _TICK:
                return end + 3
        return n
    for end in range(at + 1, n):
        if signs[end] == _TICK:
            return end + 1
        if signs[end] == _LINE_END:
            break
    return at


@nb.njit(nb.int64(nb.int32[::1], nb.int64, nb.int64), cache=True, nogil=True)
def _behind_tag(signs: npt.NDArray[np.int32], at: int, n: int) -> int:
    for end in range(at + 1, min(n, at + _LONGEST_TAG + 2)):
        sign = signs[end]
        if sign == _GREATER:
            return end + 1 if end > at + 1 else at
        if sign in (_LESS, _LINE_END):
            break
    return at


@nb.njit(
    nb.int64(nb.int32[::1], nb.int64, nb.int64, nb.types.Array(nb.uint8, 1, "C")),
    cache=True,
    nogil=True,
)
def _behind_link(
    signs: npt.NDArray[np.int32], at: int, n: int, table: npt.NDArray[np.uint8]
) -> int:
    """Behind the `http://…` or `https://…` here, up to white space; itself where none begins."""
    if at + 7 >= n or signs[at + 1] != 116 or signs[at + 2] != 116 or signs[at + 3] != 112:
        return at
    end = at + 5 if signs[at + 4] == 115 else at + 4
    if end + 3 >= n or signs[end] != 58 or signs[end + 1] != 47 or signs[end + 2] != 47:
        return at
    first = end = end + 3
    while end < n and (signs[end] >= _N_CODES or not table[signs[end]] & _SPACE_BIT):
        end += 1
    return end if end > first else at


@nb.njit(
    nb.boolean(
        nb.int32[::1], nb.int64, nb.types.Array(nb.uint8, 1, "C"), nb.types.Array(nb.int64, 1, "C")
    ),
    cache=True,
    nogil=True,
)
def _survey_one(
    signs: npt.NDArray[np.int32],
    n: int,
    table: npt.NDArray[np.uint8],
    counts: npt.NDArray[np.int64],
) -> bool:
    """Add the letters and scripts of one text to `counts`; whether it reads as English throughout."""
    is_english, n_stretches = True, 0
    n_words, score, n_own, code, width, n_letters, n_wide, at = 0, 0, 0, 0, 0, 0, 0, 0
    while at <= n:
        sign = signs[at] if at < n else _LINE_END
        after = at
        if sign == _TICK:
            after = _behind_ticks(signs, at, n)
        elif sign == _LESS:
            after = _behind_tag(signs, at, n)
        elif sign == 104:
            after = _behind_link(signs, at, n, table)
        if after == at and 97 <= (sign | 32) <= 122:
            code = code << 5 | (sign & 31)
            width += 1
            n_letters += 1
            at += 1
            continue
        if width:
            n_words += 1
            weight = _weight(code) if width <= _MOST_WORD_LETTERS else 0
            score += weight
            n_own += weight == _OWN
            code = width = 0
            if n_words == _STRETCH_WORDS:
                is_english = is_english and score >= _STRETCH_SCORE and n_own >= _STRETCH_OWN
                n_stretches += 1
                n_words = score = n_own = 0
        if after > at:
            at = after
            continue
        if 0x80 <= sign < _N_CODES:
            kind = table[sign]
            n_wide += (kind & _LETTER_BIT) != 0
            counts[1 + (kind & _SCRIPT_BITS)] += 1
        at += 1
    counts[0] += n_letters + n_wide
    # the last stretch is shorter; alone, it needs a score of its own
    is_english = is_english and score * _STRETCH_WORDS >= _STRETCH_SCORE * (n_words - 3)
    is_english = is_english and n_own * _STRETCH_WORDS >= _STRETCH_OWN * (n_words - 3)
    is_enough = n_stretches > 0 or (score >= _LEAST_SCORE and n_own >= _STRETCH_OWN)
    return is_english and is_enough and n_wide * 50 <= n_letters


@nb.njit(
    nb.types.Tuple((nb.int64[:, ::1], nb.boolean[::1]))(
        TEXT,
        nb.types.Array(nb.int64, 1, "C"),
        nb.types.Array(nb.int64, 1, "C"),
        nb.types.Array(nb.boolean, 1, "C"),
        nb.types.Array(nb.uint8, 1, "C"),
        nb.types.UniTuple(nb.int64, 3),
    ),
    cache=True,
    nogil=True,
)
def survey(  # noqa: PLR0917 - compiled functions take no keywords
    text: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int64],
    starts: npt.NDArray[np.int64],
    wanted: npt.NDArray[np.bool_],
    table: npt.NDArray[np.uint8],
    limits: tuple[int, int, int],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Letters by script of each row, and whether the row reads as English throughout.

    text:    (n_bytes,) uint8, the UTF-8 of all messages
    offsets: (n_messages + 1,) int64 into `text`
    starts:  (n_rows + 1,) int64, messages of each row
    wanted:  (n_messages,) bool, messages to look at; of the others only their place counts
    table:   of `character_table`
    limits:  characters of a message and of a row that are looked at, and how many scripts there are

    Gives (n_rows, 2 + n_scripts) int64: all letters, characters beyond ASCII of no script listed, then
    those of each script; and (n_rows,) bool.
    """
    n_rows = len(starts) - 1
    message_signs, row_signs, n_scripts = limits
    counts = np.zeros((n_rows, 2 + n_scripts), dtype=np.int64)
    english = np.zeros(n_rows, dtype=np.bool_)
    signs = np.empty(row_signs, dtype=np.int32)
    for row in range(n_rows):
        n_signs = 0
        for message in range(starts[row], starts[row + 1]):
            if n_signs >= row_signs:
                break
            if message > starts[row]:
                signs[n_signs] = _LINE_END
                n_signs += 1
            if wanted[message]:
                begin, end = offsets[message], offsets[message + 1]
                n_signs = _decode(text, begin, end, message_signs, signs, n_signs)
        english[row] = _survey_one(signs, n_signs, table, counts[row])
    return counts, english
