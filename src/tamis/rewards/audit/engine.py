"""A whole audit: chooses rows that fit the target, asks them, weighs the replies, sorts what came of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from random import Random

import msgspec

from tamis.errors import RewardError
from tamis.rewards.audit.calling import Reply
from tamis.rewards.audit.cases import Case, answer_case, row_case
from tamis.rewards.audit.lengths import measure_lengths
from tamis.rewards.audit.part_shares import measure_parts
from tamis.rewards.audit.probing import BLIND_TO, Fit, expect_kinds, find_fit, reads_of
from tamis.rewards.audit.results import Audit, Gold, Outcome, Skipped, Tried
from tamis.rewards.audit.rows import (
    AnswerRow,
    AttackRow,
    ControlRow,
    Policy,
    load_attacks,
    load_controls,
    load_honest,
    load_twins,
)
from tamis.rewards.audit.sorting import Row, Weighed, failures_of, families_of, notations_of
from tamis.rewards.audit.spelling import Spelling, spelling_of
from tamis.rewards.audit.stability import measure_stability
from tamis.rewards.audit.target import Options, Target, open_target
from tamis.rewards.audit.variants import vary
from tamis.rewards.audit.weighing import Scale, Worth, weigh_attack, weigh_honest, weigh_wrong

Say = Callable[[str], None]
_MATHS = ("math", "numeric")
_SHOWN_GOLDS = 20
_NO_POLICY = "they hang on a policy of the data set that the target is not told, or told otherwise"
_NOT_READ = (
    "they say their answer in a way that the target does not read (see the notations `say ...`)"
)
_NO_BOX = "they are about boxes, which the target does not read"
_BLIND = "the target counts shared words, whatever their order and with few too many; use `exact` where that matters"
_NO_WORTH = "the target pays no right answer of this kind more than a wrong one"
_NO_REFERENCE = "the target does not grade questions with such a reference, and says so"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What is tried: `kinds` (none: all that fit), `seed`, and how many variants of each row."""

    kinds: tuple[str, ...] = ()
    seed: int = 0
    n_variants: int = 2


def audit(name: str, options: Options, settings: Settings, *, say: Say = lambda _: None) -> Audit:
    """Attack the target of this name, and see whether it pays; and whether it takes what is right.

    Raises: RewardError for a target that cannot be asked at all.
    """
    expect_kinds(settings.kinds)
    if name == "judge":
        # late: only a judge needs what speaks to models
        from tamis.rewards.audit.judge_claims import audit_judge

        return audit_judge(options.parameters)
    with open_target(name, options) as target:
        say("finding out how it wants to be asked")
        fit = find_fit(target, settings.kinds)
        return _Run(target, fit, settings, say).audit()


