"""Shows what hostile text would rather do: control characters, overrides, lone surrogates."""

from __future__ import annotations


def visible(text: str) -> str:
    """`text` with control characters, lone surrogates and direction overrides shown, not obeyed.

    >>> visible("a\\x00b\\u202ec")
    'a⟨U+0000⟩b⟨U+202E⟩c'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible_character(character) for character in text)


def _visible_character(character: str) -> str:
    code = ord(character)
    is_hidden = (
        (code < 0x20 and character not in "\n\t")
        or 0x7F <= code <= 0x9F
        or 0x202A <= code <= 0x202E
        or 0x2066 <= code <= 0x2069
        or 0xD800 <= code <= 0xDFFF
        or 0xFFFE <= code <= 0xFFFF
    )
    return f"⟨U+{code:04X}⟩" if is_hidden else character
