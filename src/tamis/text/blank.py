"""What shows nothing: white space and the marks that are invisible where they stand."""

from __future__ import annotations

# Zero-width space, word joiner, byte order mark: at an end they join and separate nothing.
# Joiners between letters (U+200C, U+200D) and direction marks are not among them: they show.
INVISIBLE = "\u200b\u2060\ufeff"
_BLANKS = "".join(sign for sign in map(chr, range(0x3001)) if sign.isspace()) + INVISIBLE


def is_blank(text: str) -> bool:
    """Whether the text holds nothing but white space and invisible marks.

    >>> is_blank(" \\ufeff\\n"), is_blank("\\u3000好")
    (True, False)
    """
    return not text.lstrip(_BLANKS)


def without_blank_end(text: str) -> str:
    """The text without white space and invisible marks at its end."""
    # one set of signs: taking white space and marks off in turns would be quadratic
    return text.rstrip(_BLANKS)
