"""What the compiled scanner must know of a format: its keys, its role words, and what it marks."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import msgspec

from tamis.formats.exact import MARKER, OWN_KEYS
from tamis.kernels.json_tables import (
    NULL_CALLS,
    NULL_ID,
    NULL_NAME,
    NULL_REASONING,
    Words,
    words_of,
)
from tamis.records import Message

NULLS = {
    NULL_REASONING: "reasoning_content",
    NULL_ID: "tool_call_id",
    NULL_NAME: "name",
    NULL_CALLS: "tool_calls",
}


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """A format whose rows the compiled scanner reads, but for those that are not simple.

    top:      the keys of messages, tools and a system text, in this order
    message:  the keys of role and content, then those that only some formats have
    roles:    role words and the roles they stand for, those of `calls` last
    marks:    the marker of a message, from its role word and the bits of its marks
    has_text_only: content and `tools` are always texts
    calls:    the message behind a turn (role word, content) that is a tool call written as a text
    """

    top: tuple[str, str, str]
    message: tuple[str, str, str, str, str, str]
    roles: tuple[tuple[str, str], ...]
    marks: Callable[[str, int], dict[str, object]]
    has_text_only: bool = False
    n_plain_roles: int
    calls: Callable[[str, str], Message] | None = None


@cache
def layout_words(layout: Layout) -> Words:
    """The words of a layout, in the order of the scanner's groups."""
    words = [word for word, _ in layout.roles]
    groups = [
        [*layout.top, MARKER, *OWN_KEYS],
        [*layout.message, "weight", "train"],
        ["function", "id", "type"],
        ["name", "arguments"],
        words,
    ]
    return words_of(groups, (layout.has_text_only, layout.n_plain_roles, words.index("system")))


def null_keys(marks: int) -> list[str]:
    """The keys of a message whose value the author wrote as null."""
    return [key for mark, key in NULLS.items() if marks & mark]
