"""Judges over real sockets: a scripted server whose replies know the nonce of the call they answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from tamis.llm.scripted import Answers, Script, ScriptedServer, scripted_server
from tamis.records import Message, Question, Reference, Rollout, Score
from tamis.rewards.judge import Endpoint, JudgeReward

NOWHERE = Endpoint(base_url="http://127.0.0.1:1/v1", model="judge")
ID = "NONCE"


def question(prompt: str = "What is the capital of Kenya?", **reference: str) -> Question:
    given = reference or {"answer": "Nairobi"}
    return Question(prompt=[Message(role="user", content=prompt)], reference=Reference(**given))


def rollout(answer: str) -> Rollout:
    return Rollout(question_id="", messages=[Message(role="assistant", content=answer)], model="")


def verdict(word: str | int) -> str:
    shown = f'"{word}"' if isinstance(word, str) else word
    return f'{{"id": "{ID}", "verdict": {shown}}}'


def script_for(
    reward: JudgeReward, answer: str, asked: Question, replies: Sequence[str]
) -> list[Answers]:
    """The replies in the order of the calls, those of a second try last; `ID` in them becomes the call's nonce."""
    calls = [
        one
        for attempt in range(reward.tries)
        for one in reward.asked(answer, asked, endpoint=NOWHERE, attempt=attempt)
    ]
    return [
        Answers(contains=call.nonce, answers=[reply.replace(ID, call.nonce)])
        for call, reply in zip(calls, replies, strict=False)
    ]


def judged(
    answer: str, asked: Question, replies: Sequence[str], **parameters: Any
) -> tuple[Score, ScriptedServer]:
    """The score of an answer by a judge that gives these replies, and what the judge was asked."""
    reward = JudgeReward(**parameters)
    script = Script(replies=tuple(script_for(reward, answer, asked, replies)))
    with scripted_server(script) as server:
        return score_at(server, answer, asked, **parameters), server


def score_at(server: ScriptedServer, answer: str, asked: Question, **parameters: Any) -> Score:
    return scores_at(server, [answer], asked, **parameters)[0]


def scores_at(
    server: ScriptedServer, answers: Sequence[str], asked: Question, **parameters: Any
) -> list[Score]:
    endpoint = parameters.pop("endpoint", None) or Endpoint(base_url=server.url, model="judge")
    reward = JudgeReward(endpoint=endpoint, **parameters)
    rollouts = [rollout(answer) for answer in answers]
    return asyncio.run(reward.score_many(rollouts, [asked] * len(rollouts)))


def prompts(server: ScriptedServer) -> list[tuple[str, str]]:
    """The system and the user message of each call."""
    found = []
    for body in server.bodies:
        system, user = (message["content"] for message in body["messages"])
        found.append((system, user))
    return found
