"""The rewards of these questions, as OpenRLHF 0.11 calls them, one answer at a time in a thread.

`labels` are the JSON texts of the column `label`. A question that cannot be graded scores 0 for each
of its answers alike, which moves nothing under group_norm, and is counted as `not_gradable` in the
logs: OpenRLHF takes numbers only. Needs: pip install tamis
"""

from tamis.rewards.adapters.openrlhf import reward_func

__all__ = ["reward_func"]
