"""What a report says of graded rollouts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tamis.calibrate.score_counts import SCORE_COUNTS
from tamis.reports import build_report, markdown, render
from tamis.rewards.code.extract import extract_code
from tamis.rewards.meanings import flag_meaning

from .make_run import make_calibrate_run, write

_SCORES = [
    {"what": "value", "n": 9, "mean": 0.25},
    {"what": "accuracy", "n": 9, "count": 2, "mean": 2 / 9, "low": 0.0632, "high": 0.547},
    {"what": "part", "name": "pass_fraction", "n": 9, "mean": 0.37},
    {
        "what": "flag",
        "name": "timeout",
        "n": 9,
        "count": 1,
        "mean": 1 / 9,
        "low": 0.02,
        "high": 0.4,
    },
    {"what": "flag", "name": "<b>odd", "n": 9, "count": 1, "mean": 1 / 9, "low": 0.02, "high": 0.4},
]


@pytest.fixture
def graded(tmp_path: Path) -> dict[str, Any]:
    run = make_calibrate_run(tmp_path / "run")
    table = pa.Table.from_pylist(_SCORES, schema=SCORE_COUNTS)
    write(run / "summaries" / "score_counts.arrow", table)
    return build_report(run)


def test_the_worth_of_the_answers_is_told_with_its_n_and_interval(graded: dict[str, Any]) -> None:
    told = (
        "The 9 questions that could be graded are worth 0.25 on average; "
        "2 of them are right (22%, 95% interval 6.3% to 55%)."
    )
    assert told in graded["sections"][0]["summary"]
    assert told in markdown(graded)


def test_the_page_explains_each_part_and_flag_and_lets_no_name_act(graded: dict[str, Any]) -> None:
    page = render(graded)
    assert "share of the tests that count which the code passes" in page
    assert "a test ran into the time limit and failed" in page
    assert "&lt;b&gt;odd" in page and "<b>odd" not in page


def test_scores_are_told_once(graded: dict[str, Any]) -> None:
    assert "score_counts" not in [table["step"] for table in graded["sections"][0]["tables"]]


@pytest.mark.parametrize(
    "answer",
    [
        "no code",
        "```python\ndef g(): pass\n```",
        "```python\ndef f(:\n```",
        "```python\ndef f(): pass\n```\n```python\ndef f(): 1\n```",
        "```python\ndef g(): pass\n```\n```python\ndef f(): g()\n```",
        "```python\ndef f(): pass",
        "<think>hm",
        "x" * 300_000,
    ],
)
def test_every_oddity_of_an_answer_with_code_has_words(answer: str) -> None:
    flags = extract_code(answer, entry_point="f").flags
    assert flags and all(flag_meaning(flag) for flag in flags)
