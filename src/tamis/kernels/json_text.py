# numba has no types
# mypy: disable-error-code="untyped-decorator,no-any-return,no-untyped-call,return-value"

"""Walks JSON text without building anything: texts, numbers, whole values, all checked on the way.

Every function takes `text`, a place `at` and the `end` of its row, and gives the place behind what it
read, or `REFUSED`. It refuses whatever a strict JSON reader refuses, and a few things more. `text`
must go on for `PADDING` bytes behind the last row, because bytes are looked at eight at a time.

These are pieces of the kernels in `json_rows` and `json_columns`: compiled into them, never alone.
Their plain-Python twin is the `json` module of the standard library.
"""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

from tamis.kernels.machine import eight_bytes, trailing_zeros

REFUSED = -1
MAX_LEVELS = 48

Text = npt.NDArray[np.uint8]
# Arrow's buffers and files come to numpy read-only; a writable array is accepted as well
TEXT = nb.types.Array(nb.uint8, 1, "C", readonly=True)

_ONES = 0x0101010101010101
_TOP_BITS = np.uint64(0x80 * _ONES)
_STEP = np.uint64(_ONES)
_QUOTES = np.uint64(ord('"') * _ONES)
_BACKSLASHES = np.uint64(ord("\\") * _ONES)
_SPACES = np.uint64(0x20 * _ONES)

QUOTE, BACKSLASH, COMMA, COLON, MINUS = (ord(c) for c in '"\\,:-')
OPEN_OBJECT, CLOSE_OBJECT, OPEN_LIST, CLOSE_LIST = (ord(c) for c in "{}[]")
LOW_N = ord("n")
_SPACE, _TAB, _RETURN, _NEWLINE = (ord(c) for c in " \t\r\n")
_LOW_U, _LOW_T, _LOW_F, _LOW_E, _HIGH_E = (ord(c) for c in "utfeE")
_PLUS, _DOT, _ZERO, _NINE = (ord(c) for c in "+.09")
_SIMPLE_ESCAPES = '"\\/bfnrt'
ESCAPED = np.zeros(256, dtype=np.uint8)
ESCAPED[[ord(c) for c in _SIMPLE_ESCAPES]] = [ord(c) for c in '"\\/\b\f\n\r\t']
_HEX = np.full(256, -1, dtype=np.int64)
_HEX[[ord(c) for c in "0123456789abcdefABCDEF"]] = [*range(16), *range(10, 16)]


@nb.njit(_nrt=False)
def first_backslash(word: np.uint64) -> int:
    """Place of the first backslash in eight bytes, 8 when there is none."""
    found = word ^ _BACKSLASHES
    return np.int64(trailing_zeros((found - _STEP) & ~found & _TOP_BITS) >> np.uint64(3))


@nb.njit(_nrt=False)
def _first_special(word: np.uint64) -> int:
    """Place of the first byte of eight that is no plain ASCII inside a text, 8 when there is none."""
    # the lowest bit of each test is right; bits above a right one may not be, and do not matter
    quote = word ^ _QUOTES
    backslash = word ^ _BACKSLASHES
    found = (
        ((quote - _STEP) & ~quote)
        | ((backslash - _STEP) & ~backslash)
        | ((word - _SPACES) & ~word)
        | word
    ) & _TOP_BITS
    return np.int64(trailing_zeros(found) >> np.uint64(3))


@nb.njit(_nrt=False)
def skip_blank(text: Text, at: int, end: int) -> int:
    """The next byte that is no white space, or `end`."""
    while at < end:
        byte = text[at]
        # one by one, because numba makes a loop of `in`
        if byte != _SPACE and byte != _NEWLINE and byte != _TAB and byte != _RETURN:  # noqa: PLR1714
            return at
        at += 1
    return at


@nb.njit(_nrt=False)
def unit_at(text: Text, at: int) -> int:
    """The number four hexadecimal digits stand for, -1 if they are none."""
    one, two, three, four = (
        _HEX[text[at]],
        _HEX[text[at + 1]],
        _HEX[text[at + 2]],
        _HEX[text[at + 3]],
    )
    if one < 0 or two < 0 or three < 0 or four < 0:
        return -1
    return (one << 12) | (two << 8) | (three << 4) | four


@nb.njit(_nrt=False)
def _skip_escape(text: Text, at: int) -> int:
    """Behind the escape at `at`; half a surrogate pair is none."""
    if text[at + 1] != _LOW_U:
        return at + 2 if ESCAPED[text[at + 1]] else REFUSED
    unit = unit_at(text, at + 2)
    if unit < 0 or 0xDC00 <= unit < 0xE000:
        return REFUSED
    if unit < 0xD800 or unit >= 0xE000:
        return at + 6
    if text[at + 6] != BACKSLASH or text[at + 7] != _LOW_U:
        return REFUSED
    low = unit_at(text, at + 8)
    return at + 12 if 0xDC00 <= low < 0xE000 else REFUSED


@nb.njit(_nrt=False)
def _is_tail(byte: int) -> bool:
    return byte & 0xC0 == 0x80


@nb.njit(_nrt=False)
def _skip_wide(text: Text, at: int) -> int:
    """Behind the characters of several bytes that start at `at`, if they are UTF-8."""
    first = text[at]
    while first >= 0x80:
        second = text[at + 1]
        if not _is_tail(second) or first < 0xC2 or first > 0xF4:
            return REFUSED
        if first < 0xE0:
            at += 2
        elif first < 0xF0:
            # E0 may not spell what two bytes can, ED no surrogate
            if (
                (first == 0xE0 and second < 0xA0)
                or (first == 0xED and second > 0x9F)
                or not _is_tail(text[at + 2])
            ):
                return REFUSED
            at += 3
        else:
            if (
                (first == 0xF0 and second < 0x90)
                or (first == 0xF4 and second > 0x8F)
                or not _is_tail(text[at + 2])
                or not _is_tail(text[at + 3])
            ):
                return REFUSED
            at += 4
        first = text[at]
    return at


