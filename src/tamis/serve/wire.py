"""Requests and replies of the reward service as JSON; pure, no I/O."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from tamis.errors import RewardError
from tamis.records import Message, Question, RewardSpec, Score
from tamis.rewards.adapters.grading import Graded, messages_from, reference_from
from tamis.rewards.base import load_reward

# A batch larger than any trainer's; the rest is for the next request.
MAX_ITEMS = 4096
FindQuestion = Callable[[str], Question]


class _Reward(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    parameters: str | dict[str, Any] | None = None


class _Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    prompt: str | list[dict[str, Any]]
    reference: str | dict[str, Any] | None = None
    reward: _Reward | None = None
    tools: str | list[dict[str, Any]] | None = None
    id: str = ""


class _Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    question: str | _Question
    answer: str | list[dict[str, Any]]


class _Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    items: list[_Item]


def read_batch(
    body: bytes | bytearray, *, find: FindQuestion, graded_by: RewardSpec | None
) -> list[Graded]:
    """The answers of a request, each with its question; `graded_by` is the reward for all, if set.

    Raises: RewardError that names the place of what is not as it should be.
    """
    try:
        batch = msgspec.json.decode(body, type=_Batch)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RewardError(f"body: expected {{items: [{{question, answer}}]}}: {error}") from error
    if len(batch.items) > MAX_ITEMS:
        raise RewardError(f"items: expected {MAX_ITEMS:,} or fewer, got {len(batch.items):,}")
    return [
        _graded(item, place, find=find, graded_by=graded_by)
        for place, item in enumerate(batch.items)
    ]


def scores_body(scores: Sequence[Score]) -> bytes:
    """The reply: one score for each item, in their order."""
    return msgspec.json.encode({"scores": scores})


def _graded(item: _Item, place: int, *, find: FindQuestion, graded_by: RewardSpec | None) -> Graded:
    where = f"items[{place}]"
    try:
        question = find(item.question) if isinstance(item.question, str) else _asked(item.question)
    except RewardError as error:
        raise RewardError(f"{where}.question: {error}") from error
    spec = graded_by or question.reward
    if spec is None:
        raise RewardError(f"{where}.question: expected the name of a reward, got none")
    try:
        load_reward(spec)
    except RewardError as error:
        raise RewardError(f"{where}.question.reward: {error}") from error
    said = _messages(item.answer, "assistant", where=f"{where}.answer")
    return Graded(question=msgspec.structs.replace(question, reward=spec), messages=said)


def _asked(given: _Question) -> Question:
    reward = None
    if given.reward is not None:
        parameters = _as_text(given.reward.parameters)
        reward = RewardSpec(name=given.reward.name, parameters=parameters)
    return Question(
        id=given.id,
        prompt=_messages(given.prompt, "user", where="prompt"),
        reward=reward,
        reference=reference_from(given.reference, where="reference"),
        tools=_as_text(given.tools),
    )


def _messages(said: str | list[dict[str, Any]], role: str, *, where: str) -> list[Message]:
    try:
        # checked as messages are: a caller's number or null where a text belongs must not reach a reward
        return msgspec.convert(
            msgspec.to_builtins(messages_from(said, role, where=where)), list[Message]
        )
    except (msgspec.ValidationError, KeyError, TypeError) as error:
        raise RewardError(f"{where}: expected messages, got something else ({error})") from error


def _as_text(given: str | list[Any] | dict[str, Any] | None) -> str | None:
    if given is None or isinstance(given, str):
        return given
    return msgspec.json.encode(given).decode()
