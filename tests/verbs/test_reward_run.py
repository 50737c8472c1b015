"""`reward run`: every rollout is graded by its question or stands in the ledger, whatever happens on the way."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from tests.cli.run_tamis import said
from tests.cli.run_tamis import tamis as run_tamis

import tamis
from tamis.dataset import read_table
from tamis.errors import InputError, RecipeError, RewardError, StoreError
from tamis.llm.scripted import Answers, Script, scripted_server
from tamis.verbs.rewards import GradedBy
from tamis.verbs.rl import Sampling

from .files import names_in, quiet, read_lines, rows_in, table, write_rows
from .test_resume import digest, done_markers, ended, start

RIGHT, WRONG = "The answer is 7.", "The answer is 8."
QUESTIONS = [
    {"id": "a", "question": "What is 3 + 4?", "answer": "#### 7"},
    {"id": "b", "question": "How many?", "answer": "#### several"},
    {"id": "c", "question": "What is 2 + 5?", "answer": "#### 7"},
]
ROLLOUTS: list[dict[str, Any]] = [
    {"question_id": "a", "sample": 0, "completion": RIGHT},
    {"question_id": "a", "sample": 1, "completion": WRONG, "score": {"value": 1.0}},
    {"question_id": "c", "sample": 0, "completion": "\\boxed{7} and \\boxed{8}"},
    {"question_id": "b", "sample": 0, "completion": RIGHT},
    {"question_id": "z", "sample": 0, "completion": RIGHT},
    {"question_id": "z", "sample": 1, "completion": RIGHT, "question": "What is 2 + 5?"},
    {"question_id": "a", "sample": 2, "messages": [{"role": "user", "content": RIGHT}]},
]
DROPPED = {
    "question cannot be graded": 1,
    "question unknown": 1,
    "rollout has no assistant message": 1,
}


@pytest.fixture
def given(tmp_path: Path) -> tuple[Path, Path]:
    return (
        write_rows(tmp_path / "q.jsonl", QUESTIONS),
        write_rows(tmp_path / "r.jsonl", ROLLOUTS),
    )


def graded(given: tuple[Path, Path], output: Path, **options: Any) -> tamis.Result:
    by = options.pop("reward", None)
    common = quiet(output, **options)
    return tamis.reward_run(str(given[0]), [str(given[1])], reward=by, common=common)


def test_every_rollout_is_graded_or_counted_by_its_cause(
    given: tuple[Path, Path], tmp_path: Path
) -> None:
    result = graded(given, tmp_path / "scored")
    assert (result.exit_code, result.dropped_by) == (0, DROPPED)
    assert (result.counts["read"], result.counts["kept"], result.counts["dropped"]) == (7, 4, 3)
    rows = rows_in(result.output)
    assert [(row["question_id"], row["score"]["value"]) for row in rows] == [
        ("q.jsonl:a", 1.0),
        ("q.jsonl:a", 0.0),
        ("q.jsonl:c", 0.0),
        ("q.jsonl:c", 1.0),
    ]
    decisions = {row["id"]: row for row in table(result.run, "ledger/decisions")}
    detail = json.loads(decisions["r.jsonl:4"]["evidence"])["detail"]
    assert detail == "the reference `several` is not a number"


def test_the_account_names_every_number_with_its_n(
    given: tuple[Path, Path], tmp_path: Path
) -> None:
    result = graded(given, tmp_path / "scored")
    told = [" ".join(line.split()) for line in result.lines]
    assert told[:5] == [
        "graded 4 of 7 rollouts",
        "value 0.5 on average (n = 4)",
        "right 2, 50% (95 % interval 15% to 85%, n = 4)",
        "part accuracy 0.5 on average (n = 4)",
        "flag conflicting_answers 1, 25% (95 % interval 4.6% to 70%, n = 4)",
    ]
    for cause in DROPPED:
        assert any(line.startswith("dropped 1") and cause in line for line in told)
    assert result.body["scores"][1]["count"] == 2
    assert "right                     2, 50% (95 % interval 15% to 85%, n = 4)" in (
        result.renderings["md"]()
    )
    page = (tmp_path / "scored/report.html").read_text()
    assert "Grading of r.jsonl" in page
    assert "question unknown" in page


def test_a_file_holds_the_scored_rollouts_in_our_own_format_and_reads_back(
    given: tuple[Path, Path], tmp_path: Path
) -> None:
    graded(given, tmp_path / "scored.jsonl")
    rows = read_lines(tmp_path / "scored.jsonl")
    assert rows[0] == {
        "question_id": "q.jsonl:a",
        "sample": 0,
        "completion": RIGHT,
        "score": {
            "value": 1.0,
            "parts": {"accuracy": 1.0},
            "reason": "the same expression",
            "answer": "7",
            "flags": [],
        },
    }
    again = graded((given[0], tmp_path / "scored.jsonl"), tmp_path / "again.jsonl")
    assert again.counts["dropped"] == 0
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "scored.jsonl").read_bytes()


def test_a_replaced_score_can_be_asked_for(given: tuple[Path, Path], tmp_path: Path) -> None:
    graded(given, tmp_path / "scored.jsonl")
    lines = tamis.why(str(tmp_path / "scored.jsonl"), "r.jsonl:2").lines
    assert any("reward/score" in line and '"value":1.0' in line for line in lines)


def test_draws_of_one_question_are_rows_of_their_own_and_no_repeated_keys(tmp_path: Path) -> None:
    questions = write_rows(tmp_path / "q.jsonl", QUESTIONS[:1])
    draws = [{"question_id": "a", "completion": RIGHT}] * 16
    result = graded((questions, write_rows(tmp_path / "r.jsonl", draws)), tmp_path / "scored")
    assert [row["id"] for row in rows_in(result.output)] == [f"r.jsonl:{n}" for n in range(1, 17)]
    assert table(result.run, "findings") == []


def test_one_reward_for_all_takes_the_place_of_their_own(tmp_path: Path) -> None:
    questions = write_rows(tmp_path / "q.jsonl", QUESTIONS[:1])
    rollouts = write_rows(tmp_path / "r.jsonl", [{"question_id": "a", "completion": "Surely 7"}])
    one = (questions, rollouts)
    [row] = rows_in(graded(one, tmp_path / "plain").output)
    assert row["score"]["value"] == 0.0
    guessing = GradedBy(name="numeric", parameters='{"last_number": true}')
    [row] = rows_in(graded(one, tmp_path / "guessing", reward=guessing).output)
    assert (row["score"]["value"], row["score"]["flags"]) == (1.0, ["last_number"])


def test_questions_without_a_reward_are_a_cause(tmp_path: Path) -> None:
    rows = [{"prompt": [{"role": "user", "content": "q"}], "ground_truth": "7", "id": "a"}]
    questions = write_rows(tmp_path / "q.jsonl", rows)
    rollouts = write_rows(tmp_path / "r.jsonl", ROLLOUTS[:1])
    result = graded((questions, rollouts), tmp_path / "scored")
    assert result.dropped_by == {"question names no reward": 1}
    assert result.exit_code == InputError.exit_code
    assert "no rollout could be graded" in result.lines


def test_data_sets_packed_files_and_several_inputs_give_the_same_scores(
    given: tuple[Path, Path], tmp_path: Path
) -> None:
    plain = rows_in(graded(given, tmp_path / "plain").output)
    tamis.import_([str(given[0])], common=quiet(tmp_path / "q"))
    tamis.import_([str(given[1])], common=quiet(tmp_path / "r"))
    packed = (
        write_rows(tmp_path / "packed/q.jsonl.gz", QUESTIONS),
        write_rows(tmp_path / "packed/r.jsonl.zst", ROLLOUTS),
    )
    pairs = {"sets": (tmp_path / "q", tmp_path / "r"), "packed": packed}
    for name, pair in pairs.items():
        rows = rows_in(graded(pair, tmp_path / f"out-{name}").output)
        assert [row["score"] for row in rows] == [row["score"] for row in plain]
    # a data set of questions is used where it lies
    assert "questions" not in names_in(tmp_path / "out-sets")
    first = write_rows(tmp_path / "r1.jsonl", ROLLOUTS[:3])
    rest = write_rows(tmp_path / "r2.jsonl", ROLLOUTS[3:])
    common = quiet(tmp_path / "several")
    several = tamis.reward_run(str(given[0]), [str(first), str(rest)], common=common)
    assert [row["score"] for row in rows_in(several.output)] == [row["score"] for row in plain]


def test_the_same_command_again_does_nothing_and_other_questions_grade_anew(
    given: tuple[Path, Path], tmp_path: Path
) -> None:
    output = tmp_path / "scored.jsonl"
    assert not graded(given, output).already_finished
    again = graded(given, output)
    assert again.already_finished
    assert again.body["scores"]
    write_rows(given[0], [{**QUESTIONS[0], "answer": "#### 8"}, *QUESTIONS[1:]])
    changed = graded(given, output)
    assert not changed.already_finished
    assert [row["score"]["value"] for row in read_lines(output)] == [0.0, 1.0, 0.0, 1.0]


def test_the_number_of_workers_changes_nothing(given: tuple[Path, Path], tmp_path: Path) -> None:
    many = [{**row, "n": n} for n in range(200) for row in ROLLOUTS]
    write_rows(given[1], many)
    for workers in (1, 3):
        output = tmp_path / f"{workers}.jsonl"
        graded(given, output, workers=workers, shard_bytes=20_000)
    assert (tmp_path / "1.jsonl").read_bytes() == (tmp_path / "3.jsonl").read_bytes()
    told = [table(tmp_path / f"{workers}.jsonl.run", "summaries") for workers in (1, 3)]
    assert told[0] == told[1]


def test_limit_reads_the_first_rollouts_and_all_questions(
    given: tuple[Path, Path], tmp_path: Path
) -> None:
    assert graded(given, tmp_path / "scored", limit=4).counts["read"] == 4


def test_a_dry_run_shows_both_inputs_and_writes_nothing(
    given: tuple[Path, Path], tmp_path: Path
) -> None:
    result = graded(given, tmp_path / "scored", dry_run=True)
    told = "\n".join(result.lines)
    assert "q.jsonl: gsm8k" in told
    assert "r.jsonl: rollouts" in told
    assert names_in(tmp_path) == ["q.jsonl", "r.jsonl"]


def test_a_recipe_over_a_data_set_of_questions_grades_the_same(
    given: tuple[Path, Path], tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match="make one with tamis import"):
        graded(given, tmp_path / "x", recipe_out="-")
    tamis.import_([str(given[0])], common=quiet(tmp_path / "q"))
    pair = (tmp_path / "q", given[1])
    graded(pair, tmp_path / "scored.jsonl")
    common = quiet(recipe_out=str(tmp_path / "r.yaml"))
    tamis.reward_run(str(pair[0]), [str(pair[1])], common=common)
    tamis.run(str(tmp_path / "r.yaml"), common=quiet(tmp_path / "recipe.jsonl"))
    assert digest(tmp_path / "recipe.jsonl") == digest(tmp_path / "scored.jsonl")


@pytest.mark.parametrize("as_sets", [False, True])
def test_swapped_inputs_are_said_to_be_swapped(
    given: tuple[Path, Path], tmp_path: Path, as_sets: bool
) -> None:
    pair = given
    if as_sets:
        for one in given:
            tamis.import_([str(one)], common=quiet(tmp_path / one.stem))
        pair = (tmp_path / "q", tmp_path / "r")
    with pytest.raises(InputError, match=r"expected questions, got rollouts; .* questions first"):
        graded((pair[1], pair[0]), tmp_path / "scored")
    with pytest.raises(InputError, match="expected rollouts, got questions"):
        graded((pair[0], pair[0]), tmp_path / "scored")
    assert not (tmp_path / "scored").exists()


def test_what_cannot_start_leaves_nothing_behind(given: tuple[Path, Path], tmp_path: Path) -> None:
    before = names_in(tmp_path)
    empty = tmp_path / "empty"
    empty.touch()
    broken = [
        (InputError, (given[0], tmp_path / "missing.jsonl"), {}),
        (InputError, (tmp_path / "missing.jsonl", given[1]), {}),
        (InputError, (given[0], empty), {}),
        (RewardError, given, {"reward": GradedBy(name="numerik")}),
        (RewardError, given, {"reward": GradedBy(name="numeric", parameters='{"x": 1}')}),
        (RecipeError, given, {"reward": GradedBy(parameters="{}")}),
        (RecipeError, given, {"limit": 0}),
        (RecipeError, given, {"as_format": "rolouts"}),
    ]
    for error, pair, options in broken:
        for output in ("scored", "scored.jsonl"):
            with pytest.raises(error):
                graded(pair, tmp_path / output, **options)
    empty.unlink()
    assert names_in(tmp_path) == before


def test_an_output_that_is_an_input_or_not_ours_is_left_alone(
    given: tuple[Path, Path], tmp_path: Path
) -> None:
    other = write_rows(tmp_path / "other.jsonl", QUESTIONS)
    before = {path: path.read_bytes() for path in (*given, other)}
    for output in before:
        with pytest.raises(StoreError, match=r"is also an input|was not made by Tamis"):
            graded(given, output)
    assert {path: path.read_bytes() for path in before} == before
    assert names_in(tmp_path) == ["other.jsonl", "q.jsonl", "r.jsonl"]


def test_every_rollout_of_gsm8k_finds_its_question_by_its_text(
    real_data: Path, tmp_path: Path
) -> None:
    pair = (real_data / "gsm8k_test.jsonl.gz", real_data / "gsm8k_rollouts.jsonl.gz")
    result = graded(pair, tmp_path / "scored", workers=2)
    assert (result.counts["read"], result.counts["kept"]) == (5276, 5276)
    changes = table(result.run, "ledger/changes")
    verdicts = [
        (json.loads(change["before"])["value"], json.loads(change["after"])["value"])
        for change in changes
        if change["rule"] == "reward/score"
    ]
    assert len(verdicts) == 5276
    # the published verdicts and ours; those that differ have no answer, or two
    assert sum(before != after for before, after in verdicts) <= 20


def test_the_command_line_says_one_line_and_a_code_for_each_mishap(
    given: tuple[Path, Path], tmp_path: Path
) -> None:
    cases = [
        (("reward", "run", "r.jsonl", "q.jsonl", "-o", "x"), 3, "expected questions, got rollouts"),
        (("reward", "run", "q.jsonl", "no.jsonl", "-o", "x"), 3, "no.jsonl: expected a file"),
        (("reward", "run", "q.jsonl", "r.jsonl"), 2, "give an output folder or file with -o"),
        (
            ("reward", "run", "q.jsonl", "r.jsonl", "-o", "x", "--reward", "cod"),
            2,
            "unknown reward",
        ),
        (("reward", "run", "q.jsonl", "r.jsonl", "-o", "x.csv"), 2, "expected a folder or a file"),
    ]
    for command, code, words in cases:
        done = run_tamis(*command, cwd=tmp_path)
        assert done.returncode == code, done
        assert words in said(done)
        assert len(said(done).splitlines()) == 1
    done = run_tamis(
        "reward", "run", "q.jsonl", "r.jsonl", "-o", "x", "--format", "json", cwd=tmp_path
    )
    envelope = json.loads(done.stdout)
    assert (done.returncode, envelope["command"], envelope["dropped_by"]) == (
        0,
        "reward run",
        DROPPED,
    )
    assert [row["what"] for row in envelope["scores"]] == ["value", "accuracy", "part", "flag"]
    assert said(done) == ""


N_QUESTIONS, N_DRAWS, N_KILLS = 400, 60, 3


def many(folder: Path) -> None:
    """Questions, and for each some rollouts: right ones, wrong ones and ungradable ones."""
    questions = [
        {"id": f"k{n}", "question": f"What is {n} + 1?", "answer": f"#### {n + 1}"}
        for n in range(N_QUESTIONS)
    ]
    write_rows(folder / "q.jsonl", questions)
    rows = [
        {
            "question_id": f"k{n}" if (n + draw) % 7 else "nobody",
            "sample": draw,
            "completion": f"I add one and think about it. The answer is {n + draw % 3}.",
            "own": n,
        }
        for n in range(N_QUESTIONS)
        for draw in range(N_DRAWS)
    ]
    write_rows(folder / "r.jsonl", rows)


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_undisturbed_output(tmp_path: Path) -> None:
    many(tmp_path)
    command = ("reward", "run", "q.jsonl", "r.jsonl", "-o")
    began = time.monotonic()
    assert run_tamis(*command, "whole.jsonl", cwd=tmp_path).returncode == 0
    seconds = time.monotonic() - began
    undisturbed = digest(tmp_path / "whole.jsonl")
    output, run = tmp_path / "killed.jsonl", tmp_path / "killed.jsonl.run"
    draws = random.Random(0)
    n_killed = 0
    while n_killed < N_KILLS:
        process = start(*command, "killed.jsonl", cwd=tmp_path)
        try:
            process.communicate(timeout=seconds * draws.uniform(0.1, 0.95))
        except subprocess.TimeoutExpired:
            code, _ = ended(process, signal.SIGKILL)
            n_killed += code == -signal.SIGKILL
        assert digest(output) in (None, undisturbed)
        if output.exists():
            output.unlink()
            shutil.rmtree(run)
    assert run_tamis(*command, "killed.jsonl", cwd=tmp_path).returncode == 0
    assert digest(output) == undisturbed
    n_rows = {}
    for name in ("decisions", "changes", "rows"):
        whole, killed = (
            read_table(tmp_path / f"{one}.jsonl.run/ledger/{name}/00000.arrow")
            for one in ("whole", "killed")
        )
        assert killed.equals(whole)
        n_rows[name] = killed.num_rows
    drawn = [(row["own"], row["sample"]) for row in read_lines(output)]
    assert len(drawn) == len(set(drawn))
    assert len(drawn) + n_rows["decisions"] == n_rows["rows"] == N_QUESTIONS * N_DRAWS


def test_an_interrupted_run_ends_with_130_and_the_same_command_goes_on(tmp_path: Path) -> None:
    many(tmp_path)
    command = ("reward", "run", "q.jsonl", "r.jsonl", "-o", "scored", "--workers", "2")
    process = start(*command, cwd=tmp_path)
    run = tmp_path / "scored"
    while process.poll() is None and not done_markers(run):
        os.sched_yield()
    code, stderr = ended(process, signal.SIGINT)
    if code == 0:
        pytest.skip("it was quicker than we were")
    assert (code, len(stderr.splitlines())) == (130, 1)
    assert "run the same command again to continue" in stderr
    assert not (run / "manifest.json").exists()
    done = run_tamis(*command, "--format", "json", cwd=tmp_path)
    counts = json.loads(done.stdout)["counts"]
    assert counts["read"] == N_QUESTIONS * N_DRAWS == counts["kept"] + counts["dropped"]
    assert len({(row["question_id"], row["sample"]) for row in rows_in(run)}) == counts["kept"]


ADD = {
    "task_id": "T/add",
    "prompt": 'def add(a, b):\n    """The sum of both."""\n',
    "entry_point": "add",
    "canonical_solution": "    return a + b\n",
    "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n    assert candidate(-1, 1) == 0\n",
}
ANSWERS = {
    "right": ("def add(a, b):\n    return a + b\n", 1.0),
    "half": ("def add(a, b):\n    return 0\n", 0.5),
    "exit": ("import os\nos._exit(0)\n", 0.0),
    "loop": ("def add(a, b):\n    while True:\n        pass\n", 0.0),
}


def code_rollouts(folder: Path, *names: str) -> tuple[Path, Path]:
    rows = [
        {"question_id": "T/add", "model": name, "completion": f"```python\n{ANSWERS[name][0]}```\n"}
        for name in names
    ]
    return write_rows(folder / "q.jsonl", [ADD]), write_rows(folder / "r.jsonl", rows)


def test_code_is_run_and_judged_apart(tmp_path: Path) -> None:
    names = ("right", "half", "exit") * 7
    given = code_rollouts(tmp_path, *names)
    result = graded(given, tmp_path / "scored", workers=2, shard_bytes=600)
    found = [(row["model"], row["score"]["value"]) for row in rows_in(result.output)]
    assert found == [(name, ANSWERS[name][1]) for name in names]
    flags = {row["name"]: row["count"] for row in result.body["scores"] if row["what"] == "flag"}
    [tier] = [name for name in flags if name.startswith("tier:")]
    assert flags[tier] == 21
    alone = graded(given, tmp_path / "alone", workers=1)
    assert [row["score"] for row in rows_in(alone.output)] == [
        row["score"] for row in rows_in(result.output)
    ]


def test_a_data_set_of_one_shard_is_graded_by_several_workers(tmp_path: Path) -> None:
    given = code_rollouts(tmp_path, *("right", "half") * 20)
    tamis.import_([str(given[1])], common=quiet(tmp_path / "r"))
    cut = graded((given[0], tmp_path / "r"), tmp_path / "cut", workers=2, shard_bytes=1000)
    whole = graded((given[0], tmp_path / "r"), tmp_path / "whole", workers=1)
    assert rows_in(cut.output) == rows_in(whole.output)
    assert len(names_in(tmp_path / "cut/data")) > 5
    first = graded((given[0], tmp_path / "r"), tmp_path / "few", limit=11, shard_bytes=1000)
    assert rows_in(first.output) == rows_in(whole.output)[:11]


def test_ctrl_c_ends_a_run_at_once_while_its_code_loops_forever(tmp_path: Path) -> None:
    code_rollouts(tmp_path, *["loop"] * 200)
    parameters = ("--reward", "code", "--parameters", '{"time_limit_s": 120}')
    for workers in ("1", "2"):
        command = ("reward", "run", "q.jsonl", "r.jsonl", "-o", f"out{workers}", *parameters)
        process = start(*command, "--workers", workers, cwd=tmp_path)
        passes = tmp_path / f"out{workers}" / "passes"
        while process.poll() is None and not list(passes.glob("*/ledger/rows/.*")):
            os.sched_yield()
        began = time.monotonic()
        code, stderr = ended(process, signal.SIGINT)
        assert (code, len(stderr.splitlines())) == (130, 1), stderr
        assert time.monotonic() - began < 60


def test_the_answers_of_a_calibration_are_graded_anew_without_asking_again(
    given: tuple[Path, Path], tmp_path: Path
) -> None:
    script = Script(replies=(Answers(answers=["Surely 7", WRONG]),))
    with scripted_server(script) as server:
        sampling = Sampling(n=4, base_url=server.url, model="m")
        tamis.calibrate(
            [str(given[0])], sampling=sampling, band="0:1", common=quiet(tmp_path / "rl")
        )
    pair = (given[0], tmp_path / "rl")
    strict = graded(pair, tmp_path / "strict")
    assert (strict.counts["read"], strict.body["scores"][0]["mean"]) == (8, 0.0)
    guessing = GradedBy(name="numeric", parameters='{"last_number": true}')
    lenient = graded(pair, tmp_path / "lenient.jsonl", reward=guessing)
    assert lenient.body["scores"][0]["mean"] == 0.5
    assert len(read_lines(tmp_path / "lenient.jsonl")) == 8


def test_questions_that_could_not_be_read_are_told(
    given: tuple[Path, Path], tmp_path: Path
) -> None:
    with given[0].open("a") as file:
        file.write('{"question": \n')
    result = graded(given, tmp_path / "scored")
    told = "1 of 4 questions could not be read; the ledger in "
    assert any(line.startswith(told) for line in result.lines)
    assert (result.body["questions"]["questions"], result.body["questions"]["unreadable"]) == (3, 1)
