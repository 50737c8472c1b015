# numba has no types
# mypy: disable-error-code="untyped-decorator,no-any-return,no-untyped-call,return-value,assignment"

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

from tamis.kernels.eights import ALL_BITS, CASE_BITS, TEXT, head_end, n_letter_bytes, next_eight
from tamis.kernels.tokens import character_at

# planes beyond hold no letters
_N_CODES = 0x32400
_LETTER_BIT, _SPACE_BIT = 64, 128
_SCRIPT_BITS = _LETTER_BIT - 1
_TICK, _LESS, _GREATER, _LINE_END, _SLASH, _COLON, _SPACE = (ord(c) for c in "`<>\n/: ")
_LINK = np.frombuffer(b"https", dtype=np.uint8)
_LONGEST_TAG = 80

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
# what is known of a row's words so far: those of the open stretch first
_N_WORDS, _SCORE, _N_OWN, _N_STRETCHES, _N_ENGLISH, _N_WIDE, _N_STATES = range(7)
_N_SLOTS, _SLOT_SHIFT = 2048, np.uint64(64 - 11)
# found by trial: no two of the words share a slot
_SPREAD = np.uint64(0xC4647159C324C985)


def _word_code(word: str) -> int:
    """A word of at most eight letters as one number, the first letter lowest."""
    return int.from_bytes(word.encode(), "little")


def _slot_of(code: int) -> int:
    return (code * int(_SPREAD) & 0xFFFFFFFFFFFFFFFF) >> int(_SLOT_SHIFT)


def _word_table() -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """Codes and weights of the words, each in a slot of its own."""
    codes = np.zeros(_N_SLOTS, dtype=np.uint64)
    weights = np.zeros(_N_SLOTS, dtype=np.int64)
    for text, weight in ((OWN_WORDS, _OWN), (SHARED_WORDS, _SHARED)):
        for word in text.split():
            slot = _slot_of(_word_code(word))
            assert codes[slot] == 0, f"{word}: choose another _SPREAD"
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


@nb.njit(nb.int64(nb.uint64), cache=True, nogil=True, inline="always")
def _weight(code: np.uint64) -> int:
    """2 for a word of English only, 1 for one of English and others, else 0."""
    slot = np.int64((code * _SPREAD) >> _SLOT_SHIFT)
    return _WEIGHTS[slot] * np.int64(_CODES[slot] == code)


@nb.njit(nb.int64(TEXT, nb.int64, nb.int64), cache=True, nogil=True)
def _n_chars(text: npt.NDArray[np.uint8], at: int, end: int) -> int:
    n = 0
    for place in range(at, end):
        n += (text[place] & 0xC0) != 0x80
    return n


@nb.njit(nb.int64(TEXT, nb.int64, nb.int64), cache=True, nogil=True)
def _behind_ticks(text: npt.NDArray[np.uint8], at: int, n: int) -> int:
    """Behind the code that begins with the backtick here; itself where none does."""
    if at + 2 < n and text[at + 1] == _TICK and text[at + 2] == _TICK:
        for end in range(at + 3, n - 2):
            if text[end] == _TICK and text[end + 1] == _TICK and text[end + 2] == _TICK:
                return end + 3
        return n
    for end in range(at + 1, n):
        if text[end] == _TICK:
            return end + 1
        if text[end] == _LINE_END:
            break
    return at


@nb.njit(nb.int64(TEXT, nb.int64, nb.int64), cache=True, nogil=True)
def _behind_tag(text: npt.NDArray[np.uint8], at: int, n: int) -> int:
    n_inside = 0
    for end in range(at + 1, n):
        byte = text[end]
        if byte == _GREATER:
            return end + 1 if n_inside else at
        n_inside += (byte & 0xC0) != 0x80
        if byte == _LESS or byte == _LINE_END or n_inside > _LONGEST_TAG:  # noqa: PLR1714, SIM109
            break
    return at


@nb.njit(nb.int64(TEXT, nb.int64, nb.int64), cache=True, nogil=True)
def _n_link(text: npt.NDArray[np.uint8], word: int, at: int) -> int:
    """Letters of `http` or `https` at the end of the word; 0 where it ends otherwise."""
    n_letters = 5 if at - word >= 5 and text[at - 1] == _LINK[4] else 4
    if at - word < n_letters:
        return 0
    for place in range(n_letters):
        if text[at - n_letters + place] != _LINK[place]:
            return 0
    return n_letters


@nb.njit(
    nb.int64(TEXT, nb.int64, nb.int64, nb.int64, nb.types.Array(nb.uint8, 1, "C")),
    cache=True,
    nogil=True,
)
def _behind_link(
    text: npt.NDArray[np.uint8], word: int, at: int, n: int, table: npt.NDArray[np.uint8]
) -> int:
    """Behind the `http://…` or `https://…` whose colon stands at `at`, up to white space.

    -1 where the letters from `word` on do not end so, or nothing follows.
    """
    if (
        at + 3 >= n
        or text[at + 1] != _SLASH
        or text[at + 2] != _SLASH
        or _n_link(text, word, at) == 0
    ):
        return -1
    end = at + 3
    while end < n:
        code, width = np.int64(text[end]), 1
        if code >= 0x80:
            code, width = character_at(text, end)
        if code < _N_CODES and table[code] & _SPACE_BIT:
            break
        end += width
    return end if end > at + 3 else -1


