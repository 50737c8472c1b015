"""Tool calls written as text: the blocks between `<tool_call>` and `</tool_call>`, and their calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from tamis.text.dialects import Dialect, ParsedCall, parse_body
from tamis.text.tags import Region, Tag, code_regions, outside, read_tags

BlockProblem = Literal["unclosed", "unopened", "empty", "unparsable"]


class ToolBlock(msgspec.Struct, frozen=True):
    """One tool-call block, or one lone tag.

    `start:end` are the block's characters with its tags, `body_start:body_end` those between them (a
    lone tag has an empty body at its end). `dialect` and `calls` are what the body says; `problem` is
    None for a sound block, `detail` says in words what is wrong.
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
    A block ends at the first `</tool_call>`, as every serving stack reads it.

    >>> [call.name for call in tool_blocks('<tool_call>add(a=1, b=2)</tool_call>')[0].calls]
    ['add']
    """
    tags = [tag for tag in read_tags(text) if tag.name == "tool_call"]
    if not tags:
        return []
    pairs, lone = pair_calls(tags, code_regions(text))
    blocks = [_block(text, opening, closing) for opening, closing in pairs]
    blocks.extend(
        ToolBlock(
            tag.start, tag.end, tag.end, tag.end, problem="unopened" if tag.closing else "unclosed"
        )
        for tag in lone
    )
    return sorted(blocks, key=lambda block: block.start)


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


def _block(text: str, opening: Tag, closing: Tag) -> ToolBlock:
    place = (opening.start, closing.end, opening.end, closing.start)
    body = text[opening.end : closing.start]
    if not body.strip():
        return ToolBlock(*place, problem="empty")
    parsed = parse_body(body)
    if parsed.problem is not None:
        return ToolBlock(*place, parsed.dialect, problem="unparsable", detail=parsed.problem)
    return ToolBlock(*place, parsed.dialect, parsed.calls)
