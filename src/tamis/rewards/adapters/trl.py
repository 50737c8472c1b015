"""Rewards as TRL calls them, in `reward_funcs` of GRPOTrainer and its kin; axolotl hands them to TRL.

    from tamis.rewards.adapters.trl import RewardFunction
    trainer = GRPOTrainer(..., reward_funcs=[RewardFunction("code"), RewardFunction("numeric")])

TRL hands on the columns of the data set, one list for each. These are read, as `tamis export --for trl`
writes them:

    reference          JSON text (or a mapping) of answer, solution, tests or rubric; null: not gradable
    reward_name        which reward grades the row; null: none does
    reward_parameters  JSON text of its parameters; may be left out
    question_id        may be left out

Beside the score, which TRL logs as `rewards/NAME/mean`, each part of it is logged as `rewards/NAME/PART/mean`, by
the `log_metric` that TRL hands to its reward functions: the mean over the answers of a batch that have the part.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tamis.errors import RewardError
from tamis.records import Score
from tamis.rewards.adapters.grading import (
    Graded,
    is_failure,
    messages_from,
    question_from,
    score_all,
)


@dataclass(frozen=True)
class RewardFunction:
    """One reward as TRL calls it, logged under its name and picklable into any worker.

    Scores the rows whose `reward_name` is its own (all rows, where there is no such column), and gives
    None for all others. None also stands for a question that cannot be graded, and for an answer whose
    grading failed twice, of which this module's logger warns: TRL leaves out what is None, it is never
    a 0. `parameters` (JSON text) are for rows that bring none.
    """

    name: str
    parameters: str | None = None

    @property
    def __name__(self) -> str:
        return self.name

    def __call__(
        self, prompts: Sequence[Any], completions: Sequence[Any], **columns: Any
    ) -> list[float | None]:
        """One score for each completion, a text or a list of messages; the whole batch at once."""
        own = {"reward_name": [self.name] * len(completions), **columns}
        rows = _Rows(f"reward function `{self.name}`", prompts, completions, own)
        places = [place for place, name in enumerate(rows.names) if name == self.name]
        return rows.scores(places, self.parameters)


def reward_function(
    prompts: Sequence[Any], completions: Sequence[Any], **columns: Any
) -> list[float | None]:
    """Each row by the reward that it names, all under one name; None where nothing can be graded.

    For a data set of one reward, or where the rewards need not be told apart in the logs.
    Raises: RewardError for rows without the columns this module names.
    """
    rows = _Rows("reward_function", prompts, completions, columns)
    return rows.scores([place for place, name in enumerate(rows.names) if name], None)


class _Rows:
    """The rows of one call; what is wrong with its columns is said in one line."""

    def __init__(
        self,
        where: str,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        columns: Mapping[str, Any],
    ) -> None:
        self._where = where
        self._prompts = prompts
        self._completions = completions
        self._columns = columns
        self.names = self._needed("reward_name")

    def scores(self, places: Sequence[int], parameters: str | None) -> list[float | None]:
        """A score at each of these places, None at all others."""
        scores: list[float | None] = [None] * len(self._completions)
        if places:
            answers = self._answers(places, parameters)
            found = score_all(answers)
            self._tell_failures(answers, found)
            self._log_parts([self.names[place] for place in places], found)
            for place, score in zip(places, found, strict=True):
                scores[place] = score.value
        return scores

    def _log_parts(self, names: Sequence[str], found: Sequence[Score]) -> None:
        log: Callable[[str, float], None] | None = self._columns.get("log_metric")
        if log is None:  # called by hand, or by a trainer of before
            return
        values: dict[str, list[float]] = {}
        for name, score in zip(names, found, strict=True):
            for part, value in score.parts.items():
                values.setdefault(f"rewards/{name}/{part}/mean", []).append(value)
        for metric, given in values.items():
            log(metric, math.fsum(given) / len(given))

    def _tell_failures(self, answers: Sequence[Graded], found: Sequence[Score]) -> None:
        pairs = zip(found, answers, strict=True)
        failed = [score for score, answer in pairs if is_failure(score, answer.question)]
        if failed:
            logging.getLogger(__name__).warning(
                "%s: %d of %d answers could not be graded, tried twice, and are left out; the first: %s",
                *(self._where, len(failed), len(answers), failed[0].reason),
            )

    def _answers(self, places: Sequence[int], parameters: str | None) -> list[Graded]:
        read = {name: self._needed(name) for name in ("reward_name", "reference")}
        read |= {name: self._optional(name) for name in ("reward_parameters", "question_id")}
        answers = []
        for place in places:
            where = f"{self._where}: row {place}"
            row = {name: column[place] for name, column in read.items()}
            row["prompt"] = self._prompts[place]
            row["reward_parameters"] = row["reward_parameters"] or parameters
            said = messages_from(self._completions[place], "assistant", where=f"{where}.completion")
            answers.append(Graded(question=question_from(row, where=where), messages=said))
        return answers

    def _optional(self, name: str) -> Sequence[Any]:
        return self._needed(name) if name in self._columns else [None] * len(self._completions)

    def _needed(self, name: str) -> Sequence[Any]:
        if name not in self._columns:
            raise RewardError(
                f"{self._where}: expected a column `{name}`, got {', '.join(self._columns) or 'none'}; "
                "write the data set with `tamis export --for trl`, or add it"
            )
        column: Sequence[Any] = self._columns[name]
        if len(column) != len(self._completions):
            raise RewardError(
                f"{self._where}: expected {len(self._completions)} values in column `{name}`, one for "
                f"each completion, got {len(column)}"
            )
        return column
