"""The length reward: is an answer about as long as it should be."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar

import msgspec

from tamis.records import Question, Score
from tamis.rewards.answers import MAX_ANSWER_CHARS, Of, TextReward, part_of, too_long, zero
from tamis.text.words import visible, words

# A longer run without a space is no word: it counts by its letters, as many as words have with their space.
_LONGEST_WORD, _WORD_LETTERS = 30, 6
_HUB_NAME = re.compile(r"\w[\w.-]*(/[\w.-]+)?(@[\w.-]+)?", re.ASCII)
Count = Annotated[int, msgspec.Meta(ge=0, le=10_000_000)]


class LengthReward(TextReward, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """1 for a text between `at_least` and `at_most` tokens, less outside; always in [0, 1].

    Below `at_least` the value grows evenly from 0; above `at_most` it falls evenly to 0 over `buffer`
    more tokens, and stays there. Nothing is paid for more than enough. An empty text is 0.

    Tokens are words (a Chinese or Japanese character is one, punctuation none, more than 30 letters in one run
    one for every 6), or those of `tokenizer`: a folder or a name in the local cache. Invisible characters and white
    space add nothing. `of` says which text is measured: `all`, the `answer` behind the reasoning, or the `thinking`; with an unfinished
    reasoning the answer is 0 (`unfinished_think`). Repeated padding is the business of `repetition`;
    being right is that of another part, see `combine`.

    Every question can be graded. Parts: n_tokens. Flags: `too_short`, `too_long`, `unfinished_think`.
    """

    at_least: Count = 1
    at_most: Count | None = None
    buffer: Count = 0
    tokenizer: str | None = None
    of: Of = "all"
    name: ClassVar[str] = "length"
    version: ClassVar[str] = "2"

    def __post_init__(self) -> None:
        """Refuse an empty range."""
        if self.at_most is not None and self.at_most < self.at_least:
            raise ValueError(f"at_most: expected {self.at_least} or more, got {self.at_most}")
        if self.at_most is None and self.buffer:
            raise ValueError("buffer: expected at_most beside it, got none")

    def refuse_as_data(self) -> str | None:
        """A row may name a cached tokenizer, but no path on this machine."""
        if self.tokenizer is None or _HUB_NAME.fullmatch(self.tokenizer):
            return None
        return (
            "tokenizer: expected a name like ORG/NAME, got a path; use LengthReward(tokenizer=...)"
        )

    def score(self, answer: str, question: Question) -> Score:
        """The score of one answer text.

        >>> LengthReward(at_most=3, buffer=2).score("one two three four", Question(prompt=[])).value
        0.5
        """
        if len(answer) > MAX_ANSWER_CHARS:
            return too_long()
        text = part_of(answer, self.of)
        if text is None:
            return zero("the reasoning is unfinished", "unfinished_think")
        n_tokens = self.count(text)
        value, flags = self._value(n_tokens)
        return Score(
            value=value,
            parts={"n_tokens": float(n_tokens)},
            reason=f"{n_tokens:,} tokens",
            flags=flags,
        )

    def count(self, text: str) -> int:
        """How many tokens a text has. Raises: InputError when the tokenizer cannot be read."""
        if self.tokenizer is None:
            return sum(map(_n_words, words(text)))
        from tamis.text.tokenizer import load_tokenizer

        readable = visible(text).encode("utf-8", "replace").decode()
        return load_tokenizer(self.tokenizer).count([readable])[0]

    def _value(self, n_tokens: int) -> tuple[float, tuple[str, ...]]:
        if n_tokens < max(self.at_least, 1):
            return n_tokens / max(self.at_least, 1), ("too_short",)
        if self.at_most is None or n_tokens <= self.at_most:
            return 1.0, ()
        over = n_tokens - self.at_most
        return max(0.0, 1.0 - over / self.buffer) if self.buffer else 0.0, ("too_long",)


def _n_words(run: str) -> int:
    return 1 if len(run) <= _LONGEST_WORD else -(-len(run) // _WORD_LETTERS)