@nb.njit(nb.boolean(nb.int64, nb.int64), cache=True, nogil=True, inline="always")
def _is_english(score: int, n_own: int) -> bool:
    return score >= _STRETCH_SCORE and n_own >= _STRETCH_OWN


@nb.njit(
    nb.void(
        TEXT, nb.int64, nb.int64, nb.types.Array(nb.uint8, 1, "C"), nb.int64[::1], nb.int64[::1]
    ),
    cache=True,
    nogil=True,
)
def _survey_text(  # noqa: PLR0917 - compiled functions take no keywords
    text: npt.NDArray[np.uint8],
    at: int,
    end: int,
    table: npt.NDArray[np.uint8],
    counts: npt.NDArray[np.int64],
    state: npt.NDArray[np.int64],
) -> None:
    """Add the letters and scripts of one text to `counts`, its words to `state`."""
    # as numbers of their own, because numba keeps no element of an array in a register
    n_words, score, n_own, n_letters = state[_N_WORDS], state[_SCORE], state[_N_OWN], 0
    while at < end:
        eight = next_eight(text, at, end)
        width = n_letter_bytes(eight)
        if width:
            word = at
            at += width
            while width == 8 and at < end:
                width = n_letter_bytes(next_eight(text, at, end))
                at += width
            width = at - word
            behind = -1
            if at < end and text[at] == _COLON:
                behind = _behind_link(text, word, at, end, table)
                width -= _n_link(text, word, at) if behind >= 0 else 0
            n_letters += width
            n_words += width > 0
            if 0 < width <= 8:
                wanted = ALL_BITS >> np.uint64(64 - 8 * width)
                weight = _weight((eight | CASE_BITS) & wanted)
                score += weight
                n_own += weight == _OWN
            if n_words == _STRETCH_WORDS:
                state[_N_ENGLISH] += _is_english(score, n_own)
                state[_N_STRETCHES] += 1
                n_words = score = n_own = 0
            at = max(at, behind)
            if at < end and text[at] == _SPACE:  # as most words end
                at += 1
            continue
        byte = text[at]
        if byte >= 0x80:
            letter, n_bytes = character_at(text, at)
            if letter < _N_CODES:
                kind = table[letter]
                is_letter = (kind & _LETTER_BIT) != 0
                state[_N_WIDE] += is_letter
                n_letters += is_letter
                counts[1 + (kind & _SCRIPT_BITS)] += 1
            at += n_bytes
        elif byte == _TICK:
            at = max(at + 1, _behind_ticks(text, at, end))
        elif byte == _LESS:
            at = max(at + 1, _behind_tag(text, at, end))
        else:
            at += 1
    state[_N_WORDS], state[_SCORE], state[_N_OWN] = n_words, score, n_own
    counts[0] += n_letters


@nb.njit(nb.boolean(nb.int64, nb.int64[::1]), cache=True, nogil=True)
def _reads_as_english(n_letters: int, state: npt.NDArray[np.int64]) -> bool:
    if state[_N_ENGLISH] < state[_N_STRETCHES] or state[_N_WIDE] * 51 > n_letters:
        return False
    # the last stretch is shorter; alone, it needs a score of its own
    n_words, score, n_own = state[_N_WORDS], state[_SCORE], state[_N_OWN]
    if score * _STRETCH_WORDS < _STRETCH_SCORE * (n_words - 3):
        return False
    if n_own * _STRETCH_WORDS < _STRETCH_OWN * (n_words - 3):
        return False
    return state[_N_STRETCHES] > 0 or (score >= _LEAST_SCORE and n_own >= _STRETCH_OWN)


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
    wanted:  (n_messages,) bool, messages to look at
    table:   of `character_table`
    limits:  characters of a message and of a row that are looked at, and how many scripts there are

    Gives (n_rows, 2 + n_scripts) int64: all letters, characters beyond ASCII of no script listed, then
    those of each script; and (n_rows,) bool.
    """
    n_rows = len(starts) - 1
    of_message, of_row, n_scripts = limits
    counts = np.zeros((n_rows, 2 + n_scripts), dtype=np.int64)
    english = np.zeros(n_rows, dtype=np.bool_)
    state = np.zeros(_N_STATES, dtype=np.int64)
    for row in range(n_rows):
        state[:] = 0
        left = of_row
        for message in range(starts[row], starts[row + 1]):
            if not wanted[message] or left <= 0:
                continue
            begin = offsets[message]
            end = head_end(text, begin, offsets[message + 1], min(left, of_message))
            _survey_text(text, begin, end, table, counts[row], state)
            left -= _n_chars(text, begin, end)
        english[row] = _reads_as_english(counts[row, 0], state)
    return counts, english
