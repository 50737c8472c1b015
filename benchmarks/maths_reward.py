"""How fast maths answers are graded: ours beside math-verify, and what bombs cost, in one run on one core.

Everything is pinned to one core, symbolic workers included. The exact tier is measured on GSM8K's worked
solutions, whole answer text to score, and on their bare numbers as boxes; the symbolic tier on pairs of LaTeX
expressions that no exact rule decides, both of right and wrong answers. math-verify gets each text as a reward
would hand it over: `verify(parse(gold), parse(answer))`, the gold in dollars and parsed anew each time, as its
interface has it; ours reads each question's gold once and keeps it, as ours has it. All ways take turns. A wrong verdict
of ours stops the benchmark; math-verify's are not judged here. Bombs are graded alone (processor time of this
process, workers apart) and 64 in one batch among honest answers.

    python benchmarks/maths_reward.py            # a few minutes
    python benchmarks/maths_reward.py --small    # does it still work?
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import itertools
import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import math_verify
from trial import markdown, rate, write_results

from tamis.records import Message, Question, Reference, Rollout
from tamis.rewards.math import MathReward

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "gsm8k_test.jsonl.gz"
EXACT_GOAL, EXACT_RATIO_GOAL, ALGEBRA_RATIO_GOAL, BOMB_GOAL_MS = 20_000, 12.0, 1.0, 50.0

# gold, answer, whether it is right; each needs algebra
ALGEBRA = [
    (r"\frac{x^2-1}{x-1}", r"x+1", True),
    (r"\tan x", r"\frac{\sin x}{\cos x}", True),
    (r"\sin 2x", r"2\sin x\cos x", True),
    (r"\sin 2x", r"2\sin x", False),
    (r"\frac{x}{x+1}", r"1-\frac{1}{x+1}", True),
    (r"\frac{x}{x+1}", r"1+\frac{1}{x+1}", False),
    (r"\ln 4", r"2\ln 2", True),
    (r"\ln 4", r"2\ln 3", False),
    (r"e^{x+1}", r"e\cdot e^x", True),
    (r"\sqrt{x^2+2x+1}", r"\sqrt{(x+1)^2}", True),
    (r"\cos^2 x", r"1-\sin^2 x", True),
    (r"\cos^2 x", r"1-\sin x", False),
    (r"\log_2 3", r"\frac{\ln 3}{\ln 2}", True),
    (r"\frac{a^3-b^3}{a-b}", r"a^2+ab+b^2", True),
    (r"\frac{2}{x^2-1}", r"\frac{1}{x-1}-\frac{1}{x+1}", True),
    (r"\sqrt{3+2\sqrt{2}}", r"1+\sqrt{2}", True),
]
# gold, answer; decided exactly
LATEX = [
    (r"\frac{\sqrt{3}}{2}", r"\sqrt{\frac{3}{4}}"),
    (r"3\sqrt{13}", r"\sqrt{117}"),
    ("6-5i", "-5i+6"),
    ("x^2+2x+1", "(x+1)^2"),
    (r"\frac{1}{2}", "0.5"),
    (r"\left(3,\frac{\pi}{2}\right)", r"(3, \frac{\pi}{2})"),
    (r"(-\infty,3]\cup[5,\infty)", r"(-\infty, 3] \cup [5, \infty)"),
    (r"\frac{14}{3}", r"4\frac{2}{3}"),
]
BOMBS = {
    "9^{9^{9}}": "9^{9^{9}}",
    "10000000!": "10000000!",
    r"\binom{10^9}{10^8}": r"\binom{10^9}{10^8}",
    "(x+y+z+w)^{300}": "(x+y+z+w)^{300}",
    "3,000 parentheses": "(" * 3000 + "7" + ")" * 3000,
    "50,000 characters": "7+" * 25_000 + "7",
    "4,000 characters": "7+" * 2000 + "7",
    "600 large factorials": "+".join(["3000!"] * 600),
}


@dataclass
class Way:
    """One way to grade: `run` grades one pass of its answers, `n` of them."""

    name: str
    run: Callable[[], None]
    n: int
    rates: list[float] = field(default_factory=list)

    def measure(self, seconds: float) -> float:
        """Answers a second, in whole passes."""
        return rate(self.run, self.n, seconds)

    @property
    def middle(self) -> float:
        """The median rate."""
        return statistics.median(self.rates)


def question(gold: str, prompt: str = "") -> Question:
    """A question with this reference."""
    return Question(prompt=[Message(role="user", content=prompt)], reference=Reference(answer=gold))


def ours(reward: MathReward, work: Sequence[tuple[str, Question, bool]]) -> Callable[[], None]:
    """Our reward, answer text to score."""

    def run() -> None:
        for answer, asked, right in work:
            found = reward.score(answer, asked)
            assert (found.parts.get("accuracy") == 1.0) == right, (answer, found)

    return run


def theirs(work: Sequence[tuple[str, str]]) -> Callable[[], None]:
    """math-verify, both texts to verdict, whatever it is."""

    def run() -> None:
        for answer, gold in work:
            math_verify.verify(math_verify.parse(gold), math_verify.parse(answer))

    return run


def gsm8k(small: bool) -> list[dict[str, str]]:
    """Worked solutions of the test set, their number behind `####`."""
    with gzip.open(DATA, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in itertools.islice(lines, 50 if small else 400)]


def ways(small: bool) -> list[tuple[Way, Way, float]]:
    """Pairs of ours and theirs on the same answers, with the goal of the ratio."""
    reward = MathReward(workers=1)
    rows = gsm8k(small)
    golds = [row["answer"].rsplit("####", 1)[1].strip() for row in rows]
    texts = [row["answer"] for row in rows]
    boxes = [rf"The total is $\boxed{{{gold}}}$." for gold in golds]
    pairs = []
    for name, answers in (("GSM8K solutions", texts), ("GSM8K numbers in boxes", boxes)):
        asked = [question(gold, row["question"]) for gold, row in zip(golds, rows, strict=True)]
        mine = [(answer, ask, True) for answer, ask in zip(answers, asked, strict=True)]
        peer = [(answer, f"${gold}$") for answer, gold in zip(answers, golds, strict=True)]
        pairs.append((name, mine, peer, EXACT_RATIO_GOAL))
    latex = [(rf"So $\boxed{{{answer}}}$.", gold, True) for gold, answer in LATEX]
    algebra = [(rf"So $\boxed{{{answer}}}$.", gold, right) for gold, answer, right in ALGEBRA]
    for name, work in (("LaTeX, exact", latex), ("LaTeX, by algebra", algebra)):
        mine = [(answer, question(gold), right) for answer, gold, right in work]
        peer = [(answer, f"${gold}$") for answer, gold, _ in work]
        pairs.append((name, mine, peer, ALGEBRA_RATIO_GOAL))
    return [
        (
            Way(f"tamis: {name}", ours(reward, mine), len(mine)),
            Way(f"math-verify: {name}", theirs(peer), len(peer)),
            goal,
        )
        for name, mine, peer, goal in pairs
    ]


def rollout(answer: str) -> Rollout:
    """An answer as a rollout."""
    return Rollout(question_id="q", model="m", messages=[Message(role="assistant", content=answer)])


def bombs() -> list[list[str]]:
    """Each bomb's processor time in this process, the most of five; then 64 of them in one batch."""
    reward = MathReward(workers=1)
    lines = []
    for name, bomb in BOMBS.items():
        spent = []
        for _ in range(5):
            began = time.process_time()
            found = reward.score(rf"\boxed{{{bomb}}}", question("7"))
            spent.append(1000 * (time.process_time() - began))
            assert found.value == 0.0, found
        goal = "reached" if max(spent) <= BOMB_GOAL_MS else "NOT reached"
        lines.append([f"bomb {name}: ms", f"{max(spent):.1f}", "", f"{BOMB_GOAL_MS:.0f}: {goal}"])
    return [*lines, batch(reward)]


