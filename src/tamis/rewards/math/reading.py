"""From a text to an answer, under the question's declared reading: the quick way first, then the whole grammar."""

from __future__ import annotations

import re
from fractions import Fraction

import msgspec

from tamis.rewards.math import words
from tamis.rewards.math.answers import Answer, Choice, NoAnswer, Scalar
from tamis.rewards.math.exact import Undecided
from tamis.rewards.math.structure import Structure
from tamis.rewards.math.tokens import Separators, cut
from tamis.rewards.math.tree import MAX_CHARS, Neg, Num, TooBig, Unevaluated, Unreadable
from tamis.rewards.math.words import DateOrder, as_text, is_wordy, read_based, read_words

_QUICK = re.compile(r"(-?)([0-9]{1,18}|[1-9][0-9]{0,2}(?:,[0-9]{3}){1,6})(?:\.([0-9]{1,18}))?\.?")
_WRAPS = (
    ("$$", "$$"),
    ("$", "$"),
    ("\\(", "\\)"),
    ("\\[", "\\]"),
    ("**", "**"),
    ("`", "`"),
    ("*", "*"),
)
_BOX = re.compile(r"\\(?:boxed|fbox)\s*\{")
_DOLLAR = re.compile(r"(?<!\\)\$")
_INLINE = re.compile(r"\\[()\[\]]")
_LETTERS = re.compile(r"[A-Za-z]{2,}")
_NAMES_ALONE = frozenset({"pi", "infinity", "inf", "oo", "infty"})
_SPACE = " \t\r\n"
_ENDS = _SPACE + ".。"
_NOT_FINITE = frozenset({"nan", "null", "undefined value"})


class Reading(msgspec.Struct, frozen=True):
    """What a question declares about how numbers and dates are written."""

    separators: Separators = "en"
    dates: DateOrder | None = None


def read_answer(text: str, *, reading: Reading) -> Answer:
    """The answer that a text is, all of it; NoAnswer with a reason for what cannot be read.

    >>> read_answer("7 or", reading=Reading())
    NoAnswer(reason='a list with a gap', flag='unreadable_answer')
    """
    if reading.separators == "en" and (quick := _QUICK.fullmatch(text)) is not None:
        return _quick_number(quick)
    if len(text) > MAX_CHARS:
        return NoAnswer(f"the answer is longer than {MAX_CHARS} characters", "too_big")
    bare = unwrap(text)
    if not bare:
        return NoAnswer("the answer is empty", "no_answer")
    if (quick := _QUICK.fullmatch(bare)) is not None and reading.separators == "en":
        return _quick_number(quick)
    if any(char.isdigit() and not char.isascii() and char not in _SMALL_DIGITS for char in bare):
        return NoAnswer("digits that are not ASCII digits")
    found = read_words(bare, dates=reading.dates) or read_based(bare) or _read_maths(bare, reading)
    if isinstance(found, Choice) and found.says:
        return Choice(found.letter, found.says, read_answer(found.says, reading=reading))
    return found


_SMALL_DIGITS = frozenset("⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉")


def _quick_number(match: re.Match[str]) -> Scalar:
    whole, part = match[2].replace(",", ""), match[3]
    value = Fraction(int(whole)) if part is None else Fraction(int(whole + part), 10 ** len(part))
    number = Num(value, part is not None)
    return Scalar(Neg(number) if match[1] else number)


def _read_maths(bare: str, reading: Reading) -> Answer:
    if _is_one_word(bare):
        found = as_text(bare)
        return NoAnswer("not a number") if found.words in _NOT_FINITE else found
    try:
        return Structure(separators=reading.separators).whole(
            cut(bare, separators=reading.separators)
        )
    except Unevaluated as error:
        return NoAnswer(str(error), "unevaluated")
    except TooBig as error:
        return NoAnswer(str(error), "too_big")
    except Undecided:
        return NoAnswer("too long an expression", "too_big")
    except Unreadable as error:
        plain = words.bare(bare)
        return (
            as_text(plain)
            if is_wordy(plain) and not _is_calculation(plain)
            else NoAnswer(str(error))
        )


def _is_one_word(bare: str) -> bool:
    """Words alone are text: `red` is no product of letters, and `ABC` is not `BCA`."""
    plain = words.bare(bare)
    return (
        plain not in _NAMES_ALONE
        and not (len(plain) == 2 and plain.islower())
        and _LETTERS.search(plain) is not None
        and re.fullmatch(r"[A-Za-z' -]+", plain) is not None
        and not re.search(r"\b(?:or|and)\b|(?:^| )-|\b[a-z] -", plain)
        and not re.fullmatch(r"[a-z]-[a-z]", plain)
    )


def _is_calculation(plain: str) -> bool:
    return re.search(r"[0-9+=^\\]", plain) is not None


def unwrap(text: str) -> str:
    """The text without what only sets it: dollars, brackets of LaTeX, bold, a box around all, a closing dot."""
    bare = _stripped(text)
    for _ in range(6):
        before = bare
        for opening, closing in _WRAPS:
            whole = len(bare) > len(opening) + len(closing)
            if whole and bare.startswith(opening) and bare.endswith(closing):
                inside = bare[len(opening) : -len(closing)]
                if opening not in inside or opening == "$$":
                    bare = _stripped(inside)
        box = _BOX.match(bare)
        if box is not None and bare.endswith("}") and bare.count("{") == bare.count("}"):
            bare = _stripped(bare[box.end() : -1])
        if bare == before:
            break
    dollars = _DOLLAR.findall(bare)
    # an even number of dollars sets maths in words; an odd one is money
    if dollars and len(dollars) % 2 == 0:
        bare = _DOLLAR.sub(" ", bare)
    return _stripped(_INLINE.sub(" ", bare)) if "\\" in bare else bare


def _stripped(text: str) -> str:
    """Without spaces around and dots behind; a dot before is a number's."""
    return text.lstrip(_SPACE).rstrip(_ENDS)
