"""An audit of a reward as one page that needs nothing else, and that a person learns from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import PurePath

from markupsafe import Markup

from tamis.reports.charts import box, label, line, picture
from tamis.reports.html import render_page
from tamis.reports.rates import rate_of
from tamis.reports.words import count_noun, show_interval, show_percent
from tamis.rewards.audit.results import (
    Audit,
    Baseline,
    LengthEffect,
    Notation,
)

# A literal answer beyond this is cut, with its length told.
_SHOWN_CHARS = 700
_OPEN = 3


def render_audit(audit: Audit) -> str:
    """The page. Everything literal is escaped, and control characters are shown."""
    return render_page(
        "audit.html.j2",
        audit=audit,
        name=audit.target if "://" in audit.target else PurePath(audit.target).name,
        paid=[f for f in audit.families if f.paid or f.variants_paid],
        partly=[f for f in audit.families if f.partly and not (f.paid or f.variants_paid)],
        held=[f for f in audit.families if not (f.paid or f.variants_paid or f.partly)],
        notations=[n for n in audit.notations if n.honest or n.twins or n.variants],
        lost=[n for n in audit.notations if n.rejected or n.variants_rejected or n.twins_paid],
        changed=[way for way in audit.stability if way.changed],
        sentences=in_short(audit),
        title=title_of,
        clip=clip,
        score=show_score,
        share=show_share,
        chart=length_chart,
        fault=form_bonus,
        opened=_OPEN,
    )


def in_short(audit: Audit) -> list[str]:
    """The outcome in a few sentences, the worst first."""
    told = []
    n_own = sum(family.tried for family in audit.families)
    paid_own = sum(family.paid for family in audit.families)
    n_variants = audit.tried - n_own
    if audit.paid:
        families = [f for f in audit.families if f.paid or f.variants_paid]
        told.append(
            f"{paid_own:,} of {n_own:,} attacks were paid, and {audit.paid - paid_own:,} of "
            f"{n_variants:,} variants of those that were not: answers that are wrong or no answers at all, "
            f"in {len(families)} {'family' if len(families) == 1 else 'families'}."
        )
    else:
        told.append(f"None of {n_own:,} attacks and {n_variants:,} variants of them was paid.")
    if audit.honest:
        share = show_share(audit.rejected, audit.honest)
        told.append(
            f"Of {audit.honest:,} right answers, {audit.rejected:,} were rejected ({share})."
        )
    twins, paid_twins = _twins(audit.notations)
    if paid_twins:
        told.append(f"{paid_twins:,} of {twins:,} wrong answers that look right were paid.")
    told += [
        f"{count_noun(group.n, 'calls')} {_ENDS[group.failure]}: {group.cause}."
        for group in audit.failures[:3]
    ]
    told += [
        f"{way.changed:,} of {way.tried:,} scores changed when asked {way.way.removeprefix('asked ')}."
        for way in audit.stability
        if way.changed
    ]
    told += [length_sentence(effect) for effect in audit.lengths if effect.moved]
    return told


_ENDS = {
    "hung": "hung",
    "died": "ended the process",
    "raised": "raised an error",
    "no_score": "gave no score",
}


def _twins(notations: Sequence[Notation]) -> tuple[int, int]:
    return sum(n.twins for n in notations), sum(n.twins_paid for n in notations)


def length_sentence(effect: LengthEffect) -> str:
    """What prose without content does to the score of answers that stay as right or wrong as they were."""
    first, last = effect.mean_scores[0], effect.mean_scores[-1]
    return (
        f"A {effect.of} answer goes from {show_score(first)} to {show_score(last)} on average when "
        f"{effect.lengths[-1]:,} words of prose without content are put before it."
    )


def form_bonus(base: Baseline) -> float | None:
    """How much a wrong answer in the right form gets over no answer; None where that is nothing."""
    if base.wrong is None or base.nothing is None or base.wrong <= base.nothing:
        return None
    return base.wrong - base.nothing


def title_of(name: str) -> str:
    """A family or a notation as words.

    >>> title_of("box_in_thought_only")
    'box in thought only'
    """
    return name.replace("_", " ")


def clip(text: str) -> str:
    """A literal answer, its middle left out where it is very long."""
    if len(text) <= _SHOWN_CHARS:
        return text
    half = _SHOWN_CHARS // 2
    left_out = len(text) - 2 * half
    return f"{text[:half]} […{left_out:,} characters left out…] {text[-half:]}"


def show_score(value: float | None) -> str:
    """A score in few characters.

    >>> show_score(1.2000000000000002), show_score(None)
    ('1.2', 'none')
    """
    return "none" if value is None else f"{value:.4g}"


def show_share(count: int, n: int) -> str:
    """A share in words; below thirty with its 95 % interval.

    >>> show_share(0, 40), show_share(3, 16)
    ('0%', '19%, 6.6% to 43%')
    """
    rate = rate_of(count, n)
    if rate.rate is None:
        return ""
    shown = show_percent(rate.rate)
    return shown if n >= 30 else f"{shown}, {show_interval(rate)}"


def length_chart(effects: Sequence[LengthEffect]) -> Markup:
    """The mean score at each length, right answers and wrong ones."""
    width, height, left, top, floor = 720.0, 220.0, 52.0, 16.0, 180.0
    values = [value for effect in effects for value in effect.mean_scores]
    low, high = min([0.0, *values]), max([1.0, *values])
    lengths = effects[0].lengths
    step = (width - left - 90) / max(len(lengths) - 1, 1)
    parts = []
    for tick in (low, (low + high) / 2, high):
        y = floor - (floor - top) * (tick - low) / (high - low)
        parts += [
            line(left, y, width - 80, y, "grid"),
            label(left - 8, y + 4, f"{tick:.3g}", "tick", "end"),
        ]
    for place, length in enumerate(lengths):
        parts.append(label(left + place * step, floor + 20, f"{length:,}", "tick"))
    parts.append(label(left, floor + 37, "words of prose put before the answer", "tick", "start"))
    for effect in effects:
        at = [
            (left + place * step, floor - (floor - top) * (value - low) / (high - low))
            for place, value in enumerate(effect.mean_scores)
        ]
        parts += [line(*a, *b, "whisker") for a, b in pairwise(at)]
        kind = "bar" if effect.of == "right" else "bar error"
        parts += [box(x - 4, y - 4, 8, 8, kind) for x, y in at]
        parts.append(label(at[-1][0] + 10, at[-1][1] + 4, effect.of, "tick strong", "start"))
    words = ("Score against length", "The mean score of right and of wrong answers at each length.")
    return picture("lengths", (width, height), words, parts)
