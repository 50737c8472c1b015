"""The maths reward: is the final answer the reference, exactly, whatever notation it is written in."""

from tamis.rewards.math.reward import MathReward

__all__ = ["MathReward"]
