"""The tool-call reward: are the calls of an answer the accepted ones."""

from tamis.rewards.tool_calls.reward import ToolCallsReward

__all__ = ["ToolCallsReward"]
