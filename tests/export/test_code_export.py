"""Questions with tests, handed over: graded as they were set, or refused where a trainer's own grader cannot."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest

import tamis
from tamis.errors import InputError
from tamis.export.rows_out import ungradable as why_ungradable
from tamis.export.targets import TARGETS, get_target
from tamis.formats.registry import get_format
from tamis.recipe import Outputs
from tamis.records import Message, Question, Reference, RewardSpec, ToolCall
from tamis.rewards.base import REWARDS

from .code_questions import BODY, CHECK, HEAD, LARGEST, RIGHT, WRONG, completion, task, ungradable

TWO_OF_THREE = pytest.approx(2 / 3)
OURS = [name for name in TARGETS if name not in ("llamafactory", "openai", "open-instruct")]


def hand_over(folder: Path, target: str, *questions: Question) -> Any:
    """The folder that a target loads, from a file of these questions."""
    write = get_format("trl_prompt").write
    assert write is not None
    rows = [write(msgspec.to_builtins(question)) for question in questions]
    source = folder.parent / "questions.jsonl"
    source.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    common = tamis.Common(output=str(folder), quiet=True)
    return tamis.export([str(source)], handover=Outputs(target=target), common=common)


def rows_in(folder: Path) -> list[dict[str, Any]]:
    """The rows as their loader reads them."""
    for path in (folder / "train.parquet", folder / "data" / "train.parquet"):
        if path.exists():
            table: list[dict[str, Any]] = pq.read_table(path).to_pylist()
            return table
    lines = (folder / "data" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def run(path: Path) -> dict[str, Any]:
    """What a file defines, loaded by its path as trainers do."""
    space: dict[str, Any] = {"__name__": path.stem, "__file__": str(path)}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), space)
    return space


@pytest.mark.parametrize("target", OURS)
def test_what_can_be_graded_is_told_with_the_prompt_in_view(target: str, tmp_path: Path) -> None:
    questions = [completion(), task(None), ungradable()]
    result = hand_over(tmp_path / "out", target, *questions)
    handed = result.body["handed"]
    assert handed["n_rows"] == 3
    assert handed["verified"]["replayed"]["verdicts"] == {"accepted": 3}
    assert handed["ungradable"] == {"reference.tests: expected tests, got nothing": 1}
    assert "1 of 3: reference.tests" in (tmp_path / "out" / "VERIFY.md").read_text(encoding="utf-8")


class AskedReward(msgspec.Struct, frozen=True):
    """Grades only questions that say something, as a plug-in may."""

    def ungradable(self, question: Question) -> str | None:
        """What the prompt lacks."""
        return None if any(message.content for message in question.prompt) else "nothing is asked"


def test_whether_a_question_can_be_graded_is_asked_with_its_prompt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = ModuleType("asked_reward")
    module.AskedReward = AskedReward  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "asked_reward", module)
    monkeypatch.setitem(REWARDS, "asked", "asked_reward:AskedReward")
    spec = RewardSpec(name="asked")
    calling = Message(role="assistant", tool_calls=[ToolCall(name="f", arguments="{}")])
    asked = [Message(role="user", content="2+2?"), calling]
    reasons = [
        why_ungradable(msgspec.to_builtins(Question(prompt=prompt, reward=spec)))
        for prompt in (asked, [calling])
    ]
    assert reasons == [None, "nothing is asked"]


def graded_by_trl(folder: Path, said: list[str]) -> list[Any]:
    space = run(folder / "reward.py")
    rows = rows_in(folder)
    told = {key: [row[key] for row in rows] for key in rows[0]}
    asked = told.pop("prompt")
    prompts = [json.loads(one) if isinstance(one, str) else one for one in asked]
    scores: list[Any] = space["code"](prompts=prompts, completions=said, **told)
    return scores


def graded_by_verl(folder: Path, said: list[str]) -> list[Any]:
    compute_score = run(folder / "reward.py")["compute_score"]
    return [
        compute_score(
            row["data_source"], text, row["reward_model"]["ground_truth"], row["extra_info"]
        )["score"]
        for row, text in zip(rows_in(folder), said, strict=True)
    ]


def graded_by_openrlhf(folder: Path, said: list[str]) -> list[Any]:
    reward_func = run(folder / "reward.py")["reward_func"]
    rendered = "<|im_start|>user\nWhatever a template makes of it<|im_end|>\n"
    return [
        reward_func([rendered + text], [rendered], [row["label"]])["rewards"]
        for row, text in zip(rows_in(folder), said, strict=True)
    ]


def graded_by_ms_swift(folder: Path, said: list[str]) -> list[Any]:
    plugins: dict[str, Any] = {}
    sys.modules["swift"] = ModuleType("swift")
    sys.modules["swift.rewards"] = SimpleNamespace(ORM=object, orms=plugins)  # type: ignore[assignment]
    try:
        run(folder / "reward.py")
    finally:
        del sys.modules["swift"], sys.modules["swift.rewards"]
    rows = rows_in(folder)
    told = {key: [row[key] for row in rows] for key in rows[0]}
    told["messages"] = [
        [*json.loads(asked), {"role": "assistant", "content": text}]
        for asked, text in zip(told["messages"], said, strict=True)
    ]
    scores: list[Any] = plugins["tamis"]()(said, **told)
    return scores


GRADED: dict[str, Callable[[Path, list[str]], list[Any]]] = {
    "trl": graded_by_trl,
    "axolotl": graded_by_trl,
    "verl": graded_by_verl,
    "openrlhf": graded_by_openrlhf,
    "ms-swift": graded_by_ms_swift,
}


@pytest.mark.parametrize("target", GRADED)
def test_an_exported_reward_file_grades_code_with_prompt_and_parameters(
    target: str, tmp_path: Path
) -> None:
    strict = '{"score": "all", "time_limit_s": 0.5}'
    questions = [completion(), completion(), completion(strict), completion()]
    hand_over(tmp_path / "out", target, *questions)
    scores = GRADED[target](tmp_path / "out", [RIGHT, WRONG, WRONG, BODY])
    assert scores == [1.0, TWO_OF_THREE, 0.0, 1.0]


def told_to_open_instruct(question: Question) -> dict[str, Any]:
    """The row that open-instruct reads."""
    shape = get_target("open-instruct").shapes["questions"]
    write = get_format(shape.format).write
    assert shape.prepare is not None and shape.adapt is not None and write is not None
    return shape.adapt(write(shape.prepare(msgspec.to_builtins(question))))


def with_tests(style: str, parameters: str | None = None, **members: Any) -> Question:
    """A question of the reward `code` with tests of this style."""
    return Question(
        id="q",
        prompt=[Message(role="user", content="Write `largest`.")],
        reward=RewardSpec(name="code", parameters=parameters),
        reference=Reference(tests=json.dumps({"style": style, **members})),
    )


def passed(program: str, tests: list[str]) -> list[bool]:
    """Which tests pass as open-instruct's code server runs them: each behind the program, in one namespace."""
    verdicts = []
    for test in tests:
        space: dict[str, Any] = {}
        exec(program, space)
        try:
            exec(test, space)
            verdicts.append(True)
        except AssertionError:
            verdicts.append(False)
    return verdicts


