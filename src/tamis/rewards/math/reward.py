"""The maths reward: 1 for a right final answer in any notation, up to 0.2 more for format and reasoning."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence as Run
from functools import lru_cache
from typing import Annotated, ClassVar, Literal

import msgspec

from tamis.records import Question, Reference, Rollout, Score
from tamis.rewards.answers import hash_of, last_answer, whole_prompt
from tamis.rewards.finals import boxed
from tamis.rewards.math.answers import Answer, NoAnswer, Relation, Scalar, Sequence
from tamis.rewards.math.asked import named_by_question
from tamis.rewards.math.bonus import is_blank, reasoning_of, says_something
from tamis.rewards.math.commitments import Committed, Fallback, Said, read_finals
from tamis.rewards.math.equality import check_values, compare
from tamis.rewards.math.form import is_echo, is_plain, same_parts, value_of
from tamis.rewards.math.prover import Prover, ProverFailure, is_installed, open_prover
from tamis.rewards.math.reading import Reading, read_answer
from tamis.rewards.math.scalars import (
    Judgement,
    PercentPolicy,
    Rules,
    UnitPolicy,
    holds_infinity,
)
from tamis.rewards.math.tokens import Separators
from tamis.rewards.math.tree import Tree, Unreadable
from tamis.rewards.math.words import DateOrder
from tamis.text.think import after_last_think

# No honest answer is longer; the scans are linear, the cap bounds them.
MAX_ANSWER_CHARS = 200_000
_SHOWN = 200
_HASHES = re.compile(r"####[ \t]*(.+)")
_NO_SYMPY = "the reference needs algebra, and sympy is not installed: pip install 'tamis[math]'"

_UNORDERED = ("list", "set")

AnswerFormat = Literal["boxed", "tagged", "hashes", "phrase"]
Bonus = Annotated[float, msgspec.Meta(ge=0, le=0.1)]


class MathReward(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """1 when the final answer equals the reference, 0 when not; None when the question cannot be graded.

    Only what follows the last think block is read; an unfinished block scores 0. The final answer is
    the content of `<answer>`, else of `\\boxed{}`, else of a `#### n` line, else the value right behind "answer
    is", "Answer:", "A:" or 答案是, else, by the declared `fallback`, "last_line" or "last_number" (flagged so). Every final answer must be
    right: different ones score 0 (`conflicting_answers`).

    What is equal by which rule is told in docs/design/maths.md. `percent`: a percent sign is a unit
    ("unit": 7% is 7) or a hundredth ("value": 7% is 0.07). `units`: one that is left out is no fault ("optional"), is
    one ("required"), or units are not read ("ignored"); those that contradict each other are wrong under both first.
    `separators`: 1,234.5 ("en"), 1.234,5 ("eu"), 12,34,567 ("in"); the reference may have its own. `dates` says what 03/04/2024 means. Numbers are
    exact; `tolerance` (relative) counts only where the reference is a decimal, and instead of it
    `significant_digits`: half a unit of that digit of the reference. `ordered`: bare lists keep their order.
    `choices`: the text of each letter of a multiple choice, which then may stand for it.
    `symbolic=False` does without algebra; `time_limit_s` is the processor time of one pair there, `workers` how
    many processes.

    On top of a right answer only: `format_bonus` for one think block and the answer in `answer_format`,
    `reasoning_bonus` for a think block whose different words come to 50 characters.
    Parts: accuracy (0 or 1), format, reasoning; they add up to the value, in [0, 1.2].
    Limits: 4,096 characters, 1,000 signs, nesting 64, numbers of 256 digits, exponents of 10,000; ASCII digits,
    finite numbers.
    """

    fallback: Fallback = "none"
    percent: PercentPolicy = "unit"
    units: UnitPolicy = "optional"
    separators: Separators = "en"
    reference_separators: Separators | None = None
    dates: DateOrder | None = None
    tolerance: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1e-9
    significant_digits: Annotated[int, msgspec.Meta(ge=1, le=30)] | None = None
    ordered: bool = False
    choices: dict[str, str] = {}
    answer_format: AnswerFormat = "boxed"
    format_bonus: Bonus = 0.1
    reasoning_bonus: Bonus = 0.1
    symbolic: bool = True
    time_limit_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 2.0
    memory_mb: Annotated[int, msgspec.Meta(ge=256, le=1 << 16)] = 1024
    workers: Annotated[int, msgspec.Meta(ge=1, le=64)] | None = None
    name: ClassVar[str] = "math"
    version: ClassVar[str] = "2"

    def __hash__(self) -> int:
        """Equal rewards hash alike."""
        return hash_of(self)

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the greatest value it gives."""
        return 0.0, 1.0 + self.format_bonus + self.reasoning_bonus

    def ungradable(self, question: Question) -> str | None:
        """Why no answer to the question can be graded; None when it can."""
        gold = self._gold(question.reference)
        return gold if isinstance(gold, str) else None

    def gold_answer(self, question: Question) -> str:
        """The reference as its author wrote it; empty when there is none."""
        return _reference_text(question.reference) or ""

    async def score_many(self, rollouts: Run[Rollout], questions: Run[Question]) -> list[Score]:
        """One score for each rollout, from its last assistant message; algebra last, in as many threads as workers."""
        work = [
            (last_answer(rollout), question)
            for rollout, question in zip(rollouts, questions, strict=True)
        ]
        scores = [self._score(answer, question, prover=None) for answer, question in work]
        open_places = [place for place, score in enumerate(scores) if score is None]
        if open_places:
            from tamis.rewards.threads import in_threads

            late = await in_threads(
                self.score, [work[place] for place in open_places], n_threads=self._n_workers()
            )
            for place, score in zip(open_places, late, strict=True):
                scores[place] = score
        return [score for score in scores if score is not None]

    def score(self, answer: str, question: Question) -> Score:
        """The score of one answer text; blocks while a worker does algebra.

        >>> half = Question(prompt=[], reference=Reference(answer="\\\\frac{1}{2}"))
        >>> MathReward().score("So it is \\\\boxed{0.5}.", half).value
        1.0
        """
        quick = self._score(answer, question, prover=None)
        if quick is not None:
            return quick
        prover = open_prover(
            n_workers=self._n_workers(), budget_s=self.time_limit_s, memory_mb=self.memory_mb
        )
        try:
            found = self._score(answer, question, prover=prover)
        except ProverFailure as error:
            return Score(value=None, reason=str(error), flags=("worker_failure",))
        assert found is not None  # with a prover every pair is decided
        return found

    def _n_workers(self) -> int:
        return self.workers or min(4, len(os.sched_getaffinity(0)))

    def _reading(self) -> Reading:
        return _reading(self.separators, self.dates)

    def _gold(self, reference: Reference | None) -> Answer | str:
        """The reference as an answer, or why it is none."""
        written = _reference_text(reference)
        if not written:
            return "the reference has no answer"
        reading = _reading(self.reference_separators or self.separators, self.dates)
        return _read_gold(written, reading, self.symbolic and is_installed())

    def _score(self, answer: str, question: Question, *, prover: Prover | None) -> Score | None:
        """The score, or None when it hangs on algebra and there is no prover."""
        gold = self._gold(question.reference)
        if isinstance(gold, str):
            return Score(value=None, reason=gold)
        if len(answer) > MAX_ANSWER_CHARS:
            return _wrong("the answer is longer than any honest one", flags=("too_long",))
        said = after_last_think(answer)
        if said is None:
            return _wrong("the reasoning is unfinished", flags=("unfinished_think",))
        finals = read_finals(said, reading=self._reading(), fallback=self.fallback)
        if finals.problem is not None:
            return _wrong(finals.problem, flags=(finals.flag or "no_answer",))
        if not isinstance(gold, Relation):
            finals = _named(finals, question)
        rules = self._rules(prover)
        judgements = _judge(gold, finals, rules)
        if prover is None and self.symbolic and _is_open(judgements):
            return None
        reason = _fault(gold, finals, judgements)
        last = finals.said[-1]
        if reason is not None:
            return _wrong(reason[0], answer=last.text, flags=reason[1])
        if self._echoes(last, gold, question):
            told = "the question's own expression, not calculated"
            return _wrong(told, answer=last.text, flags=("echo",))
        return self._right(answer, finals, judgements[-1])

    def _rules(self, prover: Prover | None) -> Rules:
        return Rules(
            percent=self.percent,
            units=self.units,
            tolerance=self.tolerance,
            significant_digits=self.significant_digits,
            ordered=self.ordered,
            choices={k: read_answer(v, reading=self._reading()) for k, v in self.choices.items()},
            decide=prover.decide if prover else None,
        )

    def _echoes(self, last: Said, gold: Answer, question: Question) -> bool:
        trees = [_tree(last.answer), _tree(gold)]
        if trees[0] is None or is_plain(trees[0]) or (trees[1] and same_parts(trees[0], trees[1])):
            return False
        gold_text = self.gold_answer(question)
        return is_echo(last.text, gold=gold_text, prompt=whole_prompt(question))

    def _right(self, answer: str, finals: Committed, judgement: Judgement) -> Score:
        reasoning = reasoning_of(answer)
        has_thought = reasoning is not None and not is_blank(reasoning)
        is_mannered = has_thought and self._is_in_format(answer, finals)
        is_reasoned = reasoning is not None and says_something(reasoning)
        manners = {
            "format": self.format_bonus * is_mannered,
            "reasoning": self.reasoning_bonus * is_reasoned,
        }
        parts = {"accuracy": 1.0, **manners}
        flags = (finals.source,) if finals.source in ("last_line", "last_number") else ()
        return Score(
            value=round(sum(parts.values()), 6),
            parts=parts,
            reason=judgement.rule,
            answer=finals.said[-1].text[:_SHOWN],
            flags=flags,
        )

    def _is_in_format(self, answer: str, finals: Committed) -> bool:
        if finals.source == "tagged" and self.answer_format == "boxed":
            return bool(boxed(after_last_think(answer) or "").found)
        return finals.source == self.answer_format


