"""One text that holds a question, its solution and its final answer: `Question:`, `Answer:`, `####`.

Source: the paraphrased GSM8K test set of lm-sys/llm-decontaminator.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from tamis.errors import InputError, RowError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.plain import take_text, turn
from tamis.formats.question.fields import with_rest
from tamis.formats.question.gsm8k import MARK, REWARD, asked_and_solved, final_answer
from tamis.records import Question, Reference, RewardSpec

_ASKED, _SOLVED = "Question: ", "\nAnswer: "


def matches(row: Mapping[str, Any]) -> bool:
    """`text` begins with `Question:`, and an `Answer:` with `####` follows."""
    text = row.get("text")
    return isinstance(text, str) and text.startswith(_ASKED) and MARK in text.partition(_SOLVED)[2]


def parse(rest: dict[str, Raw]) -> Question:
    """One question; the first line that begins with `Answer:` ends what is asked."""
    text = take_text(rest, "text")
    asked, _, solution = text.removeprefix(_ASKED).partition(_SOLVED)
    if not text.startswith(_ASKED) or MARK not in solution:
        raise RowError(
            f"$.text: expected `Question: `, a line `Answer: ` and `{MARK}`, got a text without them"
        )
    return Question(
        prompt=turn("user", asked),
        reward=RewardSpec(name=REWARD),
        reference=Reference(answer=final_answer(solution), solution=solution),
        meta=exact.rest_text(rest, {}, "$"),
    )


def write(row: Row) -> dict[str, Any]:
    """The row's one text; InputError for a question that would not be read back as it is."""
    rest, _ = exact.split_rest(row["meta"])
    asked, solution = asked_and_solved(row)
    if _SOLVED in asked:
        raise InputError("prompt[0].content: expected no line that begins with `Answer: `, got one")
    return with_rest({"text": f"{_ASKED}{asked}{_SOLVED}{solution}"}, rest)


FORMAT = Format(
    name="question_text",
    kind="questions",
    about="text with Question:, Answer: and the final number after ####",
    matches=matches,
    parse=parse,
    write=write,
)
