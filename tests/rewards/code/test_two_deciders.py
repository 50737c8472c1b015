"""The trusted process and the judge decide the same tests alike, whatever plain value the code returns.

About objects of the code's own they differ, each on the safe side: the judge asks nothing of them but what
it marks weak, the trusted process asks nothing at all.
"""

from __future__ import annotations

import json

import pytest

from tamis.records import Question, Reference
from tamis.rewards.code import CodeReward
from tamis.rewards.code.planning import task_of
from tamis.rewards.code.running import run_task
from tamis.rewards.code.task import Task

ASSERTS = [
    *("f() == 3", "3 == f()", "f() != 3", "not f() == 3", "f()", "not f()", "f() is None"),
    *("f() is not None", "f() is True", "f() is not False", "f() < 3", "2.5 <= f()"),
    *("len(f()) == 2", "len(f()) > 1", "set(f()) == {1, 2}", "sorted(f()) == [1, 2]"),
    *("sorted(f(), reverse=True) == [2, 1]", "list(f()) == [1, 2]", "tuple(f()) == (2, 1)"),
    *("abs(f()) == 3", "abs(f() - 2) < 1.5", "round(f(), 1) == 0.3", "f() in (1, 2, 'ab')"),
    *("f() not in [3]", "math.isclose(f(), 0.3)", "isinstance(f(), int)"),
    *("isinstance(f(), (str, list))", "f() == {1: (2, [3])}", "f() == [1, 2]", "f() == 'ab'"),
]
RETURNED = [
    *("0", "3", "-3", "True", "False", "None", "0.3", "3.0", "float('nan')", "float('inf')", "2.5"),
    *("''", "'ab'", "[1, 2]", "[2, 1]", "(1, 2)", "(2, 1)", "{1, 2}", "{1: (2, [3])}", "[]"),
    *("10**30", "b'ab'", "3 + 0j", "range(1, 3)", "{1: 0, 2: 0}", "[[1]]", "iter([1, 2])"),
    *("(n for n in (1, 2))", "map(abs, (1, 2))", "type('L', (list,), {})([1, 2])"),
    "1 / 0",
]


def planned(asserts: list[str]) -> Task:
    tests = {"style": "asserts", "asserts": asserts, "imports": ["import math"], "entry_point": "f"}
    found = task_of(Question(prompt=[], reference=Reference(tests=json.dumps(tests))))
    assert isinstance(found, Task)
    return found


def passed(task: Task, code: str) -> list[bool]:
    reward = CodeReward()
    return [
        result.is_passed for result in run_task(reward.open_box(), task, code, rules=reward.rules())
    ]


@pytest.mark.parametrize("returned", RETURNED)
def test_a_test_split_and_a_test_judged_have_one_verdict(returned: str) -> None:
    split = planned([f"assert {text}" for text in ASSERTS])
    # a second statement, and the test is no longer one that can be split
    judged = planned([f"import math\nassert {text}" for text in ASSERTS])
    assert split.judged is None and judged.values == ()
    code = f"def f():\n    return {returned}\n"
    here, there = passed(split, code), passed(judged, code)
    assert [
        text for text, one, other in zip(ASSERTS, here, there, strict=True) if one != other
    ] == []
