"""Tool calls written as text, between tags or behind a marker: paired, not empty, and readable."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pyarrow as pa

from tamis.checks.tagged import (
    MAX_PER_MESSAGE,
    Indexes,
    of_assistants,
    read_messages,
    simple_bodies,
)
from tamis.columns import FindingsBuilder, FlatMessages, flat_messages
from tamis.op import Measure
from tamis.records import Rule
from tamis.schema import FINDINGS
from tamis.text.excerpts import excerpt, printable
from tamis.text.tag_table import texts_with_calls
from tamis.text.tags import Tag, read_tags
from tamis.text.tools import ToolBlock, tool_blocks

UNPAIRED = Rule(
    id="tool-call-tags/unpaired",
    severity="error",
    dimension="format",
    summary="A `<tool_call>` without `</tool_call>`, or the other way round.",
    fix="Add the missing tag; `tamis fix` closes a whole call at the end of a message.",
    good='<tool_call>{"name": "now", "arguments": {}}</tool_call>',
    bad='<tool_call>{"name": "now", "arguments": {}}',
)
EMPTY = Rule(
    id="tool-call-tags/empty",
    severity="error",
    dimension="format",
    summary="Tool-call tags with nothing between them, or a marker with nothing behind it.",
    fix="Write the call, or remove the tags.",
    good="<tool_call>now()</tool_call>",
    bad="<tool_call></tool_call>",
)
UNPARSABLE = Rule(
    id="tool-call-tags/unparsable",
    severity="error",
    dimension="format",
    summary="A tool call that is no JSON, Python literal, Python call or XML call.",
    fix="Rewrite the call in a dialect that your chat template reads.",
    good="<tool_call>add(a=1, b=2)</tool_call>",
    bad="<tool_call>add(a=1, b=</tool_call>",
)
MIXED = Rule(
    id="tool-call-tags/mixed-dialects",
    severity="info",
    dimension="format",
    summary="One conversation writes its tool calls in more than one dialect.",
    fix="Use one dialect throughout: a model learns the format it sees.",
    good="<tool_call>add(a=1)</tool_call> ... <tool_call>add(a=2)</tool_call>",
    bad='<tool_call>add(a=1)</tool_call> ... <tool_call>{"name": "add", "arguments": {}}</tool_call>',
)
SPELLING = Rule(
    id="tool-call-tags/spelling",
    severity="warning",
    dimension="format",
    summary="A tool-call tag in a spelling that chat templates do not recognise.",
    fix="Write `<tool_call>` and `</tool_call>`; `tamis fix` does it.",
    good="<tool_call>now()</tool_call>",
    bad="<Tool_Call>now()</ tool_call>",
)

_SAID = {
    "unclosed": (UNPAIRED, "`<tool_call>` is never closed"),
    "unopened": (UNPAIRED, "`</tool_call>` without `<tool_call>` before it"),
    "empty": (EMPTY, "nothing between the tags"),
    "unparsable": (UNPARSABLE, ""),
}


class ToolCallTags(Measure, frozen=True, kw_only=True):
    """Textual tool calls that are unpaired, empty or unreadable in all seven dialects.

    Only assistant messages are read; tags in code are mentions (see `text.tags`). Structured
    `tool_calls` need no tags and are read by `ToolSchema`.

    Reads:   messages; content of assistant messages.
    Adds:    tool_call_tags_findings  list of findings, never null.
    Source:  the chapter's validator, which knows only newline-framed `name(...)` calls.
    Cost:    one scan for `<` and one reading of each call; only conversations with a fault are read whole.
    """

    reads: ClassVar[tuple[str, ...]] = ("messages",)
    rules: ClassVar[tuple[Rule, ...]] = (UNPAIRED, EMPTY, UNPARSABLE, MIXED, SPELLING)

    def adds(self) -> pa.Schema:
        """The one column of findings."""
        return pa.schema([pa.field("tool_call_tags_findings", FINDINGS)])

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Read the textual tool calls of every assistant message."""
        flat = flat_messages(batch.column("messages"))
        found = FindingsBuilder(flat.n_rows)
        first_dialect: dict[int, str] = {}
        mixed: set[int] = set()
        for message in read_messages(flat, _doubtful(flat)):
            path = f"messages[{message.position}].content"
            blocks = tool_blocks(message.content)
            faulty = [block for block in blocks if block.problem is not None]
            for block in faulty[:MAX_PER_MESSAGE]:
                _report_block(found, message.row, path, message.content, block)
            if blocks:
                _report_spelling(found, message.row, path, message.content, blocks)
            odd = _other_dialect(blocks, message.row, first_dialect)
            if odd is not None and message.row not in mixed:
                mixed.add(message.row)
                said = f"{odd.dialect} here, {first_dialect[message.row]} before"
                found.report(message.row, MIXED, path, said, start=odd.start, end=odd.end)
        return pa.record_batch([found.column()], schema=self.adds())


def _doubtful(flat: FlatMessages) -> Indexes:
    """Assistant messages with tool-call tags or markers, of conversations that are not plainly sound."""
    table = flat.tags
    tagged = of_assistants(flat, np.flatnonzero(texts_with_calls(table)))
    if not len(tagged):
        return tagged
    owners, bodies = simple_bodies(table)
    rows = set(flat.owner[np.setdiff1d(tagged, owners)].tolist())
    assistants = set(tagged.tolist())
    dialects: dict[int, str | None] = {}
    for place, row, parsed in zip(owners, flat.owner[owners].tolist(), bodies, strict=True):
        if place not in assistants:
            continue
        if parsed.problem or dialects.setdefault(row, parsed.dialect) != parsed.dialect:
            rows.add(row)
    return tagged[np.isin(flat.owner[tagged], list(rows))]


def _report_block(
    found: FindingsBuilder, row: int, path: str, content: str, block: ToolBlock
) -> None:
    assert block.problem is not None
    rule, said = _SAID[block.problem]
    shown = excerpt(content, block.start, block.end)
    found.report(
        row,
        rule,
        path,
        printable(block.detail) if block.detail else said,
        start=block.start,
        end=block.end,
        excerpt=shown,
    )


def _report_spelling(
    found: FindingsBuilder, row: int, path: str, content: str, blocks: list[ToolBlock]
) -> None:
    misspelt = [
        tag for tag in _tags_of(content, blocks) if _spelling(content, tag) != tag.canonical
    ]
    for tag in misspelt[:MAX_PER_MESSAGE]:
        said = f"`{_spelling(content, tag)}` instead of `{tag.canonical}`"
        found.report(row, SPELLING, path, said, start=tag.start, end=tag.end)


def _tags_of(content: str, blocks: list[ToolBlock]) -> list[Tag]:
    """The tags that frame the blocks, mentions left out."""
    starts = {block.start for block in blocks}
    ends = {block.end for block in blocks}
    return [
        tag
        for tag in read_tags(content)
        if tag.name == "tool_call" and (tag.start in starts or tag.end in ends)
    ]


def _spelling(content: str, tag: Tag) -> str:
    return content[tag.start : tag.end]


def _other_dialect(blocks: list[ToolBlock], row: int, first: dict[int, str]) -> ToolBlock | None:
    """The first sound block whose dialect differs from the conversation's first one, noted in `first`."""
    for block in blocks:
        sound = block.problem is None and block.dialect is not None
        if sound and first.setdefault(row, block.dialect or "") != block.dialect:
            return block
    return None
