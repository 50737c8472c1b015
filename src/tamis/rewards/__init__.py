"""Rewards: what an answer is worth. `load_reward` builds one from its name and parameters."""

from tamis.rewards.base import REWARDS, Reward, load_reward, score_one

__all__ = ["REWARDS", "Reward", "load_reward", "score_one"]
