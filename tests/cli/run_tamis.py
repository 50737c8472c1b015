"""Runs the real command in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

COMMAND = (sys.executable, "-m", "tamis")


def tamis(*arguments: str, cwd: Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run `tamis ARGUMENTS` in `cwd` with plain output."""
    env = {**os.environ, "NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "200"}
    env.pop("TAMIS_DEBUG", None)
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        timeout=300,
        env=env,
        check=False,
    )


def said(done: subprocess.CompletedProcess[bytes]) -> str:
    """What it said on stderr, which must never be a traceback."""
    text = done.stderr.decode()
    assert "Traceback" not in text, text
    return text.strip()
