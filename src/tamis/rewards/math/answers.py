"""The kinds of final answers: what a text is, not only what it is worth.

`(1, 2)`, `[1, 2]`, `\\{1, 2\\}` and `1, 2` are four different answers; what may stand for what is said in
`equality.py`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from tamis.rewards.math.tree import Tree
from tamis.rewards.math.units import Unit

SequenceKind = Literal["tuple", "bracket", "set", "list"]
RelationKind = Literal["=", "<", "<=", "!="]


class Scalar(msgspec.Struct, frozen=True):
    """One expression, with the unit written with it."""

    tree: Tree
    unit: Unit | None = None


class Sequence(msgspec.Struct, frozen=True):
    """Answers side by side: `(…)`, `[…]`, `\\{…\\}`, or bare between commas."""

    kind: SequenceKind
    items: tuple[Answer, ...]


class Named(msgspec.Struct, frozen=True):
    """`x = 7`: an answer with the name it was given."""

    name: str
    answer: Answer


class Interval(msgspec.Struct, frozen=True):
    """Between two ends; None is infinity, which is never closed."""

    low: Tree | None
    high: Tree | None
    low_closed: bool = False
    high_closed: bool = False


class Reals(msgspec.Struct, frozen=True):
    """A set of real numbers: a union of intervals and points, none of them empty; no interval: the empty set."""

    parts: tuple[Interval, ...]


class Matrix(msgspec.Struct, frozen=True):
    """Rows of expressions, all of one length."""

    rows: tuple[tuple[Tree, ...], ...]


class Relation(msgspec.Struct, frozen=True):
    """An equation or inequality that is no bare value or interval; `>` is turned round."""

    kind: RelationKind
    left: Tree
    right: Tree


class Ratio(msgspec.Struct, frozen=True):
    """`3 : 2`, or more parts."""

    parts: tuple[Tree, ...]


class Based(msgspec.Struct, frozen=True):
    """Digits in a number system: `1011_2`."""

    digits: str
    base: int


class Choice(msgspec.Struct, frozen=True):
    """A letter of a multiple choice; `says` is what was written beside it, `meaning` that as an answer."""

    letter: str
    says: str = ""
    meaning: Answer | None = None


class Truth(msgspec.Struct, frozen=True):
    """Yes or no, true or false."""

    holds: bool


class Date(msgspec.Struct, frozen=True):
    """A day; without year or day of the month when they are not written."""

    year: int | None
    month: int
    day: int | None


class Clock(msgspec.Struct, frozen=True):
    """A time of day in seconds after midnight; `half` says whether am or pm was written."""

    seconds: int
    half: bool = False


class Text(msgspec.Struct, frozen=True):
    """Words, in one spelling: lower case, single spaces, no closing dot."""

    words: str


class NoAnswer(msgspec.Struct, frozen=True):
    """What cannot be read as an answer, and why."""

    reason: str
    flag: str = "unreadable_answer"


Answer = (
    Scalar
    | Sequence
    | Named
    | Reals
    | Matrix
    | Relation
    | Ratio
    | Based
    | Choice
    | Truth
    | Date
    | Clock
    | Text
    | NoAnswer
)
