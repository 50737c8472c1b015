"""Private data and secrets: addresses, numbers with check digits, keys."""

from __future__ import annotations

import functools
import re
from bisect import bisect_left
from typing import TYPE_CHECKING, ClassVar

import msgspec
import pyarrow as pa

from tamis.checks.private_numbers import (
    is_card,
    is_iban,
    is_personal_email,
    is_phone,
    is_public_ipv4,
    is_resident_id,
    is_secret,
    is_social_security,
)
from tamis.checks.scan import argument_texts_hit, message_texts_hit
from tamis.columns import FindingsBuilder, flat_messages
from tamis.kernels.patterns import PatternSet
from tamis.op import Measure
from tamis.records import Rule, Severity
from tamis.schema import FINDINGS

if TYPE_CHECKING:
    from collections.abc import Callable


def _rule(name: str, severity: Severity, summary: str, bad: str) -> Rule:
    return Rule(
        id=f"private-data/{name}",
        severity=severity,
        dimension="safety",
        summary=summary,
        fix="Replace it with an invented one (example.com, 555-01xx, 192.0.2.x) or drop the row",
        good="Write to someone@example.com",
        bad=bad,
    )


class Detector(msgspec.Struct, frozen=True):
    """What a kind of private data looks like.

    scan:   pattern of the prefilter, may find too much
    exact:  the whole of it, with what must stand around it
    holds:  what the characters found must satisfy: check digits, ranges, not a reserved one
    """

    rule: Rule
    scan: str
    exact: re.Pattern[str]
    holds: Callable[[str], bool]


_NO_DIGIT_BEFORE = r"(?<![\w.+#/=-])"
_NO_DIGIT_AFTER = r"(?![\w]|[-.]\d)"

DETECTORS = (
    Detector(
        _rule("secret", "error", "A key, token or password to a service", "aws_key = AKIA…"),
        scan="(?:AKIA|ASIA)[0-9A-Z]{16}|sk-[A-Za-z0-9_-]{20}|sk_live_[A-Za-z0-9]{16}|gh[pousr]_[A-Za-z0-9]{36}"
        "|github_pat_[A-Za-z0-9_]{22}|glpat-[A-Za-z0-9_-]{20}|xox[abeoprs]-[A-Za-z0-9-]{10}|AIza[A-Za-z0-9_-]{35}"
        "|hf_[A-Za-z0-9]{30}|PRIVATE KEY(?: BLOCK)?-----|eyJ[A-Za-z0-9_-]{8,400}\\.eyJ",
        exact=re.compile(
            r"(?<![A-Za-z0-9])(?:(?:AKIA|ASIA)[0-9A-Z]{16}(?![0-9A-Za-z])|sk-(?:ant-|proj-|or-v1-)?[A-Za-z0-9_-]{20,200}"
            r"|sk_live_[A-Za-z0-9]{16,99}|gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255}"
            r"|glpat-[A-Za-z0-9_-]{20,64}|xox[abeoprs]-[A-Za-z0-9-]{10,250}|AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"
            r"|hf_[A-Za-z0-9]{30,60}|eyJ[A-Za-z0-9_-]{8,2000}\.eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{10,2000})"
            r"|-----BEGIN (?:[A-Z]{2,10} ){0,2}PRIVATE KEY(?: BLOCK)?-----\s*[A-Za-z0-9+/=\s:-]{40}"
        ),
        holds=is_secret,
    ),
    Detector(
        _rule(
            "payment-card",
            "error",
            "A payment card number with a valid check digit",
            "4xxx xxxx xxxx xxxx",
        ),
        scan="[2-6][0-9]{3} [0-9]{4} [0-9]{4} [0-9]{3}|[2-6][0-9]{3}-[0-9]{4}-[0-9]{4}-[0-9]{3}"
        "|3[0-9]{3}[ -][0-9]{6}[ -][0-9]{4}|4[0-9]{15}|5[0-8][0-9]{14}|6[0-9]{15}|2[2-7][0-9]{14}|3[04678][0-9]{12}"
        "|35[0-9]{14}",
        exact=re.compile(
            _NO_DIGIT_BEFORE
            + r"(?:[2-6]\d{3}([ -]?)\d{4}\1\d{4}\1\d{4}(?:\1?\d{3})?|3[47]\d{2}([ -]?)\d{6}\2\d{5}"
            r"|3[068]\d{2}([ -]?)\d{6}\3\d{4})" + _NO_DIGIT_AFTER,
            re.ASCII,
        ),
        holds=is_card,
    ),
    Detector(
        _rule(
            "iban",
            "error",
            "A bank account number (IBAN) with valid check digits",
            "DEkk bbbb bbbb cccc cccc cc",
        ),
        scan="[A-Z]{2}[0-9]{2} ?[A-Z0-9]{4} ?[A-Z0-9]{4} ?[A-Z0-9]{3}",
        exact=re.compile(
            r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])",
            re.ASCII,
        ),
        holds=is_iban,
    ),
    Detector(
        _rule(
            "resident-id",
            "error",
            "A Chinese resident identity number with a valid check digit",
            "11010119…",
        ),
        scan="[1-8][0-9]{5}(?:18|19|20)[0-9]{9}[0-9Xx]",
        exact=re.compile(
            r"(?<![A-Za-z0-9.])[1-8]\d{5}(?:18|19|20)\d{9}[\dXx](?![A-Za-z0-9])", re.ASCII
        ),
        holds=is_resident_id,
    ),
    Detector(
        _rule(
            "social-security",
            "error",
            "A US social security number in a range that is issued",
            "aaa-gg-ssss",
        ),
        scan="[0-8][0-9]{2}-[0-9]{2}-[0-9]{4}",
        exact=re.compile(_NO_DIGIT_BEFORE + r"[0-8]\d{2}-\d{2}-\d{4}" + _NO_DIGIT_AFTER, re.ASCII),
        holds=is_social_security,
    ),
    Detector(
        _rule(
            "email",
            "warning",
            "An e-mail address of a person or a company",
            "first.last@company.tld",
        ),
        scan="[A-Za-z0-9_+-]@[A-Za-z0-9]",
        exact=re.compile(
            r"(?<![A-Za-z0-9._%+/:@-])[A-Za-z0-9](?:[A-Za-z0-9._%+-]{0,62}[A-Za-z0-9_+-])?"
            r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,4}[A-Za-z]{2,18}(?![A-Za-z0-9@:-])"
        ),
        holds=is_personal_email,
    ),
    Detector(
        _rule("phone", "warning", "A telephone number", "+cc aaa nnnnnnn"),
        scan="\\+[1-9][0-9 ().-]{7}|[2-9][0-9]{2}[-. ][2-9][0-9]{2}[-. ][0-9]{4}"
        "|\\([2-9][0-9]{2}\\) ?[2-9][0-9]{2}[-. ][0-9]{4}|1[3-9][0-9]{9}|1[3-9][0-9][ -][0-9]{4}[ -][0-9]{4}",
        exact=re.compile(
            r"(?<![\w.+#/=-])(?:\+[1-9]\d{0,2}(?:[ .-]?\(?\d{1,5}\)?){2,6}|(?:1[-. ])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}([-. ]))[2-9]\d{2}[-. ]\d{4}"
            r"|1[3-9]\d{9}|1[3-9]\d([ -])\d{4}\2\d{4})(?![\w]|[-./]\d)",
            re.ASCII,
        ),
        holds=is_phone,
    ),
    Detector(
        _rule("ip-address", "warning", "A public IPv4 address", "93.184.…"),
        scan="[0-9]\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]",
        exact=re.compile(r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)", re.ASCII),
        holds=is_public_ipv4,
    ),
)


