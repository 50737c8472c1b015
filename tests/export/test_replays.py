"""A replay of a trainer's rules says what the trainer itself said, row by row, in the recordings."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
RECORDINGS = sorted((HERE / "recordings").glob("*.json"))


def recorded(path: Path) -> list[Any]:
    """One parameter set for each recorded row: trainer, kind, the hostile row, the real verdict."""
    told = json.loads(path.read_text(encoding="utf-8"))
    lines = (HERE / "hostile" / f"{path.stem}.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(told["rows"]), f"{path.name}: record anew, the hostile rows changed"
    return [
        pytest.param(
            told["trainer"], told["kind"], case["row"], one, id=f"{path.stem}: {case['why']}"
        )
        for case, one in zip(map(json.loads, lines), told["rows"], strict=True)
    ]


@pytest.mark.parametrize(
    ("trainer", "kind", "row", "told"), [case for path in RECORDINGS for case in recorded(path)]
)
def test_a_replay_gives_the_verdict_of_the_real_loader(
    trainer: str, kind: str, row: dict[str, Any], told: dict[str, Any]
) -> None:
    target = importlib.import_module(f"tamis.export.targets.{trainer}").TARGET
    [said] = target.replay(kind, [row])
    assert said.verdict == told["verdict"], (said.reason, told["reason"])


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_a_recording_holds_rows_that_are_taken_and_rows_that_are_not(path: Path) -> None:
    verdicts = {one["verdict"] for one in json.loads(path.read_text(encoding="utf-8"))["rows"]}
    assert "accepted" in verdicts
    assert len(verdicts) > 1