def test_open_instruct_gets_asserts_with_imports_and_setup_before_each() -> None:
    question = with_tests(
        "asserts",
        asserts=["assert largest(big) == ceil(2.5)", "assert largest(small) == 1"],
        imports=["from math import ceil"],
        setup="big = [1, 3]\nsmall = [1]",
    )
    row = told_to_open_instruct(question)
    assert row["dataset"] == "code"
    tests = json.loads(row["ground_truth"])
    assert passed("def largest(numbers): return max(numbers)", tests) == [True, True]
    assert passed("def largest(numbers): return numbers[0]", tests) == [False, True]


def test_open_instruct_gets_plain_asserts_as_they_are() -> None:
    assert json.loads(told_to_open_instruct(task(None))["ground_truth"]) == list(LARGEST)


def test_open_instruct_gets_programs_as_its_own_verifier_reads_them() -> None:
    row = told_to_open_instruct(
        with_tests("stdin", cases=[{"input": "1 2\n", "output": "3\n"}], compare="exact")
    )
    assert row["dataset"] == "code_stdio"
    assert json.loads(row["ground_truth"]) == [{"input": "1 2\n", "output": "3\n"}]


CASES = [{"input": "1", "output": "1"}]


@pytest.mark.parametrize(
    ("question", "told"),
    [
        (with_tests("check", entry_point="f", code=CHECK), "expected asserts or stdin, got check"),
        (with_tests("unittest", code="import solution"), "expected asserts or stdin, got unittest"),
        (
            with_tests("calls", entry_point="f", cases=[{"args": [1], "expected": 1}]),
            "expected asserts or stdin, got calls",
        ),
        (with_tests("stdin", cases=CASES, compare="floats"), r"tests\.compare: expected none"),
        (
            with_tests("stdin", cases=CASES, checker="def check(i, o, e): return True"),
            r"tests\.checker: expected none",
        ),
        (
            with_tests("asserts", asserts=["assert f("]),
            r"reference\.tests\.asserts\[0\]: expected Python",
        ),
        (with_tests("asserts", '{"score": "all"}', asserts=["assert f(1)"]), "verifiers take none"),
        (ungradable(), "expected an answer or tests, got neither"),
    ],
)
def test_what_open_instruct_s_verifiers_would_judge_otherwise_is_refused(
    question: Question, told: str
) -> None:
    with pytest.raises(InputError, match=told) as raised:
        told_to_open_instruct(question)
    assert "\n" not in str(raised.value)


def test_openai_s_grader_refuses_code_by_name(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"grader\.json can grade, got code; export to a trainer that"
    ):
        hand_over(tmp_path / "out", "openai", completion())
    assert not (tmp_path / "out").exists()


def test_the_script_of_open_instruct_says_what_runs_code(tmp_path: Path) -> None:
    hand_over(tmp_path / "out", "open-instruct", task(None))
    script = (tmp_path / "out" / "train.sh").read_text(encoding="utf-8")
    assert "CODE_API_URL" in script and HEAD not in script
