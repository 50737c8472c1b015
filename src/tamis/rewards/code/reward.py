"""The code reward: the share of its tests that an answer's code passes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, ClassVar, Literal

import msgspec

from tamis.records import Message, Question, Reference, Rollout, Score
from tamis.rewards.answers import last_answer
from tamis.rewards.code.extract import Extraction, extract_code
from tamis.rewards.code.planning import task_of
from tamis.rewards.code.prompts import prompt_text
from tamis.rewards.code.running import GAVE_AN_OBJECT, Result, Rules, run_task
from tamis.rewards.code.task import Task
from tamis.rewards.code.tests import Compare
from tamis.rewards.threads import in_threads
from tamis.sandbox.box import Box, open_sandbox
from tamis.sandbox.compare import Comparison
from tamis.sandbox.errors import SandboxError
from tamis.sandbox.frames import readable
from tamis.sandbox.limits import MIB, Limits, Profile

_SHOWN = 200
# What solutions import beside the standard library, and what holds no data set's answers.
ROW_PACKAGES = frozenset(
    ["numpy", "scipy", "pandas", "sympy", "networkx", "sortedcontainers", "more_itertools", "regex"]
)
ROW_TIME_S, ROW_MEMORY_MB = 120, 8192
# What ended a test otherwise than by a verdict, as a flag of the score.
_ENDS = ("timeout", "memory", "too_large", "crashed", "load_failed")


class CodeReward(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The fraction of non-trivial tests that the code of an answer passes; None when not gradable.

    The code is taken from the answer by the rule of `extract.py` and runs in the sandbox. What is
    expected of it never enters its process: values are compared outside, other tests run in a
    judge's sandbox. An exit, a printed "passed" or an object that claims to equal everything is
    worth nothing. The tests are in `reference.tests`, in the styles of docs/design/references.md; a
    test that does not call the answer's code does not count.

    `score="all"` (`score_as` in Python) gives 1 only when all tests pass, and may stop at the first
    failure. `time_limit_s` is CPU time and holds for each test: code that hangs in all of ten tests
    costs ten times as much, unless `max_timeouts` says after how many such tests the rest count as failed
    without being run (with `score="all"` after the first). `memory_mb` holds for the process. Values compare as
    Python's `==` does: `nan_equal` lets nan equal nan, `tolerance` lets numbers differ by
    `tolerance * max(1, |expected|)` where one is a float, `strict_types` tells 1 from 1.0 and True;
    these reach tests decided from one value, not what runs in the judge. `compare` is how the
    output of programs is read (`outputs.py`). `packages` are import names the code may use beside the
    standard library; `workdir` gives it an empty folder to write to. `lanes` is how many cores are
    used at most, all by default. `allow_weak` runs code where this machine cannot isolate it.

    Parts: accuracy (1 when all tests pass, else 0); pass_fraction (not with `score="all"`). Flags name
    the sandbox's tier (`tier:namespaces`), what ended tests (`timeout`, `memory`, `crashed`, `too_large`,
    `load_failed`), `weak_tests` (the code's own objects were asked whether they are equal; where the
    reference solution does without, such a test fails), and what was odd about the answer. A failure of
    the sandbox gives None and `sandbox_failure`, never 0.
    Raises: SandboxError when no sandbox can be had at all.
    """

    score_as: Literal["fraction", "all"] = msgspec.field(default="fraction", name="score")
    time_limit_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 10.0
    max_timeouts: Annotated[int, msgspec.Meta(ge=1)] | None = None
    memory_mb: Annotated[int, msgspec.Meta(ge=256, le=1 << 20)] = 1024
    nan_equal: bool = False
    tolerance: Annotated[float, msgspec.Meta(ge=0)] | None = None
    strict_types: bool = False
    compare: Compare = "exact"
    packages: tuple[str, ...] = ()
    workdir: bool = False
    lanes: Annotated[int, msgspec.Meta(ge=1)] | None = None
    allow_weak: bool = False
    name: ClassVar[str] = "code"
    version: ClassVar[str] = "2"

    def refuse_as_data(self) -> str | None:
        """Why these parameters cannot come with a question; None when they can.

        Rows may be a stranger's: they choose no weak sandbox, no package that the machine may hold answers in, and no
        limits that fill a machine.
        """
        if self.allow_weak:
            return "allow_weak: expected the caller to say so, not the data; use CodeReward(allow_weak=True)"
        others = [name for name in self.packages if name not in ROW_PACKAGES]
        if others:
            return (
                f"packages: expected some of {', '.join(sorted(ROW_PACKAGES))}, got `{others[0]}`; "
                "others only by CodeReward(packages=...)"
            )
        if self.time_limit_s > ROW_TIME_S or self.memory_mb > ROW_MEMORY_MB:
            return (
                f"time_limit_s, memory_mb: expected at most {ROW_TIME_S} and {ROW_MEMORY_MB} in a row, got "
                f"{self.time_limit_s:g} and {self.memory_mb}; more only by CodeReward(...)"
            )
        return None

    def ungradable(self, question: Question) -> str | None:
        """Why no answer can be graded: no tests, undecodable ones, none that calls the answer's code."""
        task = task_of(question)
        return task if isinstance(task, str) else None

    async def score_many(
        self, rollouts: Sequence[Rollout], questions: Sequence[Question]
    ) -> list[Score]:
        """One score for each rollout, from its last assistant message; as many at a time as there are lanes."""
        work = [
            (last_answer(rollout), question)
            for rollout, question in zip(rollouts, questions, strict=True)
        ]
        return await in_threads(self.score, work, n_threads=n_lanes(self.lanes))

    def score(self, answer: str, question: Question) -> Score:
        """The score of one answer text; blocks while its code runs."""
        task = task_of(question)
        if isinstance(task, str):
            return Score(value=None, reason=task)
        found = extract_code(answer, entry_point=task.entry_point, prompt=task.prompt)
        if found.problem is not None or found.code is None:
            return self._scored(found, task, [], reason=found.problem or "no code")
        box = self.open_box()
        try:
            results = run_task(box, task, found.code, rules=self.rules())
            if any(result.is_passed and result.is_weak for result in results):
                plain = _plain_places(self.thorough(), question.reference, prompt_text(question))
                results = [
                    GAVE_AN_OBJECT if result.is_weak and place in plain else result
                    for place, result in enumerate(results)
                ]
        except SandboxError as error:
            flags = (*found.flags, "sandbox_failure", f"tier:{box.tier}")
            return Score(
                value=None, reason=f"sandbox: {error}", answer=_storable(found.code), flags=flags
            )
        return self._scored(found, task, results, tier=box.tier)

    def open_box(self) -> Box:
        """The sandboxes that this reward runs code in, shared by all rewards that ask for the same."""
        profile = Profile(packages=self.packages, workdir=self.workdir)
        return open_sandbox(profile, lanes=n_lanes(self.lanes), allow_weak=self.allow_weak)

    def rules(self) -> Rules:
        """How tests are run and compared."""
        return Rules(
            limits=Limits(
                time_s=self.time_limit_s,
                max_timeouts=1 if self.score_as == "all" else self.max_timeouts,
                memory_bytes=self.memory_mb * MIB,
            ),
            comparison=Comparison(
                nan_equal=self.nan_equal,
                tolerance=self.tolerance,
                strict_types=self.strict_types,
            ),
            compare=self.compare,
            stop_at_failure=self.score_as == "all",
        )

    def thorough(self) -> CodeReward:
        """This reward, running every test whatever fails."""
        return msgspec.structs.replace(self, score_as="fraction")

    def _scored(
        self,
        found: Extraction,
        task: Task,
        results: Sequence[Result],
        *,
        reason: str | None = None,
        tier: str | None = None,
    ) -> Score:
        n_tests = len(task.paths)
        n_passed = sum(result.is_passed for result in results)
        accuracy = float(n_passed == n_tests)
        fraction = n_passed / n_tests
        parts = {"accuracy": accuracy}
        if self.score_as == "fraction":
            parts["pass_fraction"] = fraction
        return Score(
            value=fraction if self.score_as == "fraction" else accuracy,
            parts=parts,
            reason=reason or _reason(task, results),
            answer=_storable(found.code),
            flags=(*found.flags, *_flags(results), *((f"tier:{tier}",) if tier else ())),
        )


