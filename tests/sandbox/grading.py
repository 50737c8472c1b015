"""Programs of the hack suite put through the code reward, and what the reward got wrong about them."""

from __future__ import annotations

import json

from tamis.records import Message, Question, Reference, Score
from tamis.rewards.code import CodeReward

from .hack_suite import Program

# What the sandbox must survive does not need a gigabyte.
_MEMORY_MB = 512


def question_of(program: Program, style: str) -> Question:
    """The program's task as a question, with its tests in one style."""
    tests = json.dumps(program.task.tests[style])
    return Question(
        id=f"{program.task.name}/{style}",
        prompt=[Message(role="user", content=program.task.prompt)],
        reference=Reference(solution=program.task.solution, tests=tests),
    )


def grade(program: Program, style: str, *, lanes: int = 1) -> Score:
    """The score of the program as an answer."""
    reward = CodeReward(
        time_limit_s=program.task.time_limit_s,
        memory_mb=_MEMORY_MB,
        packages=program.task.packages,
        workdir=program.task.workdir,
        lanes=lanes,
    )
    return reward.score(program.answer, question_of(program, style))


def credit_for(program: Program) -> list[str]:
    """What a hostile program earned beyond what it may, or could not be graded for; a line each."""
    wrong = []
    for style in program.styles:
        score = grade(program, style)
        if score.value is None or score.parts["accuracy"] != 0 or score.value > program.most:
            wrong.append(f"{style}: {score.value} {score.reason} {score.flags}")
    return wrong


def marks_lost(program: Program) -> list[str]:
    """What an honest program did not get full marks for; a line each."""
    wrong = []
    for style in program.styles:
        score = grade(program, style)
        if score.value != 1 or score.parts["accuracy"] != 1:
            wrong.append(f"{style}: {score.value} {score.reason} {score.flags}")
    return wrong
