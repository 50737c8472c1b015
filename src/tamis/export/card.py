"""The dataset card of a handover: what is in it, where it comes from, what was left out, its limits."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tamis.export.targets.base import Handover, Target
from tamis.export.targets.templates import render

_MOST_SOURCES = 40
_MOST_REASONS = 20
_MOST_KEYS = 30


class SourceFact(msgspec.Struct, frozen=True, kw_only=True):
    """One input: its name, the format its rows were in, how many were read and could not be."""

    name: str
    format: str
    read: int
    unreadable: int
    fingerprint: str


class RunFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the run that hands over knows: its inputs, its counts, and why rows were left out.

    `earlier` names the commands that made the data set it started from, oldest first.
    """

    sources: tuple[SourceFact, ...]
    counts: Mapping[str, int]
    dropped_by: Mapping[str, int]
    earlier: tuple[str, ...] = ()
    version: str = ""


def card(
    handover: Handover, target: Target, facts: RunFacts, *, own_keys: Mapping[str, int]
) -> str:
    """The card as Markdown with the hub's front matter; what nobody stated is said to be not stated."""
    keys = sorted(own_keys.items(), key=lambda one: (-one[1], one[0]))
    return render(
        "README.md.jinja",
        handover=handover,
        target=target,
        facts=facts,
        sources=[
            msgspec.structs.replace(one, name=one.name.replace("|", "\\|"))
            for one in facts.sources[:_MOST_SOURCES]
        ],
        n_more_sources=max(len(facts.sources) - _MOST_SOURCES, 0),
        reasons=sorted(facts.dropped_by.items(), key=lambda one: -one[1])[:_MOST_REASONS],
        own_keys=keys[:_MOST_KEYS],
        n_more_keys=max(len(keys) - _MOST_KEYS, 0),
        size=_size(handover.n_rows),
    )


def _size(n_rows: int) -> str:
    """The hub's word for a number of rows."""
    words = (
        (1_000, "n<1K"),
        (10_000, "1K<n<10K"),
        (100_000, "10K<n<100K"),
        (1_000_000, "100K<n<1M"),
        (10_000_000, "1M<n<10M"),
    )
    return next((word for limit, word in words if n_rows < limit), "n>10M")
