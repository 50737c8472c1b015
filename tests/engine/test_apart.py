"""Passes that run untrusted code run in worker processes, whatever the number of workers."""

from __future__ import annotations

import os

import pytest

from tamis import catalogue
from tamis.engine.pool import Workers


def process_of(task: int) -> tuple[int, int]:
    return task, os.getpid()


@pytest.mark.parametrize("n_workers", [1, 2])
@pytest.mark.parametrize("n_tasks", [1, 3])
def test_what_is_apart_never_runs_in_this_process(n_workers: int, n_tasks: int) -> None:
    with Workers(n_workers) as workers:
        done = dict(workers.map(process_of, range(n_tasks), apart=True))
    assert sorted(done) == list(range(n_tasks))
    assert os.getpid() not in done.values()


def test_what_is_not_apart_runs_here_when_it_is_alone() -> None:
    with Workers(4) as workers:
        assert list(workers.map(process_of, [0])) == [(0, os.getpid())]


def test_the_steps_that_run_code_say_so() -> None:
    using = {
        name
        for name in catalogue.OPERATORS
        if "sandbox" in getattr(catalogue.load(name), "uses", ())
    }
    assert using == {"score_rollouts", "gold_lint"}
