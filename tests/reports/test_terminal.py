"""The lines a command prints at its end, and the Markdown for a pull request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tamis.reports import build_report, markdown, summary_lines


def test_a_calibration_in_seven_lines(rl_run: Path) -> None:
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
        f"next: tamis why {rl_run} {first}  # ask why this question left",
    ]


def test_lines_hold_no_control_characters(report: dict[str, Any]) -> None:
    assert all(line.isprintable() for line in summary_lines(report))


def test_markdown_neither_acts_nor_loses_the_counts(report: dict[str, Any]) -> None:
    text = markdown(report)
    assert "read = parsed + unreadable: 240 = 231 + 9" in text
    assert "| error | `think-tags/unpaired` |" in text
    assert "<script" not in text and "## Calibration of questions.jsonl" in text
