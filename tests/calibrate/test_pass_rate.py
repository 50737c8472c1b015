"""Pass rates: asked of a scripted server over real sockets, graded, killed and resumed."""

import asyncio
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from tamis.calibrate.pass_rate import PassRate
from tamis.calibrate.preface import SHORT_ANSWERS
from tamis.errors import RewardError, TamisError
from tamis.llm.client import LLM
from tamis.llm.local import local_model, local_model_missing
from tamis.llm.scripted import Answers, Script, ScriptedServer, scripted_server
from tamis.records import Message, RewardSpec
from tamis.schema import QUESTIONS

SCRIPT = Script(
    replies=(
        Answers(contains="always", answers=["The answer is 7."]),
        Answers(contains="never", answers=["The answer is 8."]),
        Answers(contains="half", answers=["The answer is 7.", "The answer is 8."]),
        Answers(contains="cut", answers=["The answer is 7."], finish_reason="length"),
    )
)


TOOLS = '[{"name": "math.add", "parameters": {"type": "dict", "properties": {"a": {"type": "integer"}}}}]'


def batch(
    *questions: tuple[str, str | None], reward: str | None = "numeric", tools: str | None = None
) -> pa.RecordBatch:
    rows = [
        {
            "id": f"q{place}",
            "prompt": [{"role": "user", "content": prompt}],
            "reward": reward and {"name": reward},
            "reference": {"answer": answer},
            "tools": tools,
        }
        for place, (prompt, answer) in enumerate(questions)
    ]
    names = ("id", "prompt", "reward", "reference", "tools")
    return pa.RecordBatch.from_pylist(rows, schema=pa.schema([QUESTIONS.field(n) for n in names]))


def measure(questions: pa.RecordBatch, server: ScriptedServer, **options: Any) -> pa.RecordBatch:
    async def run() -> pa.RecordBatch:
        async with LLM(server.url) as llm:
            return await PassRate(model="m", **options).ask_batch(questions, llm)

    return asyncio.run(run())


def counts(measured: pa.RecordBatch) -> list[tuple[Any, ...]]:
    names = ("n_sampled", "n_correct", "n_ungradable", "n_truncated", "pass_rate")
    return list(zip(*(measured.column(name).to_pylist() for name in names), strict=True))


def test_rates_are_right_draws_of_graded_draws() -> None:
    questions = batch(("always", "7"), ("never", "7"), ("half", "7"), ("cut", "7"), ("half", "no"))
    with scripted_server(SCRIPT) as server:
        measured = measure(questions, server, n=8)
    assert measured.schema == PassRate().adds()
    assert counts(measured) == [
        (8, 8, 0, 0, 1.0),
        (8, 0, 0, 0, 0.0),
        (8, 2, 0, 0, 0.25),
        (8, 0, 0, 8, 0.0),
        (0, 0, 0, 0, None),
    ]
    assert len(server.calls) == 32
    assert measured.column("ungradable_reason").to_pylist() == [
        None,
        None,
        None,
        None,
        "the reference `no` is not a number",
    ]
    assert [round(low, 3) for low in measured.column("pass_rate_low").to_pylist()[:3]] == [
        0.676,
        0.0,
        0.071,
    ]


def test_a_rollout_keeps_the_answer_its_sampling_and_its_score() -> None:
    with scripted_server(SCRIPT) as server:
        measured = measure(batch(("always", "7")), server, n=1, max_tokens=9)
    assert measured.column("rollouts").to_pylist() == [
        [
            {
                "question_id": "q0",
                "messages": [
                    {
                        "role": "assistant",
                        "content": "The answer is 7.",
                        "reasoning": None,
                        "tool_calls": None,
                        "tool_call_id": None,
                        "name": None,
                        "train": None,
                        "parts": None,
                        "extra": None,
                    }
                ],
                "model": "m",
                "sampling": '{"temperature":0.7,"top_p":1.0,"max_tokens":9,"seed":0}',
                "sample": 0,
                "finish_reason": "stop",
                "prompt_tokens": 1,
                "completion_tokens": 4,
                "score": {
                    "value": 1.0,
                    "parts": '{"accuracy":1.0}',
                    "reason": "the same expression",
                    "answer": "7",
                    "flags": [],
                },
            }
        ]
    ]


