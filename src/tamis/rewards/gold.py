"""Gold lint: whether questions can be graded at all, and whether their own references would pass.

Rules here hold for every reward; those of one reward stand in its module in `LINTS`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Protocol, cast

from tamis.errors import RewardError
from tamis.records import Finding, Question, RewardSpec, Rule
from tamis.rewards.base import LINTS, Reward, load_reward

NO_REWARD = Rule(
    id="gold/no-reward",
    severity="error",
    dimension="completeness",
    summary="the question names no reward, so no answer to it can be graded",
    fix="name one in the row, or give one for all with --reward",
    good='{"prompt": ..., "reward": {"name": "numeric"}, "reference": {"answer": "7"}}',
    bad='{"prompt": ..., "reference": {"answer": "7"}}',
)
UNUSABLE_REWARD = Rule(
    id="gold/unusable-reward",
    severity="error",
    dimension="correctness",
    summary="the reward that the question names does not exist, or does not take its parameters",
    fix="correct the name and the parameters",
    good='{"name": "numeric", "parameters": {"last_number": true}}',
    bad='{"name": "numerical"}',
)
UNGRADABLE = Rule(
    id="gold/ungradable",
    severity="error",
    dimension="completeness",
    summary="the reward cannot grade any answer to the question: its reference is missing, unreadable or tests nothing",
    fix="give the reference the form that the reward reads, or drop the question",
    good="reference 1,250",
    bad="reference about a thousand",
)
EMPTY_PROMPT = Rule(
    id="gold/empty-prompt",
    severity="error",
    dimension="completeness",
    summary="the prompt holds no text, so nothing is asked",
    fix="restore the prompt, or drop the question",
    good="user: What is 3 + 4?",
    bad="user: ",
)
RULES: tuple[Rule, ...] = (NO_REWARD, UNUSABLE_REWARD, UNGRADABLE, EMPTY_PROMPT)


class Lint(Protocol):
    """A module that lints questions for one reward."""

    RULES: tuple[Rule, ...]

    async def lint(
        self, reward: Reward, questions: Sequence[Question], *, n_repeats: int = 3
    ) -> list[list[Finding]]:
        """The findings in each question; all of them can be graded by the reward."""
        ...


def load_lint(reward_name: str) -> Lint | None:
    """The lint of a reward, by its name; None where it has none of its own."""
    target = LINTS.get(reward_name)
    return None if target is None else cast(Lint, importlib.import_module(target))


def every_rule() -> tuple[Rule, ...]:
    """The rules of gold lint, of every reward."""
    lints = [load_lint(name) for name in LINTS]
    own = (rule for lint in lints if lint is not None for rule in lint.RULES)
    # two rewards may share a lint
    return tuple(dict.fromkeys((*RULES, *own)))


async def lint_questions(
    questions: Sequence[Question],
    *,
    reward: RewardSpec | None = None,
    n_repeats: int = 3,
    prepare: Callable[[Reward], Reward] = lambda reward: reward,
) -> list[list[Finding]]:
    """The findings in each question, graded by the reward it names or by `reward` for all.

    `n_repeats`: how often a reference is run where running it may differ from time to time.
    `prepare`: what is done to each reward before it is used, like bounding its cores.
    """
    found: list[list[Finding]] = []
    by_reward: dict[RewardSpec, list[int]] = {}
    for place, question in enumerate(questions):
        spec = reward or question.reward
        findings = _general(question, spec)
        found.append(findings)
        if spec is not None and not any(f.path != "prompt" for f in findings):
            by_reward.setdefault(spec, []).append(place)
    for spec, places in by_reward.items():
        lint = load_lint(spec.name)
        if lint is None:
            continue
        same = [questions[place] for place in places]
        told = await lint.lint(prepare(load_reward(spec)), same, n_repeats=n_repeats)
        for place, findings in zip(places, told, strict=True):
            found[place] += findings
    return found


def _general(question: Question, spec: RewardSpec | None) -> list[Finding]:
    findings: list[Finding] = []
    if not any(message.content or message.parts for message in question.prompt):
        findings.append(finding(EMPTY_PROMPT, "prompt", "the prompt is empty"))
    if spec is None:
        return [*findings, finding(NO_REWARD, "reward", "the question names no reward")]
    try:
        reason = load_reward(spec).ungradable(question)
    except RewardError as error:
        return [*findings, finding(UNUSABLE_REWARD, "reward", str(error))]
    if reason is not None:
        place, _, told = reason.partition(": ")
        is_place = place.startswith("reference.") and " " not in place
        where = (place, told) if is_place else ("reference", reason)
        findings.append(finding(UNGRADABLE, *where))
    return findings


def finding(rule: Rule, path: str, message: str, *, excerpt: str | None = None) -> Finding:
    """What a rule found at a place."""
    return Finding(
        rule=rule.id,
        severity=rule.severity,
        path=path,
        message=message,
        fix=rule.fix,
        excerpt=excerpt,
    )
