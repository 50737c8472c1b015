"""HumanEval and MBPP as published: every reference passes, and nothing that solves nothing does."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from tamis.formats import Reading, detect, find_sources, read_range, split
from tamis.records import Message, Question, Rollout, Score
from tamis.rewards.code import CodeReward

pytestmark = pytest.mark.slow

EQUALS_ALL = """
class Anything:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    __lt__ = __le__ = __gt__ = __ge__ = __eq__
    def __hash__(self): return 0
    def __bool__(self): return True
    def __len__(self): return 0
    def __iter__(self): return iter(())
    def __getattr__(self, name): return self
    def __call__(self, *args, **kwargs): return self
    def __abs__(self): return 0
    def __sub__(self, other): return 0
    __rsub__ = __add__ = __radd__ = __mul__ = __mod__ = __round__ = __sub__
    def __contains__(self, item): return True
"""
# {name} is the entry point. None of these solves anything.
STUBS = {
    "an object that equals everything": EQUALS_ALL + "def {name}(*args, **kwargs): return Anything()\n",
    "sys.exit(0) at import": "import sys\nsys.exit(0)\ndef {name}(*args): pass\n",
    "os._exit(0) at import": "import os\nos._exit(0)\ndef {name}(*args): pass\n",
    "sys.exit(0) in the call": "import sys\ndef {name}(*args, **kwargs): sys.exit(0)\n",
    "os._exit(0) in the call": "import os\ndef {name}(*args, **kwargs): os._exit(0)\n",
    "None": "def {name}(*args, **kwargs): return None\n",
    "zero": "def {name}(*args, **kwargs): return 0\n",
    "an empty list": "def {name}(*args, **kwargs): return []\n",
    "the first argument": "def {name}(*args, **kwargs): return args[0] if args else None\n",
    "True": "def {name}(*args, **kwargs): return True\n",
    "a str that equals everything": (
        "class Liar(str):\n    def __eq__(self, other): return True\n    def __ne__(self, other): return False\n"
        "    __hash__ = str.__hash__\ndef {name}(*args, **kwargs): return Liar('x')\n"
    ),
    "an exception": "def {name}(*args, **kwargs): raise SystemExit(0)\n",
    "helpers of the task redefined": (
        EQUALS_ALL
        + "def poly(*args): return 0\ndef encode_cyclic(s): return s\ndef encode_shift(s): return s\n"
        + "def {name}(*args, **kwargs): return Anything()\n"
    ),
}  # fmt: skip


def questions_in(path: Path, staging: Path) -> list[Question]:
    """All questions of a file, read as users read them."""
    [source] = find_sources([str(path)], staging=staging)
    reading = Reading(format=detect(source).format)
    rows = [
        {key: value for key, value in row.items() if key in ("id", "prompt", "reward", "reference") and value is not None}
        for part in split(source, 1 << 20)
        for batch in read_range(part, reading)
        for row in batch.rows.to_pylist()
    ]  # fmt: skip
    return [msgspec.convert(_without_nulls(row), Question) for row in rows]


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_nulls(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_without_nulls(one) for one in value]
    return value


@pytest.fixture(scope="module")
def humaneval(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Question]:
    found = questions_in(real_data / "HumanEval.jsonl.gz", tmp_path_factory.mktemp("staging"))
    assert len(found) == 164
    return found


@pytest.fixture(scope="module")
def mbpp(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Question]:
    found = questions_in(real_data / "mbpp_200.json", tmp_path_factory.mktemp("staging"))
    assert len(found) == 200
    return found


def scores_of(questions: list[Question], answers: list[str]) -> list[Score]:
    rollouts = [
        Rollout(
            question_id=question.id, messages=[Message(role="assistant", content=answer)], model=""
        )
        for question, answer in zip(questions, answers, strict=True)
    ]
    reward = CodeReward(time_limit_s=10)
    return asyncio.run(reward.score_many(rollouts, questions))


def reference_of(question: Question) -> str:
    assert question.reference is not None and question.reference.solution is not None
    return question.reference.solution


def entry_of(question: Question) -> str:
    assert question.reference is not None and question.reference.tests is not None
    name = msgspec.json.decode(question.reference.tests)["entry_point"]
    assert isinstance(name, str)
    return name


def test_every_reference_of_humaneval_passes_all_its_tests(humaneval: list[Question]) -> None:
    scores = scores_of(humaneval, [reference_of(question) for question in humaneval])
    failed = [(q.id, s.reason) for q, s in zip(humaneval, scores, strict=True) if s.value != 1.0]
    assert failed == []
    assert all(score.parts["accuracy"] == 1.0 for score in scores)


def test_a_reference_in_a_fence_behind_its_head_passes_too(humaneval: list[Question]) -> None:
    answers = [
        f"Sure.\n\n```python\n{question.prompt[-1].content}{reference_of(question)}```\n"
        for question in humaneval
    ]
    assert [s.reason for s in scores_of(humaneval, answers) if s.value != 1.0] == []


@pytest.mark.parametrize("stub", STUBS)
def test_nothing_of_humaneval_passes_for_a_stub(humaneval: list[Question], stub: str) -> None:
    sources = [STUBS[stub].replace("{name}", entry_of(question)) for question in humaneval]
    scores = scores_of(humaneval, [f"```python\n{source}```" for source in sources])
    passed = [
        q.id for q, s in zip(humaneval, scores, strict=True) if s.parts.get("accuracy") != 0.0
    ]
    assert passed == []


def test_every_reference_of_mbpp_passes(mbpp: list[Question]) -> None:
    scores = scores_of(mbpp, [reference_of(question) for question in mbpp])
    failed = {q.id: s.reason for q, s in zip(mbpp, scores, strict=True) if s.value != 1.0}
    assert failed == {}


# Task 404 asks for the smaller of two numbers, and all its tests give the smaller one first.
WEAK_TASKS = {"the first argument": ["mbpp_200.json:404"]}


@pytest.mark.parametrize("stub", ["an object that equals everything", "None", "the first argument"])
def test_nothing_of_mbpp_passes_for_a_stub(mbpp: list[Question], stub: str) -> None:
    names = [reference_of(question).split("def ")[-1].split("(")[0] for question in mbpp]
    sources = [STUBS[stub].replace("{name}", name) for name in names]
    scores = scores_of(mbpp, [f"```python\n{source}```" for source in sources])
    passed = [q.id for q, s in zip(mbpp, scores, strict=True) if s.parts.get("accuracy") != 0.0]
    assert passed == WEAK_TASKS.get(stub, [])
