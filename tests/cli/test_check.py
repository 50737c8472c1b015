"""`tamis check` as people and CI use it."""

from __future__ import annotations

import json
from pathlib import Path

from .run_tamis import said, tamis

ROWS = [
    {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": text}]}
    for text in ("Hello to you, and good morning.", "<think>Hm.", "7 + 8 = 16, so sixteen pears.")
]


def write(path: Path) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


def test_sarif_names_file_line_rule_and_level(tmp_path: Path) -> None:
    write(tmp_path / "raw.jsonl")
    done = tamis("check", "raw.jsonl", "--format", "sarif", cwd=tmp_path)
    assert done.returncode == 1, said(done)
    (run,) = json.loads(done.stdout)["runs"]
    found = {
        (
            result["ruleId"],
            result["level"],
            result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
            result["locations"][0]["physicalLocation"]["region"]["startLine"],
        )
        for result in run["results"]
    }
    assert ("think-tags/unpaired", "error", "raw.jsonl", 2) in found
    assert ("arithmetic/wrong-result", "error", "raw.jsonl", 3) in found
    assert {rule for rule, *_ in found} <= {r["id"] for r in run["tool"]["driver"]["rules"]}


def test_the_json_envelope_holds_counts_findings_and_the_missed_gate(tmp_path: Path) -> None:
    write(tmp_path / "raw.jsonl")
    done = tamis("check", "raw.jsonl", "--format", "json", cwd=tmp_path)
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["exit_code"], answer["schema_version"]) == (1, 1, 1)
    assert answer["counts"] == {
        "read": 3,
        "unreadable": 0,
        "parsed": 3,
        "made": 0,
        "kept": 3,
        "dropped": 0,
        "written": 0,
    }
    assert answer["gates_missed"][0]["gate"] == "error"
    assert answer["findings"]["think-tags/unpaired"]["conversations"] == 1


def test_explain_shows_a_rule_and_corrects_a_misspelled_one(tmp_path: Path) -> None:
    done = tamis("check", "--explain", "think-tags/unpaired", cwd=tmp_path)
    assert done.returncode == 0
    assert "bad:" in done.stdout.decode()
    done = tamis("check", "--explain", "think-tags/unpared", cwd=tmp_path)
    assert done.returncode == 2
    assert "did you mean `think-tags/unpaired`?" in said(done)


def test_the_help_of_every_command_shows_an_example_command(tmp_path: Path) -> None:
    listed = tamis("--help", cwd=tmp_path).stdout.decode()
    for (
        command
    ) in "demo doctor import check fix dedup select calibrate export report show why run".split():
        assert command in listed
        shown = tamis(command, "--help", cwd=tmp_path)
        assert shown.returncode == 0
        assert f"tamis {command}" in shown.stdout.decode()
