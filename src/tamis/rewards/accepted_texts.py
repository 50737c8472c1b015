"""Texts made comparable by declared rules, and the accepted ones of a question; for `exact` and `f1`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import ClassVar, Literal

import msgspec

from tamis.records import Question, Rollout, Score
from tamis.rewards.answers import MAX_ANSWER_CHARS, score_texts, too_long, zero
from tamis.rewards.finals import Commitment, Commitments, find_commitments, tagged
from tamis.text.dialects import read_json
from tamis.text.think import after_last_think
from tamis.text.words import visible

Read = Literal["final", "whole"]
_ARTICLES = re.compile(r"\b(?:a|an|the)\b", re.IGNORECASE)
_WRAPS = (
    ("**", "**"),
    ("__", "__"),
    ("*", "*"),
    ("`", "`"),
    ("$", "$"),
    ("\\(", "\\)"),
    ('"', '"'),
    ("“", "”"),
)
_LATEX_TEXT = re.compile(r"\\(?:text|textbf|mathrm|mathbf)\{([^{}]*)\}")
_BOLD_END = re.compile(r"^([^*\n]+)\*{1,2}(?=[.。]?$)")
_LONE_SIGN = re.compile(r"\(?([A-Za-z0-9])\)")


class Accepted(msgspec.Struct, frozen=True):
    """The accepted answers of a question, or in `problem` why there are none."""

    texts: tuple[str, ...] = ()
    problem: str | None = None


class Said(msgspec.Struct, frozen=True):
    """The answer that was read out of a text, or the score of a text that has none."""

    text: str = ""
    failed: Score | None = None


class ComparingReward(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `exact` and `f1` share: how the answer is found, and what does not count when comparing."""

    name: ClassVar[str]
    version: ClassVar[str]
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    read: Read = "final"
    ignore_case: bool = False
    ignore_punctuation: bool = False
    ignore_articles: bool = False

    def score(self, answer: str, question: Question) -> Score:
        """The score of one answer text."""
        reason = self.ungradable(question)
        if reason is not None:
            return Score(value=None, reason=reason)
        said = self.said(answer)
        return said.failed or self.compared(said.text, accepted_texts(question).texts)

    def compared(self, said: str, accepted: Sequence[str]) -> Score:
        """The score of what an answer commits itself to, beside the accepted texts."""
        raise NotImplementedError

    async def score_many(
        self, rollouts: Sequence[Rollout], questions: Sequence[Question]
    ) -> list[Score]:
        """One score for each rollout, from its last assistant message."""
        return score_texts(self.score, rollouts, questions)

    def ungradable(self, question: Question) -> str | None:
        """Why there is nothing to compare with; None when there is."""
        accepted = accepted_texts(question)
        if accepted.problem is not None:
            return accepted.problem
        if not all(self.normal(text) for text in accepted.texts):
            return "nothing is left of the reference once what does not count is taken off"
        return None

    def normal(self, text: str) -> str:
        """The text as it is compared: composed Unicode, white space and invisible marks squeezed, and as declared."""
        plain = visible(unicodedata.normalize("NFC", text))
        if self.ignore_case:
            plain = plain.casefold()
        if self.ignore_punctuation:
            plain = "".join(" " if unicodedata.category(c)[0] in "PS" else c for c in plain)
        if self.ignore_articles:
            plain = _ARTICLES.sub(" ", plain)
        return " ".join(plain.split())

    def said(self, answer: str) -> Said:
        """What an answer commits itself to, or all of it; a failed score where that is nothing or several things."""
        parts = {"accuracy": 0.0}
        if len(answer) > MAX_ANSWER_CHARS:
            return Said(failed=too_long(parts))
        rest = after_last_think(answer)
        if rest is None:
            return Said(failed=zero("the reasoning is unfinished", "unfinished_think", parts=parts))
        if self.read == "final":
            found = _final(rest)
            if found.broken:
                return Said(failed=zero("a mark never closes", "unbalanced_box", parts=parts))
            texts = dict.fromkeys(self.normal(_bare(place.text)) for place in found.found)
            if len(texts) > 1:
                shown = _bare(found.found[-1].text)[:200]
                failed = zero(
                    "different final answers", "conflicting_answers", parts=parts, answer=shown
                )
                return Said(failed=failed)
            rest = found.found[-1].text if texts else rest
            rest = _bare(rest)
        if not self.normal(rest):
            return Said(failed=zero("no answer", "no_answer", parts=parts))
        return Said(rest.strip())


def accepted_texts(question: Question) -> Accepted:
    """The accepted answers: `reference.answer`, or each text of the JSON list that it holds."""
    reference = question.reference
    if reference is None or reference.answer is None:
        return Accepted(problem="the reference has no answer")
    return _accepted(reference.answer)


@lru_cache(maxsize=4096)
def _accepted(written: str) -> Accepted:
    if not visible(written):
        return Accepted(problem="the reference answer is empty")
    if not written.lstrip().startswith("["):
        return Accepted((written,))
    try:
        listed = read_json(written)
    except ValueError:
        return Accepted((written,))  # `[0, 1)` is an answer, not a list of them
    if not listed:
        return Accepted(problem="the reference is an empty list")
    if not all(isinstance(text, str) for text in listed):
        # a list of numbers may be the answer itself
        return (
            Accepted((written,))
            if not any(isinstance(t, str) for t in listed)
            else Accepted(problem="the reference mixes texts with other values")
        )
    if not all(visible(text) for text in listed):
        return Accepted(problem="one of the accepted answers is empty")
    return Accepted(tuple(listed))


def _final(text: str) -> Commitments:
    found = tagged(text)
    if found.found or found.broken:
        return found
    found = find_commitments(text)
    if found.source != "phrase":
        return found
    # the phrase took the opening mark of a bold answer along
    closed = [Commitment(_BOLD_END.sub(r"\1", one.text), one.start) for one in found.found]
    return Commitments(found.source, closed, found.broken)


def _bare(text: str) -> str:
    """A text without the marks around it, and without the full stop of its sentence."""
    bare = _LATEX_TEXT.sub(r"\1", text.strip())
    for _ in range(4):
        before = bare
        for opening, closing in _WRAPS:
            whole = len(bare) > len(opening) + len(closing)
            if whole and bare.startswith(opening) and bare.endswith(closing):
                bare = bare[len(opening) : -len(closing)].strip()
        if bare.endswith((".", "。")) and bare.count(".") + bare.count("。") == 1:
            bare = bare[:-1].rstrip()
        if bare == before:
            break
    sign = _LONE_SIGN.fullmatch(bare)
    return sign[1] if sign else bare
