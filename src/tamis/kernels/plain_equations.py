# numba has no types
# mypy: disable-error-code="untyped-decorator,no-any-return,no-untyped-call,return-value"

"""Passes over the texts whose equations are all plain and right, straight on their bytes.

The exact reader (`checks.equations`) costs tens of microseconds a line. Most equations are numbers joined
by `+ - * / × ÷`, stand behind a word or a mark and before one, and hold; a calculator's note may stand
before the result (`48/2 = <<48/2=24>>24`). A text in which every `=` is of that kind, or has no operand
on one of its sides, needs no exact reading: there the exact reader would find nothing. Whatever is not
certainly so needs one. Fractions are pairs of int64; a number that could overflow needs the exact reader.
"""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

from tamis.kernels.eights import TEXT

_MOST_DIGITS = 15
_MOST_OPERATORS = 16
_MOST_NOTE_BYTES = 200
_LARGEST = 2.0**62
_TENS = np.array([10**n for n in range(_MOST_DIGITS + 1)], dtype=np.int64)

_SPACE, _LINE_END, _RETURN, _EQUALS, _DOLLAR = 32, 10, 13, 61, 36
_PLUS, _MINUS, _TIMES, _OVER = 43, 45, 42, 47
_DOT, _COMMA, _LESS, _GREATER = 46, 44, 60, 62
_NONE, _UNCLEAR = 0, -1


def _table(signs: str) -> npt.NDArray[np.bool_]:
    table = np.zeros(256, dtype=np.bool_)
    table[[ord(sign) for sign in signs]] = True
    return table


def _codes(signs: str) -> npt.NDArray[np.int64]:
    return np.array([int.from_bytes(sign.encode(), "big") for sign in signs], dtype=np.int64)


# what may end a left side or begin a right side, beside whatever is not ASCII
_ENDS_OPERAND = _table("0123456789)%}]")
_BEGINS_OPERAND = _table("0123456789.$(<[\\*-+")
_CLEAR_BEFORE = _table(".,:;!?(\"'")
_CLEAR_AFTER = _table(".,:;!?)]}\"'")
_WIDE_MARKS = _codes("、。，：；！？")
_WIDE_OPERATORS = _codes("加上减去乘除以于等")
_FIRST_IDEOGRAPH, _PAST_IDEOGRAPHS = 0xE4B880, 0xE9BFC0  # U+4E00 to U+9FFF
_OPERATORS_BEFORE = tuple(
    word.encode() for word in ("plus", "minus", "times", "by", "of", "x", "X")
)
_OPERATORS_AFTER = tuple(
    word.encode() for word in ("plus", "minu", "time", "mult", "divi", "x", "X")
)

_NUMBER = nb.types.UniTuple(nb.int64, 3)
_SIDE = nb.types.UniTuple(nb.int64, 4)


@nb.njit(nb.boolean(nb.uint8), cache=True, nogil=True, inline="always")
def _is_digit(letter: int) -> bool:
    return 48 <= letter <= 57


@nb.njit(nb.boolean(nb.uint8), cache=True, nogil=True, inline="always")
def _is_letter(letter: int) -> bool:
    return 97 <= (letter | 32) <= 122


@nb.njit(nb.int64(TEXT, nb.int64, nb.int64), cache=True, nogil=True)
def _before_spaces(text: npt.NDArray[np.uint8], low: int, at: int) -> int:
    while at > low and text[at - 1] == _SPACE:
        at -= 1
    return at


@nb.njit(nb.int64(TEXT, nb.int64, nb.int64), cache=True, nogil=True)
def _behind_spaces(text: npt.NDArray[np.uint8], at: int, high: int) -> int:
    while at < high and text[at] == _SPACE:
        at += 1
    return at


