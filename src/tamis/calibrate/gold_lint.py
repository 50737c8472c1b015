"""Gold lint as a step: findings in questions, from the lints that rewards have."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
import pyarrow as pa

from tamis.calibrate.awaiting import awaited
from tamis.calibrate.lanes import in_one_lane
from tamis.calibrate.question_book import question_of
from tamis.op import Measure, Use
from tamis.records import RewardSpec, Rule
from tamis.rewards.gold import every_rule, lint_questions
from tamis.schema import FINDINGS

_COLUMN = "gold_lint_findings"


class GoldLint(Measure, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Finds questions that cannot be graded, whose own reference fails, or that give their answer away.

    Each question is looked at for the reward it names, or for `reward`. Where a reference is run, it is
    run `n_repeats` times, so that one that fails now and then is found.

    Reads:   prompt, reward, reference, tools.
    Adds:    gold_lint_findings  list of findings, never null.
    Cost:    that of grading a few answers to each question; code is run in the sandbox.
    Source:  our own.
    Raises:  SandboxError when code cannot be run here.
    """

    reward: RewardSpec | None = None
    n_repeats: Annotated[int, msgspec.Meta(ge=1)] = 3

    reads: ClassVar[tuple[str, ...]] = ("prompt", "reward", "reference", "tools")
    uses: ClassVar[tuple[Use, ...]] = ("sandbox",)

    @property
    def rules(self) -> tuple[Rule, ...]:  # type: ignore[override]
        """The rules of every reward."""
        return every_rule()

    def adds(self) -> pa.Schema:
        """One column of findings."""
        return pa.schema([pa.field(_COLUMN, FINDINGS)])

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Lint a batch."""
        # row objects are fine here: each question is graded several times
        questions = [question_of(row) for row in batch.to_pylist()]
        linting = lint_questions(
            questions, reward=self.reward, n_repeats=self.n_repeats, prepare=in_one_lane
        )
        told: list[list[dict[str, Any]]] = [
            [msgspec.to_builtins(finding) for finding in findings] for findings in awaited(linting)
        ]
        return pa.RecordBatch.from_arrays([pa.array(told, FINDINGS)], schema=self.adds())
