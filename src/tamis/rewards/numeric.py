"""The numeric reward: is the final answer the reference number, exactly."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import ClassVar

import msgspec

from tamis.records import Question, Reference, Rollout, Score
from tamis.rewards.answers import MAX_ANSWER_CHARS, last_answer
from tamis.rewards.finals import Final, Finals, find_finals
from tamis.rewards.numbers import Number, read_number
from tamis.text.think import after_last_think

_HASHES = re.compile(r"####[ \t]*(.+)")
# Behind "the answer is 7", only these words are surely units; any other may be the next word.
_SURE_UNITS = frozenset(
    [
        "percent",
        "dollar",
        "euro",
        "pound",
        "yuan",
        "cent",
        "mm",
        "cm",
        "m",
        "km",
        "inch",
        "foot",
        "mile",
        "yard",
        "mg",
        "g",
        "kg",
        "lb",
        "oz",
        "ml",
        "l",
        "second",
        "minute",
        "hour",
        "day",
        "week",
        "month",
        "year",
    ]
)


class NumericReward(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """1 when the final answer equals the reference number exactly, else 0; None when not gradable.

    Only what follows the last think block is read; an unfinished block scores 0. The final answer is
    the content of `\\boxed{}`, else of a `#### n` line, else the number right behind "answer is",
    "Answer:", "A:" or 答案是, else, only with `last_number`, the last number of the text (a guess: such
    scores carry the flag `last_number`). Different finals of one kind score 0 (`conflicting_answers`).
    Numbers are compared as exact fractions: 0.5 = 1/2, 1,000 = 1000, 7 != 7.0005. A percent sign and
    other units do not change a value; a unit that contradicts the reference's own unit scores 0.

    The reference is `answer`, else the `#### n` of `solution`. Parts: accuracy, 0 or 1.
    Limits: finite numbers in ASCII digits; no algebra: `\\sqrt{2}`, sets and intervals are unreadable.
    """

    last_number: bool = False
    name: ClassVar[str] = "numeric"
    version: ClassVar[str] = "1"

    def ungradable(self, question: Question) -> str | None:
        """Why the question has no number to compare with; None when it has."""
        written = _reference_text(question.reference)
        if not written:
            return "the reference has no answer"
        if _read_reference(written) is None:
            return f"the reference `{written[:80]}` is not a number"
        return None

    def gold_answer(self, question: Question) -> str:
        """The reference as its author wrote it; empty when there is none."""
        return _reference_text(question.reference) or ""

    async def score_many(
        self, rollouts: Sequence[Rollout], questions: Sequence[Question]
    ) -> list[Score]:
        """One score for each rollout, from its last assistant message."""
        return [
            self.score(last_answer(rollout), question)
            for rollout, question in zip(rollouts, questions, strict=True)
        ]

    def score(self, answer: str, question: Question) -> Score:
        """The score of one answer text.

        >>> half = Question(prompt=[], reference=Reference(answer="1/2"))
        >>> NumericReward().score("So it is \\\\boxed{0.5}.", half).value
        1.0
        """
        reason = self.ungradable(question)
        if reason is not None:
            return Score(value=None, reason=reason)
        reference = _read_reference(_reference_text(question.reference) or "")
        assert reference is not None  # `ungradable` has read it
        if len(answer) > MAX_ANSWER_CHARS:
            return _wrong("the answer is longer than any honest one", flags=("too_long",))
        said = after_last_think(answer)
        if said is None:
            return _wrong("the reasoning is unfinished", flags=("unfinished_think",))
        return _judge(find_finals(said, last_number=self.last_number), reference)


def _judge(finals: Finals, reference: Number) -> Score:
    if finals.broken:
        return _wrong("a box never closes", flags=("unbalanced_box",))
    if not finals.found:
        return _wrong("no final answer", flags=("no_answer",))
    flags = ("last_number",) if finals.source == "last_number" else ()
    last = finals.found[-1]
    if last.number is None:
        return _wrong(
            "the final answer is not one number", answer=last.text, flags=("unreadable_answer",)
        )
    if _conflict(finals):
        return _wrong(
            "different final answers", answer=last.text, flags=(*flags, "conflicting_answers")
        )
    if last.number.value != reference.value:
        return _wrong("the answer differs", answer=last.text, flags=flags)
    if _contradicts(last.number.unit, reference.unit, finals):
        return _wrong("the unit differs", answer=last.text, flags=(*flags, "unit_differs"))
    return Score(value=1.0, parts={"accuracy": 1.0}, reason="equal", answer=last.text, flags=flags)


def _conflict(finals: Finals) -> bool:
    """Boxes and `####` lines must all agree; of phrases only those that name a number."""
    committed: list[Final] = finals.found
    if finals.source == "phrase":
        committed = [final for final in committed if final.number is not None]
    values = {final.number.value if final.number else final.text for final in committed}
    return len(values) > 1


def _contradicts(unit: str | None, wanted: str | None, finals: Finals) -> bool:
    if unit is None or wanted is None or unit == wanted:
        return False
    exact = finals.source in ("boxed", "hashes")
    return exact or unit in _SURE_UNITS or unit.removesuffix("s") in _SURE_UNITS - {wanted}


def _wrong(reason: str, *, answer: str | None = None, flags: tuple[str, ...] = ()) -> Score:
    return Score(value=0.0, parts={"accuracy": 0.0}, reason=reason, answer=answer, flags=flags)


def _reference_text(reference: Reference | None) -> str | None:
    if reference is None:
        return None
    if reference.answer is not None:
        return reference.answer.strip()
    found = _HASHES.findall(reference.solution or "")
    return found[-1].strip() if found else None


@lru_cache(maxsize=4096)
def _read_reference(written: str) -> Number | None:
    return read_number(written)
