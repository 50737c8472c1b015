"""Signs of good manners, paid only on top of a right answer: the declared format, and reasoning that says something."""

from __future__ import annotations

import re

from tamis.text.think import think_spans

# One long run of letters is padding, not a word: no more of it counts.
_WORD_CHARS = 20
_MIN_CHARS = 50
_MIN_WORDS = 8
_WORD = re.compile(r"[^\W_]+")


def reasoning_of(answer: str) -> str | None:
    """What stands in the one well-formed think block before the answer; None for any other structure.

    A lone closing tag ends a block that the prompt opened.
    """
    parse = think_spans(answer)
    if len(parse.tags) == 1 and parse.tags[0].closing:
        return answer[: parse.tags[0].start]
    if parse.problems or len(parse.spans) != 1 or len(parse.tags) != 2:
        return None
    span = parse.spans[0]
    return None if answer[: span.start].strip() else answer[span.body_start : span.body_end]


def is_blank(reasoning: str) -> bool:
    """Whether a reasoning has no word at all."""
    return _WORD.search(reasoning) is None


def says_something(reasoning: str) -> bool:
    """Whether the *different* words of a reasoning come to 50 characters, in at least 8 of them.

    A word counts once however often it is repeated, so dots, spaces, fillers and copied lines add nothing.

    >>> says_something("hmm " * 100), says_something("." * 500)
    (False, False)
    """
    words = {word.lower()[:_WORD_CHARS] for word in _WORD.findall(reasoning)}
    return len(words) >= _MIN_WORDS and sum(map(len, words)) >= _MIN_CHARS
