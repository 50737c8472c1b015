"""The judge reward: a model's verdict on an answer, or on each item of a rubric, or against the reference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Annotated, ClassVar, Literal

import msgspec

from tamis.errors import LLMError
from tamis.llm.types import Asker
from tamis.records import Question, Rollout, Score
from tamis.rewards.answers import one_line, whole_answer
from tamis.rewards.judge.endpoint import (
    BudgetError,
    Endpoint,
    endpoint_of_environment,
    open_judge,
)
from tamis.rewards.judge.fence import plain
from tamis.rewards.judge.prompts import Asked, Matter, Mode, ask_for
from tamis.rewards.judge.shown import Shown, find_shown
from tamis.rewards.judge.task import Item, JudgeTask, task_of
from tamis.rewards.judge.verdict import Verdict, read_verdict

CUT_REPLY = "length"
# Of the value that an answer gets for winning against the reference in one of both orders.
_WINS: dict[Verdict, float] = {"first": 1.0, "tie": 0.5, "second": 0.0}


class _Unjudged(msgspec.Struct, frozen=True):
    """Why there is no verdict; `flag` counts it by its cause."""

    flag: str
    reason: str


class JudgeReward(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a model says of an answer, asked so that the answer cannot talk to it; None without a verdict.

    `mode="correct"` asks whether the final answer says the same as the reference: 1 or 0. `"scale"` asks for a
    grade from 0 to `scale`, given as its share. `"pairwise"` asks which is better, the answer or the reference, in
    both orders: 1, 0, or 0.5 for a tie, and where the orders disagree. `"rubric"` asks for each item of
    `reference.rubric` alone: the weights of the met ones over all positive weights, within 0 and 1; a negative
    weight says what an answer must not do. Without `mode` it is "rubric" where there are items, else "correct".

    `shows` is what the judge sees of the answer: the "final" answer, or the "whole" of it behind the thinking; by
    default the former in mode "correct" and the latter in others. Answers are cut in their middle to
    `max_answer_chars`; question, criteria and reference never are. What holds nothing to judge
    is 0 and not asked about, see `shown.py`. `criteria` are told to the judge beside the question.

    Texts stand in fences whose marks carry a nonce. The last JSON object of the reply that has the nonce and fits the
    schema is the verdict; else it is asked once more (`tries`), then the answer has no value:
    `judge_unreadable`, or `judge_failed` where the server gave no answer, `judge_budget` where the caller's limits
    are reached. The model is the caller's choice alone: `endpoint`, or the environment variable TAMIS_JUDGE.

    Parts: accuracy ("correct"), quality ("scale"), preference ("pairwise"), rubric and `item_N` ("rubric").
    Raises: RewardError when an answer is to be judged and no endpoint is given.
    """

    mode: Mode | None = None
    shows: Literal["final", "whole"] | None = None
    criteria: Annotated[str, msgspec.Meta(max_length=4000)] = ""
    scale: Annotated[int, msgspec.Meta(ge=1, le=100)] = 10
    max_answer_chars: Annotated[int, msgspec.Meta(ge=200, le=100_000)] = 8000
    tries: Annotated[int, msgspec.Meta(ge=1, le=5)] = 2
    endpoint: Endpoint | None = None
    name: ClassVar[str] = "judge"
    version: ClassVar[str] = "1"
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def refuse_as_data(self) -> str | None:
        """Why these parameters cannot come with a question; None when they can.

        Rows may be a stranger's: they choose neither where answers and keys are sent nor what is spent.
        """
        if self.endpoint is None:
            return None
        return (
            "endpoint: expected the caller to name it, not the data; set TAMIS_JUDGE "
            "or use JudgeReward(endpoint=...)"
        )

    def ungradable(self, question: Question) -> str | None:
        """Why no answer to this question can be judged: nothing to compare with, or more than a judge is shown."""
        task = task_of(question)
        if isinstance(task, str):
            return task
        mode = self._mode(task)
        if mode == "rubric":
            return None if task.items else "the rubric has no items"
        if mode == "pairwise":
            return None if task.right else "no reference to compare the answer with"
        if task.right is None and not self.criteria.strip():
            return "neither a reference nor criteria to judge by"
        return None

    async def score_many(
        self, rollouts: Sequence[Rollout], questions: Sequence[Question]
    ) -> list[Score]:
        """One score for each rollout, from its last assistant message; the model is asked for all at once."""
        import asyncio  # late: a trainer that asks no judge needs no event loop of ours

        found = [
            self._without_asking(whole_answer(rollout), question)
            for rollout, question in zip(rollouts, questions, strict=True)
        ]
        if all(isinstance(one, Score) for one in found):
            return [one for one in found if isinstance(one, Score)]
        endpoint = self.endpoint or endpoint_of_environment()
        async with AsyncExitStack() as stack:
            model = await stack.enter_async_context(open_judge(endpoint))
            waits = [
                self._judged(one, question, model, endpoint)
                for one, question in zip(found, questions, strict=True)
            ]
            return list(await asyncio.gather(*waits))

    async def score_with(
        self, model: Asker, answer: str, question: Question, *, endpoint: Endpoint
    ) -> Score:
        """The score of one answer text, asking this model; `endpoint` says how."""
        return await self._judged(self._without_asking(answer, question), question, model, endpoint)

    def asked(
        self, answer: str, question: Question, *, endpoint: Endpoint, attempt: int = 0
    ) -> list[Asked]:
        """The calls that an answer would cost, in their order, without making any; none where none is needed."""
        found, task = self._without_asking(answer, question), task_of(question)
        if isinstance(found, Score) or isinstance(task, str):
            return []
        return [
            ask_for(matter, endpoint, attempt=attempt) for matter in self._matters(task, found.text)
        ]

    def _mode(self, task: JudgeTask) -> Mode:
        return self.mode or ("rubric" if task.items else "correct")

    def _without_asking(self, answer: str, question: Question) -> Score | Shown:
        """What the judge is shown, or the score where nothing is to be asked."""
        reason = self.ungradable(question)
        task = task_of(question)
        if reason is not None or isinstance(task, str):
            return Score(value=None, reason=str(reason or task))
        mode = self._mode(task)
        shows = self.shows or ("final" if mode == "correct" else "whole")
        found = find_shown(answer, whole=shows == "whole", right=task.right)
        if isinstance(found, Shown):
            return found
        return msgspec.structs.replace(found, parts=_nothing(mode, task))

    async def _judged(
        self, found: Score | Shown, question: Question, model: Asker, endpoint: Endpoint
    ) -> Score:
        task = task_of(question)
        if isinstance(found, Score) or isinstance(task, str):
            return found if isinstance(found, Score) else Score(value=None, reason=str(task))
        matters = self._matters(task, found.text)
        verdicts: list[Verdict] = []
        flags = found.flags
        if len(found.text) > self.max_answer_chars:
            flags = (*flags, "answer_cut")
        for matter in matters:
            verdict = await _verdict(matter, model, endpoint, tries=self.tries)
            if isinstance(verdict, _Unjudged):
                return Score(
                    value=None,
                    reason=verdict.reason,
                    answer=found.text,
                    flags=(*flags, verdict.flag),
                )
            verdicts.append(verdict)
        score = _score(matters, verdicts)
        return msgspec.structs.replace(score, answer=found.text, flags=(*flags, *score.flags))

    def _matters(self, task: JudgeTask, answer: str) -> list[Matter]:
        matter = Matter(
            mode=self._mode(task),
            task=task,
            answer=answer,
            criteria=plain(self.criteria).strip(),
            scale=self.scale,
            max_answer_chars=self.max_answer_chars,
        )
        if matter.mode == "rubric":
            return [msgspec.structs.replace(matter, item=item) for item in task.items]
        if matter.mode == "pairwise":
            return [matter, msgspec.structs.replace(matter, is_swapped=True)]
        return [matter]


