"""The rewards of these questions, as axolotl hands them to TRL: one function for each.

A function scores the rows whose question names its reward, and gives None for all others: TRL leaves
those out of its average. None also stands for a question that cannot be graded. Completions may be
texts or message lists. Needs: pip install tamis
"""

import asyncio
import json
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import msgspec

from tamis.records import Message, Question, Reference, RewardSpec, Rollout, ToolCall
from tamis.rewards import load_reward


def numeric(prompts, completions, **columns) -> list[float | None]:
    return _scores("numeric", prompts, completions, columns)


def _scores(name, prompts, completions, columns) -> list[float | None]:
    scores = [None] * len(completions)
    by_parameters = defaultdict(list)
    for place, named in enumerate(columns["reward_name"]):
        if named == name:
            by_parameters[columns["reward_parameters"][place]].append(place)
    for parameters, places in by_parameters.items():
        spec = RewardSpec(name=name, parameters=parameters)
        questions = [
            _question(prompts[i], columns["reference"][i], columns["question_id"][i], spec)
            for i in places
        ]
        rollouts = [
            Rollout(
                question_id=question.id, messages=_messages(completions[i], "assistant"), model=""
            )
            for i, question in zip(places, questions, strict=True)
        ]
        found = _wait(load_reward(spec).score_many(rollouts, questions))
        for place, score in zip(places, found, strict=True):
            scores[place] = score.value
    return scores


def _wait(work):
    # A thread of its own: the caller may already run an event loop in this one.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def _question(prompt, reference, question_id, spec) -> Question:
    read = None if reference is None else msgspec.json.decode(reference, type=Reference)
    return Question(id=question_id, prompt=_messages(prompt, "user"), reward=spec, reference=read)


def _messages(said, role) -> list[Message]:
    if isinstance(said, str):
        return [Message(role=role, content=said)]
    return [
        Message(
            role=message["role"],
            content=message.get("content"),
            reasoning=message.get("reasoning_content"),
            tool_calls=[_call(call) for call in message.get("tool_calls") or []] or None,
        )
        for message in said
    ]


def _call(call) -> ToolCall:
    called = call.get("function", call)
    arguments = called["arguments"]
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return ToolCall(name=called["name"], arguments=text)