class PrivateData(Measure, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Private data in any message: secrets, card and bank numbers, ids, addresses, telephone numbers.

    Whatever has check digits must pass them; reserved ones (example.com, 555-01xx, documentation
    networks, published test cards) are let go. Excerpts are masked. Not a security boundary: names,
    street addresses and numbers without a form of their own are not found.

    Reads:   messages; content, reasoning and tool call arguments of every role.
    Adds:    private_data_findings  FINDINGS; one for each place.
    Cost:    one Hyperscan pass; check digits for what it hits.
    Source:  ISO/IEC 7812 (Luhn), ISO 13616 (IBAN), GB 11643-1999, RFC 2606, RFC 5737, RFC 6761.
    """

    reads: ClassVar[tuple[str, ...]] = ("messages",)
    rules: ClassVar[tuple[Rule, ...]] = tuple(detector.rule for detector in DETECTORS)

    def adds(self) -> pa.Schema:
        """One column of findings."""
        return pa.schema([pa.field("private_data_findings", FINDINGS)])

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Look at every text of the batch."""
        flat = flat_messages(batch.column("messages"))
        findings = FindingsBuilder(flat.n_rows)
        prefilter = _prefilter()
        for hit in (
            *message_texts_hit(flat, prefilter, assistant_only=False),
            *argument_texts_hit(flat, prefilter),
        ):
            for detector, start, end in private_spans(hit.text, hit.patterns):
                findings.report(
                    hit.row,
                    detector.rule,
                    hit.path,
                    detector.rule.summary,
                    start=start,
                    end=end,
                    excerpt=masked(hit.text[start:end]),
                )
        return pa.record_batch([findings.column()], schema=self.adds())


def private_spans(text: str, ordinals: list[int]) -> list[tuple[Detector, int, int]]:
    """Places of private data in a text, looked for with the detectors of these ordinals.

    A place belongs to the first detector that claims it: a card number is not also a telephone number.
    """
    taken: list[tuple[Detector, int, int]] = []
    # taken places never overlap, so in order their neighbours are all one must look at
    starts: list[int] = []
    ends: list[int] = []
    for ordinal in ordinals:
        detector = DETECTORS[ordinal]
        for match in detector.exact.finditer(text):
            start, end = match.span()
            at = bisect_left(starts, start)
            is_free = (at == 0 or ends[at - 1] <= start) and (
                at == len(starts) or end <= starts[at]
            )
            if is_free and detector.holds(match.group()):
                taken.append((detector, start, end))
                starts.insert(at, start)
                ends.insert(at, end)
    return taken


def masked(private: str) -> str:
    """At most the first and last two characters, so that a person finds the place and learns nothing.

    >>> masked("4000 1234 5678 9010"), masked("ab@c.de")
    ('40***10', 'a***')
    """
    return f"{private[:2]}***{private[-2:]}" if len(private) >= 12 else f"{private[:1]}***"


@functools.cache
def _prefilter() -> PatternSet:
    return PatternSet(patterns=tuple(detector.scan for detector in DETECTORS))
