"""What the rewards on texts share: which text of a rollout is graded, and how a 0 is said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal, Protocol

import msgspec

from tamis.errors import RewardError
from tamis.records import Question, Rollout, Score
from tamis.text.think import after_last_think, think_spans

# No honest answer is longer; every scan here is linear, the cap bounds them.
MAX_ANSWER_CHARS = 200_000
Of = Literal["all", "answer", "thinking"]


class TextReward(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A reward that looks at the text of one answer alone. Subclasses say `name`, `version` and `score`.

    `bounds` are the least and the greatest value it gives.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def ungradable(self, question: Question) -> str | None:
        """Why no answer to this question can be graded; None when it can."""
        return None

    def score(self, answer: str, question: Question) -> Score:
        """The score of one answer text."""
        raise NotImplementedError

    async def score_many(
        self, rollouts: Sequence[Rollout], questions: Sequence[Question]
    ) -> list[Score]:
        """One score for each rollout, from its last assistant message."""
        return score_texts(self.score, rollouts, questions)


def hash_of(reward: msgspec.Struct) -> int:
    """A hash for rewards with a mapping among their parameters, which has none of its own."""
    return hash(msgspec.json.encode(reward, order="deterministic"))


class ScoresText(Protocol):
    """Any reward that scores one answer text by itself."""

    def score(self, answer: str, question: Question) -> Score:
        """The score of one answer text."""
        ...


def score_texts(
    score: Callable[[str, Question], Score],
    rollouts: Sequence[Rollout],
    questions: Sequence[Question],
) -> list[Score]:
    """`score` of the text of each rollout's last assistant message."""
    return [
        score(whole_answer(rollout), question)
        for rollout, question in zip(rollouts, questions, strict=True)
    ]


def last_answer(rollout: Rollout) -> str:
    """The text of the last assistant message, without a separate reasoning; empty where there is none."""
    said = [message.content for message in rollout.messages if message.role == "assistant"]
    return (said[-1] or "") if said else ""


def whole_answer(rollout: Rollout) -> str:
    """The last assistant message as one text, a separate reasoning put before it as a think block."""
    said = [message for message in rollout.messages if message.role == "assistant"]
    if not said:
        return ""
    content = said[-1].content or ""
    return f"<think>{said[-1].reasoning}</think>{content}" if said[-1].reasoning else content


def whole_prompt(question: Question) -> str:
    """All that was said before the answer, one message under another."""
    return "\n".join(message.content or "" for message in question.prompt)


def part_of(answer: str, of: Of) -> str | None:
    """The whole answer without its think tags, what follows its last think block, or what stands in its blocks.

    None where the reasoning is unfinished, so that there is no answer. A lone `</think>` ends a
    reasoning that the prompt opened.
    """
    if of == "all":
        return _without_tags(answer)
    rest = after_last_think(answer)
    if rest is None or of == "answer":
        return rest
    parse = think_spans(answer)
    if parse.spans:
        return "\n".join(answer[span.body_start : span.body_end] for span in parse.spans)
    return answer[: parse.tags[0].start] if parse.tags else ""


def _without_tags(answer: str) -> str:
    pieces: list[str] = []
    place = 0
    for tag in think_spans(answer).tags:
        pieces.append(answer[place : tag.start])
        place = tag.end
    return " ".join([*pieces, answer[place:]])


def zero(
    reason: str, *flags: str, parts: dict[str, float] | None = None, answer: str | None = None
) -> Score:
    """A score of 0, its flags naming what is wrong."""
    return Score(value=0.0, parts=parts or {}, reason=reason, answer=answer, flags=flags)


def too_long(parts: dict[str, float] | None = None) -> Score:
    """The score of an answer beyond the cap."""
    return zero("the answer is longer than any honest one", "too_long", parts=parts)


def needs(package: str, reward: str) -> RewardError:
    """The error for a package that is not installed."""
    return RewardError(
        f"reward `{reward}`: expected the package {package}, not installed; pip install {package}"
    )


def one_line(text: Any, limit: int = 80) -> str:
    """The beginning of something as one line, to be shown in a reason."""
    return " ".join(str(text).split())[:limit]
