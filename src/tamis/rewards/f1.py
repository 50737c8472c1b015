"""The F1 reward: how many words an answer shares with an accepted one, and how few are too many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

from tamis.records import Question, Score
from tamis.rewards.accepted_texts import ComparingReward, accepted_texts
from tamis.text.words import words


class F1Reward(ComparingReward, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The F1 of the words of an answer and those of the accepted text that is nearest, in [0, 1].

    Words are counted, so saying one twice does not match it twice, and each word too many costs precision.
    Punctuation is no word; a Chinese or Japanese character is one. How the answer is found, what
    does not count, and which references can be graded: see `exact`. An answer without words scores 0.

    Parts: accuracy (1 when the words are the same, as often), precision, recall.
    """

    name: ClassVar[str] = "f1"
    version: ClassVar[str] = "2"

    def ungradable(self, question: Question) -> str | None:
        """Why there are no words to compare with; None when there are."""
        reason = super().ungradable(question)
        if reason is None and not all(map(self.tokens, accepted_texts(question).texts)):
            return "the reference has no words"
        return reason

    def compared(self, said: str, accepted: Sequence[str]) -> Score:
        """The F1 with the accepted text that is nearest.

        >>> from tamis.records import Question, Reference
        >>> asked = Question(prompt=[], reference=Reference(answer="the red house"))
        >>> F1Reward().score("red house", asked).value
        0.8
        """
        given = self.tokens(said)
        wanted = [self.tokens(text) for text in accepted]
        value, precision, recall = max(_overlap(given, one) for one in wanted)
        accuracy = float(any(Counter(given) == Counter(one) for one in wanted))
        return Score(
            value=value,
            parts={"accuracy": accuracy, "precision": precision, "recall": recall},
            reason=f"precision {precision:.2f}, recall {recall:.2f}",
            answer=said[:200],
        )

    def tokens(self, text: str) -> list[str]:
        """The words of a text as they are compared."""
        return words(self.normal(text))


def _overlap(given: Sequence[str], wanted: Sequence[str]) -> tuple[float, float, float]:
    """F1, precision and recall of the words, each counted as often as it stands there."""
    shared = (Counter(given) & Counter(wanted)).total()
    if not shared:
        return 0.0, 0.0, 0.0
    precision, recall = shared / len(given), shared / len(wanted)
    return 2 * shared / (len(given) + len(wanted)), precision, recall
