"""The rewards of these questions, as axolotl hands them to TRL: one for each, named and picklable.

Each scores the rows whose question names it, and gives None for all others: TRL leaves those out of its
average. None also stands for a question that cannot be graded. Needs: pip install tamis
"""

from tamis.rewards.adapters.trl import RewardFunction

numeric = RewardFunction("numeric")
