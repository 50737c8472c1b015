"""The hack suite's data: well formed, wide enough, and the honest half really right when run plainly."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from . import hack_suite
from .hack_suite import Program

PLAIN_RUN = Path(__file__).with_name("plain_run.py")
FAMILIES = {
    *("answers", "bombs", "definitions", "descriptors", "exits", "forgery", "handles", "liars"),
    *("network", "patches", "programs", "reads", "reexec", "state", "timing"),
}


def test_there_are_enough_programs_of_every_family() -> None:
    families = Counter(program.family for program in hack_suite.hostile())
    assert set(families) == FAMILIES
    assert min(families.values()) >= 5
    assert families.total() >= 200
    assert len(hack_suite.honest()) >= 100


def test_no_two_programs_of_a_family_have_one_name() -> None:
    programs = [*hack_suite.hostile(), *hack_suite.honest()]
    names = Counter((program.family, program.name) for program in programs)
    hostile = Counter(program.name for program in hack_suite.hostile())
    assert [name for counts in (names, hostile) for name, n in counts.items() if n > 1] == []


def test_no_collector_or_import_can_run_a_data_file() -> None:
    """`--doctest-modules` imports every .py file below `tests`, `--doctest-glob` runs every .md file."""
    files = [path for path in hack_suite.HACKS.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".txt"}
    assert [path.name for path in files if path.name.startswith("test")] == []
    dangerous = (*hack_suite.HOSTILE_FILES, *hack_suite.ESCAPE_FILES)
    assert [path.name for path in dangerous if ">>>" in path.read_text(encoding="utf-8")] == []


def test_no_program_signals_everything_it_may() -> None:
    """kill(-1) and kill(0) would end the machine's session, should a sandbox ever be broken."""
    for program in hack_suite.hostile():
        for node in ast.walk(ast.parse(program.source)):
            if isinstance(node, ast.Call) and "kill" in ast.unparse(node.func):
                assert ast.unparse(node.args[0]) in ("os.getpid()", "pid"), program.name


@pytest.mark.parametrize("program", hack_suite.hostile(), ids=lambda program: program.name)
def test_a_hostile_program_says_what_it_tries_and_parses(program: Program) -> None:
    ast.parse(program.source)
    assert len(program.tries) >= 10
    assert 0 <= program.most <= 0.5
    assert program.styles and set(program.styles) <= set(program.task.tests)
    assert program.source.strip() != program.task.solution.strip()


def test_every_style_of_tests_is_cheated_at() -> None:
    styles = {
        str(program.task.tests[title]["style"])
        for program in hack_suite.hostile()
        for title in program.styles
    }
    assert styles == {"asserts", "check", "unittest", "calls", "stdin"}


def test_every_escape_defines_its_attempt() -> None:
    for escape in hack_suite.escapes():
        functions = [
            node for node in ast.parse(escape.source).body if isinstance(node, ast.FunctionDef)
        ]
        assert "attempt" in {function.name for function in functions}, escape.name
        assert len(escape.tries) > 20


def test_a_paragraph_of_asserts_is_a_test_a_line_and_any_other_is_one_test() -> None:
    text = "assert f(1)\nassert f(2)\n\nx = f(3)\n\n\ndef g(): ...\n\n\nassert x\nassert g\n"
    assert hack_suite.split_asserts(text) == [
        "assert f(1)",
        "assert f(2)",
        "x = f(3)\ndef g(): ...\nassert x\nassert g",
    ]


@pytest.mark.parametrize("program", hack_suite.honest(), ids=lambda program: program.name)
def test_an_honest_program_passes_its_tests_when_run_plainly(
    program: Program, tmp_path: Path
) -> None:
    assert program.task.tests
    job = {
        "source": program.source,
        "entry": program.task.entry,
        "tests": program.task.tests,
    }
    done = subprocess.run(
        [sys.executable, "-I", str(PLAIN_RUN), str(tmp_path)],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "failures.txt").read_text(encoding="utf-8") == ""
