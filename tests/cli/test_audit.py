"""`tamis reward audit` as a command: JSON, modules in the working folder, refusals in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .run_tamis import said, tamis

GOOD = """
import re
def score(response, reference):
    found = set(re.findall(r"\\\\boxed\\{([^{}]*)\\}", response.split("</think>")[-1]))
    return float(found == {reference})
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.py").write_text(GOOD)
    return tmp_path


def test_the_command_speaks_json_with_nothing_beside_it(folder: Path) -> None:
    done = tamis(
        *(
            "reward",
            "audit",
            "good.py:score",
            "--variants",
            "0",
            "--gate",
            "none",
            "--format",
            "json",
        ),
        cwd=folder,
    )
    envelope = json.loads(done.stdout)
    assert done.returncode == 0 and done.stderr == b""
    assert envelope["command"] == "reward audit" and envelope["gates_missed"] == []
    assert envelope["audit"]["form"] == "plain" and envelope["audit"]["families"]


def test_a_module_in_the_working_folder_is_found(folder: Path) -> None:
    done = tamis("reward", "audit", "good:score", "--variants", "0", "--gate", "none", cwd=folder)
    assert done.returncode == 0, said(done)
    assert done.stdout.decode().startswith(
        "good:score: called as plain; kinds math, numeric; reads boxed"
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["maths"], "did you mean `math`?"),
        (["gone.py:score"], "expected a Python file, there is none"),
        (
            ["good.py:score", "--as-form", "grpo"],
            "--as-form grpo: expected plain, trl, verl, openrlhf",
        ),
        (["good.py:score", "--reward-parameters", "{}"], "expected one of ours beside it"),
        (["good.py:score", "--kind", "poetry"], "--kind poetry: expected math"),
        (["broken.py:score"], "ZeroDivisionError"),
    ],
)
def test_what_cannot_be_audited_is_refused_in_one_line(
    folder: Path, arguments: list[str], told: str
) -> None:
    (folder / "broken.py").write_text("1 / 0\n")
    done = tamis("reward", "audit", *arguments, cwd=folder)
    assert done.returncode == 2 and told in said(done)
    assert said(done).count("\n") == 0
