"""The rewards of these questions, as a plugin of ms-swift: `tamis` asks each row for its own.

A question that cannot be graded gives None for each of its answers alike; ms-swift then counts it as 0,
which moves nothing, since answers are compared within a question. Needs: pip install tamis
"""

from swift.rewards import ORM, orms

from tamis.rewards.adapters.ms_swift import scores


class TamisReward(ORM):
    """One score for each completion, by the reward its row names."""

    def __call__(self, completions, **columns):
        return scores(completions, **columns)


orms["tamis"] = TamisReward
