"""Assistant replies that say nothing, or next to nothing."""

from __future__ import annotations

import re
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tamis.checks.tagged import ASSISTANT, call_counts
from tamis.columns import FindingsBuilder, FlatMessages, flat_messages
from tamis.op import Measure
from tamis.records import Rule
from tamis.schema import FINDINGS
from tamis.text.blank import INVISIBLE, is_blank

EMPTY = Rule(
    id="short-reply/empty",
    severity="error",
    dimension="completeness",
    summary="An assistant message without content, tool call or reasoning.",
    fix="Write the reply, or remove the message.",
    good='{"role": "assistant", "content": "Yes."}',
    bad='{"role": "assistant", "content": ""}',
)
ONLY_REASONING = Rule(
    id="short-reply/only-reasoning",
    severity="warning",
    dimension="completeness",
    summary="An assistant message with reasoning, but no content and no tool call.",
    fix="Write the answer that the reasoning leads to.",
    good='{"role": "assistant", "reasoning": "6 x 7", "content": "42"}',
    bad='{"role": "assistant", "reasoning": "6 x 7", "content": ""}',
)
PLACEHOLDER = Rule(
    id="short-reply/placeholder",
    severity="warning",
    dimension="completeness",
    summary="A reply of dots only: a place kept for a text that never came.",
    fix="Write the reply, or remove the message.",
    good="Paris.",
    bad="...",
)
SHORT = Rule(
    id="short-reply/short",
    severity="info",
    dimension="completeness",
    summary="A reply of few characters; often right (`42`, `Yes.`), worth a look in numbers.",
    fix="Look at a few: if the questions ask for more, write more.",
    good="The capital of France is Paris.",
    bad="Paris.",
)

_UTF8_MAX = 4
_INVISIBLE = re.compile(rf"[\s{INVISIBLE}]+")
_DOTS = re.compile(r"[.…。·．]{2,}|…")
# One sign of these scripts says about what two or three letters say: hiragana and katakana, Han, Hangul.
_DENSE = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\U00020000-\U0003134f]")


class ShortReply(Measure, frozen=True, kw_only=True):
    """Assistant messages that are empty (an error) or very short (worth knowing).

    A message with a structured tool call needs no content, one with `parts` (images) has content
    elsewhere. Short replies are no fault: `42` and `是的。` are answers; hence level info. Chinese,
    Japanese and Korean signs count twice.

    Reads:   messages; assistant messages only.
    Adds:    short_reply_findings  list of findings, never null.
    Source:  the chapter's validator: fewer than 10 characters after trimming; here visible characters.
    Cost:    lengths only, except for messages below `4 * min_chars` bytes.
    """

    min_chars: int = 10

    reads: ClassVar[tuple[str, ...]] = ("messages",)
    rules: ClassVar[tuple[Rule, ...]] = (EMPTY, ONLY_REASONING, PLACEHOLDER, SHORT)

    def adds(self) -> pa.Schema:
        """The one column of findings."""
        return pa.schema([pa.field("short_reply_findings", FINDINGS)])

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Measure every assistant reply that may be short."""
        flat = flat_messages(batch.column("messages"))
        found = FindingsBuilder(flat.n_rows)
        places = _may_be_short(flat, _UTF8_MAX * self.min_chars)
        if len(places):
            chosen = pa.array(places)
            messages = flat.values.take(chosen)
            contents = pc.struct_field(messages, "content").to_pylist()
            reasonings = pc.struct_field(messages, "reasoning").to_pylist()
            for place, content, reasoning in zip(
                places.tolist(), contents, reasonings, strict=True
            ):
                rule, said = self._verdict(content, reasoning)
                if rule is not None:
                    path = f"messages[{flat.position[place]}].content"
                    found.report(int(flat.owner[place]), rule, path, said, excerpt=content)
        return pa.record_batch([found.column()], schema=self.adds())

    def _verdict(self, content: str | None, reasoning: str | None) -> tuple[Rule | None, str]:
        visible = "" if content is None else _INVISIBLE.sub("", content)
        if not visible:
            if reasoning is not None and not is_blank(reasoning):
                return ONLY_REASONING, "reasoning, but no content and no tool call"
            return EMPTY, "no content and no tool call"
        if _DOTS.fullmatch(visible):
            return PLACEHOLDER, "nothing but dots"
        length = len(visible) + len(_DENSE.findall(visible))
        if length < self.min_chars:
            return SHORT, f"{len(visible)} visible characters"
        return None, ""


def _may_be_short(flat: FlatMessages, n_bytes: int) -> npt.NDArray[np.int64]:
    """Assistant messages without calls and parts whose content is absent, short or all white space."""
    content = flat.text("content")
    lengths = pc.binary_length(content)
    short = pc.fill_null(pc.or_kleene(pc.less(lengths, n_bytes), pc.utf8_is_space(content)), True)
    bare = pc.is_null(flat.text("parts")).to_numpy(zero_copy_only=False)
    return np.flatnonzero(
        short.to_numpy(zero_copy_only=False)
        & bare
        & (flat.role_codes() == ASSISTANT)
        & (call_counts(flat) == 0)
    )
