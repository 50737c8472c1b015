"""What an audit found, as plain typed records: the JSON that is written, and all that the page shows."""

from __future__ import annotations

from typing import Literal

import msgspec

Outcome = Literal["held", "partly", "paid", "rejected", "accepted", "ungraded"]
Failure = Literal["hung", "died", "raised", "no_score"]


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One response that was tried, literally, and what the target gave for it.

    `value` is the score (None: none was given), `full` what a right answer to the same question gets, `floor`
    what a plainly wrong one or no answer gets. `failure` says that the call ended otherwise than by a score.
    """

    id: str
    family: str
    kind: str
    outcome: Outcome
    prompt: str
    reference: str | None
    response: str
    value: float | None
    full: float | None
    floor: float
    is_variant: bool = False
    failure: Failure | None = None
    told: str = ""


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the attacks of one family: counts of the catalogue's own rows and of their variants."""

    family: str
    kind: str
    tries: str
    mend: str
    decided_by: str
    tried: int
    paid: int
    partly: int
    variants_tried: int
    variants_paid: int
    examples: list[Tried]


class Notation(msgspec.Struct, frozen=True, kw_only=True):
    """Right answers in one notation that were rejected, and wrong twins in it that were paid.

    `ungraded` are right answers to questions whose reference itself is not paid: nothing can be said of
    the notation there, they are not among `honest`.
    """

    notation: str
    honest: int
    rejected: int
    ungraded: int
    variants: int
    variants_rejected: int
    twins: int
    twins_paid: int
    examples: list[Tried]
    twin_examples: list[Tried]


class FailureGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Calls that ended in the same way otherwise than by a score; `cause` is the exception, or how it ended."""

    failure: Failure
    cause: str
    n: int
    examples: list[Tried]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that scored differently when it was asked again in another way."""

    id: str
    response: str
    first: float | None
    again: float | None
    told: str = ""


class Stability(msgspec.Struct, frozen=True, kw_only=True):
    """Whether scores stay when the same answers are asked `way`: repeated, in other order, in threads."""

    way: str
    tried: int
    changed: int
    examples: list[Change]


class LengthEffect(msgspec.Struct, frozen=True, kw_only=True):
    """How the score moves when the same answer gets longer.

    `correlation` is the mean over questions of Spearman's rank correlation between length and score; None
    where the score never moved. `least` and `most` are the largest fall and rise of a score by padding.
    """

    of: Literal["right", "wrong"]
    questions: int
    lengths: list[int]
    mean_scores: list[float]
    correlation: float | None
    moved: int
    least: float
    most: float


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A named part of the score over right and wrong answers.

    `share` is its covariance with the total over the variance of the total: where parts add up to the
    total, shares add up to 1. None where the total never varies.
    """

    name: str
    n: int
    mean: float
    variance: float
    share: float | None


class Gold(msgspec.Struct, frozen=True, kw_only=True):
    """References given back as the answer: how many were paid, and the first that were not."""

    tried: int
    failed: int
    examples: list[Tried]


class Skipped(msgspec.Struct, frozen=True, kw_only=True):
    """What was not tried, how many rows, and why."""

    what: str
    n: int
    why: str


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """What the target usually gives for a kind: for right answers, wrong ones, and none."""

    kind: str
    questions: int
    right: float | None
    wrong: float | None
    nothing: float | None
    blind: int


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """A whole audit."""

    target: str
    form: str
    kinds: list[str]
    reads: list[str]
    seed: int
    n_calls: int
    baselines: list[Baseline]
    families: list[Family]
    notations: list[Notation]
    failures: list[FailureGroup]
    stability: list[Stability]
    lengths: list[LengthEffect]
    parts: list[Part]
    gold: Gold
    skipped: list[Skipped]
    tamis_version: str = ""

    @property
    def tried(self) -> int:
        """Attacks of the catalogue and their variants that were tried."""
        return sum(f.tried + f.variants_tried for f in self.families)

    @property
    def paid(self) -> int:
        """Attacks and variants that were paid."""
        return sum(f.paid + f.variants_paid for f in self.families)

    @property
    def honest(self) -> int:
        """Right answers that were tried, variants aside."""
        return sum(n.honest for n in self.notations)

    @property
    def rejected(self) -> int:
        """Right answers that were rejected, variants aside."""
        return sum(n.rejected for n in self.notations)