@nb.njit(_NUMBER(TEXT, nb.int64, nb.int64), cache=True, nogil=True)
def _number(text: npt.NDArray[np.uint8], start: int, end: int) -> tuple[int, int, int]:
    """(1, all digits as one number, digits behind the point); (0, 0, 0) if it is not written plainly."""
    refused = (0, 0, 0)
    n_digits, decimals, comma, point, mantissa = 0, 0, -1, -1, 0
    for at in range(start, end):
        letter = text[at]
        if _is_digit(letter):
            mantissa = mantissa * 10 + letter - 48
            n_digits += 1
            decimals += point >= 0
            if n_digits > _MOST_DIGITS:
                return refused
        elif letter == _COMMA:
            # thousands: one to three digits, then groups of three
            width = at - start if comma < 0 else at - comma - 1
            if point >= 0 or width > 3 or width == 0 or (comma >= 0 and width != 3):
                return refused
            comma = at
        elif letter == _DOT and point < 0:
            if comma >= 0 and at - comma != 4:
                return refused
            point = at
        else:
            return refused
    if comma >= 0 and point < 0 and end - comma != 4:
        return refused
    if end - start > 1 and text[start] == 48 and text[start + 1] != _DOT:
        return refused
    if n_digits == 0 or not _is_digit(text[start]) or not _is_digit(text[end - 1]):
        return refused
    return (1, mantissa, decimals)


@nb.njit(nb.boolean(nb.uint8), cache=True, nogil=True, inline="always")
def _is_of_number(letter: int) -> bool:
    return _is_digit(letter) or letter in (_DOT, _COMMA)


@nb.njit(nb.int64(TEXT, nb.int64, nb.int64), cache=True, nogil=True)
def _number_end(text: npt.NDArray[np.uint8], at: int, high: int) -> int:
    """Where the number that begins here ends; a full stop or comma behind it is not its own."""
    end = at
    while end < high and _is_of_number(text[end]):
        end += 1
    while end > at and not _is_digit(text[end - 1]):
        end -= 1
    return end


@nb.njit(nb.types.UniTuple(nb.int64, 2)(TEXT, nb.int64, nb.int64), cache=True, nogil=True)
def _operator_before(text: npt.NDArray[np.uint8], low: int, at: int) -> tuple[int, int]:
    """The sign that ends at `at`, as one of `+ - * /`, and its start; `_NONE` if there is none."""
    if at > low:
        letter = text[at - 1]
        if letter in (_PLUS, _MINUS, _TIMES, _OVER):
            return letter, at - 1
        if at - 1 > low and text[at - 2] == 0xC3:
            if letter == 0x97:
                return _TIMES, at - 2
            if letter == 0xB7:
                return _OVER, at - 2
    return _NONE, at


@nb.njit(nb.boolean(TEXT, nb.int64, nb.int64, nb.int64), cache=True, nogil=True)
def _is_bullet(text: npt.NDArray[np.uint8], low: int, sign: int, number: int) -> bool:
    """Whether the sign before a number is a list mark: first on its line, with a space behind it."""
    if number == sign + 1 or text[sign] == _OVER or text[sign] >= 0x80:
        return False
    line = _before_spaces(text, low, sign)
    return line == low or text[line - 1] == _LINE_END


@nb.njit(_SIDE(TEXT, nb.int64, nb.int64), cache=True, nogil=True)
def _left_side(text: npt.NDArray[np.uint8], low: int, end: int) -> tuple[int, int, int, int]:
    """(start, numerator, denominator, operators) of the sum of products that ends here, read backwards.

    Denominator 0 where that is unclear. `start` is before what clearly does not belong to it.
    """
    refused = (0, 0, 0, 0)
    total, under_total, term, under_term, at = 0, 1, 1, 1, end
    for n_operators in range(_MOST_OPERATORS):
        start = at
        while start > low and _is_of_number(text[start - 1]):
            start -= 1
        is_plain, mantissa, decimals = _number(text, start, at)
        if not is_plain:
            return refused
        if start > low and text[start - 1] == _DOLLAR:
            start -= 1
        sign, before = _operator_before(text, low, _before_spaces(text, low, start))
        if sign in (_PLUS, _MINUS, _TIMES) and _is_bullet(text, low, before, start):
            sign, start = _NONE, before
        over, under = (_TENS[decimals], mantissa) if sign == _OVER else (mantissa, _TENS[decimals])
        if abs(float(term) * over) > _LARGEST or float(under_term) * under > _LARGEST or under == 0:
            return refused
        term, under_term = term * over, under_term * under
        if sign not in (_TIMES, _OVER):
            widest = float(under_total) * under_term
            if (
                max(abs(float(total)) * under_term, abs(float(term)) * under_total, widest)
                > _LARGEST / 2
            ):
                return refused
            signed = -term if sign == _MINUS else term
            total = total * under_term + signed * under_total
            under_total *= under_term
            term, under_term = 1, 1
        if sign == _NONE:
            return start, total, under_total, n_operators
        at = _before_spaces(text, low, before)
    return refused


