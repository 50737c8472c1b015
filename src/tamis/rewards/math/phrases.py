"""What a phrase like "the answer is" commits to: the value directly behind it, and nothing that goes on.

The whole rest of the line is read first, then its first sentence, then the value at its start. A value that
a list, a calculation or a second thought follows is none.
"""

from __future__ import annotations

import re

from tamis.rewards.finals import goes_on
from tamis.rewards.math import units
from tamis.rewards.math.answers import Answer, NoAnswer, Text
from tamis.rewards.math.reading import Reading, read_answer
from tamis.rewards.numbers import NUMBER

_LEAD = re.compile(
    r"[\s:：]*(?:(?:equal to|simply|just|therefore|thus|indeed|exactly)\s+)?", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"(?<![ap]\.m)[.。!?](?=\s|$)|。")
_SET_OFF = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]|\*\*(.+?)\*\*|`(.+?)`")
_CHOICE = re.compile(
    r"(\([A-Ja-j]\)|[A-J](?=[).:,;]|\s*$|\s+(?:because|since|as|for)\b))[).:,;]?", re.DOTALL
)
_TRUTH = re.compile(r"(yes|no|true|false)\b(?=\s*(?:[,.;:!]|$|because\b|since\b))", re.IGNORECASE)
_SECOND_THOUGHT = re.compile(
    r"\b(?:or|either|else|otherwise|unless|if|maybe|perhaps|possibly|wait|actually|instead|correction|rather)\b",
    re.IGNORECASE,
)
_WORDS_END = re.compile(r"[,;(]|\b(?:because|since|as|which|so)\b", re.IGNORECASE)
_MORE_VALUES = re.compile(r"\s*(?:[,;/|&]|\bor\b|\band\b)*\s*(?:\$|\\\(|\\frac|\\sqrt|\*\*[0-9])")


def read_phrase(line: str, *, reading: Reading) -> tuple[str, Answer]:
    """The text that a phrase commits to and the answer it is, from the line that follows the phrase."""
    lead = _LEAD.match(line)
    # in a sentence, a mark behind the answer is joy, not a factorial
    rest = line[lead.end() if lead else 0 :].strip().rstrip("!").rstrip()
    if rest.count("**") % 2:
        # bold that began before the phrase, or ends behind its line
        rest = (rest[2:] if rest.startswith("**") else rest.replace("**", "", 1)).strip()
    if rest.endswith("*") and rest.count("*") == 1:
        rest = rest[:-1].rstrip()
    sentence = rest
    if (end := _SENTENCE_END.search(rest)) is not None:
        sentence = rest[: end.start()]
    for whole in dict.fromkeys((rest, sentence)):
        found = read_answer(whole, reading=reading)
        if not isinstance(found, NoAnswer | Text):
            # a closing dot is the sentence's, not the answer's
            return sentence if rest[len(sentence) :] in (".", "。") else whole, found
    if _SECOND_THOUGHT.search(rest):
        return sentence, NoAnswer("the answer is not one value")
    return _at_start(rest, reading) or (sentence, _in_words(sentence, reading))


def _at_start(rest: str, reading: Reading) -> tuple[str, Answer] | None:
    """A value that the line begins with: set off, a number, a choice or a truth."""
    if (set_off := _SET_OFF.match(rest)) is not None:
        inside = next(group for group in set_off.groups() if group is not None)
        if goes_on(rest, set_off.end()) or _MORE_VALUES.match(rest, set_off.end()):
            return inside, NoAnswer("the answer is not one value")
        written = f"{inside} {_unit_at(rest, set_off.end())}".strip()
        return inside, read_answer(written, reading=reading)
    if (number := NUMBER.match(rest)) is not None:
        written = number[0].strip()
        if goes_on(rest, number.end()) or _MORE_VALUES.match(rest, number.end()):
            return written, NoAnswer("the answer is not one value")
        following = rest[number.end() : number.end() + 1]
        if following.isalnum() or following in ("^", "_", "(", "\\", "%", "!", "{"):
            return None
        return written, read_answer(
            f"{written} {_unit_at(rest, number.end())}".strip(), reading=reading
        )
    for pattern in (_CHOICE, _TRUTH):
        if (word := pattern.match(rest)) is not None:
            return word[1], read_answer(word[1], reading=reading)
    return None


def _unit_at(rest: str, place: int) -> str:
    """The word behind a value when it is a unit for sure; any other may be the next word of the sentence."""
    behind = re.compile(r"\s+([A-Za-z]{1,12})\b").match(rest, place)
    if behind is None or not units.is_known(behind[1]) or behind[1] in ("in", "a", "A", "min"):
        return ""
    return behind[1] if len(behind[1]) > 1 else ""


def _in_words(sentence: str, reading: Reading) -> Answer:
    end = _WORDS_END.search(sentence)
    return read_answer(sentence[: end.start()] if end else sentence, reading=reading)
