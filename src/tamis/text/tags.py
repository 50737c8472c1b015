"""Where think and tool-call tags stand in a text, and which of them are only mentioned.

A tag inside a closed code fence or inside `inline code` is a mention, not a tag: an answer that explains
the format is no fault. Fences and backticks are Markdown's, with two limits: an unclosed fence hides
nothing, and inline code does not cross a line. Where the hidden tags are needed to make pairs (a
fence opened in the reasoning and closed in the answer), the reading without hiding is taken: see
`think.think_spans` and `tools.tool_blocks`. A tag directly between backticks is a mention always.

Everything here is linear in the text. All offsets are characters.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeVar

# Case, white space and hyphens are forgiven while reading, so that `< Think >` is reported as a
# spelling and not as a missing tag; ASCII, because `K` (Kelvin sign) would match `k` otherwise.
_TAG = re.compile(
    r"<[ \t]{0,2}(/?)[ \t]{0,2}(think|tool[-_ ]?call)[ \t]{0,2}>", re.IGNORECASE | re.ASCII
)
_NAMES = {"th": "think", "to": "tool_call"}
_FENCE = re.compile(r"^[ \t>]*(`{3,}|~{3,})([^\n]*)$", re.MULTILINE)
_TICKS_OR_LINE_END = re.compile(r"`+|\n")

Region = tuple[int, int]


class Tag(NamedTuple):
    """One tag as written: `name` is `think` or `tool_call`, `start:end` its characters."""

    name: str
    closing: bool
    start: int
    end: int

    @property
    def canonical(self) -> str:
        """The spelling that templates and parsers expect."""
        return f"</{self.name}>" if self.closing else f"<{self.name}>"


class _Placed(Protocol):
    @property
    def start(self) -> int: ...


AnyTag = TypeVar("AnyTag", bound=_Placed)


def read_tags(text: str) -> list[Tag]:
    """Every think and tool-call tag in order, those in code included unless directly quoted."""
    if "<" not in text:
        return []
    return [
        Tag(_NAMES[found[2][0].lower() + found[2][1].lower()], bool(found[1]), *found.span())
        for found in _TAG.finditer(text)
        if not is_quoted(text, found.start(), found.end())
    ]


def is_quoted(text: str, start: int, end: int) -> bool:
    """Whether a backtick stands directly on both sides of `start:end`."""
    return text[end : end + 1] == "`" and text[max(start - 1, 0) : start] == "`"


def code_regions(text: str) -> list[Region]:
    """Character ranges of closed code fences and of inline code, sorted and disjoint."""
    if "`" not in text and "~~~" not in text:
        return []
    fences = _fenced(text)
    ends = [end for _, end in fences]
    inline = [span for span in _inline(text) if not _is_covered(span, fences, ends)]
    return sorted([*fences, *inline])


def outside(tags: Sequence[AnyTag], regions: Sequence[Region]) -> list[AnyTag]:
    """The tags, or other marks, that do not start inside one of the sorted, disjoint `regions`."""
    if not regions:
        return list(tags)
    starts = [start for start, _ in regions]
    kept = []
    for tag in tags:
        nearest = bisect_right(starts, tag.start) - 1
        if nearest < 0 or tag.start >= regions[nearest][1]:
            kept.append(tag)
    return kept


def _fenced(text: str) -> list[Region]:
    regions: list[Region] = []
    opened: re.Match[str] | None = None
    for fence in _FENCE.finditer(text):
        if opened is None:
            # CommonMark: a backtick fence's opening line holds no further backtick
            if not (fence[1][0] == "`" and "`" in fence[2]):
                opened = fence
        elif _closes(opened, fence):
            regions.append((opened.start(), fence.end()))
            opened = None
    return regions


def _closes(opened: re.Match[str], fence: re.Match[str]) -> bool:
    return fence[1][0] == opened[1][0] and len(fence[1]) >= len(opened[1]) and not fence[2].strip()


def _inline(text: str) -> list[Region]:
    """Pairs of equally long backtick runs on one line, leftmost first."""
    regions: list[Region] = []
    runs: list[Region] = []
    for found in _TICKS_OR_LINE_END.finditer(text):
        if found[0] == "\n":
            regions.extend(_paired_runs(runs))
            runs = []
        else:
            runs.append(found.span())
    regions.extend(_paired_runs(runs))
    return regions


def _paired_runs(runs: Sequence[Region]) -> list[Region]:
    """Inline code of one line. Looks up each run's next equal from behind, so it stays linear."""
    if len(runs) < 2:
        return []
    next_equal: list[int | None] = [None] * len(runs)
    seen: dict[int, int] = {}
    for place in range(len(runs) - 1, -1, -1):
        length = runs[place][1] - runs[place][0]
        next_equal[place] = seen.get(length)
        seen[length] = place
    regions = []
    place = 0
    while place < len(runs):
        partner = next_equal[place]
        if partner is None:
            place += 1
        else:
            regions.append((runs[place][0], runs[partner][1]))
            place = partner + 1
    return regions


def _is_covered(span: Region, regions: Sequence[Region], ends: Sequence[int]) -> bool:
    """Whether `span` touches one of the sorted, disjoint `regions`, whose ends are `ends`."""
    place = bisect_right(ends, span[0])
    return place < len(regions) and regions[place][0] < span[1]
