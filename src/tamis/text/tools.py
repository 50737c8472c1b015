"""Tool calls written as text: the blocks between tags or behind a marker, and their calls."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

import msgspec

from tamis.text.dialects import Dialect, ParsedBody, ParsedCall, parse_body
from tamis.text.marked_calls import (
    MarkedBody,
    has_marker,
    marked_bodies,
    parse_pythonic,
    read_marks,
)
from tamis.text.tags import Region, Tag, code_regions, outside, read_tags

BlockProblem = Literal["unclosed", "unopened", "empty", "unparsable"]


class ToolBlock(msgspec.Struct, frozen=True):
    """One tool-call block, or one lone tag.

    `start:end` are the block's characters with its tags or marker, `body_start:body_end` those without
    (a lone tag has an empty body at its end). `dialect` and `calls` are what the body says; `problem` is
    None for a sound block, `detail` says in words what is wrong. Code for Llama's interpreter is a
    sound block without dialect and calls.
    """

    start: int
    end: int
    body_start: int
    body_end: int
    dialect: Dialect | None = None
    calls: tuple[ParsedCall, ...] = ()
    problem: BlockProblem | None = None
    detail: str = ""


def tool_blocks(text: str) -> list[ToolBlock]:
    """Read every tool-call block of a text, in order, sound or not.

    Tags in code are mentions, unless only the reading that counts them gives every tag its partner.
    A block ends at the first `</tool_call>`, as every serving stack reads it. Markers in code or between
    tags are mentions, and so are tags in the JSON behind a marker.

    >>> [call.name for call in tool_blocks('<tool_call>add(a=1, b=2)</tool_call>')[0].calls]
    ['add']
    """
    tags = [tag for tag in read_tags(text) if tag.name == "tool_call"]
    if not tags and not has_marker(text):
        return []
    code = code_regions(text)
    pairs, lone = pair_calls(tags, code)
    marked = _marked(text, pairs, lone, code) if has_marker(text) else []
    shown = outside(tags, [(body.mark.start, body.end) for body in marked])
    if len(shown) < len(tags):
        pairs, lone = pair_calls(shown, code)
    blocks = [_block(text, opening, closing) for opening, closing in pairs]
    blocks.extend(_marked_block(text, body) for body in marked)
    blocks.extend(
        ToolBlock(
            tag.start, tag.end, tag.end, tag.end, problem="unopened" if tag.closing else "unclosed"
        )
        for tag in lone
    )
    return sorted(blocks, key=lambda block: block.start)


def pythonic_block(text: str, offered: Collection[str]) -> ToolBlock | None:
    """A message that is nothing but a list of Python calls, one at least of an offered tool, else None.

    >>> pythonic_block("[add(a=1)]", {"add"}).dialect
    'pythonic'
    """
    parsed = parse_pythonic(text, offered)
    if parsed is None:
        return None
    return ToolBlock(0, len(text), 0, len(text), parsed.dialect, parsed.calls)


def pair_calls(
    tags: Sequence[Tag], code: Sequence[Region]
) -> tuple[list[tuple[Tag, Tag]], list[Tag]]:
    """The pairs of opening and closing tool-call tags, and the tags that have no partner.

    `tags` may hold other tags too; `code` are the regions where a tag is a mention.
    """
    calls = [tag for tag in tags if tag.name == "tool_call"]
    pairs, lone = _pair(outside(calls, code))
    if not lone or not code:
        return pairs, lone
    shown_pairs, shown_lone = _pair(calls)
    return (pairs, lone) if shown_lone else (shown_pairs, shown_lone)


def _pair(tags: Sequence[Tag]) -> tuple[list[tuple[Tag, Tag]], list[Tag]]:
    pairs: list[tuple[Tag, Tag]] = []
    lone: list[Tag] = []
    opened: Tag | None = None
    for tag in tags:
        if not tag.closing:
            if opened is not None:
                lone.append(opened)
            opened = tag
        elif opened is None:
            lone.append(tag)
        else:
            pairs.append((opened, tag))
            opened = None
    if opened is not None:
        lone.append(opened)
    return pairs, lone


def _marked(
    text: str, pairs: Sequence[tuple[Tag, Tag]], lone: Sequence[Tag], code: Sequence[Region]
) -> list[MarkedBody]:
    between = [(opening.start, closing.end) for opening, closing in pairs]
    marks = outside(read_marks(text, code), between)
    tags = [opening.start for opening, _ in pairs] + [tag.start for tag in lone]
    return marked_bodies(text, marks, sorted(tags))


def _marked_block(text: str, marked: MarkedBody) -> ToolBlock:
    place = (marked.mark.start, marked.end, marked.mark.end, marked.end)
    if not text[marked.mark.end : marked.end].strip():
        marker = text[marked.mark.start : marked.mark.end]
        return ToolBlock(*place, problem="empty", detail=f"nothing behind `{marker}`")
    return _read(place, marked.parsed)


def _block(text: str, opening: Tag, closing: Tag) -> ToolBlock:
    place = (opening.start, closing.end, opening.end, closing.start)
    body = text[opening.end : closing.start]
    if not body.strip():
        return ToolBlock(*place, problem="empty")
    return _read(place, parse_body(body))


def _read(place: tuple[int, int, int, int], parsed: ParsedBody) -> ToolBlock:
    if parsed.problem is not None:
        return ToolBlock(*place, parsed.dialect, problem="unparsable", detail=parsed.problem)
    return ToolBlock(*place, parsed.dialect, parsed.calls)