@nb.njit(nb.boolean(nb.int64, nb.int64, nb.int64, nb.int64), cache=True, nogil=True)
def _is_shown(total: int, under: int, shown: int, decimals: int) -> bool:
    """Whether a number is a value, or the value rounded or cut off as `is_rounded` allows."""
    scale = _TENS[decimals]
    if abs(float(total)) * scale > _LARGEST / 2 or float(shown) * under > _LARGEST / 2:
        return False
    gap = abs(total * scale - shown * under)
    if gap == 0:
        return True
    if decimals:
        return gap < under
    return total % under != 0 and 2 * gap < under


@nb.njit(nb.boolean(TEXT, nb.int64, nb.int64), cache=True, nogil=True)
def _is_wide_clear(text: npt.NDArray[np.uint8], at: int, high: int) -> bool:
    """Whether the three-byte character here is a mark, or an ideograph that is no operator."""
    if at < 0 or at + 3 > high:
        return False
    code = np.int64(text[at]) << 16 | np.int64(text[at + 1]) << 8 | np.int64(text[at + 2])
    for mark in _WIDE_MARKS:
        if code == mark:
            return True
    for operator in _WIDE_OPERATORS:
        if code == operator:
            return False
    return _FIRST_IDEOGRAPH <= code < _PAST_IDEOGRAPHS


@nb.njit(nb.boolean(TEXT, nb.int64, nb.int64), cache=True, nogil=True)
def _is_clear_before(text: npt.NDArray[np.uint8], low: int, start: int) -> bool:
    """Whether nothing that stands before a left side can belong to it."""
    at = _before_spaces(text, low, start)
    if at == low or text[at - 1] == _LINE_END:
        return True
    letter = text[at - 1]
    if letter >= 0x80:
        return at - 3 >= low and _is_wide_clear(text, at - 3, at)
    if not _is_letter(letter):
        return _CLEAR_BEFORE[letter]
    if at == start:
        return False
    first = at
    while first > low and _is_letter(text[first - 1]):
        first -= 1
    if first > low:
        border = text[first - 1]
        if border >= 0x80 or border in (92, 95) or _is_digit(border):
            return False
    for word in _OPERATORS_BEFORE:
        if at - first == len(word):
            same = True
            for step in range(len(word)):
                same = same and text[first + step] == word[step]
            if same:
                return False
    return True


@nb.njit(nb.boolean(TEXT, nb.int64, nb.int64), cache=True, nogil=True)
def _is_clear_after(text: npt.NDArray[np.uint8], end: int, high: int) -> bool:
    """Whether nothing that stands behind a result can belong to it."""
    at = _behind_spaces(text, end, high)
    if at == high or text[at] == _LINE_END or text[at] == _RETURN:
        return True
    letter = text[at]
    if letter >= 0x80:
        return _is_wide_clear(text, at, high)
    if not _is_letter(letter):
        return _CLEAR_AFTER[letter]
    for word in _OPERATORS_AFTER:
        if at + len(word) <= high:
            same = True
            for step in range(len(word)):
                same = same and text[at + step] == word[step]
            if same:
                return False
    return True


@nb.njit(nb.int64(TEXT, nb.int64, nb.int64), cache=True, nogil=True)
def _note_end(text: npt.NDArray[np.uint8], at: int, high: int) -> int:
    """Behind the `>>` of the note that begins here, -1 if it does not end plainly."""
    for place in range(at + 2, min(high - 1, at + _MOST_NOTE_BYTES)):
        letter = text[place]
        if letter == _GREATER:
            return place + 2 if text[place + 1] == _GREATER and place > at + 2 else -1
        if letter in (_LESS, _LINE_END):
            return -1
    return -1


