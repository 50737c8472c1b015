"""Tests that need LLaMA-Factory, axolotl, ms-swift or OpenRLHF: `make test-factory` runs them.

A test file is named after the package it needs (`test_axolotl.py` needs `axolotl`); where that is not
installed, as in the environment of all other tests, the file is not collected. Neither is Tamis needed:
the exported folders stand in `tests/export/good`.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
TESTS = HERE.parent / "export"
LOADERS = HERE.parent.parent / "src" / "tamis" / "export" / "loaders"
MODULES = {"ms_swift": "swift"}
collect_ignore = [
    path.name
    for path in HERE.glob("test_*.py")
    if importlib.util.find_spec(
        MODULES.get(path.stem.removeprefix("test_"), path.stem.removeprefix("test_"))
    )
    is None
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Warnings of trainers are not ours to mend."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore"))


@pytest.fixture
def load() -> Callable[..., dict[str, Any]]:
    """What a trainer's own loader says of a good folder, or of hostile rows beside its first row."""

    def run(trainer: str, kind: str, *arguments: str) -> dict[str, Any]:
        command = [LOADERS / f"{trainer}.py", TESTS / "good" / f"{trainer}_{kind}", kind]
        done = subprocess.run(
            [sys.executable, *map(str, command), *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-4000:]
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    return run


@pytest.fixture
def recorded(load: Callable[..., dict[str, Any]]) -> Callable[[str, str], tuple[Any, Any]]:
    """The verdicts of the recording and those of the trainer now."""

    def both(trainer: str, kind: str) -> tuple[Any, Any]:
        name = f"{trainer}_{kind}"
        told = json.loads((TESTS / "recordings" / f"{name}.json").read_text(encoding="utf-8"))
        now = load(trainer, kind, "--hostile", str(TESTS / "hostile" / f"{name}.jsonl"))
        for row in now["rows"]:
            row["reason"] = row["reason"].partition(":")[0]
        return told, now

    return both
