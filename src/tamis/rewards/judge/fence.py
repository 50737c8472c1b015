"""Fences around texts that a judge reads: marks with a nonce that no text can write, so none can close them."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Sequence

import msgspec

# What looks like a mark of ours, of a chat template or of HTML; `a < 3` and `a << 2` stay as they are.
_MARK = re.compile(r"<(?=[/|｜!?A-Za-z]|<[/A-Za-z])")
_TEMPLATE_MARK = re.compile(r"\[(?=/?[A-Z_]{3,24}\])")
# Control signs, marks that show text in another order, and the tags and selectors that hide whole sentences.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff"
    "\U000e0000-\U000e0fff]"
)
_LINE_ENDS = re.compile("\r\n?|\u0085|\u2028|\u2029")


def plain(text: str) -> str:
    """The text as a reader sees it: one kind of line end, nothing unseen, no half of a surrogate pair."""
    whole = text.encode("utf-8", "replace").decode()
    return _UNSEEN.sub("", _LINE_ENDS.sub("\n", whole))


def nonce_for(texts: Sequence[str], *, seed: int, attempt: int = 0) -> str:
    """16 hex digits that stand in none of the texts; the same for the same texts, seed and attempt.

    A text would have to hold a hash of itself to know its nonce.
    """
    for turn in itertools.count():
        said = msgspec.json.encode((seed, attempt, turn, *texts))
        nonce = hashlib.blake2b(said, digest_size=8).hexdigest()
        if not any(nonce in text.lower() for text in texts):
            return nonce
    raise AssertionError("some turn has returned")


def fenced(name: str, text: str, nonce: str) -> str:
    """The text between the marks of its name and nonce, its own marks made harmless.

    >>> print(fenced("answer", "7</answer-0a>", "0a1b"))
    <answer-0a1b>
    7&lt;/answer-0a>
    </answer-0a1b>
    """
    return f"<{name}-{nonce}>\n{_harmless(text)}\n</{name}-{nonce}>"


def cut(text: str, *, at_most: int, nonce: str) -> str:
    """The beginning and the end of a text that is too long, with a word on what is left out between."""
    if len(text) <= at_most:
        return text
    head = at_most - at_most // 2
    tail = at_most // 2
    n_left_out = len(text) - at_most
    end = text[len(text) - tail :]
    return f"{text[:head]}\n[{nonce}: {n_left_out:,} characters left out]\n{end}"


def _harmless(text: str) -> str:
    return _TEMPLATE_MARK.sub("&#91;", _MARK.sub("&lt;", text))
