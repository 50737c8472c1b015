"""Questions for the reward `code`, shaped like HumanEval's and MBPP's, with right, wrong and hanging answers."""

from __future__ import annotations

import json

from tamis.records import Message, Question, Reference, RewardSpec

# A test may take half a second, so that a hanging answer is found out soon.
SOON = '{"time_limit_s": 0.5}'

# The head imports what the answer needs: without its prompt, the question grades right answers as wrong.
HEAD = '''from math import isqrt

def is_square(number: int) -> bool:
    """Tell whether a whole number is the square of another."""
'''
CHECK = """def check(candidate):
    assert candidate(16) is True
    assert candidate(15) is False
    assert candidate(0) is True
"""
BODY = "    return number >= 0 and isqrt(number) ** 2 == number\n"
RIGHT = f"It has a whole root.\n```python\n{HEAD.partition(chr(10))[2].strip()}\n{BODY}```"
WRONG = "```python\ndef is_square(number):\n    return True\n```"
# one of three tests hangs
HANGING = f"""```python
from math import isqrt
def is_square(number):
    while number == 15:
        pass
{BODY}```"""

LARGEST = (
    "assert largest([1, 3, 2]) == 3",
    "assert largest([]) is None",
    "assert largest([-1]) == -1",
)


def completion(parameters: str | None = SOON) -> Question:
    """Complete a function, tested by a `check`, as HumanEval asks."""
    tests = {"style": "check", "entry_point": "is_square", "code": CHECK}
    return Question(
        id="square",
        prompt=[Message(role="user", content=HEAD)],
        reward=RewardSpec(name="code", parameters=parameters),
        reference=Reference(solution=BODY, tests=json.dumps(tests)),
    )


def task(parameters: str | None = SOON) -> Question:
    """Write a function, tested by assert lines, as MBPP asks."""
    asked = f"Write a function that gives the largest number of a list. It must pass: {LARGEST[0]}"
    tests = {"style": "asserts", "asserts": LARGEST}
    solution = "def largest(numbers):\n    return max(numbers, default=None)\n"
    return Question(
        id="largest",
        prompt=[Message(role="user", content=asked)],
        reward=RewardSpec(name="code", parameters=parameters),
        reference=Reference(solution=solution, tests=json.dumps(tests)),
    )


def ungradable() -> Question:
    """A question of the reward `code` without tests."""
    return Question(
        id="untested",
        prompt=[Message(role="user", content="Write a poem in Python.")],
        reward=RewardSpec(name="code"),
    )
