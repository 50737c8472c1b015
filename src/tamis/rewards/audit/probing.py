"""Finds out how a target wants to be asked: which kinds it grades, and which way of saying an answer it reads.

Only right and plainly wrong answers to easy questions are used, so a weak reward shows as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, get_args

import msgspec

from tamis.errors import RewardError
from tamis.rewards.audit.calling import Reply
from tamis.rewards.audit.cases import (
    Case,
    answer_case,
    no_answer,
    other_answer,
    right_answers,
    row_case,
    wrong_answers,
)
from tamis.rewards.audit.rows import Kind, Sight, load_controls, load_honest
from tamis.rewards.audit.spelling import SPELLINGS, Spelling
from tamis.rewards.audit.target import Target

KINDS: tuple[Kind, ...] = get_args(Kind)
# Tried on a stranger's function without being named: nothing in these is ever run as a program.
UNASKED: tuple[Kind, ...] = ("math", "numeric", "exact")
OWN_KINDS: dict[str, tuple[Kind, ...]] = {
    "math": ("math", "numeric"),
    "numeric": ("math", "numeric"),
    "f1": ("exact",),
}
# What rewards of ours do not look at, and say so.
BLIND_TO: dict[str, tuple[Sight, ...]] = {"f1": ("word_order", "word_count")}
_BY_ANSWER = ("math", "numeric", "exact")
_MATHS = ("math", "numeric")
_EASY = 6
_SHAPES: dict[str, tuple[dict[str, Any], ...]] = {
    "plain": ({},),
    "verl": ({},),
    "openrlhf": ({},),
    "trl": ({"as_messages": False}, {"as_messages": True}),
}
_TEST_SHAPES = ("asserts", "text", "tests")


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """What a target can be asked: kinds, and the spellings it reads, the one that rows are said in first."""

    kinds: tuple[Kind, ...]
    spellings: tuple[Spelling, ...]


def expect_kinds(kinds: Sequence[str]) -> None:
    """Raises: RewardError for a kind there is not."""
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise RewardError(f"--kind {unknown[0]}: expected {', '.join(KINDS)}")


def find_fit(target: Target, kinds: Sequence[str]) -> Fit:
    """How the target is asked from now on; sets its shape.

    Raises: RewardError where no right answer gets more than a wrong one.
    """
    wanted = tuple(kind for kind in KINDS if kind in kinds) or _usual_kinds(target)
    fits = {kind: found for kind in wanted if (found := _fit_kind(target, kind)) is not None}
    if target.own is not None:
        # one of ours grades its own kind, whatever a text without an answer gets
        fits = {kind: fits.get(kind, ({}, ())) for kind in wanted}
    if not kinds and any(kind in fits for kind in _MATHS):
        # case and articles are no matter of maths
        fits.pop("exact", None)
    if not fits:
        raise RewardError(_no_fit(target, wanted))
    shape = next(iter(fits.values()))[0]
    target.shape = dict(shape)
    alike = [kind for kind, found in fits.items() if found[0] == shape]
    spellings = next((fits[kind][1] for kind in alike if fits[kind][1]), ())
    return Fit(kinds=tuple(alike), spellings=spellings or SPELLINGS[:1])


def reads_of(fit: Fit) -> list[str]:
    """The names of the spellings that are read; none where no kind is told by a final answer."""
    by_answer = any(kind in _BY_ANSWER for kind in fit.kinds)
    return [spelling.name for spelling in fit.spellings] if by_answer else []


def _usual_kinds(target: Target) -> tuple[Kind, ...]:
    if target.own is None:
        return UNASKED
    name = target.own.name
    return OWN_KINDS.get(name, tuple(kind for kind in KINDS if kind == name) or UNASKED)


def _no_fit(target: Target, kinds: Iterable[str]) -> str:
    told = f"; it said: {target.trouble}" if target.trouble else ""
    return (
        f"{target.name}: expected a right answer to get more than a wrong one in some kind "
        f"({', '.join(kinds)}), none did; say another with --kind, or how the reference is taken with "
        f"--reference-as{told}"
    )


def _fit_kind(target: Target, kind: Kind) -> tuple[dict[str, Any], tuple[Spelling, ...]] | None:
    """The shape that most right answers are paid in, and the spellings read in it; None where none is."""
    best: tuple[int, dict[str, Any], tuple[Spelling, ...]] | None = None
    for shape in _shapes(target.form, kind):
        target.shape = shape
        count, spellings = _count_paid(target, kind)
        if count and (best is None or count > best[0]):
            best = (count, shape, spellings)
    return None if best is None else best[1:]


def _shapes(form: str, kind: Kind) -> list[dict[str, Any]]:
    shapes = _SHAPES.get(form)
    if shapes is None:
        return [{}]
    if kind != "code":
        return [dict(shape) for shape in shapes]
    return [{**shape, "reference_as": name} for name in _TEST_SHAPES for shape in shapes]


def _count_paid(target: Target, kind: Kind) -> tuple[int, tuple[Spelling, ...]]:
    if kind in _BY_ANSWER:
        read = [(s, _n_read(target, kind, s)) for s in SPELLINGS]
        return sum(n for _, n in read), tuple(s for s, n in read if n * 2 >= _EASY)
    controls = [row_case(row) for row in load_controls() if row.kind == kind][:_EASY]
    replies = target.ask([*controls, *map(no_answer, controls)])
    n = len(controls)
    return sum(map(_beats, replies[:n], replies[n:])), ()


def _n_read(target: Target, kind: Kind, spelling: Spelling) -> int:
    """How many of the easy questions are paid when said this way, and not when wrong."""
    right, wrong, nothing = [], [], []
    for case in easy_cases(kind):
        right += right_answers(case, [spelling])
        wrong += wrong_answers(case, [spelling])
        nothing.append(no_answer(case))
    replies = target.ask([*right, *wrong, *nothing])
    third = len(right)
    told = zip(replies[:third], replies[third : 2 * third], replies[2 * third :], strict=True)
    target.trouble = next((r.told for r in replies if r.failure), target.trouble)
    return sum(_beats(a, b) and _beats(a, c) for a, b, c in told)


def easy_cases(kind: Kind) -> list[Case]:
    """Questions with short plain answers: whole numbers, or single words for texts."""
    if kind == "exact":
        return [row_case(row) for row in load_controls() if row.kind == "exact"] * 2
    rows = [row for row in load_honest() if row.notation == "integer" and row.answer.isdigit()]
    return [other_answer(answer_case(row), row.response, "easy") for row in rows[:_EASY]]


def _beats(first: Reply, other: Reply) -> bool:
    if first.value is None:
        return False
    return other.value is None or first.value > other.value + 1e-9
