"""How often our maths reward and math-verify agree, and which rule explains each time they do not.

The corpus is the audit's pairs of a reference and an answer, equal or not. What is equal was written down before either grader saw
it: by mathematics alone, by a convention of writing, or by a declared policy; the last two are told apart since they
are no reason to agree. Both graders get `The answer is $\\boxed{...}$`; ours the reference and the row's policy,
math-verify (as it is set by default) the reference in dollars.

A deviation within mathematics is explained by trying: each rule changes one thing, the spelling of both sides or
one option of math-verify, and explains those pairs whose verdict the change turns into the right one. The run fails where a
pair is explained by no rule, where ours is the wrong one, and below the goal.

    python benchmarks/maths_agreement.py            # half a minute
    python benchmarks/maths_agreement.py --small    # does it still work?
"""

from __future__ import annotations

import argparse
import json
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import math_verify
from trial import markdown, write_results

from tamis.records import Question, Reference, RewardSpec
from tamis.rewards.audit.own_policies import declared
from tamis.rewards.audit.rows import PairRow, load_pairs
from tamis.rewards.base import load_reward
from tamis.rewards.math import MathReward

GOAL = 0.97
SAID = r"The answer is $\boxed{%s}$."
# an `i` of its own: no part of a command or a word
_LONE_I = r"(?<![\\A-Za-z])i(?![A-Za-z])"
_MIXED = r"(\d)(\\frac(?:\d\d|\{\d+\}\{\d+\}))"
_TURNED = {"<": ">", ">": "<", r"\le": r"\ge", r"\ge": r"\le"}


@dataclass(frozen=True)
class Verdict:
    """What both graders say of a pair."""

    pair: PairRow
    ours: bool
    theirs: bool

    @property
    def deviates(self) -> bool:
        """Whether the graders disagree."""
        return self.ours != self.theirs


def said_by_ours(pair: PairRow) -> bool:
    """Whether our reward takes the answer for right, told the policy of the row."""
    spec = RewardSpec(name="math", parameters=json.dumps(declared(pair.policy)))
    reward = load_reward(spec)
    assert isinstance(reward, MathReward)
    question = Question(prompt=[], reference=Reference(answer=pair.gold))
    score = reward.score(SAID % pair.answer, question)
    return score.parts.get("accuracy") == 1.0


def said_by_theirs(gold: str, answer: str, **options: object) -> bool:
    """Whether math-verify takes the answer for right; what it cannot parse is wrong, as in its own metric."""
    found: bool = math_verify.verify(
        math_verify.parse(f"${gold}$"), math_verify.parse(SAID % answer), **options
    )
    return found


def respelled(pattern: str, by: str) -> Callable[[PairRow], bool | None]:
    """math-verify's verdict with both sides spelled otherwise; None where that changes nothing."""

    def judge(pair: PairRow) -> bool | None:
        sides = [re.sub(pattern, by, side) for side in (pair.gold, pair.answer)]
        return None if sides == [pair.gold, pair.answer] else said_by_theirs(*sides)

    return judge


def with_option(**options: object) -> Callable[[PairRow], bool | None]:
    """math-verify's verdict under other options than its defaults."""
    return lambda pair: said_by_theirs(pair.gold, pair.answer, **options)


def turned_round(pair: PairRow) -> bool | None:
    """math-verify's verdict when a chain `3 > x \\ge -1` is read from its other end."""
    pieces = re.split(r"(<|>|\\le|\\ge)", pair.answer)
    if len(pieces) != 5:
        return None
    chain = [_TURNED.get(piece, f" {piece.strip()} ") for piece in reversed(pieces)]
    return said_by_theirs(pair.gold, "".join(chain))


def told_apart(pair: PairRow) -> bool | None:
    """The right verdict, where the sides are the same but for the case of letters."""
    is_case = pair.gold != pair.answer and pair.gold.lower() == pair.answer.lower()
    return False if is_case else None


def as_fractions(pair: PairRow) -> bool | None:
    """math-verify's verdict with each decimal written as a fraction."""

    def fraction(match: re.Match[str]) -> str:
        return rf"\frac{{{int(match[1] + match[2])}}}{{{10 ** len(match[2])}}}"

    sides = [re.sub(r"(\d+)\.(\d+)", fraction, side) for side in (pair.gold, pair.answer)]
    return None if sides == [pair.gold, pair.answer] else said_by_theirs(*sides)


# the rule, and math-verify's verdict once it no longer applies
EXPLANATIONS: tuple[tuple[str, Callable[[PairRow], bool | None]], ...] = (
    (
        "numbers are compared after rounding to 6 decimal places",
        with_option(float_rounding=10_000, numeric_precision=10_020),
    ),
    (
        "an inequality does not stand for the interval it describes",
        with_option(allow_set_relation_comp=True),
    ),
    ("a chain of inequalities is not read from its other end", turned_round),
    ("upper and lower case letters are one", told_apart),
    ("`i` is sometimes a real letter", respelled(_LONE_I, r"\\sqrt{-1}")),
    ("decimals are binary floats", as_fractions),
    ("an upright e or i is dropped", respelled(r"\\mathrm\{([ei])\}", r" \1")),
    (
        "angle brackets are no vector",
        respelled(r"(?:\\left\s*)?\\langle(.*?)(?:\\right\s*)?\\rangle", r"(\1)"),
    ),
    (r"`\lbrace` is no brace", respelled(r"\\lbrace(.*?)\\rbrace", r"\\{\1\\}")),
    (r"`\varnothing` is a letter", respelled(r"\\varnothing", r"\\emptyset")),
    ("a mixed number before π is a product", respelled(rf"{_MIXED}(\\pi)", r"(\1+\2)\3")),
    (r"`\log_e` loses its base", respelled(r"\\log_e", r"\\ln")),
    (
        "a power of a function without brackets is cut off",
        respelled(r"(\\(?:sin|cos|tan)(?:\^2)?) ([a-z])", r"\1(\2)"),
    ),
    ("± below a fraction line is not read", respelled(r"\\pm", "+")),
)


