"""The final answers of a text, read: which form counts, and what else in the text commits itself."""

from __future__ import annotations

from collections.abc import Sequence as Run
from typing import Literal

import msgspec

from tamis.rewards.finals import (
    Commitment,
    Commitments,
    Source,
    find_commitments,
    hashed,
    last_line,
    last_number,
    phrased,
    tagged,
)
from tamis.rewards.math.answers import Answer, NoAnswer, Text
from tamis.rewards.math.phrases import read_phrase
from tamis.rewards.math.reading import Reading, read_answer

Fallback = Literal["none", "last_line", "last_number"]
# More finals than this are no answer; reading stays quick on floods of boxes.
_MAX_FINALS = 16


class Said(msgspec.Struct, frozen=True):
    """One final answer: the text of it, and what it is."""

    text: str
    answer: Answer


class Committed(msgspec.Struct, frozen=True):
    """All final answers of a text, the decisive one last; `problem` when there is none to grade."""

    source: Source | None
    said: tuple[Said, ...] = ()
    problem: str | None = None
    flag: str | None = None


def read_finals(text: str, *, reading: Reading, fallback: Fallback) -> Committed:
    """The final answers after the thinking.

    The strongest form counts: an `<answer>` block, boxes, `####` lines, phrases, and only by the declared
    fallback the last line or the last number. What a weaker form says *behind* the last of them counts too: "\\boxed{7}. The answer
    is 3" says two things.
    """
    found = tagged(text)
    if found.source is not None:
        return _in_tags(found, reading, fallback)
    return _in_text(text, reading, fallback)


def _in_tags(found: Commitments, reading: Reading, fallback: Fallback) -> Committed:
    if found.broken:
        return Committed(
            "tagged", problem="an answer block is not paired", flag="unbalanced_answer"
        )
    said: list[Said] = []
    for block in found.found:
        inner = _in_text(block.text, reading, "none")
        if inner.source is None and block.text:
            inner = Committed(
                "tagged", (Said(block.text, read_answer(block.text, reading=reading)),)
            )
        if inner.problem is not None:
            return inner
        said += inner.said
    return Committed("tagged", tuple(said[-_MAX_FINALS:]))


def _in_text(text: str, reading: Reading, fallback: Fallback) -> Committed:
    found = find_commitments(text)
    if found.broken:
        return Committed("boxed", problem="a box never closes", flag="unbalanced_box")
    if not found.found and fallback != "none":
        found = last_line(text) if fallback == "last_line" else last_number(text)
    if not found.found:
        return Committed(None, problem="no final answer", flag="no_answer")
    if len(found.found) > _MAX_FINALS:
        return Committed(found.source, problem="too many final answers", flag="conflicting_answers")
    if found.source in ("phrase", "last_number"):
        return Committed(found.source, _phrases(found.found, reading))
    whole = tuple(Said(each.text, read_answer(each.text, reading=reading)) for each in found.found)
    return Committed(found.source, (*_behind(text, found, reading), *whole))


def _phrases(found: Run[Commitment], reading: Reading) -> tuple[Said, ...]:
    """Those that commit to a value; only words where none does. A last one that is unreadable decides."""
    said = [Said(*read_phrase(each.text, reading=reading)) for each in found]
    values = [each for each in said if not isinstance(each.answer, Text)]
    if not values:
        return (said[-1],)
    kept = [each for each in values[:-1] if not isinstance(each.answer, NoAnswer)]
    return (*kept, values[-1])


def _behind(text: str, found: Commitments, reading: Reading) -> list[Said]:
    """What weaker forms commit to behind the last final answer."""
    if found.source not in ("boxed", "hashes"):
        return []
    place = found.found[-1].start
    after = text[place:]
    weaker = phrased(after).found
    if found.source == "boxed":
        # the box itself is not behind itself
        weaker = [*hashed(after).found, *weaker]
    said = [Said(*read_phrase(each.text, reading=reading)) for each in weaker[-_MAX_FINALS:]]
    return [each for each in said if not isinstance(each.answer, NoAnswer | Text)]
