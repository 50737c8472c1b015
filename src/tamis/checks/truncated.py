"""Replies that were cut off: the last assistant message stops in the middle."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tamis.checks.ending import Cut, judge_last_line, open_fence, open_formula
from tamis.checks.scan import ASSISTANT, excerpt
from tamis.columns import FindingsBuilder, FlatMessages, flat_messages
from tamis.kernels.patterns import PatternSet, string_buffers
from tamis.op import Measure
from tamis.records import Rule, Severity
from tamis.schema import FINDINGS


def _rule(name: str, severity: Severity, summary: str, bad: str) -> Rule:
    return Rule(
        id=f"truncated/{name}",
        severity=severity,
        dimension="completeness",
        summary=summary,
        fix="Finish the reply, or generate it again with a higher token limit; else drop the row",
        good="It opens at nine and closes at five.",
        bad=bad,
    )


RULES = {
    Cut.UNCLOSED_FENCE: _rule(
        "unclosed-fence", "error", "The last reply ends inside a code block", "```python\nprint("
    ),
    Cut.UNCLOSED_LATEX: _rule(
        "unclosed-latex", "error", "The last reply ends inside a formula", "so \\[ x = 3"
    ),
    Cut.MID_SENTENCE: _rule(
        "mid-sentence",
        "error",
        "The last reply stops in the middle of a sentence or a word",
        "It opens at nine, but on Sundays the",
    ),
    Cut.OPEN_LIST: _rule(
        "open-list",
        "error",
        "The last reply ends with a list mark and nothing behind it",
        "1. Salt\n2.",
    ),
    Cut.UNCLOSED_BRACKET: _rule(
        "unclosed-bracket",
        "warning",
        "The last reply ends inside brackets",
        "three kinds (red, green",
    ),
    Cut.NO_END_MARK: _rule(
        "no-end-mark",
        "warning",
        "The last reply has full stops, but its last sentence has none",
        "It opens at nine. It closes at five on most days of the week",
    ),
}
_FENCES, _FORMULAS = 0, 1
_ENDS = (b".", b"!", b"?", "。".encode(), "！".encode(), "？".encode())


class TruncatedEnding(Measure, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whether the last assistant reply was cut off, judged by how it ends.

    Looks at the last assistant message that has text and no structured tool calls. An open code
    block, formula or list mark, a comma, a hyphen or a word that cannot end a sentence are errors; an
    open bracket or a missing full stop where the others stand is a warning. Code, tables, lists,
    links, signatures, emoji and short answers may end as they like.

    Reads:   messages; the last assistant message of a conversation.
    Adds:    truncated_findings  FINDINGS; at most one for a conversation.
    Cost:    reads the last bytes of each reply; one Hyperscan pass for fences and formulas.
    Source:  completeness in the usual quality frameworks; the rules are our own.
    """

    reads: ClassVar[tuple[str, ...]] = ("messages",)
    rules: ClassVar[tuple[Rule, ...]] = tuple(RULES.values())

    def adds(self) -> pa.Schema:
        """One column of findings."""
        return pa.schema([pa.field("truncated_findings", FINDINGS)])

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Look at the last reply of every conversation of the batch."""
        flat = flat_messages(batch.column("messages"))
        findings = FindingsBuilder(flat.n_rows)
        last = _last_replies(flat)
        texts = flat.text("content").take(pa.array(last))
        hits = _prefilter().hits(texts)
        opened = dict(hits.by_place())
        doubtful = np.union1d(hits.place, _without_end_mark(texts))
        for place, text in zip(
            doubtful.tolist(), texts.take(pa.array(doubtful)).to_pylist(), strict=True
        ):
            found = _judge(text, opened.get(place, ()))
            if found is None:
                continue
            cut, start = found
            message = last[place]
            rule = RULES[cut]
            findings.report(
                int(flat.owner[message]),
                rule,
                f"messages[{flat.position[message]}].content",
                rule.summary,
                start=start,
                end=len(text),
                excerpt=excerpt(text, max(start, len(text) - 80), len(text)),
            )
        return pa.record_batch([findings.column()], schema=self.adds())


def _judge(text: str, opened: Sequence[int]) -> tuple[Cut, int] | None:
    """How a text was cut off and where, knowing which patterns of the prefilter may stand in it."""
    fence = open_fence(text) if _FENCES in opened else None
    if fence is not None:
        return Cut.UNCLOSED_FENCE, fence
    formula = open_formula(text) if _FORMULAS in opened else None
    return judge_last_line(text) if formula is None else (Cut.UNCLOSED_LATEX, formula)


def _last_replies(flat: FlatMessages) -> npt.NDArray[np.int64]:
    """The last assistant message of each conversation, where it has text and calls no tool."""
    is_reply = flat.role_codes() == ASSISTANT
    replies = np.flatnonzero(is_reply)
    if not len(replies):
        return replies
    owners = flat.owner[replies]
    last = replies[np.append(owners[1:] != owners[:-1], True)]
    has_text = pc.fill_null(pc.greater(pc.binary_length(flat.text("content")), 0), False)
    n_calls = pc.fill_null(pc.list_value_length(flat.text("tool_calls")), 0)
    usable = has_text.to_numpy(zero_copy_only=False) & (n_calls.to_numpy(zero_copy_only=False) == 0)
    whole: npt.NDArray[np.int64] = last[usable[last]]
    return whole


def _without_end_mark(texts: pa.StringArray) -> npt.NDArray[np.int64]:
    """Texts whose last bytes are not a plain full stop, question or exclamation mark."""
    offsets, content = string_buffers(texts)
    if not len(content):
        return np.zeros(0, dtype=np.int64)
    letters = np.frombuffer(content, dtype=np.uint8)
    ends = offsets[1:].astype(np.int64)
    lengths = np.diff(offsets)
    is_ended = np.zeros(len(texts), dtype=bool)
    for mark in _ENDS:
        matches = lengths > len(mark)
        for back, byte in enumerate(reversed(mark), start=1):
            matches &= letters[np.maximum(ends - back, 0)] == byte
        if mark == b".":
            # `2.` may be an open list mark
            before = letters[np.maximum(ends - 2, 0)]
            matches &= (before < ord("0")) | (before > ord("9"))
        is_ended |= matches
    return np.flatnonzero(~is_ended)


@functools.cache
def _prefilter() -> PatternSet:
    """What can be left open far from the end: `_FENCES`, `_FORMULAS`."""
    return PatternSet(patterns=("```|~~~", "\\$\\$|\\\\\\[|\\\\begin\\{"))