def batch(reward: MathReward) -> list[str]:
    """64 bombs among 16 honest answers: all honest ones are right, and the worker still proves."""
    texts = list(itertools.islice(itertools.cycle(BOMBS.values()), 64))
    honest = [(rf"\boxed{{{answer}}}", gold) for gold, answer, right in ALGEBRA if right]
    work = [(rf"\boxed{{{text}}}", "x+7") for text in texts] + honest
    began = time.perf_counter()
    scores = asyncio.run(
        reward.score_many(
            [rollout(answer) for answer, _ in work], [question(gold) for _, gold in work]
        )
    )
    seconds = time.perf_counter() - began
    values = [score.parts["accuracy"] for score in scores]
    assert values == [0.0] * 64 + [1.0] * len(honest), values
    after = reward.score(r"\boxed{\sin 2x}", question(r"2\sin x\cos x"))
    assert after.value == 1.0, after
    return [
        "64 bombs and the honest pairs in one batch: s",
        f"{seconds:.2f}",
        "",
        "all honest right",
    ]


def report(
    pairs: Sequence[tuple[Way, Way, float]], bomb_lines: list[list[str]], write: bool
) -> None:
    """The table: rates, ratios, goals."""
    lines = []
    for mine, peer, goal in pairs:
        ratio = mine.middle / peer.middle
        reached = "reached" if ratio >= goal else "NOT reached"
        told = f"{goal:.0f} x: {reached}"
        if goal == EXACT_RATIO_GOAL:
            fast = "reached" if mine.middle >= EXACT_GOAL else "NOT reached"
            told = f"{EXACT_GOAL:,}: {fast}; {told}"
        for way, shown, said in ((mine, f"{ratio:.1f}", told), (peer, "1.0", "")):
            spread = f"{way.middle:,.0f} ({min(way.rates):,.0f} to {max(way.rates):,.0f})"
            lines.append([way.name, spread, shown, said])
    columns = ["way", "a second, median (least to most)", "x math-verify", "goal"]
    table = {"columns": columns, "rows": [*lines, *bomb_lines]}
    if write:
        raw = [
            {"way": way.name, "rates": way.rates} for mine, peer, _ in pairs for way in (mine, peer)
        ]
        write_results("maths-reward", "Grading maths answers", __doc__ or "", table, raw)
    else:
        print(markdown(columns, [*lines, *bomb_lines]))


def main() -> None:
    """Measure all ways in turn, then the bombs; write and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    small = parser.parse_args().small
    rounds, seconds = (1, 0.3) if small else (5, 3.0)
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    pairs = ways(small)
    for mine, peer, _ in pairs:
        mine.run()  # starts the worker, reads the references
        peer.run()
    for _ in range(rounds):
        for mine, peer, _ in pairs:
            mine.rates.append(mine.measure(seconds))
            peer.rates.append(peer.measure(seconds))
    report(pairs, bombs(), write=not small)


if __name__ == "__main__":
    main()