@lru_cache(maxsize=1024)
def _plain_places(reward: CodeReward, reference: Reference | None, prompt: str) -> frozenset[int]:
    """The tests that the reference solution passes with plain values: no other code needs objects there."""
    asked = Question(prompt=[Message(role="user", content=prompt)], reference=reference)
    task = task_of(asked)
    if isinstance(task, str) or task.reference is None:
        return frozenset()
    results = run_task(reward.open_box(), task, task.reference, rules=reward.rules())
    passed = [place for place, result in enumerate(results) if result.is_passed]
    return frozenset(place for place in passed if not results[place].is_weak)


def n_lanes(wanted: int | None) -> int:
    """How many lanes a wish for so many comes to, never more than cores: the number may come with a stranger's question."""
    n_cores = len(os.sched_getaffinity(0))
    return n_cores if wanted is None else min(wanted, n_cores)


def _reason(task: Task, results: Sequence[Result]) -> str:
    passed = sum(result.is_passed for result in results)
    counted = f"{passed} of {len(results)} tests passed"
    for path, result in zip(task.paths, results, strict=True):
        if not result.is_passed:
            why = result.kind if result.kind != "failed" else ""
            told = ": ".join(part for part in (path, why, result.detail) if part)
            return f"{counted}; {readable(' '.join(told.split()), limit=_SHOWN)}"
    return counted


def _flags(results: Sequence[Result]) -> list[str]:
    kinds = {result.kind for result in results}
    flags = [end for end in _ENDS if end in kinds]
    if any(result.is_weak and result.is_passed for result in results):
        flags.append("weak_tests")
    return flags


def _storable(code: str | None) -> str | None:
    """The code as text that can be written down: half a surrogate pair becomes a question mark."""
    return None if code is None else code.encode(errors="replace").decode()
