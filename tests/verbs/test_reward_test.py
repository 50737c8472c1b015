"""`reward test`: findings in the gold of questions, a gate, and an account of every rule."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.run_tamis import said
from tests.cli.run_tamis import tamis as run_tamis

import tamis
from tamis.errors import InputError, RecipeError
from tamis.rewards.gold import every_rule
from tamis.verbs.reward_signal import Rollouts
from tamis.verbs.rewards import GradedBy, explain_rule

from .files import names_in, quiet, write_rows

SOUND = {"id": "sound", "question": "What is 3 + 4?", "answer": "3 + 4 = 7\n#### 7"}
VAGUE = {"id": "vague", "question": "How many?", "answer": "#### several"}
LEAKED = {"id": "leaked", "question": "What is 3 + 4? The answer is 7.", "answer": "#### 7"}


def lint(rows: list[dict[str, Any]], folder: Path, **options: Any) -> tamis.Result:
    source = write_rows(folder / "q.jsonl", rows)
    return tamis.reward_test([str(source)], common=quiet(), **options)


def test_findings_name_question_place_rule_and_fix(tmp_path: Path) -> None:
    result = lint([SOUND, VAGUE, LEAKED], tmp_path)
    assert result.exit_code == 1
    assert [(f["id"], f["rule"], f["path"]) for f in result.body["first_findings"]] == [
        ("q.jsonl:vague", "gold/ungradable", "reference"),
        ("q.jsonl:leaked", "numeric/answer-in-prompt", "prompt[0].content"),
    ]
    found = result.body["findings"]["gold/ungradable"]
    assert (found["severity"], found["findings"], found["questions"]) == ("error", 1, 1)
    assert found["fix"] == "give the reference the form that the reward reads, or drop the question"
    told = "\n".join(result.lines)
    assert "q.jsonl:vague reference: the reference `several` is not a number" in told
    assert "fix gold/ungradable: give the reference" in told
    assert "33% (6.1% to 79%, n = 3)" in told


def test_findings_and_report_go_beside_the_input_or_where_they_are_wanted(tmp_path: Path) -> None:
    lint([SOUND], tmp_path)
    assert names_in(tmp_path) == ["q.jsonl", "q.jsonl.test"]
    assert {"findings", "report.html", "rules.json"} <= set(names_in(tmp_path / "q.jsonl.test"))
    source = str(tmp_path / "q.jsonl")
    tamis.reward_test([source], common=quiet(tmp_path / "elsewhere"))
    assert "findings" in names_in(tmp_path / "elsewhere")
    assert "Gold lint of q.jsonl" in (tmp_path / "elsewhere/report.html").read_text()
    assert tamis.why(source, "q.jsonl:sound").lines[-1] == "  kept"


@pytest.mark.parametrize(
    ("gate", "code"),
    [
        ("error", 0),
        ("warning", 1),
        ("none", 0),
        ("numeric/answer-in-prompt:0.5", 0),
        ("numeric/answer-in-prompt:0.1", 1),
    ],
)
def test_a_gate_decides_the_exit_code(tmp_path: Path, gate: str, code: int) -> None:
    assert lint([SOUND, {**SOUND, "id": "too"}, LEAKED], tmp_path, gate=[gate]).exit_code == code


def test_a_gate_on_a_rule_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="did you mean `gold/ungradable`"):
        lint([SOUND], tmp_path, gate=["gold/ungradible:0.1"])
    with pytest.raises(RecipeError, match="--repeats 0: expected 1 or more"):
        lint([SOUND], tmp_path, n_repeats=0)


def test_one_reward_for_all_is_tested_in_place_of_their_own(tmp_path: Path) -> None:
    bare = [{"prompt": [{"role": "user", "content": "q"}], "ground_truth": "7"}]
    assert list(lint(bare, tmp_path).body["findings"]) == ["gold/no-reward"]
    given = lint(bare, tmp_path, reward=GradedBy(name="numeric"))
    assert (given.exit_code, given.body["findings"]) == (0, {})


def test_every_rule_can_be_explained_and_a_misspelt_one_is_guessed() -> None:
    for rule in every_rule():
        assert rule.summary in "\n".join(explain_rule(rule.id).lines)
    with pytest.raises(RecipeError, match="did you mean `gold/no-reward`"):
        explain_rule("gold/no-rewards")


def test_rollouts_are_not_taken_for_questions(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"expected questions, got rollouts; tamis reward test looks at"
    ):
        lint([{"question_id": "a", "completion": "7"}], tmp_path)


def test_the_gold_of_gsm8k_is_sound(real_data: Path, tmp_path: Path) -> None:
    source = str(real_data / "gsm8k_test.jsonl.gz")
    result = tamis.reward_test([source], common=quiet(tmp_path / "out", workers=2))
    assert result.counts["parsed"] == 1319
    found = {(rule, told["severity"]) for rule, told in result.body["findings"].items()}
    # nothing is wrong with any of them
    assert found == {("numeric/guessable", "info"), ("numeric/unfound-elsewhere", "info")}


@pytest.mark.parametrize("name", ["gsm8k_train.jsonl.gz", "gsm8k_test.jsonl.gz"])
def test_the_gold_of_gsm8k_passes_under_the_maths_reward(
    name: str, real_data: Path, tmp_path: Path
) -> None:
    result = tamis.reward_test(
        [str(real_data / name)],
        reward=GradedBy(name="math"),
        common=quiet(tmp_path / "out", workers=2),
    )
    assert result.counts["parsed"] > 1300
    assert result.exit_code == 0
    assert set(result.body["findings"]) == {"math/guessable"}


def test_the_command_line_prints_json_sarif_and_explanations(tmp_path: Path) -> None:
    write_rows(tmp_path / "q.jsonl", [SOUND, VAGUE])
    done = run_tamis("reward", "test", "q.jsonl", "--format", "json", cwd=tmp_path)
    assert done.returncode == json.loads(done.stdout)["exit_code"] == 1
    done = run_tamis("reward", "test", "q.jsonl", "--format", "sarif", cwd=tmp_path)
    [found] = json.loads(done.stdout)["runs"][0]["results"]
    assert found["ruleId"] == "gold/ungradable"
    done = run_tamis("reward", "test", "--explain", "gold/ungradable", cwd=tmp_path)
    assert (done.returncode, said(done)) == (0, "")
    assert b"fix:" in done.stdout
    done = run_tamis("reward", "test", cwd=tmp_path)
    assert done.returncode == 2
    assert "expected at least one input" in said(done)


def code_question(
    tests: list[str], code: str = "def add(a, b):\n    return a + b\n"
) -> dict[str, Any]:
    return {
        "task_id": 2,
        "text": "Write a function add that gives the sum of two numbers.",
        "code": code,
        "test_list": tests,
        "test_setup_code": "",
        "challenge_test_list": [],
    }


def test_code_references_are_run_against_their_own_tests(tmp_path: Path) -> None:
    sound = ["assert add(1, 2) == 3", "assert add(-1, 1) == 0", "assert add(2, 5) == 7"]
    rows = [
        code_question(sound),
        {**code_question([*sound, "assert add(2, 2) == 5"]), "task_id": 3},
        {**code_question(["assert add(1, 2) is not None"]), "task_id": 4},
    ]
    result = lint(rows, tmp_path, gate=["none"])
    errors = {
        (finding["id"], finding["rule"])
        for finding in result.body["first_findings"]
        if finding["severity"] == "error"
    }
    assert errors == {
        ("q.jsonl:3", "code/reference-fails"),
        ("q.jsonl:4", "code/stub-passes"),
    }


def answered(*answers: str, to: str = "sound") -> list[dict[str, Any]]:
    """Rollouts with these numbers as their answers."""
    return [
        {"question_id": to, "sample": place, "completion": f"The answer is {answer}."}
        for place, answer in enumerate(answers)
    ]


def test_rollouts_tell_how_many_groups_would_carry_signal_part_by_part(tmp_path: Path) -> None:
    easy = {"id": "easy", "question": "What is 4 + 3?", "answer": "#### 7"}
    new = {"id": "new", "question": "What is 5 + 2?", "answer": "#### 7"}
    given = [
        *answered("7", "8", "8", "8"),
        *answered("7", "7", "7", to="easy"),
        *answered("7", to="new"),
        *answered("7", "7", to="vague"),
    ]
    rollouts = write_rows(tmp_path / "r.jsonl", given)
    wanted = Rollouts(inputs=[str(rollouts)], group_size=2)
    result = lint([SOUND, easy, new, VAGUE], tmp_path, rollouts=wanted, gate=["none"])
    told = result.body["signal"]
    assert (told["questions"], told["too_few"]) == (3, 1)
    assert (told["rollouts"], told["not_graded"]) == (10, 2)
    assert told["not_graded_by"] == {"question cannot be graded": 2}
    # of 6 pairs from one right and three wrong answers 3 differ; of pairs of right ones none
    shares = {part["name"]: (part["share"], part["n_groups"]) for part in told["parts"]}
    assert shares == {"value": (0.25, 2), "accuracy": (0.25, 2)}
    lines = "\n".join(result.lines)
    assert "rollouts: 8 of 10 graded, 2 could not be; 3 questions, 1 with fewer than 2" in lines
    assert "  part accuracy  25% (" in lines
    assert "n = 2 groups)" in lines
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"group_size": 1}, "-n 1: expected 2 or more"),
        ({"inputs": ["q.jsonl.test"]}, "--rollouts: expected all questions"),
    ],
)
def test_rollouts_that_say_nothing_are_refused_before_anything_is_read(
    options: dict[str, Any], told: str, tmp_path: Path
) -> None:
    source = write_rows(tmp_path / "q.jsonl", [SOUND])
    rollouts = Rollouts(**{"inputs": ["r.jsonl"], **options})
    with pytest.raises(RecipeError, match=told):
        tamis.reward_test([str(source)], rollouts=rollouts, common=quiet(limit=1))
    assert names_in(tmp_path) == ["q.jsonl"]


def test_the_command_line_takes_rollouts_and_the_size_of_a_group(tmp_path: Path) -> None:
    write_rows(tmp_path / "q.jsonl", [SOUND])
    write_rows(tmp_path / "r.jsonl", answered("7", "8", "7"))
    command = ("reward", "test", "q.jsonl", "--rollouts", "r.jsonl", "-n", "3")
    done = run_tamis(*command, cwd=tmp_path)
    assert done.returncode == 0
    assert b"groups of 3 with any difference" in done.stdout
    assert b"part accuracy  100% (" in done.stdout
    again = run_tamis(*command, "--format", "json", cwd=tmp_path)
    assert json.loads(again.stdout)["signal"]["group_size"] == 3
