"""Bombs and the symbolic worker: each costs its own item only, and workers come back."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tamis.records import Message, Question, Reference, Rollout
from tamis.rewards.math import MathReward, prover
from tamis.rewards.math.answers import Scalar
from tamis.rewards.math.prover import open_prover
from tamis.rewards.math.reading import Reading, read_answer
from tamis.rewards.math.tree import Tree

BOMBS = {
    "tower": "9^{9^{9}}",
    "tower in a root": r"\sqrt{9^{9^{9}}}",
    "factorial": "10000000!",
    "factorial of factorials": "((9!)!)!",
    "binomial": r"\binom{1000000000}{100000000}",
    "power of a sum": "(x+y+z+w)^{300}",
    "parentheses": "(" * 3000 + "7" + ")" * 3000,
    "parentheses under the cap": "(" * 2000 + "7" + ")" * 2000,
    "braces": r"\frac{" * 1000 + "7",
    "characters": "7+" * 25_000 + "7",
    "characters under the cap": "7+" * 2000 + "7",
    "digits": "7" * 4000,
    "exponent": "7e999999",
    "list": "1," * 2000 + "7",
    "units": "1 m " * 900,
    "powers": "x^" * 1900 + "x",
    "signs": "-" * 4000 + "7",
    "bars": "|" * 4000,
    "primes": r"\sqrt{" + "9" * 250 + "}",
}


def question(gold: str) -> Question:
    return Question(prompt=[], reference=Reference(answer=gold))


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_is_refused_without_a_worker(bomb: str) -> None:
    began = time.process_time()
    found = MathReward(symbolic=False).score(rf"\boxed{{{bomb}}}", question("7"))
    assert (found.value, time.process_time() - began < 1.0) == (0.0, True)


def rollout(answer: str) -> Rollout:
    said = [Message(role="assistant", content=rf"\boxed{{{answer}}}")]
    return Rollout(question_id="q", model="m", messages=said)


def test_sixty_four_bombs_in_one_batch_stall_nothing() -> None:
    bombs = list(BOMBS.values())
    answers = [bombs[place % len(bombs)] for place in range(64)] + ["7", r"\sin^2 x+\cos^2 x+6"]
    reward = MathReward(time_limit_s=0.5)
    rollouts = [rollout(answer) for answer in answers]
    scores = asyncio.run(reward.score_many(rollouts, [question("7")] * len(rollouts)))
    assert [score.value for score in scores[:64]] == [0.0] * 64
    # the last is an identity, but its form is no number
    assert [score.value for score in scores[64:]] == [1.0, 0.0]


def tree(text: str) -> Tree:
    found = read_answer(text, reading=Reading())
    assert isinstance(found, Scalar)
    return found.tree


def test_a_pair_that_takes_too_long_ends_alone_and_the_next_one_is_decided() -> None:
    few = open_prover(n_workers=1, budget_s=0.1, memory_mb=1024)
    angles = "+".join(rf"\sin({n}x)\cos({n}y)" for n in range(2, 40))
    shifted = angles.replace(r"\sin(39x)", r"\sin(40x-x)")
    terms = "+".join(rf"\frac{{1}}{{x^{{{n}}}+\sin x+y}}" for n in range(2, 30))
    product = terms.replace(r"x^{29}", r"x \cdot x^{28}") + r"+\sin^2 z+\cos^2 z"
    assert few.decide(tree(terms + "+1"), tree(product)) == ("undecided", "timeout")
    assert few.decide(tree(angles), tree(shifted))[0] in ("equal", "undecided")
    assert few.decide(tree(r"\sin x + 1"), tree(r"1 + \sin x")) == ("equal", "")
    few.close()


def test_a_worker_that_is_killed_from_outside_is_replaced() -> None:
    few = open_prover(n_workers=1, budget_s=1.25, memory_mb=1024)
    pair = tree(r"\sin 2x"), tree(r"2\sin x\cos x")
    assert few.decide(*pair)[0] == "equal"
    os.killpg(few.pids()[0], signal.SIGKILL)
    assert few.decide(*pair)[0] == "equal"
    few.close()


def test_without_sympy_a_reference_that_needs_algebra_is_not_gradable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "sympy", None)
    prover.is_installed.cache_clear()
    try:
        found = MathReward().score(r"\boxed{\sin x}", question(r"\sin x"))
        assert found.value is None
        assert "pip install 'tamis[math]'" in found.reason
        assert MathReward().score(r"\boxed{x+1}", question("1+x")).value == 1.0
    finally:
        prover.is_installed.cache_clear()


def test_workers_end_with_their_process(tmp_path: Path) -> None:
    import subprocess

    code = (
        "from tamis.records import Question, Reference\n"
        "from tamis.rewards.math import MathReward\n"
        "from tamis.rewards.math.prover import open_prover\n"
        "reward = MathReward(workers=1)\n"
        "ask = Question(prompt=[], reference=Reference(answer='2 sin x cos x'))\n"
        "assert reward.score(r'\\boxed{\\sin 2x}', ask).value == 1.0\n"
        "print(open_prover(n_workers=1, budget_s=2.0, memory_mb=1024).pids()[0])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not Path("/proc", done.stdout.strip()).exists()
