"""What OpenRLHF really does with exported folders, and that the recordings of it are still true."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import TESTS

KINDS = ("conversations", "preferences", "questions")


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_folder_loads_whole_with_tools_reasoning_and_arguments_that_clash(
    load: Callable[..., dict[str, Any]], kind: str
) -> None:
    rows = load("openrlhf", kind)["rows"]
    assert len(rows) > 1
    assert {row["verdict"] for row in rows} == {"accepted"}
    assert all(row["n_tokens"] > 0 for row in rows)
    assert kind == "questions" or all(row["n_trained"] > 0 for row in rows)


@pytest.mark.parametrize("kind", KINDS)
def test_the_recording_is_what_the_trainer_does(
    recorded: Callable[[str, str], tuple[Any, Any]], kind: str
) -> None:
    told, now = recorded("openrlhf", kind)
    assert now == told


@pytest.mark.parametrize("kind", KINDS)
def test_every_flag_of_the_script_is_one_that_the_trainer_knows(kind: str) -> None:
    script = (TESTS / "good" / f"openrlhf_{kind}" / "train.sh").read_text(encoding="utf-8")
    [module] = re.findall(r"openrlhf\.cli\.(\w+)", script)
    # The parser stands below `if __name__`, beside imports that want a GPU: its source is read.
    spec = importlib.util.find_spec("openrlhf")
    assert spec is not None and spec.origin is not None
    source = (Path(spec.origin).parent / "cli" / f"{module}.py").read_text(encoding="utf-8")
    known = set(re.findall(r'"--([\w.]+)"', source))
    # one flag for each of actor, critic, ref and reward
    known |= {f"actor.{name}" for name in re.findall(r'f"--\{prefix\}\.([\w.]+)"', source)}
    flags = set(re.findall(r"^ +--(\S+)", script, re.MULTILINE))
    assert flags and flags <= known, flags - known