class _Run:
    """One audit of an open target."""

    def __init__(self, target: Target, fit: Fit, settings: Settings, say: Say) -> None:
        self.target = target
        self.fit = fit
        self.settings = settings
        self.say = say
        self.spelling = fit.spellings[0]
        self.scale = Scale(_measured(fit))
        self.reads = {spelling.name for spelling in fit.spellings}
        self.skipped: dict[tuple[str, str], int] = {}

    def audit(self) -> Audit:
        rows = self._chosen()
        cases = [self._case(row) for row in rows]
        self.say(f"measuring what right and wrong answers get ({len(rows):,} rows)")
        self._measure(rows, cases)
        self.say("trying attacks and honest answers")
        weighed = self._tried(rows, cases)
        self.say("trying variants")
        weighed += self._variants(weighed)
        if not weighed:
            raise RewardError(self._nothing_tried())
        asked = [(each.case, each.reply) for each in weighed]
        self.say("asking again: order, threads, repetition, length")
        stability = measure_stability(self.target, asked, seed=self.settings.seed)
        is_maths = any(kind in _MATHS for kind in self.fit.kinds)
        lengths = []
        if is_maths:
            lengths = measure_lengths(self.target, self.spelling, seed=self.settings.seed)
        return Audit(
            target=self.target.name,
            form=self.target.form,
            kinds=list(self.fit.kinds),
            reads=reads_of(self.fit),
            seed=self.settings.seed,
            n_calls=self.target.n_calls,
            baselines=[self.scale.baseline(kind) for kind in self.fit.kinds],
            families=families_of(weighed),
            notations=notations_of(weighed),
            failures=failures_of(weighed),
            stability=stability,
            lengths=lengths,
            parts=measure_parts(self.scale.plain),
            gold=self._gold(),
            skipped=[Skipped(what=a, n=n, why=b) for (a, b), n in self.skipped.items()],
        )

    def _chosen(self) -> list[Row]:
        """The rows that this target can be asked; the others are counted with the reason."""
        kinds: set[str] = set(self.fit.kinds)
        rows: list[Row] = [row for row in load_attacks() if self._is_asked(row, kinds)]
        if kinds & set(_MATHS):
            rows += [*load_honest(), *load_twins()]
        rows += [row for row in load_controls() if row.kind in kinds]
        return [row for row in rows if self._fits(row)]

    def _is_asked(self, row: AttackRow, kinds: set[str]) -> bool:
        if row.kind == "judge":
            why = "these rows look at how a judge is called, not at what it gives"
            self._skip("attacks on judges", why)
            return False
        if row.family == "substring" and kinds & set(_MATHS):
            return True
        if row.kind not in kinds:
            return False
        if self.target.own and set(row.hangs_on) & set(BLIND_TO.get(self.target.own.name, ())):
            self._skip("attacks", _BLIND)
            return False
        if row.family == "unbalanced_box" and not self.reads & {"boxed", "thought and box"}:
            self._skip("attacks", _NO_BOX)
            return False
        if row.family == "hang_or_flood" and self.target.own is None:
            why = "outside a sandbox these could take this machine down"
            self._skip("attacks that hang or flood", why)
            return False
        return True

    def _fits(self, row: Row) -> bool:
        case = row_case(row) if not isinstance(row, AnswerRow) else answer_case(row)
        what = "attacks" if isinstance(row, AttackRow) else "answers"
        if not self.target.fits(case):
            self._skip(what, _NO_POLICY)
            return False
        if isinstance(row, AnswerRow) and not self._is_read(row):
            self._skip(what, _NOT_READ)
            return False
        is_unsound = isinstance(row, AttackRow) and row.expected.ungradable
        if not is_unsound and self.target.ungradable(case) is not None:
            self._skip(what, _NO_REFERENCE)
            return False
        return True

    def _is_read(self, row: AnswerRow) -> bool:
        """Whether a row's way of saying its answer is read, or the way it is told in instead; or is its point."""
        said = spelling_of(row.response)
        return row.notation.startswith("say_") or said in (None, "boxed") or said in self.reads

    def _skip(self, what: str, why: str, n: int = 1) -> None:
        self.skipped[what, why] = self.skipped.get((what, why), 0) + n

    def _nothing_tried(self) -> str:
        most = max(self.skipped, key=lambda key: self.skipped[key], default=("", "it has no rows"))
        return (
            f"{self.target.name}: expected rows of the catalogue to try, none of the kinds "
            f"{', '.join(self.fit.kinds)} fits: {most[1]}; say another with --kind"
        )

    def _case(self, row: Row) -> Case:
        if isinstance(row, AnswerRow):
            return answer_case(row, spelling=self.spelling)
        return row_case(row, spelling=self.spelling)

    def _measure(self, rows: Sequence[Row], cases: Sequence[Case]) -> None:
        controls: dict[str, list[Case]] = {}
        for row, case in zip(rows, cases, strict=True):
            if isinstance(row, ControlRow):
                controls.setdefault(case.key, []).append(case)
        sound = [
            case
            for row, case in zip(rows, cases, strict=True)
            if not (isinstance(row, AttackRow) and row.expected.ungradable)
        ]
        self.scale.measure(self.target.ask, sound, controls)

    def _tried(self, rows: Sequence[Row], cases: Sequence[Case]) -> list[Weighed]:
        able = [
            (row, case) for row, case in zip(rows, cases, strict=True) if self._worth_known(case)
        ]
        replies = self.target.ask([case for _, case in able])
        return [
            self._weigh(row, case, reply) for (row, case), reply in zip(able, replies, strict=True)
        ]

    def _worth_known(self, case: Case) -> bool:
        if self.scale.of(case) is not None:
            return True
        self._skip(f"rows of kind {case.kind}", _NO_WORTH)
        return False

    def _weigh(self, row: Row, case: Case, reply: Reply, *, is_variant: bool = False) -> Weighed:
        worth = self.scale.of(case)
        assert worth is not None  # rows without were left out
        outcome: Outcome
        if isinstance(row, AttackRow):
            outcome, family = weigh_attack(row, reply, worth), row.family
        elif isinstance(row, AnswerRow):
            weigh = weigh_honest if row.right else weigh_wrong
            outcome, family = weigh(reply, worth), row.notation
        else:
            # a control is right whatever else the target does with its question
            known = msgspec.structs.replace(worth, is_own=True)
            outcome, family = weigh_honest(reply, known), f"good {row.kind}"
        tried = _account(case, reply, worth, outcome, family=family, is_variant=is_variant)
        return Weighed(
            row=row, case=case, reply=reply, outcome=outcome, tried=tried, is_variant=is_variant
        )

    def _variants(self, weighed: Iterable[Weighed]) -> list[Weighed]:
        """Variants of rows that ended well: a held attack, a right answer that was taken, a wrong one that was not."""
        varied: list[tuple[Row, Case]] = []
        for each in weighed:
            ended_well = each.outcome in ("held", "accepted") and each.reply.failure is None
            if isinstance(each.row, ControlRow) or not ended_well or each.case.alone:
                continue
            chance = Random(f"{self.settings.seed} {each.row.id}")
            found = _variants_of(each.row, self.settings.seed)
            n = min(self.settings.n_variants, len(found))
            varied += [(row, self._case(row)) for row in chance.sample(found, k=n)]
        replies = self.target.ask([case for _, case in varied])
        return [
            self._weigh(row, case, reply, is_variant=True)
            for (row, case), reply in zip(varied, replies, strict=True)
        ]

    def _gold(self) -> Gold:
        failed = []
        for case, told in self.scale.golds:
            worth = self.scale.usual(case.kind)
            if worth is None or case.policy != Policy():
                continue
            best = max(told, key=lambda pair: -1e300 if pair[1].value is None else pair[1].value)
            outcome = weigh_honest(best[1], worth)
            if outcome != "accepted":
                failed.append((best, worth, outcome))
        examples = [
            _account(case, reply, worth, outcome, family="gold")
            for (case, reply), worth, outcome in failed[:_SHOWN_GOLDS]
        ]
        return Gold(tried=len(self.scale.golds), failed=len(failed), examples=examples)


def _account(
    case: Case,
    reply: Reply,
    worth: Worth,
    outcome: Outcome,
    *,
    family: str,
    is_variant: bool = False,
) -> Tried:
    """What was asked, what came back and what that is worth, as reports show it."""
    return Tried(
        id=case.id,
        family=family,
        kind=case.kind,
        outcome=outcome,
        prompt=case.question.prompt[0].content or "",
        reference=case.reference,
        response=case.response,
        value=reply.value,
        full=worth.full,
        floor=worth.floor,
        is_variant=is_variant,
        failure=reply.failure,
        told=reply.told,
    )


def _variants_of(row: AttackRow | AnswerRow, seed: int) -> list[AttackRow | AnswerRow]:
    if isinstance(row, AttackRow):
        return [*vary(row, seed=seed)]
    return [*vary(row, seed=seed)]


def _measured(fit: Fit) -> list[Spelling]:
    """The spellings in which right answers are measured: the first without reasoning, the first with it."""
    plain = [s for s in fit.spellings if not s.has_thought][:1]
    return plain or [s for s in fit.spellings if s.has_thought][:1]
