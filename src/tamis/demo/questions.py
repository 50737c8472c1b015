"""The demo's 40 questions of graded difficulty, and the rollouts recorded for them."""

from __future__ import annotations

import functools
from importlib import resources
from typing import Any

import msgspec


class DemoQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A question with its worked answer, which ends in `#### n` as GSM8K has it.

    `level` runs from 1 (one small step) to 5 (several steps); `language` is `en` or `zh`.
    """

    level: int
    language: str
    question: str
    answer: str


class RecordedRollout(msgspec.Struct, frozen=True, kw_only=True):
    """One recorded answer; `sample` is the draw, from 0; `sampling` are the sampling parameters."""

    question: str
    sample: int
    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    model: str
    sampling: dict[str, Any]


def _text(name: str) -> str:
    return resources.files("tamis.demo").joinpath(name).read_text("utf-8")


@functools.cache
def demo_questions() -> tuple[DemoQuestion, ...]:
    """The 40 questions, easiest first."""
    lines = _text("content/questions.jsonl").splitlines()
    return tuple(msgspec.json.decode(line, type=DemoQuestion) for line in lines)


def recorded_rollouts() -> list[RecordedRollout]:
    """The rollouts shipped for replay, 8 for each question, in the order of the questions."""
    lines = _text("recorded.jsonl").splitlines()
    return [msgspec.json.decode(line, type=RecordedRollout) for line in lines]
