"""The repetition reward: does an answer say new things, or the same ones again and again."""

from __future__ import annotations

import zlib
from typing import Annotated, ClassVar

import msgspec

from tamis.records import Question, Score
from tamis.rewards.answers import MAX_ANSWER_CHARS, Of, TextReward, part_of, too_long, zero
from tamis.text.words import visible, words

Share = Annotated[float, msgspec.Meta(ge=0.0, lt=1.0)]
Ngram = Annotated[int, msgspec.Meta(ge=1, le=100)]
# Below this many bytes the header and the first occurrence of everything rule the ratio.
_FEWEST_BYTES = 200


class RepetitionReward(TextReward, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """1 for a text without repetition, towards 0 the more of it is said again; in [0, 1].

    Three looks, and the worst of them is the value. Of the n-grams of `token_n` words (a Chinese or
    Japanese character is one), and of those of `char_n` characters, the share that was there before;
    up to `allowed` of either is free, for prose and derivations repeat phrases too. And how far
    the text shrinks in zlib: full value at `compressed` of its size or more. The looks are linear in time.

    An empty text is 0 (`empty`), so that silence is not the best answer; a text too short for an n-gram
    repeats none. `of` says which text: `all`, the `answer` behind the reasoning, or the `thinking`.
    Words drawn at random repeat nothing: this is no measure of sense.

    Every question can be graded. Parts: token_ngrams, char_ngrams, compression, each in [0, 1].
    Flags: `repetitive` below 0.5, `empty`, `unfinished_think`, `too_long`.
    """

    token_n: Ngram = 4
    char_n: Ngram = 24
    allowed: Share = 0.1
    compressed: Share = 0.2
    of: Of = "all"
    name: ClassVar[str] = "repetition"
    version: ClassVar[str] = "1"

    def score(self, answer: str, question: Question) -> Score:
        """The score of one answer text.

        >>> RepetitionReward().score("again and " * 40, Question(prompt=[])).value < 0.1
        True
        """
        if len(answer) > MAX_ANSWER_CHARS:
            return too_long()
        text = part_of(answer, self.of)
        if text is None:
            return zero("the reasoning is unfinished", "unfinished_think")
        text = visible(text)
        if not text:
            return zero("the text is empty", "empty")
        parts = {
            "token_ngrams": self._freshness(tuple(words(text.casefold())), self.token_n),
            "char_ngrams": self._freshness(text.casefold(), self.char_n),
            "compression": self._density(text),
        }
        value = min(parts.values())
        worst = min(parts, key=parts.__getitem__)
        reason = f"{worst} {value:.2f}" if value < 1 else "nothing repeated"
        return Score(
            value=value,
            parts=parts,
            reason=reason,
            flags=("repetitive",) if value < 0.5 else (),
        )

    def _freshness(self, items: str | tuple[str, ...], n: int) -> float:
        n_grams = len(items) - n + 1
        if n_grams < 2:
            return 1.0
        seen = {items[start : start + n] for start in range(n_grams)}
        repeated = 1.0 - len(seen) / n_grams
        return 1.0 - max(0.0, repeated - self.allowed) / (1.0 - self.allowed)

    def _density(self, text: str) -> float:
        raw = text.encode("utf-8", "surrogatepass")
        if len(raw) < _FEWEST_BYTES or not self.compressed:
            return 1.0
        return min(1.0, len(zlib.compress(raw, 6)) / len(raw) / self.compressed)
