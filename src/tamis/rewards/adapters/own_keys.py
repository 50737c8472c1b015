"""Questions from the JSON text that exports for prime-rl and NeMo-Gym call `tamis`: id, reward, reference."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tamis.errors import RewardError
from tamis.records import Message, Question, Reference, RewardSpec, ToolCall
from tamis.rewards.adapters.grading import Graded, Number, number_of, scores_of, tools_from


class _Own(msgspec.Struct):
    id: str
    reward: RewardSpec
    reference: Reference | None = None


def question_of(own: str, asked: Sequence[Message], tools: object = None) -> Question:
    """The question that `own` tells of, asked with these messages, these tools on offer (a list or JSON text).

    Raises: RewardError where `own` is not what the export writes.
    """
    try:
        told = msgspec.json.decode(own, type=_Own)
    except msgspec.DecodeError as error:
        raise RewardError(
            f"tamis: expected id, reward and reference as JSON, got something else ({error}); export "
            "the questions again"
        ) from error
    return Question(
        id=told.id,
        prompt=list(asked),
        reward=told.reward,
        reference=told.reference,
        tools=tools_from(tools),
    )


async def grade(answer: str, question: Question, calls: Sequence[ToolCall] = ()) -> Number:
    """The score of one answer, its text and the calls that the server has read out of it.

    Raises: RewardError where its grading failed twice.
    """
    said = [Message(role="assistant", content=answer, tool_calls=list(calls) or None)]
    [score] = await scores_of([Graded(question=question, messages=said)])
    return number_of(score, question)
