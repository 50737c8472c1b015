"""Think blocks: where the reasoning stands, what is wrong with its tags, and what follows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from tamis.text.tags import Region, Tag, code_regions, outside, read_tags
from tamis.text.tools import pair_calls

ProblemKind = Literal["unclosed", "unopened", "nested", "crossing"]


class ThinkSpan(msgspec.Struct, frozen=True):
    """One whole think block, its tags at `start` and `end`, its reasoning between the bodies' ends."""

    start: int
    end: int
    body_start: int
    body_end: int


class TagProblem(msgspec.Struct, frozen=True):
    """A tag that does not pair as it should; `start:end` are the tag's characters."""

    kind: ProblemKind
    start: int
    end: int


class ThinkParse(msgspec.Struct, frozen=True):
    """The outermost think blocks in order, the tags read as tags, and what is wrong with them."""

    spans: list[ThinkSpan]
    problems: list[TagProblem]
    tags: list[Tag]


_NOTHING = ThinkParse([], [], [])


def think_spans(text: str) -> ThinkParse:
    """Read the think blocks of a text.

    Tags in code, or in the body of a tool call, are mentions. When that reading leaves a tag without
    partner, the readings without one or both of these exceptions are tried, and the first that is
    free of problems counts: ambiguous markup is read in the author's favour.

    >>> think_spans("<think>7 x 6</think>42").spans
    [ThinkSpan(start=0, end=20, body_start=7, body_end=12)]
    >>> [problem.kind for problem in think_spans("7 x 6</think>42").problems]
    ['unopened']
    """
    tags = read_tags(text)
    thinks = [tag for tag in tags if tag.name == "think"]
    if not thinks:
        return _NOTHING
    code = code_regions(text)
    calls = _call_bodies(tags, code)
    plain = _pair(outside(thinks, code), calls)
    if not calls and (not code or not plain.problems):
        return plain
    in_no_call = _pair(outside(outside(thinks, code), calls), calls)
    for reading in (in_no_call, plain):
        if not reading.problems:
            return reading
    for shown in (outside(thinks, calls), thinks):
        reading = _pair(shown, calls)
        if not reading.problems:
            return reading
    return plain


def after_last_think(text: str) -> str | None:
    """What stands after the last think block: the answer. None while the reasoning is unfinished.

    A text without think tags is all answer. A lone `</think>` ends a reasoning that the prompt
    opened, as reasoning models' templates do.

    >>> after_last_think("<think>7 x 6</think>42")
    '42'
    >>> after_last_think("<think>7 x 6 is") is None
    True
    """
    tags = think_spans(text).tags
    if not tags:
        return text
    return text[tags[-1].end :] if tags[-1].closing else None


def _call_bodies(tags: Sequence[Tag], code: Sequence[Region]) -> list[Region]:
    pairs, _ = pair_calls(tags, code)
    return [(opening.end, closing.start) for opening, closing in pairs]


def _pair(tags: list[Tag], calls: Sequence[Region]) -> ThinkParse:
    spans: list[ThinkSpan] = []
    problems: list[TagProblem] = []
    opened: list[Tag] = []
    for tag in tags:
        if not tag.closing:
            if opened:
                problems.append(TagProblem("nested", tag.start, tag.end))
            opened.append(tag)
        elif not opened:
            problems.append(TagProblem("unopened", tag.start, tag.end))
        else:
            first = opened.pop()
            if not opened:
                spans.append(ThinkSpan(first.start, tag.end, first.end, tag.start))
    problems.extend(TagProblem("unclosed", tag.start, tag.end) for tag in opened)
    problems.extend(_crossings(spans, calls))
    problems.sort(key=lambda problem: problem.start)
    return ThinkParse(spans, problems, tags)


def _crossings(spans: Sequence[ThinkSpan], calls: Sequence[Region]) -> list[TagProblem]:
    """Think blocks that begin inside a tool call and end outside it, or the other way round."""
    problems = []
    place = 0
    for span in spans:
        while place < len(calls) and calls[place][1] <= span.start:
            place += 1
        # a call that crosses this block's end may cross the next block's start: look without moving on
        near = place
        while near < len(calls) and calls[near][0] < span.end:
            start_inside = calls[near][0] <= span.start < calls[near][1]
            end_inside = calls[near][0] < span.end <= calls[near][1]
            if start_inside != end_inside and not _holds(span, calls[near]):
                problems.append(TagProblem("crossing", span.start, span.body_start))
                break
            near += 1
    return problems


def _holds(span: ThinkSpan, call: Region) -> bool:
    return span.body_start <= call[0] and call[1] <= span.body_end
