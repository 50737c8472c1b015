"""The judge: a model's verdict on an answer, asked so that the answer cannot talk to it."""

from tamis.rewards.judge.endpoint import Endpoint
from tamis.rewards.judge.reward import JudgeReward

__all__ = ["Endpoint", "JudgeReward"]