async def _verdict(
    matter: Matter, model: Asker, endpoint: Endpoint, *, tries: int
) -> Verdict | _Unjudged:
    """The judge's verdict; a reply without one is asked for again, with another nonce."""
    for attempt in range(tries):
        asked = ask_for(matter, endpoint, attempt=attempt)
        try:
            completion = await model.ask(asked.request)
        except BudgetError as error:
            return _Unjudged("judge_budget", one_line(error, 300))
        except LLMError as error:
            return _Unjudged("judge_failed", one_line(error, 300))
        # a reply that was cut may have been about to change its mind
        if completion.finish_reason != CUT_REPLY:
            verdict = read_verdict(completion.text, nonce=asked.nonce, allowed=asked.allowed)
            if verdict is not None:
                return verdict
    return _Unjudged("judge_unreadable", f"no verdict in {tries} replies of the judge")


def _score(matters: Sequence[Matter], verdicts: Sequence[Verdict]) -> Score:
    mode = matters[0].mode
    if mode == "rubric":
        return _rubric_score([matter.item for matter in matters if matter.item], verdicts)
    if mode == "pairwise":
        return _pairwise_score(verdicts)
    verdict = verdicts[0]
    if mode == "scale":
        share = int(verdict) / matters[0].scale
        told = f"the judge gave {verdict} of {matters[0].scale}"
        return Score(value=share, parts={"quality": share}, reason=told)
    value = float(verdict == "correct")
    return Score(value=value, parts={"accuracy": value}, reason=f"the judge said {verdict}")


def _pairwise_score(verdicts: Sequence[Verdict]) -> Score:
    """A win counts only in both orders: where they disagree, the place has won and not the answer."""
    in_first = _WINS[verdicts[0]]
    in_second = 1.0 - _WINS[verdicts[1]]
    agreed = in_first == in_second
    value = in_first if agreed else 0.5
    told = {1.0: "the answer is better", 0.5: "a tie", 0.0: "the reference is better"}[value]
    return Score(
        value=value,
        parts={"preference": value},
        reason=f"{told} in both orders" if agreed else "the two orders disagree: a tie",
        flags=() if agreed else ("order_effect",),
    )


def _rubric_score(items: Sequence[Item], verdicts: Sequence[Verdict]) -> Score:
    met = [verdict == "met" for verdict in verdicts]
    got = math.fsum(item.weight for item, is_met in zip(items, met, strict=True) if is_met)
    full = math.fsum(item.weight for item in items if item.weight > 0)
    value = min(max(got / full, 0.0), 1.0)
    parts = {f"item_{place}": float(is_met) for place, is_met in enumerate(met, start=1)}
    reason = f"{sum(met)} of {len(items)} items met, {got:g} of {full:g} points"
    return Score(value=value, parts={"rubric": value, **parts}, reason=reason)


def _nothing(mode: Mode, task: JudgeTask) -> dict[str, float]:
    """The parts of an answer that holds nothing to judge."""
    if mode == "rubric":
        return {"rubric": 0.0} | {f"item_{n}": 0.0 for n in range(1, len(task.items) + 1)}
    return {{"correct": "accuracy", "scale": "quality", "pairwise": "preference"}[mode]: 0.0}
