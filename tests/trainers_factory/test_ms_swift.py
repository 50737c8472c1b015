"""What ms-swift really does with exported folders, and that the recordings of it are still true."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import TESTS

KINDS = ("conversations", "preferences", "questions")


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_folder_loads_whole_with_tools_reasoning_and_arguments_that_clash(
    load: Callable[..., dict[str, Any]], kind: str
) -> None:
    rows = load("ms_swift", kind)["rows"]
    assert len(rows) > 1
    assert {row["verdict"] for row in rows} == {"accepted"}
    assert all(row["n_tokens"] > 0 for row in rows)
    assert kind == "questions" or all(row["n_trained"] > 0 for row in rows)


@pytest.mark.parametrize("kind", KINDS)
def test_the_recording_is_what_the_trainer_does(
    recorded: Callable[[str, str], tuple[Any, Any]], kind: str
) -> None:
    told, now = recorded("ms_swift", kind)
    assert now == told


@pytest.mark.parametrize("kind", KINDS)
def test_every_flag_of_the_script_is_one_that_the_trainer_knows(kind: str) -> None:
    from swift.arguments import RLHFArguments, SftArguments

    script = (TESTS / "good" / f"ms_swift_{kind}" / "train.sh").read_text(encoding="utf-8")
    flags = set(re.findall(r"^ +--(\S+)", script, re.MULTILINE))
    read_by = SftArguments if kind == "conversations" else RLHFArguments
    known = {field.name for field in dataclasses.fields(read_by)}
    assert flags and flags <= known, flags - known
