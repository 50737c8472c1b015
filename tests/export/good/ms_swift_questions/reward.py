"""The rewards of these questions, as a plugin of ms-swift: `tamis` asks each row for its own.

A question that cannot be graded gives None for each of its answers alike; ms-swift then counts it as 0,
which moves nothing, since answers are compared within a question. Needs: pip install tamis
"""

import asyncio
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import msgspec
from swift.rewards import ORM, orms

from tamis.records import Message, Question, Reference, RewardSpec, Rollout
from tamis.rewards import load_reward


class TamisReward(ORM):
    """One score for each completion, by the reward its row names."""

    def __call__(self, completions, question_id, reward_name, reward_parameters, reference, **_):
        scores = [None] * len(completions)
        by_spec = defaultdict(list)
        for place, named in enumerate(zip(reward_name, reward_parameters, strict=True)):
            by_spec[named].append(place)
        for (name, parameters), places in by_spec.items():
            spec = RewardSpec(name=name, parameters=parameters)
            questions = [_question(question_id[i], reference[i], spec) for i in places]
            pairs = zip(places, questions, strict=True)
            rollouts = [_rollout(completions[i], question) for i, question in pairs]
            found = _wait(load_reward(spec).score_many(rollouts, questions))
            for place, score in zip(places, found, strict=True):
                scores[place] = score.value
        return scores


def _wait(work):
    # A thread of its own: the caller may already run an event loop in this one.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def _question(question_id, reference, spec) -> Question:
    read = None if reference is None else msgspec.json.decode(reference, type=Reference)
    return Question(id=question_id, prompt=[], reward=spec, reference=read)


def _rollout(completion, question) -> Rollout:
    answer = Message(role="assistant", content=completion)
    return Rollout(question_id=question.id, messages=[answer], model="")


orms["tamis"] = TamisReward
