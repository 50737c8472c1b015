"""Our own rewards, called from the process of an audit."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tamis.records import Message, Question, RewardSpec, Rollout, Score
from tamis.rewards.base import load_reward


def score_items(items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One score for each item, as {value, parts}; items of one reward and parameters in one batch."""
    by_reward: dict[RewardSpec, list[int]] = {}
    for place, item in enumerate(items):
        by_reward.setdefault(RewardSpec(**item["reward"]), []).append(place)
    found: dict[int, Score] = {}
    for spec, places in by_reward.items():
        told = asyncio.run(_scores(spec, [items[place] for place in places]))
        found.update(zip(places, told, strict=True))
    return [
        {"value": found[place].value, "parts": found[place].parts} for place in range(len(items))
    ]


async def _scores(spec: RewardSpec, items: Sequence[Mapping[str, Any]]) -> list[Score]:
    questions = [msgspec.convert(item["question"], Question) for item in items]
    rollouts = [
        Rollout(
            question_id=question.id,
            messages=msgspec.convert(item["messages"], list[Message]),
            model="",
        )
        for question, item in zip(questions, items, strict=True)
    ]
    return await load_reward(spec).score_many(rollouts, questions)
