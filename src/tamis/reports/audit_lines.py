"""An audit of a reward in plain lines for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tamis.reports.audit_page import form_bonus, in_short, show_score, show_share, title_of
from tamis.rewards.audit.results import Audit, Family, Notation

_MOST_NOTATIONS = 15


def audit_lines(audit: Audit) -> list[str]:
    """What was tried and paid by family, what was rejected by notation, and all else that was found."""
    return [
        f"{audit.target}: called as {audit.form}; kinds {', '.join(audit.kinds)}"
        + (f"; reads {', '.join(audit.reads)}" if audit.reads else ""),
        *_baseline_lines(audit),
        "",
        *_family_lines(audit.families),
        *_notation_lines(audit.notations),
        "",
        *in_short(audit),
        *_gold_lines(audit),
        *(f"not tried: {one.n} {one.what}, {one.why}" for one in audit.skipped),
    ]


def _baseline_lines(audit: Audit) -> list[str]:
    lines = []
    for base in audit.baselines:
        lines.append(
            f"{base.kind}: a right answer gets {show_score(base.right)}, a wrong one "
            f"{show_score(base.wrong)}, none {show_score(base.nothing)} ({base.questions} questions)"
        )
        bonus = form_bonus(base)
        if bonus is not None:
            lines.append(f"  form alone gets {show_score(bonus)}: gate it on being right")
    return lines


def _family_lines(families: Sequence[Family]) -> list[str]:
    shown = [f for f in families if f.paid or f.partly or f.variants_paid]
    held = len(families) - len(shown)
    rows = [
        (
            title_of(f.family),
            f"{f.tried}",
            f"{f.paid}",
            f"{f.partly}",
            f"{f.variants_paid} of {f.variants_tried}",
            f.mend,
        )
        for f in shown
    ]
    heads = ("attacks", "tried", "paid", "in part", "variants paid", "how to mend")
    table = _table([heads, *rows]) if rows else []
    tried = sum(f.tried + f.variants_tried for f in families if f not in shown)
    return [*table, f"{held} families held ({tried:,} attacks and variants)"] if families else []


def _notation_lines(notations: Sequence[Notation]) -> list[str]:
    lost = [n for n in notations if n.rejected or n.twins_paid or n.variants_rejected]
    rows = [
        (
            title_of(n.notation),
            f"{n.honest}",
            f"{n.rejected}",
            show_share(n.rejected, n.honest),
            f"{n.variants_rejected} of {n.variants}",
            f"{n.twins_paid} of {n.twins}",
        )
        for n in lost[:_MOST_NOTATIONS]
    ]
    heads = ("right answers", "tried", "rejected", "share", "variants", "wrong twins paid")
    lines = ["", *_table([heads, *rows])] if rows else []
    if len(lost) > _MOST_NOTATIONS:
        lines.append(
            f"and {len(lost) - _MOST_NOTATIONS} more notations, see the page or --format json"
        )
    whole = len(notations) - len(lost)
    return [*lines, f"{whole} notations without a loss"] if notations else []


def _gold_lines(audit: Audit) -> list[str]:
    if not audit.gold.tried:
        return []
    share = show_share(audit.gold.failed, audit.gold.tried)
    return [
        f"Of {audit.gold.tried:,} references given back as the answer, {audit.gold.failed:,} were not "
        f"paid ({share})."
    ]


def _table(rows: Iterable[Sequence[str]]) -> list[str]:
    """Columns as wide as their widest cell, the last one as it comes."""
    listed = list(rows)
    widths = [max(len(row[place]) for row in listed) for place in range(len(listed[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in listed
    ]
