"""The lines a command prints at its end, and the Markdown for a pull request."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from tamis.reports import build_report, markdown, summary_lines

from .make_run import make_calibrate_run


def test_a_calibration_in_nine_lines(rl_run: Path) -> None:
    report = build_report(rl_run)
    first = report["sections"][0]["steps"][1]["examples"][0]["id"]
    assert summary_lines(report) == [
        "40 questions read: 40 parsed, 0 unreadable; 16 kept, 24 dropped, 16 written",
        "  dropped      14  pass_rate below 0.2",
        "  dropped      10  pass_rate above 0.8",
        "right 45% (41% to 48%, n = 640) of answers to 40 questions",
        "  never right 6, always right 4",
        "  in the band 16 (40% (26% to 55%, n = 40))",
        "answers: SmolLM2-135M-Instruct, recorded",
        f"next: tamis export {rl_run} --to verl_rl -o rl.jsonl  "
        "# write what was kept in a format that trainers read",
        f"next: tamis why {rl_run} {first}  # ask why this row left",
    ]


def test_lines_name_three_reasons_for_unread_rows_and_count_the_others(tmp_path: Path) -> None:
    report = build_report(make_calibrate_run(tmp_path / "run"))
    reasons = [{"reason": f"reason {n}", "count": n, "examples": []} for n in (9, 4, 3, 2, 1)]
    report["sections"][0]["unreadable"] = reasons  # type: ignore[index]
    assert [line for line in summary_lines(report) if line.startswith("  unread")] == [
        "  unread        9  reason 9",
        "  unread        4  reason 4",
        "  unread        3  reason 3",
        "  unread        3  for 2 more reasons",
    ]


def test_lines_hold_no_control_characters(report: dict[str, Any]) -> None:
    assert all(line.isprintable() for line in summary_lines(report))


def test_markdown_neither_acts_nor_loses_the_counts(report: dict[str, Any]) -> None:
    text = markdown(report)
    assert "read = parsed + unreadable: 240 = 231 + 9" in text
    assert "| error | `think-tags/unpaired` |" in text
    assert "<script" not in text and "## Calibration of questions.jsonl" in text


def test_paths_and_ids_in_suggested_commands_are_quoted(tmp_path: Path) -> None:
    run = make_calibrate_run(tmp_path / "it's; rm -rf run")
    suggested = [step["command"] for step in build_report(run)["sections"][0]["next"]]
    assert [shlex.split(command)[2] for command in suggested] == [str(run), str(run)]
