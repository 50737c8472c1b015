"""The code reward: the code of an answer, run in the sandbox, judged outside it."""

from tamis.rewards.code.reward import CodeReward

__all__ = ["CodeReward"]
