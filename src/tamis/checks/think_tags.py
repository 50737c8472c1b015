"""Think tags of assistant messages: paired, not nested, and followed by an answer."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pyarrow as pa

from tamis.checks.tagged import MAX_PER_MESSAGE, of_assistants, read_messages
from tamis.columns import FindingsBuilder, flat_messages
from tamis.op import Measure
from tamis.records import Rule
from tamis.schema import FINDINGS
from tamis.text.blank import is_blank
from tamis.text.excerpts import excerpt
from tamis.text.tag_table import CLOSE_THINK, OPEN_THINK, sound_thinks, texts_with
from tamis.text.think import ThinkParse, think_spans

UNPAIRED = Rule(
    id="think-tags/unpaired",
    severity="error",
    dimension="format",
    summary="A `<think>` without `</think>`, or the other way round, in an assistant message.",
    fix="Add the missing tag, or remove the lone one.",
    good="<think>6 x 7 = 42</think>The answer is 42.",
    bad="<think>6 x 7 = 42 The answer is 42.",
)
NESTED = Rule(
    id="think-tags/nested",
    severity="error",
    dimension="format",
    summary="A `<think>` inside a think block.",
    fix="Keep one pair of tags around the whole reasoning.",
    good="<think>first, then second</think>Done.",
    bad="<think>first<think>second</think></think>Done.",
)
CROSSING = Rule(
    id="think-tags/crossing",
    severity="error",
    dimension="format",
    summary="A think block begins inside a tool call and ends outside it, or the other way round.",
    fix="Close the think block before the tool call begins.",
    good="<think>look it up</think><tool_call>search(q='x')</tool_call>",
    bad="<think>look it up<tool_call>search(q='x')</think></tool_call>",
)
NO_ANSWER = Rule(
    id="think-tags/no-answer",
    severity="error",
    dimension="completeness",
    summary="An assistant message ends with its reasoning: no answer and no tool call after it.",
    fix="Write the answer after `</think>`.",
    good="<think>6 x 7 = 42</think>42",
    bad="<think>6 x 7 = 42</think>",
)
EMPTY = Rule(
    id="think-tags/empty",
    severity="info",
    dimension="format",
    summary="A think block without reasoning, as hybrid models write when told not to think.",
    fix="Nothing, if meant as the no-thinking mode; otherwise write the reasoning or drop the tags.",
    good="<think>6 x 7 = 42</think>42",
    bad="<think></think>42",
)
SPELLING = Rule(
    id="think-tags/spelling",
    severity="warning",
    dimension="format",
    summary="A think tag in a spelling that chat templates do not recognise.",
    fix="Write `<think>` and `</think>`; `tamis fix` does it.",
    good="<think>hm</think>Yes.",
    bad="<Think>hm</ think>Yes.",
)

_PROBLEMS = {
    "unclosed": (UNPAIRED, "`<think>` is never closed"),
    "unopened": (UNPAIRED, "`</think>` without `<think>` before it"),
    "nested": (NESTED, "`<think>` inside a think block"),
    "crossing": (CROSSING, "the think block and a tool call cross"),
}


class ThinkTags(Measure, frozen=True, kw_only=True):
    """Think tags that do not pair, nest or cross, and reasoning that no answer follows.

    Only assistant messages are read: a user may write whatever he likes about tags. Tags in code
    fences, in inline code and in the text of a tool call are mentions (see `text.tags`).

    Reads:   messages; content and tool_calls of assistant messages.
    Adds:    think_tags_findings  list of findings, never null.
    Source:  the chapter's validator counts opening and closing tags; here they are paired in place.
    Cost:    one scan for `<`; only messages whose tags are not plainly sound are read one by one.
    """

    reads: ClassVar[tuple[str, ...]] = ("messages",)
    rules: ClassVar[tuple[Rule, ...]] = (UNPAIRED, NESTED, CROSSING, NO_ANSWER, EMPTY, SPELLING)

    def adds(self) -> pa.Schema:
        """The one column of findings."""
        return pa.schema([pa.field("think_tags_findings", FINDINGS)])

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Read the think tags of every assistant message."""
        flat = flat_messages(batch.column("messages"))
        found = FindingsBuilder(flat.n_rows)
        table = flat.tags
        with_thinks = texts_with(table, OPEN_THINK, CLOSE_THINK)
        doubtful = np.flatnonzero(with_thinks & ~sound_thinks(table))
        for message in read_messages(flat, of_assistants(flat, doubtful)):
            parse = think_spans(message.content)
            if parse.tags:
                path = f"messages[{message.position}].content"
                _report_tags(found, message.row, path, message.content, parse)
                _report_content(found, message.row, path, message.content, parse)
                if not message.goes_on:
                    _report_answer(found, message.row, path, message.content, parse)
        return pa.record_batch([found.column()], schema=self.adds())


def _report_tags(
    found: FindingsBuilder, row: int, path: str, content: str, parse: ThinkParse
) -> None:
    for problem in parse.problems[:MAX_PER_MESSAGE]:
        rule, said = _PROBLEMS[problem.kind]
        start, end = problem.start, problem.end
        found.report(
            row, rule, path, said, start=start, end=end, excerpt=excerpt(content, start, end)
        )


def _report_content(
    found: FindingsBuilder, row: int, path: str, content: str, parse: ThinkParse
) -> None:
    empty = [s for s in parse.spans if is_blank(content[s.body_start : s.body_end])]
    for span in empty[:MAX_PER_MESSAGE]:
        found.report(row, EMPTY, path, "no reasoning", start=span.start, end=span.end)
    misspelt = [t for t in parse.tags if content[t.start : t.end] != t.canonical]
    for tag in misspelt[:MAX_PER_MESSAGE]:
        said = f"`{content[tag.start : tag.end]}` instead of `{tag.canonical}`"
        found.report(row, SPELLING, path, said, start=tag.start, end=tag.end)


def _report_answer(
    found: FindingsBuilder, row: int, path: str, content: str, parse: ThinkParse
) -> None:
    last = parse.tags[-1]
    if last.closing and is_blank(content[last.end :]):
        said = "nothing after the reasoning"
        shown = excerpt(content, last.start, last.end)
        found.report(row, NO_ANSWER, path, said, start=last.start, end=last.end, excerpt=shown)