@nb.njit(_nrt=False)
def skip_text(text: Text, at: int, end: int) -> tuple[int, bool]:
    """Behind the closing quote of the text whose first byte is at `at`, and whether it has escapes."""
    is_escaped = False
    while at < end:
        place = _first_special(eight_bytes(text, at))
        at += place
        if place == 8:
            continue
        byte = text[at]
        if at >= end or byte < _SPACE:
            return REFUSED, False
        if byte == QUOTE:
            return at + 1, is_escaped
        if byte == BACKSLASH:
            is_escaped = True
            at = _skip_escape(text, at)
        else:
            at = _skip_wide(text, at)
        # what runs past the end is refused by the loop
        if at < 0:
            return REFUSED, False
    return REFUSED, False


@nb.njit(_nrt=False)
def _skip_digits(text: Text, at: int) -> int:
    first = at
    # padding and the next row's brace are no digits
    while _ZERO <= text[at] <= _NINE:
        at += 1
    return at if at > first else REFUSED


@nb.njit(_nrt=False)
def _skip_number(text: Text, at: int) -> int:
    if text[at] == MINUS:
        at += 1
    if text[at] == _ZERO:
        at += 1
    else:
        at = _skip_digits(text, at)
    if at >= 0 and text[at] == _DOT:
        at = _skip_digits(text, at + 1)
    if at >= 0 and (text[at] == _LOW_E or text[at] == _HIGH_E):
        at += 1
        if text[at] == _PLUS or text[at] == MINUS:
            at += 1
        at = _skip_digits(text, at)
    return at


@nb.njit(_nrt=False)
def _skip_word(text: Text, at: int) -> int:
    """Behind `true`, `false` or `null`."""
    first, second, third, fourth = text[at], text[at + 1], text[at + 2], text[at + 3]
    if first == _LOW_T and second == 114 and third == _LOW_U and fourth == _LOW_E:
        return at + 4
    if first == LOW_N and second == _LOW_U and third == 108 and fourth == 108:
        return at + 4
    if first == _LOW_F and second == 97 and third == 108 and fourth == 115:
        return at + 5 if text[at + 4] == _LOW_E else REFUSED
    return REFUSED


@nb.njit(_nrt=False)
def skip_plain(text: Text, at: int, end: int) -> int:
    """Behind a text, a number, or one of the three words."""
    if at >= end:
        return REFUSED
    byte = text[at]
    if byte == QUOTE:
        at, _ = skip_text(text, at + 1, end)
        return at
    if byte == MINUS or _ZERO <= byte <= _NINE:
        return _skip_number(text, at)
    return _skip_word(text, at)


@nb.njit(_nrt=False)
def open_member(text: Text, at: int, end: int) -> tuple[int, int, bool]:
    """The member whose key stands at `at`: ends of key (behind its quote) and colon, is it escaped."""
    if at >= end or text[at] != QUOTE:
        return REFUSED, REFUSED, False
    key_end, is_escaped = skip_text(text, at + 1, end)
    if key_end < 0:
        return REFUSED, REFUSED, False
    at = skip_blank(text, key_end, end)
    if at >= end or text[at] != COLON:
        return REFUSED, REFUSED, False
    return key_end, skip_blank(text, at + 1, end), is_escaped


@nb.njit(_nrt=False)
def skip_value(text: Text, at: int, end: int) -> int:
    """Behind any value of at most `MAX_LEVELS` levels."""
    depth = 0
    kinds = np.uint64(0)  # of the open levels, one bit each, the innermost lowest; 1 is an object
    one = np.uint64(1)
    while at < end:
        byte = text[at]
        if byte == OPEN_OBJECT or byte == OPEN_LIST:  # noqa: PLR1714, SIM109
            is_object = byte == OPEN_OBJECT
            depth += 1
            kinds = (kinds << one) | np.uint64(is_object)
            at = skip_blank(text, at + 1, end)
            if depth > MAX_LEVELS or at >= end:
                return REFUSED
            if text[at] != (CLOSE_OBJECT if is_object else CLOSE_LIST):
                if is_object:
                    _, at, _ = open_member(text, at, end)
                    if at < 0:
                        return REFUSED
                continue
        else:
            at = skip_plain(text, at, end)
            if at < 0:
                return REFUSED
            if depth == 0:
                return at
            at = skip_blank(text, at, end)
        while at < end and text[at] == (CLOSE_OBJECT if kinds & one else CLOSE_LIST):
            depth -= 1
            kinds >>= one
            at += 1
            if depth == 0:
                return at
            at = skip_blank(text, at, end)
        if at >= end or text[at] != COMMA:
            return REFUSED
        at = skip_blank(text, at + 1, end)
        if kinds & one:
            _, at, _ = open_member(text, at, end)
            if at < 0:
                return REFUSED
    return REFUSED


@nb.njit(_nrt=False)
def next_member(text: Text, at: int, end: int, closing: int) -> tuple[int, bool]:
    """What follows a member or element: the next one's place and True, or behind `closing` and False."""
    at = skip_blank(text, at, end)
    if at >= end:
        return REFUSED, False
    if text[at] == COMMA:
        return skip_blank(text, at + 1, end), True
    if text[at] == closing:
        return at + 1, False
    return REFUSED, False


@nb.njit(_nrt=False)
def is_null(text: Text, at: int) -> bool:
    """Whether `null` stands at `at` (what follows it is the caller's to check)."""
    return text[at] == LOW_N and _skip_word(text, at) > 0
