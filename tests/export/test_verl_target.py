"""Rows and files for verl: what is written, what is refused, and how the reward file grades."""

from __future__ import annotations

import asyncio
import json
import runpy
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tamis.errors import InputError
from tamis.export.targets.base import Handover
from tamis.export.targets.verl import TARGET, question_row
from tamis.records import Question, Reference, RewardSpec

from .exporting import clashing, export, user

NUMERIC = RewardSpec(name="numeric", parameters='{"last_number": true}')


def exported(question: Question, folder: Path) -> dict[str, Any]:
    """The row of a question, read back."""
    export(TARGET, "questions", [question], folder, model="m", max_tokens=9)
    row: dict[str, Any] = pq.read_table(folder / "train.parquet").to_pylist()[0]
    return row


def test_a_question_is_verls_struct_with_all_its_reward_needs(tmp_path: Path) -> None:
    question = Question(
        id="q1", prompt=[user("When?")], reward=NUMERIC, reference=Reference(answer="2024-01-01")
    )
    row = exported(question, tmp_path)
    extra = row.pop("extra_info")
    assert row == {
        "data_source": "tamis",
        "prompt": [{"role": "user", "content": "When?"}],
        "ability": "numeric",
        "reward_model": {"style": "rule", "ground_truth": "2024-01-01"},
    }
    assert json.loads(extra["reference"]) == {"answer": "2024-01-01"}
    assert json.loads(extra["prompt"]) == row["prompt"]
    assert (extra["question_id"], extra["reward_name"]) == ("q1", "numeric")
    assert extra["reward_parameters"] == NUMERIC.parameters


def test_the_index_of_a_question_does_not_depend_on_its_place(tmp_path: Path) -> None:
    question = Question(id="q1", prompt=[user("?")], reward=NUMERIC)
    other = Question(id="q2", prompt=[user("?")], reward=NUMERIC)
    alone = exported(question, tmp_path)["extra_info"]["index"]
    export(TARGET, "questions", [other, question], tmp_path, model="m", max_tokens=9)
    rows = pq.read_table(tmp_path / "train.parquet").to_pylist()
    indices = [row["extra_info"]["index"] for row in rows]
    assert indices[1] == alone
    assert indices[0] != alone


@pytest.mark.parametrize(
    ("turn", "found"),
    [
        ({"role": "assistant", "content": "", "tool_calls": [{}]}, "got `tool_calls`"),
        ({"role": "user", "content": None}, "got content that is no text"),
    ],
)
def test_a_prompt_that_verls_struct_cannot_hold_is_refused(
    turn: dict[str, Any], found: str
) -> None:
    own = {"id": "q", "reward": {"name": "numeric"}}
    written = {
        "prompt": [turn],
        "reward_model": {"ground_truth": None},
        "extra_info": {"tamis": json.dumps(own)},
    }
    with pytest.raises(InputError, match=found):
        question_row(written)


def test_a_question_that_names_no_reward_is_refused() -> None:
    written = {"prompt": [], "reward_model": {"ground_truth": "4"}}
    with pytest.raises(InputError, match="reward: expected the name of a reward"):
        question_row(written)


@pytest.fixture
def compute_score(tmp_path: Path) -> Any:
    """The function of the exported `reward.py`."""
    handover = Handover(kind="questions", n_rows=1, file="f", model="m", max_tokens=9)
    path = tmp_path / "reward.py"
    path.write_text(TARGET.files(handover)["reward.py"], encoding="utf-8")
    return runpy.run_path(str(path))["compute_score"]


def extra(reference: str | None, parameters: str | None = None) -> dict[str, Any]:
    """The `extra_info` of a row."""
    return {
        "question_id": "q",
        "reward_name": "numeric",
        "reward_parameters": parameters,
        "reference": reference,
        "prompt": '[{"role": "user", "content": "2+2?"}]',
    }


def test_every_row_gets_the_same_keys_graded_or_not(compute_score: Any) -> None:
    rows = [
        ("\\boxed{4}", extra('{"answer": "4"}')),
        ("\\boxed{5}", extra('{"answer": "4"}')),
        ("So 4", extra('{"answer": "4"}', NUMERIC.parameters)),
        ("\\boxed{4}", extra(None)),
        ("", extra('{"answer": "a poem"}')),
    ]
    found = [compute_score("tamis", said, "4", extra_info=info) for said, info in rows]
    assert found == [
        {"score": 1.0, "acc": 1.0, "gradable": 1.0, "pred": "4"},
        {"score": 0.0, "acc": 0.0, "gradable": 1.0, "pred": "5"},
        {"score": 1.0, "acc": 1.0, "gradable": 1.0, "pred": "4"},
        {"score": 0.0, "acc": 0.0, "gradable": 0.0, "pred": ""},
        {"score": 0.0, "acc": 0.0, "gradable": 0.0, "pred": ""},
    ]


def test_grading_works_from_many_threads_and_inside_a_running_loop(compute_score: Any) -> None:
    def score(number: int) -> float:
        info = extra(json.dumps({"answer": str(number)}))
        value: float = compute_score("tamis", f"\\boxed{{{number % 7}}}", "", info)["score"]
        return value

    async def inside() -> float:
        return score(3)

    expected = [float(number < 7) for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(score, range(40))) == expected
    assert asyncio.run(inside()) == 1.0


@pytest.mark.parametrize("kind", sorted(TARGET.shapes))
def test_the_script_is_a_shell_script_and_the_file_beside_it_is_python(
    kind: Any, tmp_path: Path
) -> None:
    model = "it's odd"
    handover = Handover(kind=kind, n_rows=7, file="train.parquet", model=model, max_tokens=321)
    files = TARGET.files(handover)
    path = tmp_path / "train.sh"
    path.write_text(
        files.pop("train.sh").replace(
            "set -euo pipefail", 'torchrun() { echo "$@"; }; python3() { echo "$@"; }'
        ),
        encoding="utf-8",
    )
    done = subprocess.run(["bash", str(path), "a=b"], capture_output=True, text=True, check=True)
    assert model in done.stdout
    assert "321" in done.stdout
    assert done.stdout.endswith(" a=b\n")
    for name, text in files.items():
        compile(text, name, "exec")


def test_rows_as_they_stand_in_the_file_are_replayed(tmp_path: Path) -> None:
    assert TARGET.replay is not None
    export(TARGET, "conversations", clashing(), tmp_path, model="m", max_tokens=9)
    rows = pq.read_table(tmp_path / "train.parquet").to_pylist()
    assert [one.verdict for one in TARGET.replay("conversations", rows)] == ["accepted"] * 2
    row = exported(Question(id="q", prompt=[user("?")], reward=NUMERIC), tmp_path)
    assert [one.verdict for one in TARGET.replay("questions", [row])] == ["accepted"]
