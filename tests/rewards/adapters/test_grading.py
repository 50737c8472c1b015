"""What all adapters share: waiting that can be interrupted, scores as numbers, and imports that stay light."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from tamis.errors import RewardError
from tamis.records import Message, Question, RewardSpec
from tamis.rewards.adapters.grading import Graded, number_of, score_all, wait_for


def test_adapters_load_no_trainer_no_tables_and_no_sandbox_before_it_is_needed() -> None:
    names = ("trl", "verl", "openrlhf", "ms_swift", "own_keys")
    imports = ", ".join(f"tamis.rewards.adapters.{name}" for name in names)
    code = f"import json, sys, {imports}; print(json.dumps(sorted(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = json.loads(told.stdout)
    heavy = {"numpy", "pyarrow", "sympy", "torch", "trl", "verl", "swift", "openrlhf"}
    assert heavy & {name.partition(".")[0] for name in loaded} == set()
    assert [name for name in loaded if name.startswith("tamis.sandbox")] == []


def test_ctrl_c_cancels_what_is_waited_for() -> None:
    ended = threading.Event()
    main = threading.main_thread().ident
    assert main is not None

    async def hang() -> None:
        try:
            signal.pthread_kill(main, signal.SIGINT)
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(KeyboardInterrupt):
        wait_for(hang())
    assert ended.wait(10)


def test_waiting_leaves_the_event_loop_of_the_caller_alone() -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        assert wait_for(asyncio.sleep(0, "done")) == "done"
        assert asyncio.get_event_loop_policy().get_event_loop() is loop
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def test_where_one_reward_does_not_exist_the_error_names_it() -> None:
    questions = [
        Question(prompt=[], reward=RewardSpec(name="numeric")),
        Question(prompt=[], reward=RewardSpec(name="numerical")),
    ]
    said = [Message(role="assistant", content="4")]
    with pytest.raises(RewardError, match="unknown reward `numerical`; did you mean `numeric`"):
        score_all([Graded(question=question, messages=said) for question in questions])


def test_a_failure_to_grade_one_answer_is_no_number(failing: Callable[[int], None]) -> None:
    question = Question(id="q7", prompt=[], reward=RewardSpec(name="failing"))
    answer = Graded(question=question, messages=[Message(role="assistant", content="4")])
    failing(2)
    [score] = score_all([answer])
    with pytest.raises(
        RewardError, match=r"question `q7`: an answer could not .* machine was away"
    ):
        number_of(score, question)
    [score] = score_all([answer])
    assert number_of(score, question).value == 1.0
