"""Two runs as the engine leaves them, and the report over both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tamis.reports import build_report

from .make_run import make_calibrate_run, make_check_run


@pytest.fixture(scope="session")
def sft_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_check_run(tmp_path_factory.mktemp("runs") / "sft")


@pytest.fixture(scope="session")
def rl_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_calibrate_run(tmp_path_factory.mktemp("runs") / "rl")


@pytest.fixture(scope="session")
def report(sft_run: Path, rl_run: Path) -> dict[str, Any]:
    return build_report([sft_run, rl_run], title="Two runs")
