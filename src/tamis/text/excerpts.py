"""Short pieces of a text for people to look at."""

from __future__ import annotations

EXCERPT_CHARS = 160


def excerpt(text: str, start: int, end: int) -> str:
    """At most 160 characters around `start:end`, an ellipsis where text was cut.

    >>> excerpt("a" * 200, 100, 101) == "…" + "a" * 158 + "…"
    True
    """
    if len(text) <= EXCERPT_CHARS:
        return text
    room = EXCERPT_CHARS - 2
    first = max(0, min(start - max(0, room - (end - start)) // 2, len(text) - room))
    last = min(len(text), first + room)
    return f"{'…' if first else ''}{text[first:last]}{'…' if last < len(text) else ''}"


def printable(text: str) -> str:
    """The text with lone surrogates escaped, so that it can be stored; they come out of `\\ud800`.

    >>> printable("caf\\u00e9 \\ud800")
    'café \\\\ud800'
    """
    return text.encode("utf-8", "backslashreplace").decode()
