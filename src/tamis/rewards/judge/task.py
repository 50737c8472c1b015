"""What a judge needs of a question: what was asked, what is right, what a rubric demands."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

import msgspec

from tamis.records import Message, Question, Reference
from tamis.rewards.answers import one_line
from tamis.rewards.judge.fence import plain

# Beyond these a question is refused: nothing of it is ever cut off.
MAX_ASKED_CHARS = 32_000
MAX_REFERENCE_CHARS = 16_000
MAX_ITEMS = 32
_MAX_WEIGHT = 1_000_000.0


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One demand of a rubric, judged alone; one with a negative weight says what an answer must not do."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
    weight: Annotated[float, msgspec.Meta(ge=-_MAX_WEIGHT, le=_MAX_WEIGHT)] = 1.0


class Rubric(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`reference.rubric`: items to judge one by one, and reference answers, one for each turn of the prompt."""

    items: Annotated[tuple[Item, ...], msgspec.Meta(max_length=MAX_ITEMS)] = ()
    references: tuple[str | None, ...] = ()


class JudgeTask(msgspec.Struct, frozen=True, kw_only=True):
    """A question as its judge is told it; `right` is the reference answer, None when there is none."""

    asked: str
    right: str | None
    items: tuple[Item, ...]


def task_of(question: Question) -> JudgeTask | str:
    """The task of a question, or why there is none."""
    asked = _asked(question.prompt)
    if len(asked) > MAX_ASKED_CHARS:
        return f"the prompt has {len(asked):,} characters; a judge is shown {MAX_ASKED_CHARS:,}"
    if not asked.strip():
        return "the prompt is empty"
    reference = question.reference or Reference()
    rubric = _rubric(reference.rubric or "{}")
    if isinstance(rubric, str):
        return rubric
    right = next(
        (
            plain(text).strip()
            for text in (reference.answer, *rubric.references[-1:], reference.solution)
            if text is not None and plain(text).strip()
        ),
        None,
    )
    if right is not None and len(right) > MAX_REFERENCE_CHARS:
        return (
            f"the reference has {len(right):,} characters; a judge is shown {MAX_REFERENCE_CHARS:,}"
        )
    return JudgeTask(asked=asked, right=right, items=rubric.items)


def _asked(prompt: list[Message]) -> str:
    """The prompt as one text; who said what, unless it is a single message."""
    if len(prompt) == 1:
        return plain(prompt[0].content or "")
    return "\n\n".join(f"{one.role}:\n{plain(one.content or '')}" for one in prompt)


@lru_cache(maxsize=1024)
def _rubric(text: str) -> Rubric | str:
    try:
        rubric = msgspec.json.decode(text, type=Rubric)
    except msgspec.DecodeError as error:
        return f"the rubric is not as docs/design/references.md says: {one_line(error, 200)}"
    items = tuple(Item(plain(item.text).strip(), item.weight) for item in rubric.items)
    if any(not item.text or not item.weight for item in items):
        return "an item of the rubric has no text or no weight"
    if items and not any(item.weight > 0 for item in items):
        return "no item of the rubric has a positive weight"
    return Rubric(items=items, references=rubric.references)
