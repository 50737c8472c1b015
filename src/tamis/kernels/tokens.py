# numba has no types
# mypy: disable-error-code="untyped-decorator,no-any-return,no-untyped-call,return-value"

"""Splits text into tokens and gives each a 64-bit hash, straight on Arrow's bytes.

The rule, the same for every script:

- a run of letters and digits is one token, case folded up to U+052F (Latin, Greek, Cyrillic); digits
  stay as they are, because erasing them makes different maths problems equal;
- a character of a script written without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese,
  Tibetan, Yi) is one token, so is an emoji, and so is each of `+ - * / = < > ^ %` and the other
  mathematical signs: `2 + 3` is not `2 - 3`;
- everything else (white space, punctuation, box drawing, variation selectors) only separates.

The plain-Python twin is `reference.tokens`; both read the one table below.
"""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

from tamis.kernels.characters import FOLDED, KINDS, SEPARATOR, SINGLE, WORD
from tamis.kernels.eights import ALL_BITS, CASE_BITS, TEXT, n_word_bytes, next_eight

WORD_SEED = 0xCBF29CE484222325
WORD_STEP = 0xA0761D6478BD642F
MIX_1 = 0xFF51AFD7ED558CCD
MIX_2 = 0xC4CEB9FE1A85EC53

_SEED = np.uint64(WORD_SEED)
_STEP = np.uint64(WORD_STEP)
_MIX_1 = np.uint64(MIX_1)
_MIX_2 = np.uint64(MIX_2)
_33 = np.uint64(33)
_SPACE = ord(" ")
_HALF = np.uint64(32)
# keeps the step of a character apart from the step of the ASCII letters with the same bits
_NOT_ASCII = np.uint64(1 << 63)
_N_FOLDED = len(FOLDED)
_ASTRAL_SINGLE = 0x1F000
_ASTRAL_SEPARATOR = 0xE0000

HASHES = nb.types.Array(nb.uint64, 1, "C")
_PAIR = nb.types.UniTuple(nb.int64, 2)


@nb.njit(nb.uint64(nb.uint64), cache=True, nogil=True, inline="always")
def mix(value: np.uint64) -> np.uint64:
    """Spread every bit of a hash over all 64 (the finaliser of MurmurHash3, public domain)."""
    value ^= value >> _33
    value *= _MIX_1
    value ^= value >> _33
    value *= _MIX_2
    value ^= value >> _33
    return value


@nb.njit(_PAIR(TEXT, nb.int64), cache=True, nogil=True, inline="always")
def character_at(text: npt.NDArray[np.uint8], at: int) -> tuple[int, int]:
    """Code point and width in bytes of the multi-byte character at `at`; the text is valid UTF-8."""
    first = np.int64(text[at])
    if first < 0xE0:
        return ((first & 0x1F) << 6) | (np.int64(text[at + 1]) & 0x3F), 2
    if first < 0xF0:
        middle = (np.int64(text[at + 1]) & 0x3F) << 6
        return ((first & 0x0F) << 12) | middle | (np.int64(text[at + 2]) & 0x3F), 3
    high = (np.int64(text[at + 1]) & 0x3F) << 12
    middle = (np.int64(text[at + 2]) & 0x3F) << 6
    return ((first & 0x07) << 18) | high | middle | (np.int64(text[at + 3]) & 0x3F), 4


@nb.njit(nb.int64(nb.int64), cache=True, nogil=True, inline="always")
def _kind(code: int) -> int:
    if code < 0x10000:
        return np.int64(KINDS[code])
    if code < _ASTRAL_SINGLE:
        return WORD
    return SINGLE if code < _ASTRAL_SEPARATOR else SEPARATOR


@nb.njit(nb.int64(TEXT, nb.int64, nb.int64, HASHES, nb.int64), cache=True, nogil=True)
def hash_tokens(
    text: npt.NDArray[np.uint8], start: int, end: int, out: npt.NDArray[np.uint64], n: int
) -> int:
    """Write the hashes of the tokens of `text[start:end]` to `out[n:]`; returns the new count.

    `out` must have room for `end - start` more: a token is at least one byte. A word is hashed by
    steps from its start: up to eight ASCII letters and digits at once, or one other letter.
    """
    at = start
    word = _SEED
    is_open = False
    while at < end:
        eight = next_eight(text, at, end)
        length = n_word_bytes(eight)
        if length > 0:
            wanted = ALL_BITS >> np.uint64(64 - 8 * length)
            word = (word ^ ((eight | CASE_BITS) & wanted)) * _STEP
            word ^= word >> _HALF
            is_open = True
            at += length
            if length == 8 or at >= end:
                continue
            if text[at] == _SPACE:  # as most words end
                out[n] = mix(word)
                n += 1
                word = _SEED
                is_open = False
                at += 1
                continue
        code = np.int64(text[at])
        width = 1
        if code >= 128:
            code, width = character_at(text, at)
        at += width
        kind = _kind(code)
        if kind == WORD:
            folded = np.uint64(FOLDED[code]) if code < _N_FOLDED else np.uint64(code)
            word = (word ^ folded ^ _NOT_ASCII) * _STEP
            word ^= word >> _HALF
            is_open = True
            continue
        if is_open:
            out[n] = mix(word)
            n += 1
            word = _SEED
            is_open = False
        if kind == SINGLE:
            out[n] = mix((_SEED ^ np.uint64(code) ^ _NOT_ASCII) * _STEP)
            n += 1
    if is_open:
        out[n] = mix(word)
        n += 1
    return n
