"""What the question asks for names the answer: `m + n = 42` answers "Find m + n" as `x = 42` answers "Find x"."""

from __future__ import annotations

import re

from tamis.rewards.math.answers import Answer, Named, Relation, Scalar

_ASKS = r"(?:find|compute|determine|evaluate|calculate|whatis|valueof|sumof|productof)"
# What only sets an expression, in a prompt or in an answer.
_SET = re.compile(r"[\s$~]|\\[,;:!()\[\]]|\\(?:left|right|displaystyle)(?![A-Za-z])")


def named_by_question(answer: Answer, written: str, prompt: str) -> Answer:
    """The answer, where it is an equation whose left side is the very expression that the prompt asks for: its right side.

    Any other left side stays what it is: `2k = 38` does not answer "Find k".
    """
    if not isinstance(answer, Relation) or answer.kind != "=":
        return answer
    left, _, _ = _SET.sub("", written).partition("=")
    asked = re.compile(rf"{_ASKS}{re.escape(left)}(?![\w+*/^=({{\\-])", re.IGNORECASE)
    if not left or asked.search(_SET.sub("", prompt)) is None:
        return answer
    return Named(left, Scalar(answer.right))
