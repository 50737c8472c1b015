"""The exact reward: is the answer one of the accepted texts, all of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from tamis.records import Score
from tamis.rewards.accepted_texts import ComparingReward
from tamis.rewards.answers import one_line, zero

_LABEL = re.compile(r"\(?([A-Za-z])(?:\)|[.:])\s+\S")


class ExactReward(ComparingReward, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """1 when the whole answer is an accepted text, else 0; a part of it is never enough.

    Only what follows the last think block is read; an unfinished one scores 0. With `read="final"` the
    answer is what it commits itself to: the content of `<answer>` or `\\boxed{}`, else a `#### x` line,
    else the rest of the line behind "answer is" or "Answer:"; where nothing of that is there, all of it.
    Different commitments score 0 (`conflicting_answers`). Bold, code, quotes and `$` around it are taken
    off, one full stop at its end, the brackets of `(B)`, and where only single characters are accepted
    the text behind a label (`B. Paris`). With `read="whole"` nothing is taken off.

    Both sides are compared after Unicode composition, with invisible marks gone and white space squeezed.
    What else does not count is declared: `ignore_case`, `ignore_punctuation` (symbols too),
    `ignore_articles` (a, an, the). An empty answer scores 0.

    The reference is `answer`: one text, or the JSON list of the accepted ones. A question without, with an
    empty one, or with a list that mixes texts and other values cannot be graded. Parts: accuracy.
    """

    name: ClassVar[str] = "exact"
    version: ClassVar[str] = "2"

    def compared(self, said: str, accepted: Sequence[str]) -> Score:
        """1 when what was said is an accepted text, else 0.

        >>> from tamis.records import Question, Reference
        >>> asked = Question(prompt=[], reference=Reference(answer="B"))
        >>> ExactReward().score("Surely the answer is **B**.", asked).value
        1.0
        """
        wanted = {self.normal(text) for text in accepted}
        given = {self.normal(said)}
        label = _LABEL.match(said) if self.read == "final" else None
        if label and all(len(text) == 1 for text in wanted):
            given.add(self.normal(label[1]))
        shown = said[:200]
        if given & wanted:
            return Score(value=1.0, parts={"accuracy": 1.0}, reason="equal", answer=shown)
        told = f"`{one_line(said)}` is not an accepted answer"
        return zero(told, parts={"accuracy": 0.0}, answer=shown)
