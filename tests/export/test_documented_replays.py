"""Replays of trainers that could not be run say of each row what the document named beside it says."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent / "documented"
CASES = [
    (path.stem, json.loads(line))
    for path in sorted(HERE.glob("*.jsonl"))
    for line in path.read_text(encoding="utf-8").splitlines()
]
NAMES = [f"{trainer} {case['kind']}: {case['why']}" for trainer, case in CASES]


@pytest.mark.parametrize(("trainer", "case"), CASES, ids=NAMES)
def test_a_replay_gives_the_verdict_that_the_document_gives(
    trainer: str, case: dict[str, Any]
) -> None:
    target = importlib.import_module(f"tamis.export.targets.{trainer}").TARGET
    [said] = target.replay(case["kind"], [case["row"]])
    assert said.verdict == case["verdict"], (said.reason, case["document"])
    assert (said.reason == "") == (said.verdict == "accepted")


@pytest.mark.parametrize("trainer", ["openai", "open_instruct", "prime_rl", "nemo_gym"])
def test_the_rows_of_a_trainer_hold_each_kind_it_takes_with_both_outcomes(trainer: str) -> None:
    target = importlib.import_module(f"tamis.export.targets.{trainer}").TARGET
    seen = {
        (case["kind"], case["verdict"] == "accepted") for name, case in CASES if name == trainer
    }
    assert seen == {(kind, taken) for kind in target.shapes for taken in (True, False)}
    assert all(case["document"] for name, case in CASES if name == trainer)