def test_only_the_completion_is_graded() -> None:
    with scripted_server(SCRIPT) as server:
        measured = measure(batch(("never: The answer is 7.", "7")), server, n=2)
    assert counts(measured) == [(2, 0, 0, 0, 0.0)]


def test_a_question_that_cannot_be_graded_is_not_asked() -> None:
    unnamed = batch(("always", "7"), reward=None)
    empty = batch(("", "7"))
    with scripted_server(SCRIPT) as server:
        reasons = [
            measure(questions, server).column("ungradable_reason")[0].as_py()
            for questions in (unnamed, empty)
        ]
    assert reasons == ["the question names no reward", "the prompt is empty"]
    assert server.calls == []


def test_null_columns_and_no_rows_are_measured_too() -> None:
    nulls = pa.RecordBatch.from_pylist([{"id": "q"}], schema=batch().schema)
    with scripted_server(SCRIPT) as server:
        assert counts(measure(nulls, server)) == [(0, 0, 0, 0, None)]
        assert measure(batch(), server).num_rows == 0


def test_a_reward_for_all_overrides_the_questions_own() -> None:
    reward = RewardSpec(name="numeric", parameters='{"last_number": true}')
    script = Script(replies=(Answers(answers=["3 and 4 make 7"]),))
    with scripted_server(script) as server:
        measured = measure(batch(("x", "7"), reward="unheard_of"), server, n=1, reward=reward)
    assert counts(measured) == [(1, 1, 0, 0, 1.0)]


def test_an_unknown_reward_names_the_question() -> None:
    with scripted_server(SCRIPT) as server, pytest.raises(RewardError) as caught:
        measure(batch(("x", "7"), reward="numerics"), server)
    assert str(caught.value) == ("question q0: unknown reward `numerics`; did you mean `numeric`?")


def test_system_and_preface_stand_before_the_prompt() -> None:
    preface = (Message(role="user", content="1+1?"), Message(role="assistant", content="2"))
    with scripted_server(SCRIPT) as server:
        measure(batch(("always", "7")), server, n=1, system="Be brief.", preface=preface)
    assert server.bodies[0]["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "1+1?"},
        {"role": "assistant", "content": "2"},
        {"role": "user", "content": "always"},
    ]


def test_slices_and_batch_sizes_do_not_matter() -> None:
    questions = batch(("always", "7"), ("half", "7"), ("half?", "7"), ("half!", "7"))
    with scripted_server(SCRIPT) as server:
        whole = measure(questions, server, n=4)
        parts = [measure(questions.slice(place, 2), server, n=4) for place in (0, 2)]
    assert pa.Table.from_batches([whole]) == pa.Table.from_batches(parts).combine_chunks()


def test_the_model_is_needed() -> None:
    with pytest.raises(TamisError):
        PassRate(model="m")(batch())


def test_options_come_from_plain_data() -> None:
    plain = {"n": 4, "preface": [{"role": "user", "content": "hi"}], "reward": {"name": "numeric"}}
    assert msgspec.convert(plain, PassRate) == PassRate(
        n=4, preface=(Message(role="user", content="hi"),), reward=RewardSpec(name="numeric")
    )


_CALIBRATE = """
import asyncio, sys
from pathlib import Path
import pyarrow as pa
from tamis.calibrate.pass_rate import PassRate
from tamis.llm.client import LLM
from tamis.llm.limits import Limits
from tamis.llm.store import CallStore, StoredLLM

url, folder = sys.argv[1], Path(sys.argv[2])

async def run():
    batch = pa.ipc.open_file(folder / "questions.arrow").get_batch(0)
    with CallStore(folder / "calls.sqlite") as store:
        async with LLM(url, identity="scripted", limits=Limits(concurrency=4)) as llm:
            return await PassRate(model="m", n=8).ask_batch(batch, StoredLLM(llm, store))

measured = asyncio.run(run())
with pa.ipc.new_file(folder / "measured.arrow", measured.schema) as out:
    out.write_batch(measured)
"""


