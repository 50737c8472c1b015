"""Words as people see them: invisible marks are nothing, and each Chinese or Japanese character is one word."""

from __future__ import annotations

import re

# Unicode's default-ignorable characters, those of planes without any left out: they show nothing,
# so that padding with them adds nothing.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]+"
)
# Scripts written without spaces between words, one character about a word. Korean has spaces.
_UNSPACED = "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")


def visible(text: str) -> str:
    """The text without invisible marks, each run of white space one space, none at the ends.

    >>> visible(" a\\u200b \\n\\t b ")
    'a b'
    """
    return " ".join(_INVISIBLE.sub("", text).split())


def words(text: str) -> list[str]:
    """The words of a text in order, punctuation left out; see the module for what counts as one.

    >>> words("It's 42, 好的!")
    ['It', 's', '42', '好', '的']
    """
    return _WORD.findall(_INVISIBLE.sub("", text))
