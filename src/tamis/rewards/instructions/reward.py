"""The reward of verifiable instructions: the share of them that an answer follows."""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from tamis.records import Question, Score
from tamis.rewards.answers import MAX_ANSWER_CHARS, TextReward, too_long, zero
from tamis.rewards.instructions.task import task_of
from tamis.text.think import after_last_think

_FAILED = {"accuracy": 0.0, "followed_share": 0.0}


class InstructionsReward(TextReward, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The share of a question's verifiable instructions that an answer follows, in [0, 1].

    Only what follows the last think block is read; an unfinished one, and an empty answer, follow nothing.
    The kinds are the 25 of IFEval, checked strictly as its checker does (`checks.py` says where ours is
    stricter). `score="all"` gives 1 only when all are followed. Nothing is said about the sense of the
    answer: such an instruction can be followed without answering, so add a part that judges that.

    The instructions are `reference.tests` in the style `instructions`. An unknown kind, and a missing or
    impossible argument, makes the question ungradable. Parts: accuracy (all followed), followed_share.
    Raises: RewardError where a language is asked for and the package pycld2 is not installed.
    """

    score_as: Literal["fraction", "all"] = msgspec.field(default="fraction", name="score")
    name: ClassVar[str] = "instructions"
    version: ClassVar[str] = "1"

    def ungradable(self, question: Question) -> str | None:
        """Why the instructions cannot be checked; None when they can."""
        return task_of(question).problem

    def score(self, answer: str, question: Question) -> Score:
        """The score of one answer text."""
        task = task_of(question)
        if task.problem is not None:
            return Score(value=None, reason=task.problem)
        if len(answer) > MAX_ANSWER_CHARS:
            return too_long(dict(_FAILED))
        said = after_last_think(answer)
        if said is None:
            return zero("the reasoning is unfinished", "unfinished_think", parts=dict(_FAILED))
        failed = [one.kind for one in task.wanted if not one.is_followed(said)]
        n_wanted = len(task.wanted)
        share = (n_wanted - len(failed)) / n_wanted
        accuracy = float(not failed)
        told = f"{n_wanted - len(failed)} of {n_wanted} followed"
        return Score(
            value=share if self.score_as == "fraction" else accuracy,
            parts={"accuracy": accuracy, "followed_share": share},
            reason=f"{told}; not {', '.join(failed)}"[:300] if failed else told,
        )
