"""The verb of the reward service: what it offers, and its life until it is told to end."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tamis.calibrate.question_book import QuestionBook, open_book
from tamis.dataset import is_run_folder, open_dataset
from tamis.errors import RecipeError, RewardError
from tamis.records import Question
from tamis.rewards import REWARDS
from tamis.sandbox.limits import Profile
from tamis.sandbox.tiers import choose
from tamis.verbs.common import Common, Plan, Result
from tamis.verbs.kinds import expect_kind, run_on
from tamis.verbs.rewards import GradedBy

if TYPE_CHECKING:
    from tamis.serve.settings import Settings

_NEEDED = ("fastapi", "uvicorn")


def reward_serve(
    questions: str | None = None,
    *,
    reward: GradedBy | None = None,
    settings: Settings | None = None,
    announce: Callable[[str], None] = print,
) -> Result:
    """Grade answers over HTTP until SIGTERM or Ctrl-C; `announce` gets the address once it can be called.

    With `questions` a request may name a question by its id; `reward` grades all, whatever they name. Without a
    token in the environment only this machine may call. The result says how many answers were graded, and how
    many still ran when it ended (`stuck`): their threads end with the process.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise RecipeError(
            f"reward serve: expected the package {missing[0]}, not installed; pip install 'tamis[app]'"
        )
    from tamis.serve.app import Offer
    from tamis.serve.server import serve
    from tamis.serve.settings import Settings

    settings = settings or Settings()
    settings.token()  # refused before anything is read
    spec = (reward or GradedBy()).spec()
    with ExitStack() as stack:
        book = None if questions is None else _book(questions, stack)
        offer = Offer(find=_finder(book, questions), graded_by=spec, told=_told(reward))
        service = serve(settings, offer, announce)
    n_graded, n_stuck = service.grader.n_graded, service.grader.n_stuck
    return Result(
        command="reward serve",
        lines=[f"ended; answers graded: {n_graded:,}"],
        body={"graded": n_graded, "stuck": n_stuck},
    )


def _book(questions: str, stack: ExitStack) -> QuestionBook:
    """The questions by their ids; what is no data set yet becomes one until the service ends."""
    expect_kind([questions], "questions")
    folder = Path(questions)
    if not is_run_folder(folder):
        made = stack.enter_context(tempfile.TemporaryDirectory(prefix="tamis-serve-"))
        folder = Path(made) / "questions"
        plan = Plan(command="import", inputs=[questions], steps=(), to_kind="questions")
        run_on(plan, Common(output=str(folder), quiet=True))
    return open_book(str(folder), open_dataset(folder).fingerprint)


def _finder(book: QuestionBook | None, questions: str | None) -> Callable[[str], Question]:
    def find(name: str) -> Question:
        if book is None:
            raise RewardError(
                f"got the id `{name[:80]}`, but this service knows no questions; send the question "
                "itself, or start it with a file of questions"
            )
        found = book.find(name, None)
        if found.question is None:
            raise RewardError(
                f"{found.cause}: {found.detail[:200]}; questions are those of {questions}"
            )
        return found.question

    return find


def _told(reward: GradedBy | None) -> dict[str, Any]:
    """What /health says of this machine: versions, and the tier that untrusted code runs in."""
    versions = {}
    for name, home in REWARDS.items():
        module, _, attribute = home.partition(":")
        version = getattr(getattr(importlib.import_module(module), attribute), "version", None)
        # a combination's version is that of its parts, so only a combination has one
        versions[name] = version if isinstance(version, str) else None
    return {
        "version": importlib.metadata.version("tamis"),
        "sandbox_tier": choose(Profile()).tier,
        "reward": None if reward is None else reward.name,
        "rewards": versions,
    }
