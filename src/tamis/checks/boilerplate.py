"""Boilerplate of assistants: talk about being an AI, refusals, the name of another vendor."""

from __future__ import annotations

import functools
import re
from typing import ClassVar

import pyarrow as pa

from tamis.checks.boilerplate_phrases import (
    ALONE,
    PROVIDER_IDENTITY,
    REFUSAL,
    SELF_REFERENCE,
    STOCK_OFFER,
)
from tamis.checks.scan import excerpt, message_texts_hit
from tamis.columns import FindingsBuilder, flat_messages
from tamis.kernels.patterns import PatternSet
from tamis.op import Measure
from tamis.records import Rule
from tamis.schema import FINDINGS

_SELF_REFERENCE = Rule(
    id="boilerplate/self-reference",
    severity="error",
    dimension="format",
    summary="The assistant talks about being an AI instead of answering",
    fix="Delete the phrase, keep the answer; if nothing is left, drop the row",
    good="Water boils at 100 °C at sea level.",
    bad="Being just an AI, I have no opinion, but water boils at 100 °C.",
)
_REFUSAL = Rule(
    id="boilerplate/refusal",
    severity="warning",
    dimension="completeness",
    summary="The assistant declines to answer",
    fix="Keep it if the request deserves a refusal; otherwise write the answer or drop the row",
    good="Here is the translation: …",
    bad="I am sorry, but I am not able to help with that.",
)
_PROVIDER = Rule(
    id="boilerplate/provider-identity",
    severity="warning",
    dimension="correctness",
    summary="The assistant says it is some vendor's model, which the model to be trained is not",
    fix="Write your own model's name, or drop the row",
    good="I am the assistant of the town library.",
    bad="My name is Claude and I was made by Anthropic.",
)
_OFFER = Rule(
    id="boilerplate/stock-offer",
    severity="info",
    dimension="diversity",
    summary="The assistant opens or closes with a stock offer of help",
    fix="Delete the offer, unless the conversation is a greeting",
    good="The library opens at nine.",
    bad="The library opens at nine. May I help you further?",
)
_FAMILIES = (
    (_SELF_REFERENCE, SELF_REFERENCE),
    (_REFUSAL, REFUSAL),
    (_PROVIDER, PROVIDER_IDENTITY),
    (_OFFER, STOCK_OFFER),
)
# a refusal further down is mostly quoted, or part of a story or of advice
_REFUSAL_WITHIN = 240
_ALONE = (
    r"(?=\s*(?:[^\w\s]|$)|\s+(?:i|i['’]m|my|me|it|we|and|so|but|who|that|which|without|created|trained|developed|made"
    r"|designed|built|here|to|not)\b)"
)
_QUOTES = {'"': '"', "“": "”", "«": "»", "„": "“", "「": "」", "『": "』", "‘": "’"}


class Boilerplate(Measure, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Stock phrases a model picked up elsewhere: being an AI, refusing, or being another vendor's model.

    English, Chinese, German, French, Spanish, Portuguese, Japanese and Russian. Only what the
    assistant writes; phrases in quotation marks and in code are let go, refusals count only near the
    start of a message. Talk about being an AI is an error, because it is wrong in any training set
    for a model with its own voice; a refusal or a vendor's name may be wanted and is a warning.

    Reads:   messages; assistant content and reasoning.
    Adds:    boilerplate_findings  FINDINGS; at most one of each rule for each message.
    Cost:    one Hyperscan pass over the texts; the exact rules run on the texts it hits.
    Source:  "As an AI assistant" among the common mistakes of annotation guidelines; WizardLM's
             elimination of apologies; the phrases are our own.
    """

    reads: ClassVar[tuple[str, ...]] = ("messages",)
    rules: ClassVar[tuple[Rule, ...]] = (_SELF_REFERENCE, _REFUSAL, _PROVIDER, _OFFER)

    def adds(self) -> pa.Schema:
        """One column of findings."""
        return pa.schema([pa.field("boilerplate_findings", FINDINGS)])

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Look at every assistant text of the batch."""
        flat = flat_messages(batch.column("messages"))
        findings = FindingsBuilder(flat.n_rows)
        for hit in message_texts_hit(flat, _prefilter(), assistant_only=True):
            for family, span in _phrases(hit.text, hit.patterns).items():
                rule, (start, end) = _FAMILIES[family][0], span
                findings.report(
                    hit.row,
                    rule,
                    hit.path,
                    f"{rule.summary}: “{hit.text[start:end]}”",
                    start=start,
                    end=end,
                    excerpt=excerpt(hit.text, start, end),
                )
        return pa.record_batch([findings.column()], schema=self.adds())


def _phrases(text: str, ordinals: list[int]) -> dict[int, tuple[int, int]]:
    """The first phrase of each family that the text says in earnest, of the phrases numbered."""
    found: dict[int, tuple[int, int]] = {}
    for ordinal in ordinals:
        family, phrase = _exact()[ordinal]
        span = _first_in_earnest(text, phrase, within=_REFUSAL_WITHIN if family == 1 else None)
        if span is not None and (family not in found or span < found[family]):
            found[family] = span
    return found


def _first_in_earnest(
    text: str, phrase: re.Pattern[str], *, within: int | None
) -> tuple[int, int] | None:
    for match in phrase.finditer(text):
        if within is not None and _offset_in_answer(text, match.start()) > within:
            return None
        if not _is_quoted(text, match.start()):
            return match.span()
    return None


def _offset_in_answer(text: str, start: int) -> int:
    """Distance from the start of the answer proper, behind a closed think block."""
    answer = text.rfind("</think>", 0, start)
    return start if answer < 0 else start - answer - len("</think>")


def _is_quoted(text: str, start: int) -> bool:
    """Whether the place lies in quotation marks opened on its line, in a quoted line or in code."""
    line = text[text.rfind("\n", 0, start) + 1 : start]
    if line.lstrip().startswith(">") or line.count("`") % 2:
        return True
    if text.count("```", 0, start) % 2:
        return True
    for opening, closing in _QUOTES.items():
        if opening == closing:
            if line.count(opening) % 2:
                return True
        elif line.rfind(opening) > line.rfind(closing):
            return True
    # a straight single quote opens only after a space, because it is an apostrophe elsewhere
    return bool(re.search(r"(?:^|[\s(:,])'\w?[^'\n]*$", line)) and "'" in text[start : start + 400]


@functools.cache
def _prefilter() -> PatternSet:
    return PatternSet(
        patterns=tuple(phrase.replace(ALONE, "") for _, phrases in _FAMILIES for phrase in phrases),
        ignore_case=True,
    )


@functools.cache
def _exact() -> tuple[tuple[int, re.Pattern[str]], ...]:
    """Family and pattern of each phrase, between word borders; scripts without spaces need none."""
    return tuple(
        (
            family,
            re.compile(
                f"(?<![^\\W_])(?:{phrase})(?![^\\W_])" if _has_spaces(phrase) else phrase,
                re.IGNORECASE,
            ),
        )
        for family, (_, phrases) in enumerate(_FAMILIES)
        for phrase in (written.replace(ALONE, _ALONE) for written in phrases)
    )


def _has_spaces(phrase: str) -> bool:
    return not re.search("[\u3040-\u30ff\u4e00-\u9fff]", phrase)
