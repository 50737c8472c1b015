"""Repairs of one message's text that cannot change what it says, as a list of edits that can be undone.

What is repaired, in this order:

    line-ends        CRLF to LF
    blank-ends       white space and invisible marks at the ends; not the indentation of a first line
    close-call       `</tool_call>` after a whole call that ends the message
    tag-spelling     `< Think >` to `<think>`, where all tags of that kind then pair
    call-json        a call written as a Python literal, to JSON of exactly the same value

What is left alone, because it may mean something: the indentation of a first line, unless it is up to
three spaces in a text without indented lines; Unicode normal forms (NFC changes file names, passwords and code); lone carriage returns; joiners between letters; and a
missing `</think>`: reasoning has no grammar, so nothing proves where it ends.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import msgspec

from tamis.text.blank import INVISIBLE, without_blank_end
from tamis.text.dialects import literal_value, read_json
from tamis.text.tags import Tag, read_tags
from tamis.text.think import think_spans
from tamis.text.tools import ToolBlock, tool_blocks

_LINE_ENDS = re.compile(r"\r+\n")
_BLANK_START = re.compile(rf"[\s{INVISIBLE}]+")
_INDENTED = re.compile(r"\n[ \t\u3000]")
_MOST_EDITS = 100
_MARKS = re.compile(rf"[{INVISIBLE}]+")


class Edit(msgspec.Struct, frozen=True):
    """One replacement: `before` at `start:end` of the text as it stood then became `after`."""

    rule: str
    start: int
    end: int
    before: str
    after: str


class Repaired(msgspec.Struct, frozen=True):
    """The mended text and the edits that led to it, in the order they were made."""

    text: str
    edits: list[Edit]


def repair_ends(text: str) -> Repaired:
    """Line ends and the blank ends of any written message."""
    edits: list[Edit] = []
    text = _mend_line_ends(text, edits)
    text = _mend_blank_ends(text, edits)
    return Repaired(text, edits)


def repair_tags(text: str) -> Repaired:
    """The tags and textual tool calls of an assistant message (its ends already mended)."""
    edits: list[Edit] = []
    if "<" in text:
        text = _close_call(text, edits)
        text = _mend_spelling(text, edits)
        text = _mend_literals(text, edits)
    return Repaired(text, edits)


def undo_edits(text: str, edits: Sequence[Edit]) -> str:
    """The text before the edits. Raises ValueError when `text` is not what the edits led to.

    >>> undo_edits("b", [Edit("r", 0, 1, "a", "b")])
    'a'
    """
    for edit in reversed(edits):
        end = edit.start + len(edit.after)
        if text[edit.start : end] != edit.after:
            raise ValueError(f"{edit.rule} at {edit.start}: the text is not what this edit left")
        text = text[: edit.start] + edit.before + text[end:]
    return text


def _edit(text: str, edits: list[Edit], change: Edit) -> str:
    edits.append(change)
    return text[: change.start] + change.after + text[change.end :]


def _edit_all(text: str, edits: list[Edit], changes: Sequence[Edit]) -> str:
    """Make disjoint changes, given in order, all with offsets into `text`.

    They are noted from behind, so that each one's offsets hold when its turn comes. Very many become
    one change over all of them: undoing them one by one would be quadratic.
    """
    if not changes:
        return text
    pieces: list[str] = []
    place = first = changes[0].start
    for change in changes:
        pieces += [text[place : change.start], change.after]
        place = change.end
    after = "".join(pieces)
    if len(changes) > _MOST_EDITS:
        edits.append(Edit(changes[0].rule, first, place, text[first:place], after))
    else:
        edits.extend(reversed(changes))
    return text[:first] + after + text[place:]


def _mend_line_ends(text: str, edits: list[Edit]) -> str:
    """One edit from the first to the last CRLF. `\\r\\r\\n`, a file converted twice, is one line end."""
    if "\r\n" not in text:
        return text
    found = [match.span() for match in _LINE_ENDS.finditer(text)]
    start, end = found[0][0], found[-1][1]
    before = text[start:end]
    return _edit(text, edits, Edit("line-ends", start, end, before, _LINE_ENDS.sub("\n", before)))


def _mend_blank_ends(text: str, edits: list[Edit]) -> str:
    kept = without_blank_end(text)
    if len(kept) < len(text):
        end = len(text)
        text = _edit(text, edits, Edit("blank-ends", len(kept), end, text[len(kept) :], ""))
    blank = _BLANK_START.match(text)
    if blank is None:
        return text
    indentation = _MARKS.sub("", blank[0][blank[0].rfind("\n") + 1 :])
    if _is_stray(indentation, text[blank.end() :]):
        indentation = ""
    if indentation == blank[0]:
        return text
    return _edit(text, edits, Edit("blank-ends", 0, blank.end(), blank[0], indentation))


def _is_stray(indentation: str, rest: str) -> bool:
    """Up to three spaces, which mean nothing in Markdown, before a text without indented lines.

    More may be code, a tab or an ideographic space a paragraph, and an indented line below a block.
    """
    return indentation in (" ", "  ", "   ") and _INDENTED.search(rest) is None


def _close_call(text: str, edits: list[Edit]) -> str:
    blocks = tool_blocks(text)
    if not blocks or blocks[-1].problem != "unclosed":
        return text
    opening = blocks[-1]
    if any(block.problem is not None for block in blocks[:-1]):
        return text
    ending = "\n</tool_call>" if text[opening.end :].startswith("\n") else "</tool_call>"
    mended = text + ending
    closed = tool_blocks(mended)
    # the call must be whole: what stands there parses, up to the end of the message
    if len(closed) != len(blocks) or any(block.problem is not None for block in closed):
        return text
    if len(think_spans(mended).problems) > len(think_spans(text).problems):
        return text
    return _edit(text, edits, Edit("close-call", len(text), len(text), "", ending))


def _mend_spelling(text: str, edits: list[Edit]) -> str:
    if all(text[tag.start : tag.end] == tag.canonical for tag in read_tags(text)):
        return text
    thinks = think_spans(text)
    tags: list[Tag] = [] if thinks.problems else list(thinks.tags)
    blocks = tool_blocks(text)
    if not any(block.problem in ("unclosed", "unopened") for block in blocks):
        starts = {block.start for block in blocks}
        ends = {block.end for block in blocks}
        tags += [
            tag
            for tag in read_tags(text)
            if tag.name == "tool_call" and (tag.start in starts or tag.end in ends)
        ]
    changes = [
        Edit("tag-spelling", tag.start, tag.end, text[tag.start : tag.end], tag.canonical)
        for tag in sorted(tags, key=lambda tag: tag.start)
        if text[tag.start : tag.end] != tag.canonical
    ]
    return _edit_all(text, edits, changes)


def _mend_literals(text: str, edits: list[Edit]) -> str:
    blocks = tool_blocks(text)
    literals = [block for block in blocks if block.problem is None and block.dialect == "literal"]
    changes = [change for block in literals if (change := _as_json(text, block)) is not None]
    if not changes:
        return text
    made: list[Edit] = []
    mended = _edit_all(text, made, changes)
    # an escape may have kept a tag or a backtick out of sight: then the text is better left alone
    if _meanings(tool_blocks(mended)) != _meanings(blocks):
        return text
    if len(think_spans(mended).spans) != len(think_spans(text).spans):
        return text
    edits.extend(made)
    return mended


def _meanings(blocks: Sequence[ToolBlock]) -> list[str]:
    """What each block says, types included, whatever the dialect."""
    return [
        f"{block.problem} {[(call.name, call.arguments, call.positional) for call in block.calls]!r}"
        for block in blocks
    ]


def _as_json(text: str, block: ToolBlock) -> Edit | None:
    """The edit that writes a literal body as JSON, or None where JSON would say something else."""
    written = text[block.body_start : block.body_end]
    body = written.strip()
    start = block.body_start + len(written) - len(written.lstrip())
    value = literal_value(body)
    try:
        after = json.dumps(value, ensure_ascii=False, allow_nan=False)
        after.encode()
        same = _same(read_json(after), value)
    except (TypeError, ValueError, RecursionError):
        return None
    return Edit("call-json", start, start + len(body), body, after) if same else None


def _same(left: Any, right: Any) -> bool:
    """Equal in value and in type, through and through: `1`, `1.0` and `True` differ."""
    return type(left) is type(right) and repr(left) == repr(right)