def _calibrating(url: str, folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", _CALIBRATE, url, str(folder)])


@pytest.mark.parametrize("seed", range(1))
def test_a_killed_calibration_goes_on_and_repeats_only_calls_in_flight(
    tmp_path: Path, seed: int
) -> None:
    questions = batch(*((f"half {place}", "7") for place in range(20)))
    with pa.ipc.new_file(tmp_path / "questions.arrow", questions.schema) as out:
        out.write_batch(questions)
    n_kills = 2
    drawn = random.Random(seed)
    with scripted_server(msgspec.structs.replace(SCRIPT, delay_s=0.002)) as server:
        for _ in range(n_kills):
            asking = _calibrating(server.url, tmp_path)
            for _ in range(drawn.randint(1, 60)):
                assert server.heard.acquire(timeout=60)
            asking.send_signal(signal.SIGKILL)
            asking.wait(60)
        assert _calibrating(server.url, tmp_path).wait(120) == 0
        n_calls = len(server.calls)
        assert len({call.key for call in server.calls}) == 160
        assert n_calls <= 160 + 4 * n_kills
        undisturbed = measure(questions, server, n=8)
    measured = pa.ipc.open_file(tmp_path / "measured.arrow").get_batch(0)
    assert measured.equals(undisturbed)


@pytest.mark.local_model
def test_the_local_model_solves_some_questions_and_not_all() -> None:
    if missing := local_model_missing():
        pytest.skip(missing)
    questions = batch(("What is 3 + 4?", "7"), ("What is 347 + 268?", "615"))

    async def run() -> pa.RecordBatch:
        with local_model(slots=2) as model:
            async with LLM(model.base_url, identity=model.identity) as llm:
                rate = PassRate(model=model.name, n=3, max_tokens=24, preface=SHORT_ANSWERS)
                return await rate.ask_batch(questions, llm)

    measured = asyncio.run(run())
    assert measured.column("n_sampled").to_pylist() == [3, 3]
    easy, hard = measured.column("n_correct").to_pylist()
    assert easy > hard


def test_tools_are_offered_and_the_calls_that_come_back_are_graded() -> None:
    call = {"name": "math_add", "arguments": '{"a": 3}'}
    script = Script(replies=(Answers(answers=["I add."], tool_calls=[call]),))
    asked = batch(
        ("Add 3.", '[{"name": "math.add", "arguments": {"a": 3}}]'),
        ("Add 4.", '[{"name": "math.add", "arguments": {"a": 4}}]'),
        reward="tool_calls",
        tools=TOOLS,
    )
    with scripted_server(script) as server:
        measured = measure(asked, server, n=2)
        offered = [body["tools"] for body in server.bodies]
    assert counts(measured) == [(2, 2, 0, 0, 1.0), (2, 0, 0, 0, 0.0)]
    function = offered[0][0]["function"]
    assert offered == [offered[0]] * 4
    assert (function["name"], function["parameters"]["type"]) == ("math_add", "object")
    said = measured.column("rollouts").to_pylist()[0][0]["messages"][0]
    assert said["content"] == "I add."
    assert [(one["name"], one["arguments"]) for one in said["tool_calls"]] == [
        ("math_add", '{"a": 3}')
    ]


@pytest.mark.parametrize("tools", ["[{}]", "no list", "3"])
def test_a_question_whose_tools_cannot_be_read_is_not_asked(tools: str) -> None:
    with scripted_server(SCRIPT) as server:
        measured = measure(batch(("always", "7"), tools=tools), server, n=2)
        assert server.calls == []
    assert measured.column("ungradable_reason")[0].as_py().startswith("the tools cannot be read: ")


def test_an_empty_list_of_tools_is_not_sent() -> None:
    with scripted_server(SCRIPT) as server:
        assert counts(measure(batch(("always", "7"), tools="[]"), server, n=1))[0][1] == 1
        assert ["tools" in body for body in server.bodies] == [False]
