"""What of an answer a judge is shown, and which answers hold nothing to judge.

An answer holds nothing to judge, by rule and whatever a judge would say, when
- it has no letter and no digit in any script (unless the reference has none either), or
- it commits itself to nothing and each of its lines ends in a colon: it announces what never comes, or
- the reference is a number, and the answer commits itself to nothing and holds no numeral: no digit of any
  script, no English number words at the end of a sentence.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import msgspec

from tamis.records import Score
from tamis.rewards.answers import MAX_ANSWER_CHARS, zero
from tamis.rewards.finals import Commitment, find_commitments, phrased, tagged
from tamis.rewards.judge.fence import plain
from tamis.rewards.numeric import is_number
from tamis.text.think import after_last_think

_AROUND = " \t\n*_#`\"'.,;!$"
_COLONS = (":", "：", "︰")
_NUMBER_WORDS = (
    "zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen"
    "|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand"
    "|million|billion|half|halves|thirds?|quarters?"
)
_NUMBER_WORD = rf"(?:{_NUMBER_WORDS})\b"
_IN_WORDS = re.compile(
    rf"(?:^|\b(?:is|are|equals)[ \t])[ \t*]*(?:minus[ ]|a[ ])?{_NUMBER_WORD}"
    rf"(?:[ \t-]+(?:and\b|{_NUMBER_WORD}))*+[ \t.!*]*$",
    re.IGNORECASE | re.MULTILINE,
)


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """The text that a judge is shown, and flags on how the answer says it."""

    text: str
    flags: tuple[str, ...] = ()


def find_shown(answer: str, *, whole: bool, right: str | None) -> Shown | Score:
    """The final answer, or all that follows the thinking if `whole`; a score of 0 where nothing is to judge.

    The final answer is what stands in `<answer>` blocks, else in boxes, else behind `####`, else behind the
    last "the answer is"; without any of these it is all that follows the thinking. What is said to be the
    answer behind a box is shown as well, unless it says the same.
    """
    if len(answer) > MAX_ANSWER_CHARS:
        return zero("the answer is longer than any honest one", "too_long")
    said = after_last_think(answer)
    if said is None:
        return zero("the reasoning is unfinished", "unfinished_think")
    said = plain(said)
    final = None if whole else _final(said)
    if isinstance(final, Score):
        return final
    shown = final or Shown(text=said.strip())
    is_right_a_sign = right is not None and not _has_content(right)
    if not _has_content(shown.text) and not (is_right_a_sign and shown.text.strip()):
        return zero("nothing to judge: no letter and no digit", "no_answer")
    if final is None and _announces(shown.text):
        return zero("nothing to judge: it announces what never comes", "no_answer")
    wants_number = not whole and right is not None and is_number(right)
    if final is None and wants_number and not _has_number(shown.text):
        return zero("nothing to judge: a number was asked for, it holds none", "no_answer")
    return shown


def _final(said: str) -> Shown | Score | None:
    """The final answer; a score of 0 where its marks are not in order; None where nothing is marked."""
    blocks = tagged(said)
    if blocks.broken:
        return zero("an answer block is not paired", "unbalanced_answer")
    if blocks.source is None:
        return _committed(said)
    texts = _distinct(blocks.found)
    if len(texts) != 1:
        return _none_or_several(texts)
    return _committed(texts[0]) or Shown(text=texts[0])


def _committed(said: str) -> Shown | Score | None:
    found = find_commitments(said)
    if found.broken:
        return zero("a box never closes", "unbalanced_box")
    if not found.found:
        return None
    if found.source == "phrase":
        return Shown(text=found.found[-1].text)
    texts = _distinct(found.found)
    if len(texts) != 1:
        return _none_or_several(texts)
    behind = _behind(said, found.found[-1], texts[0])
    flags = ("several_answers",) if behind else ()
    return Shown(text="\n".join([texts[0], *behind]), flags=flags)


def _distinct(found: Sequence[Commitment]) -> list[str]:
    return list({_same(each.text): each.text for each in found if each.text}.values())


def _none_or_several(texts: Sequence[str]) -> Score:
    if texts:
        return zero("different final answers", "conflicting_answers", answer=texts[-1])
    return zero("the answer block is empty", "no_answer")


def _behind(said: str, last: Commitment, text: str) -> list[str]:
    """What is said to be the answer behind the final one, where it is something else."""
    later = [each.text for each in phrased(said[last.start :]).found[-3:]]
    again = re.compile(rf"(?<!\w){re.escape(_same(text))}(?!\w|\.\d)")
    return [one for one in later if one and not again.search(_same(one))]


def _same(text: str) -> str:
    return " ".join(text.casefold().split()).strip(_AROUND)


def _has_content(text: str) -> bool:
    return any(unicodedata.category(sign)[0] in "LN" for sign in text)


def _announces(text: str) -> bool:
    lines = [line.strip(" \t*_") for line in text.split("\n")]
    return all(line.endswith(_COLONS) for line in lines if line)


def _has_number(text: str) -> bool:
    return any(unicodedata.numeric(sign, None) is not None for sign in text) or (
        _IN_WORDS.search(text) is not None
    )
