"""Tests that need a trainer: `make test-trainers` runs them in the trainers' own environment.

Here a test file is named after the package that it needs (`test_trl.py` needs `trl`); where that is not
installed, as in the environment of all other tests, the file is not collected.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
collect_ignore = [
    path.name
    for path in HERE.glob("test_*.py")
    if importlib.util.find_spec(path.stem.removeprefix("test_")) is None
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Warnings of trainers are not ours to mend."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore"))


def module_from(path: Path) -> ModuleType:
    """The module of a file, loaded under the file's name."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def recorder() -> ModuleType:
    """`scripts/record_trainers.py`."""
    return module_from(ROOT / "scripts" / "record_trainers.py")
