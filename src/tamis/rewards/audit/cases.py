"""What is asked of a target: a response to a question, as the target gets it and as the audit weighs it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tamis.records import Message, Question, Reference, RewardSpec, ToolCall
from tamis.rewards.audit.rows import (
    AnswerRow,
    AttackRow,
    ControlRow,
    Policy,
    answer_question,
    attack_messages,
    attack_question,
)
from tamis.rewards.audit.spelling import NOTHING, Spelling, respell, say, wrong_for

# Families whose answers may take as long as the target lets them.
_STALLING = ("bombs", "hang_or_flood")


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A response to a question. `alone` asks it in a call of its own, since it may stall the others."""

    id: str
    kind: str
    question: Question
    messages: list[Message]
    policy: Policy = Policy()
    parameters: str | None = None
    alone: bool = False

    @property
    def key(self) -> str:
        """The same for all responses to one question."""
        asked, reference = self.question.prompt[0].content, self.question.reference
        return repr((self.kind, asked, reference, self.policy, self.parameters))

    @property
    def response(self) -> str:
        """The text of the response, tool calls behind it."""
        message = self.messages[-1]
        calls = [f"{call.name}({call.arguments})" for call in message.tool_calls or []]
        return "\n".join([*filter(None, [message.content]), *calls])

    @property
    def reference(self) -> str | None:
        """The reference as one text to show."""
        held = self.question.reference
        if held is None:
            return None
        return next((t for t in (held.answer, held.solution, held.tests, held.rubric) if t), "")


def answer_case(row: AnswerRow, *, spelling: Spelling | None = None) -> Case:
    """An honest answer or a wrong twin; how an answer is said stays as it is where that is the point."""
    said = row.response
    if spelling is not None and not row.notation.startswith("say_"):
        said = respell(said, spelling)
    return Case(
        id=row.id,
        kind="math",
        question=answer_question(row),
        messages=[Message(role="assistant", content=said)],
        policy=row.policy,
    )


def row_case(row: AttackRow | ControlRow, *, spelling: Spelling | None = None) -> Case:
    """An attack, or a good response beside attacks."""
    messages = attack_messages(row)
    if spelling is not None and row.kind in ("math", "numeric"):
        messages = [Message(role="assistant", content=respell(row.response, spelling))]
    family = row.family if isinstance(row, AttackRow) else ""
    return Case(
        id=row.id,
        kind=row.kind,
        question=attack_question(row),
        messages=messages,
        policy=row.policy if isinstance(row, AttackRow) else Policy(),
        parameters=row.parameters,
        alone=family in _STALLING,
    )


def other_answer(case: Case, text: str, name: str) -> Case:
    """Another response to the question of a case."""
    said = [Message(role="assistant", content=text)]
    return msgspec.structs.replace(case, id=f"{case.id}={name}", messages=said, alone=False)


def right_answers(case: Case, spellings: Sequence[Spelling]) -> list[Case]:
    """The reference itself, given as the answer in each of these spellings; none without one."""
    gold = case.question.reference.answer if case.question.reference else None
    if gold is None or not gold.strip():
        return []
    if case.kind == "tool_calls":
        calls = [
            ToolCall(name=call["name"], arguments=json.dumps(call["arguments"]))
            for call in json.loads(gold)
        ]
        text = "" if calls else "You are welcome."
        said = [Message(role="assistant", content=text, tool_calls=calls or None)]
        return [msgspec.structs.replace(case, id=f"{case.id}=right", messages=said, alone=False)]
    if case.kind == "json_schema":
        return [other_answer(case, gold, "right")]
    return [other_answer(case, say(gold, s), f"right in {s.name}") for s in spellings]


def wrong_answers(case: Case, spellings: Sequence[Spelling]) -> list[Case]:
    """A plainly wrong answer in each of these spellings; none where no wrong answer can be made up."""
    gold = case.question.reference.answer if case.question.reference else None
    if gold is None or case.kind in ("tool_calls", "json_schema"):
        return []
    return [other_answer(case, say(wrong_for(gold), s), f"wrong in {s.name}") for s in spellings]


def no_answer(case: Case) -> Case:
    """A response that says that it has no answer."""
    return other_answer(case, NOTHING, "nothing")


def item_of(case: Case, reward: RewardSpec | None) -> dict[str, Any]:
    """A case as the JSON that a target's process gets."""
    asked = [{"role": m.role, "content": m.content or ""} for m in case.question.prompt]
    return {
        "question": msgspec.to_builtins(case.question),
        "messages": msgspec.to_builtins(case.messages),
        "reward": None if reward is None else msgspec.to_builtins(reward),
        "asked": "\n".join(message["content"] for message in asked),
        "prompt": asked,
        "answer": case.response,
        "golds": golds_of(case.question.reference),
    }


def golds_of(reference: Reference | None) -> dict[str, Any]:
    """The reference in each of the ways that users' functions want it."""
    if reference is None:
        return {"text": None}
    if reference.tests is None:
        return {"text": reference.answer}
    golds: dict[str, Any] = {"tests": reference.tests}
    try:
        told = json.loads(reference.tests)
    except ValueError:
        return golds
    if isinstance(told, Mapping) and isinstance(told.get("asserts"), list):
        asserts = [str(line) for line in told["asserts"]]
        golds |= {"asserts": asserts, "text": "\n".join(asserts)}
    return golds