@nb.njit(nb.boolean(TEXT, nb.int64, nb.int64, nb.int64, nb.int64), cache=True, nogil=True)
def _is_copied(text: npt.NDArray[np.uint8], at: int, high: int, shown: int, decimals: int) -> bool:
    """Whether a note ends here and the number right behind it, if any, is the note's own result."""
    if at + 2 > high or text[at] != _GREATER or text[at + 1] != _GREATER:
        return False
    at = _behind_spaces(text, at + 2, high)
    if at < high and text[at] == _DOLLAR:
        at += 1
    if at == high:
        return True
    letter = text[at]
    if not _is_digit(letter):
        # the exact reader takes a sign, a point, other currencies and other white space too
        is_blank = letter <= _SPACE and letter != _LINE_END
        return letter < 0x80 and not is_blank and letter not in (_MINUS, _DOT, _DOLLAR)
    is_plain, copy, copied_decimals = _number(text, at, _number_end(text, at, high))
    return is_plain == 1 and copy == shown and copied_decimals == decimals


@nb.njit(nb.boolean(TEXT, nb.int64, nb.int64, nb.int64), cache=True, nogil=True)
def _holds(text: npt.NDArray[np.uint8], low: int, high: int, at: int) -> bool:
    """Whether the `=` at this place joins two plain sides that are clear and equal."""
    start, total, under, n_operators = _left_side(text, low, _before_spaces(text, low, at))
    if under == 0:
        return False
    in_note = start - 2 >= low and text[start - 1] == _LESS and text[start - 2] == _LESS
    if not in_note:
        if not _is_clear_before(text, low, start):
            return False
        if n_operators == 0:
            return True
    after = _behind_spaces(text, at + 1, high)
    if after < high and text[after] == _DOLLAR:
        after += 1
    if not in_note and after + 1 < high and text[after] == _LESS and text[after + 1] == _LESS:
        after = _note_end(text, after, high)
        if after < 0:
            return False
        after = _behind_spaces(text, after, high)
        if after < high and text[after] == _DOLLAR:
            after += 1
    end = _number_end(text, after, high)
    if end == after:
        return False
    is_plain, shown, decimals = _number(text, after, end)
    if not is_plain or not (n_operators == 0 or _is_shown(total, under, shown, decimals)):
        return False
    if in_note:
        return _is_copied(text, end, high, shown, decimals)
    return _is_clear_after(text, end, high)


@nb.njit(nb.boolean(TEXT, nb.int64, nb.int64, nb.int64), cache=True, nogil=True)
def _compares(text: npt.NDArray[np.uint8], low: int, high: int, at: int) -> bool:
    """Whether an operand may stand on both sides of the `=` at this place."""
    before, after = at, at + 1
    while before > low and text[before - 1] in (_SPACE, 9, _TIMES):
        before -= 1
    while after < high and text[after] in (_SPACE, 9):
        after += 1
    if before == low or after == high:
        return False
    left, right = text[before - 1], text[after]
    return (left >= 0x80 or _ENDS_OPERAND[left]) and (right >= 0x80 or _BEGINS_OPERAND[right])


@nb.njit(nb.boolean(TEXT, nb.int64, nb.int64), cache=True, nogil=True)
def _is_settled(text: npt.NDArray[np.uint8], low: int, high: int) -> bool:
    has_note = False
    for at in range(low, high - 1):
        letter, following = text[at], text[at + 1]
        if letter == _LESS and following == _LESS:
            has_note = True
        elif at + 2 < high:
            third = text[at + 2]
            # `equals`, `is equal to`, a full-width sign, 等于
            if (letter == 101 and following == 113 and third == 117) or (
                (letter == 0xEF and following == 0xBC and third == 0x9D)
                or (letter == 0xE7 and following == 0xAD and third == 0x89)
            ):
                return False
    for at in range(low, high):
        if text[at] != _EQUALS or _holds(text, low, high, at):
            continue
        if has_note or _compares(text, low, high, at):
            return False
    return True


@nb.njit(
    nb.boolean[::1](TEXT, nb.types.Array(nb.int64, 1, "C"), nb.types.Array(nb.int64, 1, "C")),
    cache=True,
    nogil=True,
)
def plainly_right(
    text: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], places: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """(n_places,) bool: texts in which every equation is plain and right, or that have none.

    text:    (n_bytes,) uint8, the UTF-8 of all texts
    offsets: (n_texts + 1,) int64 into `text`
    places:  (n_places,) int64, the texts asked about
    """
    settled = np.empty(len(places), dtype=np.bool_)
    for n in range(len(places)):
        settled[n] = _is_settled(text, offsets[places[n]], offsets[places[n] + 1])
    return settled