def _named(finals: Committed, question: Question) -> Committed:
    """The finals, equations for what the prompt asks for read as its value."""
    if not any(isinstance(each.answer, Relation) for each in finals.said):
        return finals
    prompt = whole_prompt(question)
    said = tuple(
        Said(each.text, named_by_question(each.answer, each.text, prompt)) for each in finals.said
    )
    return msgspec.structs.replace(finals, said=said)


def _judge(gold: Answer, finals: Committed, rules: Rules) -> list[Judgement]:
    """One judgement for each final answer; boxes that list the items of a reference are one answer."""
    said = finals.said
    n_wanted = len(gold.items) if isinstance(gold, Sequence) and gold.kind in _UNORDERED else 0
    if finals.source == "boxed" and len(said) == n_wanted > 1:
        listed = Sequence("list", tuple(each.answer for each in said))
        whole = compare(gold=gold, answer=listed, rules=rules)
        if whole.verdict != "different":
            return [whole]
    return [compare(gold=gold, answer=each.answer, rules=rules) for each in said]


def _is_open(judgements: Run[Judgement]) -> bool:
    verdicts = {judgement.verdict for judgement in judgements}
    return "undecided" in verdicts and "different" not in verdicts


def _fault(
    gold: Answer, finals: Committed, judgements: Run[Judgement]
) -> tuple[str, tuple[str, ...]] | None:
    """Why the answer is not right, and the flags that say so; None when it is."""
    if all(judgement.verdict == "equal" for judgement in judgements):
        return None
    last = finals.said[-1]
    verdicts = {judgement.verdict for judgement in judgements}
    if len(judgements) > 1 and (len(verdicts) > 1 or _differ(finals.said)):
        return "different final answers", ("conflicting_answers",)
    told = next(judgement.rule for judgement in judgements if judgement.verdict != "equal")
    if isinstance(last.answer, NoAnswer):
        return told, (last.answer.flag,)
    if judgements[-1].verdict == "undecided":
        return told, ("undecided",)
    flags = {
        "the unit differs": "unit_differs",
        "the calculation is not carried out": "unevaluated",
    }
    return told, (flags[told],) if told in flags else ()


