"""Messages put before a question so that small models answer briefly and in a form that can be graded."""

from __future__ import annotations

from tamis.records import Message

_SHOTS = (
    ("What is 2 + 6?", "2 + 6 = 8. The answer is 8."),
    (
        "A bag has 9 sweets and Leo eats 2. How many sweets are left?",
        "9 - 2 = 7. The answer is 7.",
    ),
    ("What is 5 * 3?", "5 * 3 = 15. The answer is 15."),
)

# Three worked questions: without them a 135M model talks at length and seldom commits to a number.
SHORT_ANSWERS: tuple[Message, ...] = (
    Message(
        role="system",
        content='Answer the question. End with "The answer is" and the number.',
    ),
    *(
        message
        for question, answer in _SHOTS
        for message in (
            Message(role="user", content=question),
            Message(role="assistant", content=answer),
        )
    ),
)
