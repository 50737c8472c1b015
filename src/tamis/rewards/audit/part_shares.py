"""Which part of a score moves it: variance of each part, and its share in the variance of the total."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, pvariance

from tamis.rewards.audit.calling import Reply
from tamis.rewards.audit.results import Part


def measure_parts(replies: Sequence[Reply]) -> list[Part]:
    """Each part that the target names, over the answers that bring it. Least share last."""
    scored = [reply for reply in replies if reply.value is not None]
    names = sorted({name for reply in scored for name in reply.parts})
    parts = [_part(name, [reply for reply in scored if name in reply.parts]) for name in names]
    return sorted(parts, key=lambda part: -(part.share or 0.0))


def _part(name: str, replies: Sequence[Reply]) -> Part:
    values = [reply.parts[name] for reply in replies]
    totals = [reply.value for reply in replies if reply.value is not None]
    spread = pvariance(totals)
    mean, mean_total = fmean(values), fmean(totals)
    together = fmean(
        (value - mean) * (total - mean_total) for value, total in zip(values, totals, strict=True)
    )
    return Part(
        name=name,
        n=len(values),
        mean=mean,
        variance=pvariance(values),
        share=together / spread if spread else None,
    )
