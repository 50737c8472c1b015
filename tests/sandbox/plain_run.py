"""Runs one harmless program against its tests with nothing around it: `python -I plain_run.py FOLDER < job`.

Only for programs of our own that are known to do no harm; it has none of the sandbox's protection. The job is
JSON: source, entry, tests (as `hack_suite.Task.tests`). FOLDER/failures.txt gets a line for each test that fails.
"""

from __future__ import annotations

import importlib.util
import json
import math
import subprocess
import sys
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Names that tests of the suite take from the task's own solution beside the entry point.
_HELPERS = ("isclose", "close_enough")


def failures(job: dict[str, Any], folder: Path) -> Iterator[str]:
    """What each failing test says; nothing when all pass."""
    path = folder / "solution.py"
    path.write_text(job["source"], encoding="utf-8")
    for title, tests in job["tests"].items():
        if tests["style"] == "stdin":
            yield from _wrong_outputs(path, tests)
            continue
        run = {"asserts": _asserts, "check": _check, "unittest": _cases, "calls": _calls}
        space = _space(path, job["entry"])
        for reason in run[tests["style"]](tests, space):
            yield f"{title}: {reason}"


def _space(path: Path, entry: str | None) -> dict[str, Any]:
    spec = importlib.util.spec_from_file_location("solution", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["solution"] = module
    spec.loader.exec_module(module)
    names = [name for name in (entry, *_HELPERS) if name and hasattr(module, name)]
    return {"__name__": "tests", **{name: getattr(module, name) for name in names}}


def _asserts(tests: dict[str, Any], space: dict[str, Any]) -> Iterator[str]:
    for text in tests["asserts"]:
        own = dict(space)
        exec(tests.get("setup", ""), own)
        try:
            exec(text, own)
        except Exception as error:  # noqa: BLE001  whatever the test raises is its failure
            yield f"{text!r}: {type(error).__name__} {error}"


def _check(tests: dict[str, Any], space: dict[str, Any]) -> Iterator[str]:
    exec(tests["code"], space)
    try:
        space["check"](space[tests["entry_point"]])
    except Exception as error:  # noqa: BLE001  whatever the test raises is its failure
        yield f"{type(error).__name__} {error}"


def _cases(tests: dict[str, Any], space: dict[str, Any]) -> Iterator[str]:
    exec(tests["code"], space)
    loader = unittest.TestLoader()
    kinds = [kind for kind in space.values() if isinstance(kind, type)]
    result = unittest.TestResult()
    for kind in kinds:
        if issubclass(kind, unittest.TestCase):
            loader.loadTestsFromTestCase(kind).run(result)
    if not result.testsRun:
        yield "no test ran"
    for case, reason in [*result.failures, *result.errors]:
        yield f"{case.id()}: {reason.splitlines()[-1]}"


def _calls(tests: dict[str, Any], space: dict[str, Any]) -> Iterator[str]:
    for case in tests["cases"]:
        got = space[tests["entry_point"]](*case["args"])
        if got != case["expected"]:
            yield f"{case['args']}: expected {case['expected']!r}, got {got!r}"


def _wrong_outputs(path: Path, tests: dict[str, Any]) -> Iterator[str]:
    is_same = _close if tests.get("compare") == "floats" else _equal
    for case in tests["cases"]:
        done = subprocess.run(
            [sys.executable, "-I", str(path)],
            input=case["input"].encode(),
            capture_output=True,
            check=False,
        )
        if done.returncode:
            yield f"{case['input']!r}: status {done.returncode}: {done.stderr.decode()[-200:]}"
        elif not is_same(done.stdout.decode(), case["output"]):
            yield f"{case['input']!r}: expected {case['output']!r}, got {done.stdout!r}"


def _equal(got: str, wanted: str) -> bool:
    return _lines(got) == _lines(wanted)


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().splitlines()]


def _close(got: str, wanted: str) -> bool:
    pairs = zip(got.split(), wanted.split(), strict=True)
    return all(math.isclose(float(a), float(b), rel_tol=1e-6) for a, b in pairs)


if __name__ == "__main__":
    work = Path(sys.argv[1])
    found = list(failures(json.load(sys.stdin), work))
    (work / "failures.txt").write_text("\n".join(found), encoding="utf-8")
