"""What LLaMA-Factory really does with exported folders, and that the recordings of it are still true."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

KINDS = ("conversations", "preferences")


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_folder_loads_whole_with_tools_reasoning_and_arguments_that_clash(
    load: Callable[..., dict[str, Any]], kind: str
) -> None:
    rows = load("llamafactory", kind)["rows"]
    assert len(rows) > 1
    assert {row["verdict"] for row in rows} == {"accepted"}
    assert all(row["n_tokens"] > 0 for row in rows)
    assert kind == "questions" or all(row["n_trained"] > 0 for row in rows)


@pytest.mark.parametrize("kind", KINDS)
def test_the_recording_is_what_the_trainer_does(
    recorded: Callable[[str, str], tuple[Any, Any]], kind: str
) -> None:
    told, now = recorded("llamafactory", kind)
    assert now == told
