"""`tamis reward serve`: the command, its refusals, and questions named by id."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path

import pytest
from tests.cli.run_tamis import COMMAND, said, tamis

from .serving import SUM, started


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "questions.jsonl"
    rows = [
        {"id": f"q{n}", "question": f"What is {n} + 4?", "answer": f"It is so.\n#### {n + 4}"}
        for n in range(3)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_request_names_a_question_of_the_file_by_its_id(questions: Path) -> None:
    command = [*COMMAND, "reward", "serve", str(questions), "--port", "0"]
    with started(command, cwd=questions.parent) as service:
        [found] = service.score({"question": "q2", "answer": "The answer is 6."})
        unknown = service.post({"question": "q9", "answer": "6"})
        code, told = service.end()
    assert found["value"] == 1.0
    assert unknown.status_code == 422 and "no question has the id `q9`" in unknown.json()["error"]
    assert (code, told) == (0, "ended; answers graded: 1")
    assert [path.name for path in questions.parent.iterdir()] == ["questions.jsonl"]


def test_the_reward_of_the_command_grades_all(questions: Path) -> None:
    command = [*COMMAND, "reward", "serve", str(questions), "--port", "0", "--reward", "numeric"]
    command += ["--parameters", '{"last_number": true}']
    with started(command, cwd=questions.parent) as service:
        found = service.score({"question": "q2", "answer": "Maybe 6"}, {**SUM, "answer": "7"})
    assert [one["flags"] for one in found] == [["last_number"]] * 2


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (
            ["--host", "0.0.0.0"],
            "--host 0.0.0.0: expected a token where other machines can call; set TAMIS_NO_TOKEN",
        ),
        (["--port", "70000"], "--port 70000: expected 0 (a free one) to 65535"),
        (["--budget", "0"], "--budget 0: expected seconds"),
        (["--reward", "maths"], "unknown reward `maths`"),
        (["nowhere.jsonl"], "nowhere.jsonl"),
        (
            ["--token-env", "SHORT"],
            "environment variable SHORT: expected a token of 16 or more characters, got 5",
        ),
    ],
)
def test_what_cannot_be_served_is_refused_in_one_line(
    options: list[str], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHORT", "12345")
    done = tamis(
        "reward", "serve", "--token-env", "TAMIS_NO_TOKEN", "--port", "0", *options, cwd=tmp_path
    )
    assert done.returncode in (2, 3) and why in said(done)
    assert len(said(done).splitlines()) == 1


def test_a_port_in_use_is_said_to_be(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = tamis("reward", "serve", "--port", port, cwd=tmp_path)
    assert done.returncode == 4
    assert f"127.0.0.1:{port}: cannot listen there" in said(done)


def test_importing_the_verbs_loads_no_web_framework() -> None:
    import subprocess

    code = "import sys, tamis.verbs.serving, tamis.serve.settings; print({'fastapi', 'uvicorn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
