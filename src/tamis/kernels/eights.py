# numba has no types
# mypy: disable-error-code="untyped-decorator,no-any-return,no-untyped-call,return-value"

"""Eight bytes of a text looked at together: how many of them belong to a word."""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

from tamis.kernels.machine import eight_bytes, trailing_zeros

# Arrow's buffers come to numpy read-only; a writable array is accepted as well
TEXT = nb.types.Array(nb.uint8, 1, "C", readonly=True)

_ONES = 0x0101010101010101
ALL_BITS = np.uint64(0xFFFFFFFFFFFFFFFF)
# set in the small letter, not in the capital
CASE_BITS = np.uint64(0x20 * _ONES)
_TOP_BITS = np.uint64(0x80 * _ONES)
_LOW_BITS = np.uint64(0x7F * _ONES)
_FROM_A = np.uint64((0x80 - ord("a")) * _ONES)
_PAST_Z = np.uint64((0x7F - ord("z")) * _ONES)
_FROM_0 = np.uint64((0x80 - ord("0")) * _ONES)
_PAST_9 = np.uint64((0x7F - ord("9")) * _ONES)
_WIDTH = np.uint64(64)
_3 = np.uint64(3)


@nb.njit(nb.uint64(TEXT, nb.int64, nb.int64), cache=True, nogil=True, inline="always")
def next_eight(text: npt.NDArray[np.uint8], at: int, end: int) -> np.uint64:
    """Up to eight bytes from `at`, the first lowest; bytes past `end` are 0. `at` is before `end`."""
    if at + 8 <= len(text):
        number = eight_bytes(text, at)
        if at + 8 <= end:
            return number
        return number & (ALL_BITS >> (_WIDTH - (np.uint64(end - at) << _3)))
    number = np.uint64(0)
    for offset in range(end - at):
        number |= np.uint64(text[at + offset]) << np.uint64(8 * offset)
    return number


@nb.njit(nb.uint64(nb.uint64), cache=True, nogil=True, inline="always")
def _letters(low: np.uint64) -> np.uint64:
    """The top bit of each byte that is an ASCII letter; `low` has no top bits."""
    folded = low | CASE_BITS
    # the top bit of each byte of these sums says whether it reaches the bound; no sum carries over
    return (folded + _FROM_A) & ~(folded + _PAST_Z)


@nb.njit(nb.int64(nb.uint64), cache=True, nogil=True, inline="always")
def n_letter_bytes(number: np.uint64) -> int:
    """How many of the lowest bytes are ASCII letters."""
    outside = ~(_letters(number & _LOW_BITS) & ~number) & _TOP_BITS
    return np.int64(trailing_zeros(outside) >> _3)


@nb.njit(nb.int64(nb.uint64), cache=True, nogil=True, inline="always")
def n_word_bytes(number: np.uint64) -> int:
    """How many of the lowest bytes are ASCII letters or digits."""
    low = number & _LOW_BITS
    digits = (low + _FROM_0) & ~(low + _PAST_9)
    outside = ~((_letters(low) | digits) & ~number) & _TOP_BITS
    return np.int64(trailing_zeros(outside) >> _3)


@nb.njit(nb.int64(TEXT, nb.int64, nb.int64, nb.int64), cache=True, nogil=True)
def head_end(text: npt.NDArray[np.uint8], at: int, end: int, most: int) -> int:
    """Behind the first `most` characters."""
    if end - at <= most:
        return end
    n = 0
    while at < end:
        # a byte that goes on with a character starts none
        n += (text[at] & 0xC0) != 0x80
        if n > most:
            break
        at += 1
    return at
