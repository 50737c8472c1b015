"""What all tests share: skips that count as failures in CI, and the folder of real inputs."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Tests that a missing tool would skip; where everything must run, such a skip is a failure.
NEEDS_A_TOOL = ("browser", "local_model")


def _everything_must_run() -> bool:
    return os.environ.get("TAMIS_REQUIRE_ALL") == "1"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Under `TAMIS_REQUIRE_ALL=1` a skipped test that needs a tool has failed."""
    report = yield
    marked = any(item.get_closest_marker(name) for name in NEEDS_A_TOOL)
    if report.skipped and marked and _everything_must_run() and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"TAMIS_REQUIRE_ALL=1, but skipped: {_reason(report.longrepr)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Under `TAMIS_REQUIRE_ALL=1` a test file that skips itself as a whole has failed."""
    report = yield
    if report.skipped and _everything_must_run():
        report.outcome = "failed"
        report.longrepr = f"TAMIS_REQUIRE_ALL=1, but skipped: {_reason(report.longrepr)}"
    return report


def _reason(longrepr: object) -> str:
    return str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real published inputs: `TAMIS_REAL_DATA`, else the one beside the repository."""
    folder = Path(os.environ.get("TAMIS_REAL_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no real inputs at {folder}; set TAMIS_REAL_DATA to their folder")
    return folder
