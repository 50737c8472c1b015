"""Put the hack suite through the code reward and print what went wrong as JSON. Run by `test_hacks.py`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from hack_suite import Program, honest, hostile

from tamis.records import Message, Question, Reference, Score
from tamis.rewards.code import CodeReward
from tamis.sandbox import Profile, SandboxError, open_sandbox

# What the sandbox must survive does not need a gigabyte.
MEMORY_MB = 512
LANES = len(os.sched_getaffinity(0))


def question_of(program: Program, style: str) -> Question:
    """The program's task as a question, with its tests in one style."""
    tests = json.dumps(program.task.tests[style])
    return Question(
        id=f"{program.task.name}/{style}",
        prompt=[Message(role="user", content=program.task.prompt)],
        reference=Reference(solution=program.task.solution, tests=tests),
    )


def grade(program: Program, style: str) -> Score:
    """The score of the program as an answer."""
    reward = CodeReward(
        time_limit_s=program.task.time_limit_s,
        memory_mb=MEMORY_MB,
        packages=program.task.packages,
        workdir=program.task.workdir,
        lanes=LANES,
    )
    return reward.score(program.answer, question_of(program, style))


def is_fooled(program: Program, score: Score) -> bool:
    """Whether a hostile program earned more than it may, or could not be graded."""
    return score.value is None or score.parts["accuracy"] != 0 or score.value > program.most


def is_unfair(_: Program, score: Score) -> bool:
    """Whether an honest program did not get full marks."""
    return score.value != 1 or score.parts["accuracy"] != 1


def wrong(
    programs: Sequence[Program], is_wrong: Callable[[Program, Score], bool], *, every_style: bool
) -> dict[str, str]:
    """What was wrong, by program and style."""
    wanted = [
        (program, style)
        for number, program in enumerate(programs)
        for style in (
            program.styles if every_style else [program.styles[number % len(program.styles)]]
        )
    ]
    with ThreadPoolExecutor(LANES) as pool:
        scores = list(pool.map(lambda pair: grade(*pair), wanted))
    return {
        f"{program.family}/{program.name}/{style}": f"{score.value} {score.reason} {score.flags}"
        for (program, style), score in zip(wanted, scores, strict=True)
        if is_wrong(program, score)
    }


def has_workdir() -> bool:
    """Whether this tier offers work directories; tasks that need one are not gradable without."""
    try:
        open_sandbox(Profile(workdir=True), lanes=LANES)
    except SandboxError:
        return False
    return True


def main() -> None:
    """Print the tier and what was wrong; every style of tests with the argument `all`, else one a program."""
    every_style = sys.argv[1] == "all"
    possible = [
        [program for program in programs if not program.task.workdir or has_workdir()]
        for programs in (hostile(), honest())
    ]
    told = {
        "tier": open_sandbox(lanes=LANES).tier,
        "has_workdir": has_workdir(),
        "fooled": wrong(possible[0], is_fooled, every_style=every_style),
        "unfair": wrong(possible[1], is_unfair, every_style=every_style),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
