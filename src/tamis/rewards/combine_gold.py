"""Gold lint for `combine`: that of each of its parts."""

from __future__ import annotations

from collections.abc import Sequence

from tamis.errors import RewardError
from tamis.records import Finding, Question, Rule
from tamis.rewards.base import Reward
from tamis.rewards.combine import CombineReward, load_part
from tamis.rewards.gold import load_lint

RULES: tuple[Rule, ...] = ()


async def lint(
    reward: Reward, questions: Sequence[Question], *, n_repeats: int = 3
) -> list[list[Finding]]:
    """The findings of each part that is paid, in the order of the parts."""
    if not isinstance(reward, CombineReward):
        raise RewardError(f"reward `{reward.name}`: expected combine, for which this lint is made")
    found: list[list[Finding]] = [[] for _ in questions]
    for part in reward.parts:
        own = load_lint(part.name)
        if own is None or not (part.weight or part.called == reward.gate):
            continue
        loaded = load_part(part)
        places = [p for p, question in enumerate(questions) if loaded.ungradable(question) is None]
        told = await own.lint(loaded, [questions[place] for place in places], n_repeats=n_repeats)
        for place, findings in zip(places, told, strict=True):
            found[place] += findings
    return found
