"""Several answers with ranks or ratings: the best against the worst. Only read; all of a row is kept."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from msgspec import Raw
from msgspec.structs import replace

from tamis.errors import RowError
from tamis.formats import exact
from tamis.formats.base import Format
from tamis.formats.plain import take_text, turn
from tamis.formats.preference.hh_rlhf import START, parse_transcript
from tamis.formats.preference.sides import Sides, number, preference, take_system
from tamis.records import Message, Preference


class _Style(NamedTuple):
    """Where the question, the answers and what they were given stand.

    given:    the key of a rank (1 is best) or a rating (higher is better) in each object of `answers`,
              or of a list beside `answers`, which then are texts
    answer:   the key of the text in each object of `answers`; empty where they are texts
    is_score: whether what was given is a rating, which becomes the score of a side
    """

    name: str
    asked: str
    answers: str
    answer: str
    given: str
    is_score: bool
    about: str


# Source: the dataset cards of berkeley-nest/Nectar and openbmb/UltraFeedback; distilabel's page on its
# UltraFeedback task.
_TABLE = (
    _Style("nectar", "prompt", "answers", "answer", "rank", False, "prompt and ranked answers"),
    _Style("ultrafeedback", "instruction", "completions", "response", "overall_score", True,
           "instruction and completions with an overall_score"),
    _Style("distilabel_ratings", "instruction", "generations", "", "ratings", True,
           "instruction, generations and ratings"),
)  # fmt: skip


class _Answer(NamedTuple):
    text: str
    given: float


def _matches(style: _Style, row: Mapping[str, Any]) -> bool:
    answers = row.get(style.answers)
    if not isinstance(row.get(style.asked), str) or not isinstance(answers, list) or not answers:
        return False
    if not style.answer:
        return isinstance(row.get(style.given), list) and isinstance(answers[0], str)
    keys = (style.answer, style.given)
    return isinstance(answers[0], dict) and all(key in answers[0] for key in keys)


def _parse(style: _Style, rest: dict[str, Raw]) -> Preference:
    """One row; RowError where an answer has no rank or rating, or where none is preferred."""
    prompt = take_system(rest, _prompt(take_text(rest, style.asked)))
    chosen, rejected = _extremes(style, _answers(style, rest))
    sides = Sides(prompt, turn("assistant", chosen.text), turn("assistant", rejected.text))
    read = preference(sides, rest, {})
    if not style.is_score:
        return read
    return replace(read, chosen_score=chosen.given, rejected_score=rejected.given)


def _answers(style: _Style, rest: dict[str, Raw]) -> list[_Answer]:
    path = f"$.{style.answers}"
    listed = exact.elements(_member(rest, style.answers, "$"), path)
    if style.answer:
        found = []
        for place, raw in enumerate(listed):
            here = f"{path}[{place}]"
            members = exact.members(raw, here)
            given = _number(_member(members, style.given, here), f"{here}.{style.given}")
            found.append(_Answer(take_text(members, style.answer, here), given))
        return found
    beside = f"$.{style.given}"
    numbers = exact.elements(_member(rest, style.given, "$"), beside)
    if len(numbers) != len(listed):
        raise RowError(f"{beside}: expected {len(listed)}, one for each answer, got {len(numbers)}")
    return [
        _Answer(exact.text(raw, f"{path}[{n}]"), _number(numbers[n], f"{beside}[{n}]"))
        for n, raw in enumerate(listed)
    ]


def _member(members: dict[str, Raw], key: str, path: str) -> Raw:
    if key not in members:
        raise RowError(f"{path}.{key}: expected a value, got nothing (the key is missing)")
    return members[key]


def _number(raw: Raw, path: str) -> float:
    value = number(raw)
    if value is None:
        raise RowError(f"{path}: expected a number, got {exact.kind_of(bytes(raw))}")
    return value


def _extremes(style: _Style, answers: list[_Answer]) -> tuple[_Answer, _Answer]:
    """The best and the worst answer; of several with the best rating, the first."""
    path = f"$.{style.answers}"
    if len(answers) < 2:
        raise RowError(f"{path}: expected two answers or more, got {len(answers)}")
    in_order = sorted(answers, key=lambda answer: answer.given, reverse=style.is_score)
    best, worst = in_order[0], in_order[-1]
    if best.given == worst.given:
        raise RowError(f"{path}: expected a preference, got answers that are all rated alike")
    if not style.is_score and (
        in_order[1].given == best.given or in_order[-2].given == worst.given
    ):
        raise RowError(f"{path}: expected one best and one worst answer, got a tie of ranks")
    return best, worst


def _prompt(asked: str) -> list[Message]:
    """One question, or the turns of a transcript before the answer, as in Nectar."""
    if not asked.startswith(START):
        return turn("user", asked)
    messages = parse_transcript(asked, "$.prompt")
    is_open = messages[-1].role == "assistant" and not str(messages[-1].content).strip()
    return messages[:-1] if is_open else messages


FORMATS = tuple(
    Format(
        name=style.name,
        kind="preferences",
        about=f"{style.about}: the best against the worst",
        matches=partial(_matches, style),
        parse=partial(_parse, style),
    )
    for style in _TABLE
)
