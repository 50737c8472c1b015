"""A reward that fails as often as a test says, as a plug-in brings one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import ClassVar

import msgspec
import pytest

from tamis.records import Question, Rollout, Score
from tamis.rewards.base import REWARDS


class FailingReward(msgspec.Struct, frozen=True, kw_only=True):
    """Gives 1 to every answer, but fails to grade it while `left` lasts."""

    left: ClassVar[list[int]] = [0]
    name: ClassVar[str] = "failing"
    version: ClassVar[str] = "1"

    def ungradable(self, question: Question) -> str | None:
        """Every question can be graded."""
        return None

    async def score_many(
        self, rollouts: Sequence[Rollout], questions: Sequence[Question]
    ) -> list[Score]:
        """One score for each."""
        return [self._score() for _ in rollouts]

    def _score(self) -> Score:
        if self.left[0] == 0:
            return Score(value=1.0)
        self.left[0] -= 1
        return Score(value=None, reason="the machine was away")


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Registers the reward `failing`; call it with how often grading fails from now on."""
    module = ModuleType("failing_reward")
    module.FailingReward = FailingReward  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "failing_reward", module)
    monkeypatch.setitem(REWARDS, "failing", "failing_reward:FailingReward")

    def fail(times: int) -> None:
        FailingReward.left[0] = times

    fail(0)
    return fail