def explained(verdict: Verdict) -> str | None:
    """The first rule without which math-verify is right; None where no rule is known."""
    for rule, judge in EXPLANATIONS:
        if judge(verdict.pair) is verdict.pair.equal:
            return rule
    return None


def compare(pairs: Sequence[PairRow]) -> list[Verdict]:
    """What both graders say of each pair."""
    return [
        Verdict(pair, said_by_ours(pair), said_by_theirs(pair.gold, pair.answer)) for pair in pairs
    ]


def shares(verdicts: Sequence[Verdict]) -> list[list[str]]:
    """A line for each scope: pairs, agreement, and how often each grader is right by the label."""
    lines = []
    for scope in ("mathematics", "convention", "policy"):
        some = [verdict for verdict in verdicts if verdict.pair.scope == scope]
        agree = sum(not verdict.deviates for verdict in some)
        right = [
            sum(said is verdict.pair.equal for verdict, said in zip(some, side, strict=True))
            for side in ([v.ours for v in some], [v.theirs for v in some])
        ]
        goal = ""
        if scope == "mathematics":
            reached = agree >= GOAL * len(some)
            goal = f"{GOAL:.0%}: {'reached' if reached else 'NOT reached'}"
        told = [f"{count:,} ({count / max(len(some), 1):.2%})" for count in (agree, *right)]
        lines.append([scope, f"{len(some):,}", *told, goal])
    return lines


def deviations(verdicts: Sequence[Verdict]) -> list[list[str]]:
    """A line for each deviation within mathematics, under the rule that explains it."""
    found = []
    for verdict in verdicts:
        pair = verdict.pair
        if pair.scope != "mathematics" or not verdict.deviates:
            continue
        who = "ours" if verdict.ours is pair.equal else "math-verify"
        equal = "equal" if pair.equal else "not equal"
        rule = explained(verdict) or "UNEXPLAINED"
        found.append([rule, f"`{pair.gold}`", f"`{pair.answer}`", equal, who])
    return sorted(found)


def shared_faults(verdicts: Sequence[Verdict]) -> list[list[str]]:
    """A line for each pair within mathematics where both agree, and not with mathematics."""
    both = [v for v in verdicts if not v.deviates and v.ours is not v.pair.equal]
    return [
        [
            "both take a decimal within a billionth of the reference",
            f"`{v.pair.gold}`",
            f"`{v.pair.answer}`",
            "equal" if v.pair.equal else "not equal",
            "neither",
        ]
        for v in both
        if v.pair.scope == "mathematics" and is_within_tolerance(v.pair)
    ]


def is_within_tolerance(pair: PairRow) -> bool:
    """Whether both sides are decimals that differ by less than our declared tolerance."""
    sides = [pair.gold, pair.answer]
    if not all(re.fullmatch(r"-?\d+\.\d+", side) for side in sides):
        return False
    return abs(float(sides[0]) - float(sides[1])) <= MathReward().tolerance * abs(float(sides[0]))


def main() -> int:
    """Compare both graders on all pairs; 1 where the goal is missed or a deviation speaks against ours."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    small = parser.parse_args().small
    logging.getLogger("math_verify").setLevel(logging.CRITICAL)
    verdicts = compare(load_pairs()[:: 20 if small else 1])
    about, _, _ = (__doc__ or "").partition("    python")
    columns = ["what decides", "pairs", "agree", "ours right", "math-verify right", "goal"]
    listed = ["rule", "reference", "answer", "by mathematics", "right"]
    agreement, found = shares(verdicts), deviations(verdicts)
    rows = [*found, *shared_faults(verdicts)]
    if small:
        print(markdown(columns, agreement))
        print(markdown(listed, rows))
    else:
        raw = [
            {"id": v.pair.id, "scope": v.pair.scope, "ours": v.ours, "math_verify": v.theirs}
            for v in verdicts
            if v.deviates or v.ours is not v.pair.equal
        ]
        title = "Maths answers: agreement with math-verify"
        table = {"columns": columns, "rows": agreement}
        write_results("maths-agreement", title, about, table, raw)
        told = "Each pair within mathematics on which they disagree, under what math-verify does there."
        title = "Maths answers: where they deviate"
        write_results("maths-deviations", title, told, {"columns": listed, "rows": rows}, [])
    bad = [row for row in found if row[0] == "UNEXPLAINED" or row[-1] != "ours"]
    missed = any("NOT" in line[-1] for line in agreement)
    return 1 if bad or missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
