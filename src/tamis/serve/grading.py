"""Grading within bounds: so many answers at a time, each within its budget, no more than so many waiting."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, InvalidStateError
from contextlib import suppress
from typing import TypeVar, TypeVarTuple, Unpack

from tamis.records import Question, Rollout, Score
from tamis.rewards.adapters.grading import Graded
from tamis.rewards.base import Reward, load_reward
from tamis.serve.settings import Settings

_Made = TypeVar("_Made")
_Given = TypeVarTuple("_Given")
OVER_BUDGET = "over_budget"
# Answers that ran out of their budget may still run: with this many for each lane, no new ones are taken.
_STUCK_PER_LANE = 4


class Refused(Exception):
    """No more answers are taken on just now; `status` is HTTP's word for why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Grader:
    """Grades answers in threads of their own; used from one event loop.

    A thread cannot be ended: one whose answer is over its budget is stuck and left behind. It ends by
    itself, for rewards bound what they do, and no answers are graded while there are too many.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lanes = asyncio.Semaphore(settings.lanes)
        self._max_stuck = _STUCK_PER_LANE * settings.lanes
        self.n_waiting = 0
        self.n_graded = 0
        self.n_stuck = 0

    @property
    def why_stuck(self) -> str | None:
        """Why nothing is graded until a stuck answer ends; None while there is a thread for one."""
        if self.n_stuck < self._max_stuck:
            return None
        return (
            f"all {self._max_stuck} threads are stuck: their answers are over the budget of "
            f"{self._settings.budget_s:g} s and still run"
        )

    async def grade(self, answers: Sequence[Graded]) -> list[Score]:
        """One score for each answer; None and the flag `over_budget` for one that takes too long.

        Raises: Refused where too many wait already, or all threads are stuck before the batch is done; what the
        first failing reward raises. Either once all have ended.
        """
        self._admit(len(answers))
        self.n_waiting += len(answers)
        found = await asyncio.gather(*map(self._one, answers), return_exceptions=True)
        scores = [one for one in found if isinstance(one, Score)]
        for one in found:
            if isinstance(one, BaseException):
                raise one
        return scores

    def _admit(self, n_answers: int) -> None:
        self._expect_thread()
        most = self._settings.max_waiting
        if n_answers > most:
            raise Refused(413, f"a batch of {n_answers:,} answers; at most {most:,} may wait")
        if self.n_waiting + n_answers > most:
            raise Refused(429, f"{self.n_waiting:,} answers wait already, of at most {most:,}")

    def _expect_thread(self) -> None:
        if (why := self.why_stuck) is not None:
            raise Refused(503, why)

    async def _one(self, answer: Graded) -> Score:
        try:
            async with self._lanes:
                self._expect_thread()  # the answers before this one may have used up the last
                return await self._in_budget(answer)
        finally:
            self.n_waiting -= 1
            self.n_graded += 1

    async def _in_budget(self, answer: Graded) -> Score:
        run = _Run(answer)
        waited = asyncio.wrap_future(run.found)
        budget_s = self._settings.budget_s
        try:
            done, _ = await asyncio.wait([waited], timeout=budget_s)
        finally:
            if not waited.done():
                self._leave(run, waited)
        if done:
            return waited.result()
        told = f"not graded within its budget of {budget_s:g} s"
        return Score(value=None, reason=told, flags=(OVER_BUDGET,))

    def _leave(self, run: _Run, waited: asyncio.Future[Score]) -> None:
        self.n_stuck += 1
        run.cancel()
        waited.add_done_callback(self._ended)

    def _ended(self, waited: asyncio.Future[Score]) -> None:
        self.n_stuck -= 1
        if not waited.cancelled():
            waited.exception()  # looked at, so that nothing complains of it


class _Loop(asyncio.SelectorEventLoop):
    """An event loop that knows whether the threads it handed work to are still at it."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = threading.Condition()
        self._n_working = 0

    def run_in_executor(
        self,
        executor: Executor | None,
        func: Callable[[Unpack[_Given]], _Made],
        *args: *_Given,
    ) -> asyncio.Future[_Made]:
        """As the event loop does, and count the work from its start to its end."""
        return super().run_in_executor(executor, lambda: self._counted(lambda: func(*args)))

    def wait_for_threads(self) -> None:
        """Return once no thread works any more, though what waited for it was cancelled."""
        with self._changed:
            self._changed.wait_for(lambda: self._n_working == 0)

    def _counted(self, work: Callable[[], _Made]) -> _Made:
        with self._changed:
            self._n_working += 1
        try:
            return work()
        finally:
            with self._changed:
                self._n_working -= 1
                self._changed.notify_all()


class _Run:
    """One answer being graded in a thread with an event loop of its own."""

    def __init__(self, answer: Graded) -> None:
        self.found: Future[Score] = Future()
        self._loop = _Loop()
        self._task = self._loop.create_task(_score(answer))
        # a daemon: a stray does not keep the process from ending
        threading.Thread(target=self._run, name="tamis-grading", daemon=True).start()

    def cancel(self) -> None:
        """End what waits for something, a judge say; what computes goes on to its own end."""
        with suppress(RuntimeError):  # the loop may close at this very moment
            self._loop.call_soon_threadsafe(self._task.cancel)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(_ended(self._task))
        self._loop.wait_for_threads()
        with suppress(InvalidStateError, RuntimeError):  # whoever waited may be gone
            self._tell()

    def _tell(self) -> None:
        if self._task.cancelled():
            self.found.set_exception(TimeoutError("cancelled"))
        elif (error := self._task.exception()) is not None:
            self.found.set_exception(error)
        else:
            self.found.set_result(self._task.result())


async def _ended(task: asyncio.Task[Score]) -> None:
    await asyncio.wait({task})


async def _score(answer: Graded) -> Score:
    question: Question = answer.question
    assert question.reward is not None  # a request without one is refused when it is read
    reward: Reward = load_reward(question.reward)
    rollout = Rollout(question_id=question.id, messages=answer.messages, model="")
    return (await reward.score_many([rollout], [question]))[0]
