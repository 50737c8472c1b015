"""Sorts what was tried by family and by notation, the most serious first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from tamis.rewards.audit.calling import Reply
from tamis.rewards.audit.cases import Case
from tamis.rewards.audit.results import (
    Failure,
    FailureGroup,
    Family,
    Notation,
    Outcome,
    Tried,
)
from tamis.rewards.audit.rows import AnswerRow, AttackRow, ControlRow

Row = AttackRow | AnswerRow | ControlRow
_SHOWN = 12
_PAID: tuple[Outcome, ...] = ("paid", "partly")
_WORST: tuple[Failure, ...] = ("hung", "died", "raised", "no_score")


class Weighed(msgspec.Struct, frozen=True, kw_only=True):
    """A row that was tried: what was asked, what came, what it is worth."""

    row: Row
    case: Case
    reply: Reply
    outcome: Outcome
    tried: Tried
    is_variant: bool = False


def families_of(weighed: Iterable[Weighed]) -> list[Family]:
    """The attacks by family: those with the largest share paid first, then those paid in part."""
    groups: dict[str, list[tuple[AttackRow, Weighed]]] = {}
    for each in weighed:
        if isinstance(each.row, AttackRow):
            groups.setdefault(each.row.family, []).append((each.row, each))
    families = [_family(rows) for rows in groups.values()]
    return sorted(families, key=_seriousness)


def _seriousness(family: Family) -> tuple[float, float, float, str]:
    share = family.paid / max(family.tried, 1)
    return (-share, -float(family.variants_paid), -float(family.partly), family.family)


def _family(rows: Sequence[tuple[AttackRow, Weighed]]) -> Family:
    row = rows[0][0]
    own = [each for _, each in rows if not each.is_variant]
    variants = [each for _, each in rows if each.is_variant]
    return Family(
        family=row.family,
        kind=row.kind,
        tries=row.tries,
        mend=row.mend,
        decided_by=row.decided_by,
        tried=len(own),
        paid=_count(own, "paid"),
        partly=_count(own, "partly"),
        variants_tried=len(variants),
        variants_paid=_count(variants, "paid"),
        examples=_examples([*own, *(v for v in variants if v.outcome == "paid")], _PAID),
    )


def notations_of(weighed: Iterable[Weighed]) -> list[Notation]:
    """Right answers and wrong twins by notation: those rejected most first, then those whose twins are paid."""
    groups: dict[str, list[Weighed]] = {}
    for each in weighed:
        if not isinstance(each.row, AttackRow):
            groups.setdefault(each.tried.family, []).append(each)
    notations = [_notation(name, rows) for name, rows in groups.items()]
    return sorted(notations, key=_loss)


def _loss(notation: Notation) -> tuple[float, float, str]:
    rejected = notation.rejected / max(notation.honest, 1)
    return (-rejected, -notation.twins_paid / max(notation.twins, 1), notation.notation)


def _notation(name: str, rows: Sequence[Weighed]) -> Notation:
    right = [each for each in rows if not isinstance(each.row, AnswerRow) or each.row.right]
    twins = [each for each in rows if isinstance(each.row, AnswerRow) and not each.row.right]
    honest = [each for each in right if not each.is_variant and each.outcome != "ungraded"]
    variants = [each for each in right if each.is_variant]
    return Notation(
        notation=name,
        honest=len(honest),
        rejected=_count(honest, "rejected"),
        ungraded=_count(right, "ungraded"),
        variants=len(variants),
        variants_rejected=_count(variants, "rejected"),
        twins=len(twins),
        twins_paid=_count(twins, "paid"),
        examples=_examples([*honest, *variants], ("rejected",)),
        twin_examples=_examples(twins, _PAID),
    )


def _count(rows: Iterable[Weighed], outcome: Outcome) -> int:
    return sum(each.outcome == outcome for each in rows)


def _examples(rows: Sequence[Weighed], outcomes: Sequence[Outcome]) -> list[Tried]:
    """The first of each outcome, in the order of the outcomes; variants behind the catalogue's own."""
    shown = [each.tried for each in rows if each.outcome in outcomes]
    return sorted(shown, key=lambda tried: outcomes.index(tried.outcome))[:_SHOWN]


def failures_of(weighed: Iterable[Weighed]) -> list[FailureGroup]:
    """Calls that ended otherwise than by a score, by how they ended, the commonest first."""
    groups: dict[tuple[Failure, str], list[Tried]] = {}
    for each in weighed:
        if each.reply.failure is not None:
            cause = each.reply.told.partition(":")[0]
            groups.setdefault((each.reply.failure, cause), []).append(each.tried)
    found = [
        FailureGroup(failure=failure, cause=cause, n=len(rows), examples=rows[:_SHOWN])
        for (failure, cause), rows in groups.items()
    ]
    return sorted(found, key=lambda group: (_WORST.index(group.failure), -group.n))
