"""The reward of verifiable instructions: does an answer keep to what the prompt asks of its form."""

from tamis.rewards.instructions.reward import InstructionsReward

__all__ = ["InstructionsReward"]
