"""What the demo plants, the checks find; what it leaves alone, they leave alone."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.conftest import ROOT


@pytest.mark.slow
def test_every_planted_error_is_found_and_clean_rows_are_clean() -> None:
    command = [sys.executable, "benchmarks/seeds.py", "--seeds", "3", "--first", "7"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "all errors" in done.stdout and "clean rows with a finding" in done.stdout
