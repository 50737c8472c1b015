"""The numeric reward: is the final answer the reference number, exactly. The maths reward, held to one number."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import ClassVar

import msgspec

from tamis.records import Question, Rollout, Score
from tamis.rewards.answers import last_answer
from tamis.rewards.math.answers import Scalar
from tamis.rewards.math.exact import as_rational
from tamis.rewards.math.form import value_of
from tamis.rewards.math.reading import Reading, read_answer
from tamis.rewards.math.reward import MathReward
from tamis.rewards.math.tree import Unreadable


class NumericReward(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """1 when the final answer equals the reference number exactly, else 0; None when the reference is no number.

    Final answers are found and read as the `math` reward does (after the thinking; a box, a `#### n` line,
    "answer is", "Answer:", "A:" or 答案是; different ones score 0), by its plain rules: exact fractions, so
    0.5 = 1/2, 1,000 = 1000 and 7 != 7.0005; a percent sign is a unit; a unit may be left out, units of one
    kind are converted, and one that contradicts the reference's own scores 0; a calculation is no answer. With `last_number` an answer that commits itself
    nowhere else is graded by its last number (a guess: such scores carry the flag `last_number`).

    The reference is `answer`, else the last box or the `#### n` of `solution`. Parts: accuracy, 0 or 1.
    Unlike `math`: no bonuses, no algebra, no tolerance, and a reference that is no rational number is refused.
    """

    last_number: bool = False
    name: ClassVar[str] = "numeric"
    version: ClassVar[str] = "3"

    def ungradable(self, question: Question) -> str | None:
        """Why the question has no number to compare with; None when it has."""
        told = self._math.ungradable(question)
        if told is not None:
            return told
        written = self._math.gold_answer(question)
        if not is_number(written):
            return f"the reference `{written[:80]}` is not a number"
        return None

    def gold_answer(self, question: Question) -> str:
        """The reference as its author wrote it; empty when there is none."""
        return self._math.gold_answer(question)

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

        >>> from tamis.records import Reference
        >>> half = Question(prompt=[], reference=Reference(answer="1/2"))
        >>> NumericReward().score("So it is \\\\boxed{0.5}.", half).value
        1.0
        """
        reason = self.ungradable(question)
        if reason is not None:
            return Score(value=None, reason=reason)
        found = self._math.score(answer, question)
        return msgspec.structs.replace(found, parts={"accuracy": found.parts["accuracy"]})

    @property
    def _math(self) -> MathReward:
        return _math(self.last_number)


@lru_cache(maxsize=4096)
def is_number(written: str) -> bool:
    """Whether a text is one rational number, with or without a unit, and nothing else.

    >>> is_number("$1,234.50"), is_number("7 or 8"), is_number("2x")
    (True, False, False)
    """
    found = read_answer(written, reading=Reading())
    if not isinstance(found, Scalar):
        return False
    try:
        value = value_of(found.tree)
    except Unreadable:
        return False
    return value is not None and as_rational(value) is not None


@lru_cache(maxsize=2)
def _math(last_number: bool) -> MathReward:
    return MathReward(
        fallback="last_number" if last_number else "none",
        symbolic=False,
        tolerance=0.0,
        format_bonus=0.0,
        reasoning_bonus=0.0,
    )
