"""What the adapters share: rows as questions, waiting for scores, and scores as plain numbers."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import msgspec

from tamis.errors import RewardError
from tamis.records import Message, Question, Reference, RewardSpec, Rollout, Score, ToolCall
from tamis.rewards.base import load_reward

Found = TypeVar("Found")
_NEEDED = ("prompt", "reward_name", "reference")


class Number(msgspec.Struct, frozen=True, kw_only=True):
    """A score for a trainer that takes only numbers and cannot skip an answer.

    A question that cannot be graded has `value` 0 and `gradable` 0 in all its answers alike, which moves
    nothing where answers are compared within a question. `accuracy` is the part of the score that judges
    correctness, else the value; `answer` is the final answer as it was read.
    """

    value: float
    gradable: float
    accuracy: float
    answer: str


class Graded(msgspec.Struct, frozen=True, kw_only=True):
    """One answer to grade: the question it answers, and what was said."""

    question: Question
    messages: list[Message]


def score_all(answers: Sequence[Graded]) -> list[Score]:
    """One score for each answer; blocks. May be called from any thread, beside a running event loop too."""
    return wait_for(scores_of(answers))


async def scores_of(answers: Sequence[Graded]) -> list[Score]:
    """One score for each answer, by the reward that its question names; same rewards in one batch.

    What the question allowed and only this run failed to grade is tried once more.
    Raises: RewardError for an unknown reward, or parameters it does not take.
    """
    scores = await _scored(answers)
    failed = [
        place
        for place, (score, answer) in enumerate(zip(scores, answers, strict=True))
        if is_failure(score, answer.question)
    ]
    if failed:
        again = await _scored([answers[place] for place in failed])
        for place, score in zip(failed, again, strict=True):
            scores[place] = score
    return scores


async def _scored(answers: Sequence[Graded]) -> list[Score]:
    by_reward: dict[RewardSpec, list[int]] = {}
    for place, answer in enumerate(answers):
        by_reward.setdefault(_spec_of(answer.question), []).append(place)
    rewards = [load_reward(spec) for spec in by_reward]  # all, before any is asked
    batches = [
        reward.score_many(
            [_rollout(answers[place]) for place in places],
            [answers[place].question for place in places],
        )
        for reward, places in zip(rewards, by_reward.values(), strict=True)
    ]
    found: dict[int, Score] = {}
    for places, scores in zip(by_reward.values(), await asyncio.gather(*batches), strict=True):
        found.update(zip(places, scores, strict=True))
    return [found[place] for place in range(len(answers))]


def _spec_of(question: Question) -> RewardSpec:
    if question.reward is None:
        raise RewardError(f"question `{question.id}`: expected the name of a reward, got none")
    return question.reward


def _rollout(answer: Graded) -> Rollout:
    return Rollout(question_id=answer.question.id, messages=answer.messages, model="")


def is_failure(score: Score, question: Question) -> bool:
    """Whether this one answer has no score though its question can be graded: the sandbox failed, say."""
    return score.value is None and load_reward(_spec_of(question)).ungradable(question) is None


def number_of(score: Score, question: Question) -> Number:
    """The score as plain numbers.

    Raises: RewardError where this one answer could not be graded: a 0 beside the scores of other answers
    to its question would teach something that nobody has judged.
    """
    if is_failure(score, question):
        raise RewardError(
            f"question `{question.id}`: an answer could not be graded, tried twice: {score.reason}"
        )
    value = 0.0 if score.value is None else float(score.value)
    return Number(
        value=value,
        gradable=float(score.value is not None),
        accuracy=float(score.parts.get("accuracy", value)),
        answer=score.answer or "",
    )


def wait_for(work: Coroutine[Any, Any, Found]) -> Found:
    """What the coroutine gives back. It runs in a thread of its own: the caller's may run an event loop.

    Ctrl-C in the caller cancels it.
    """
    loop = asyncio.new_event_loop()
    task = loop.create_task(work)
    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(_run, loop, task).result()
    finally:
        if not task.done():
            with contextlib.suppress(RuntimeError):  # it may end at this very moment
                loop.call_soon_threadsafe(task.cancel)
        pool.shutdown()


def _run(loop: asyncio.AbstractEventLoop, task: asyncio.Task[Found]) -> Found:
    try:
        return loop.run_until_complete(task)
    finally:
        # where one batch failed, others still run
        left = asyncio.all_tasks(loop)
        for other in left:
            other.cancel()
        loop.run_until_complete(_ended(left))
        loop.close()


async def _ended(tasks: Iterable[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


def question_from(row: Mapping[str, Any], *, where: str) -> Question:
    """A question from what a trainer hands on of a row that `tamis export` wrote.

    row: `prompt` (a text or messages), `reward_name`, `reference`; `reward_parameters`, `question_id` and `tools`
         (a list, or its JSON text) may be left out
    Raises: RewardError that begins with `where` for a row without these, or with another shape in them.
    """
    missing = [key for key in _NEEDED if key not in row]
    if missing:
        raise RewardError(
            f"{where}: expected `{missing[0]}`, got {', '.join(row) or 'nothing'}; write the data set "
            "with `tamis export --for` this trainer, or add it"
        )
    name, parameters = row["reward_name"], row.get("reward_parameters")
    if not isinstance(name, str) or not isinstance(parameters, str | None):
        raise RewardError(
            f"{where}: expected texts in `reward_name` and `reward_parameters`, got "
            f"{type(name).__name__} and {type(parameters).__name__}; export the questions again"
        )
    return Question(
        id=str(row.get("question_id") or ""),
        prompt=messages_from(row["prompt"], "user", where=f"{where}.prompt"),
        reward=RewardSpec(name=name, parameters=parameters),
        reference=reference_from(row["reference"], where=f"{where}.reference"),
        tools=tools_from(row.get("tools")),
    )


def reference_from(given: object, *, where: str) -> Reference | None:
    """The reference in JSON text or in a mapping; None for null."""
    if given is None:
        return None
    try:
        if isinstance(given, str):
            return msgspec.json.decode(given, type=Reference)
        return msgspec.convert(given, Reference)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise RewardError(
            f"{where}: expected answer, solution, tests or rubric as JSON, got something else "
            f"({error}); export the questions again"
        ) from error


def tools_from(given: object) -> str | None:
    """The JSON text of the tools on offer; None for none, which trainers also write as an empty text or list."""
    if not given:
        return None
    return given if isinstance(given, str) else msgspec.json.encode(given).decode()


def messages_from(said: object, role: str, *, where: str) -> list[Message]:
    """Messages from a text, said by `role`, or from a list of mappings with `role` and `content`."""
    if isinstance(said, str):
        return [Message(role=role, content=said)]
    messages = said if isinstance(said, Iterable) else [said]
    return [_message(message, where=where) for message in messages]


def _message(message: object, *, where: str) -> Message:
    if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
        kind = ", ".join(message) if isinstance(message, Mapping) else type(message).__name__
        raise RewardError(
            f"{where}: expected a text, or messages with a role and a content, got {kind}"
        )
    return Message(
        role=message["role"],
        content=_text(message.get("content")),
        reasoning=message.get("reasoning_content"),
        tool_calls=[_call(call) for call in message.get("tool_calls") or []] or None,
    )


def _text(content: object) -> str | None:
    """The texts of a content list; pictures and the like say nothing to a reward."""
    if content is None or isinstance(content, str):
        return content
    parts = content if isinstance(content, Sequence) else ()
    texts = [part.get("text") for part in parts if isinstance(part, Mapping)]
    return "".join(text for text in texts if isinstance(text, str))


def _call(call: Mapping[str, Any]) -> ToolCall:
    called = call.get("function", call)
    arguments = called["arguments"]
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return ToolCall(name=called["name"], arguments=text)