def _differ(said: Run[Said]) -> bool:
    return any(each.answer != said[-1].answer for each in said)


def _tree(answer: Answer) -> Tree | None:
    inner = getattr(answer, "answer", answer)
    return inner.tree if isinstance(inner, Scalar) else None


def _wrong(reason: str, *, answer: str | None = None, flags: tuple[str, ...] = ()) -> Score:
    parts = {"accuracy": 0.0, "format": 0.0, "reasoning": 0.0}
    shown = None if answer is None else answer[:_SHOWN]
    return Score(value=0.0, parts=parts, reason=reason, answer=shown, flags=flags)


@lru_cache(maxsize=16)
def _reading(separators: Separators, dates: DateOrder | None) -> Reading:
    return Reading(separators=separators, dates=dates)


def _reference_text(reference: Reference | None) -> str | None:
    """The `answer`, else the last box or the `#### n` of the worked solution."""
    if reference is None:
        return None
    if reference.answer is not None:
        return reference.answer.strip()
    return _in_solution(reference.solution or "")


@lru_cache(maxsize=4096)
def _in_solution(solution: str) -> str | None:
    boxes = boxed(solution)
    if boxes.found:
        return None if boxes.broken else boxes.found[-1].text
    hashes = _HASHES.findall(solution)
    return hashes[-1].strip() if hashes else None


@lru_cache(maxsize=8192)
def _read_gold(written: str, reading: Reading, has_algebra: bool) -> Answer | str:
    gold = read_answer(written, reading=reading)
    shown = written[:80]
    if isinstance(gold, NoAnswer):
        return f"the reference `{shown}` cannot be read: {gold.reason}"
    try:
        check_values(gold)
    except Unreadable as error:
        return f"the reference `{shown}` cannot be read: {error}"
    if not has_algebra and needs_algebra(gold):
        return _NO_SYMPY
    return gold


def needs_algebra(gold: Answer) -> bool:
    """Whether answers in another form than the reference's own can only be decided by algebra."""
    tree = _tree(gold)
    if tree is None or holds_infinity(tree):
        return False
    return value_of(tree) is None
