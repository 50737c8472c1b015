"""What once went wrong in other hands: wrong words, lost files, two runs at once, code that changed."""

from __future__ import annotations

import fcntl
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.cli.run_tamis import COMMAND, said
from tests.cli.run_tamis import tamis as run_tamis

import tamis
from tamis.errors import InputError, RecipeError, SchemaError, StoreError

from .files import Row, quiet, talk, write_rows

ROWS = [talk(f"What is {n} and {n}?", f"It is {2 * n}, as everyone knows.") for n in range(30)]


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "raw.jsonl", ROWS)


@pytest.mark.parametrize("gate", ["think-tags/unpared:0", "think_tags:0", "nosuch/rule:0.5"])
def test_a_gate_on_no_rule_is_refused(gate: str, raw: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="is no rule"):
        tamis.check([str(raw)], gate=[gate], common=quiet(tmp_path / "c"))


def test_a_gate_on_a_check_that_is_left_out_is_refused(raw: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="is no rule"):
        tamis.check(
            [str(raw)],
            checks=["role_order"],
            gate=["think-tags/unpaired:0"],
            common=quiet(tmp_path / "c"),
        )


def test_a_rate_is_over_the_rows_that_were_looked_at(tmp_path: Path) -> None:
    rows = [*ROWS, *[talk("Long question " * 20, "<think>So it goes.") for _ in range(3)]]
    raw = write_rows(tmp_path / "raw.jsonl", rows)
    common = quiet(tmp_path / "c", where="chars > 200")
    result = tamis.check([str(raw)], gate=["think-tags/unpaired:0.5"], common=common)
    assert (result.counts["kept"], result.exit_code) == (3, 1)


def test_a_check_that_could_read_nothing_does_not_pass(raw: Path, tmp_path: Path) -> None:
    result = tamis.check([str(raw)], common=quiet(tmp_path / "c", as_format="sharegpt"))
    assert (result.counts["parsed"], result.exit_code) == (0, 3)


@pytest.mark.parametrize("lost", ["data/00000.arrow", "ledger/rows/00000.arrow", "findings"])
def test_a_run_whose_files_are_gone_is_run_again(lost: str, raw: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    before = tamis.fix([str(raw)], common=quiet(out))
    assert tamis.fix([str(raw)], common=quiet(out)).already_finished
    gone = out / lost
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    again = tamis.fix([str(raw)], common=quiet(out))
    assert not again.already_finished and again.counts == before.counts and gone.exists()


def test_an_output_that_was_cut_is_written_again(raw: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    tamis.dedup([str(raw)], common=quiet(out))
    whole = out.read_bytes()
    out.write_bytes(whole[:100])
    assert not tamis.dedup([str(raw)], common=quiet(out)).already_finished
    assert out.read_bytes() == whole


def test_a_folder_that_another_run_writes_to_is_refused(raw: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    tamis.import_([str(raw)], common=quiet(out))
    handle = os.open(out / ".lock", os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(StoreError, match="another run is writing there"):
            tamis.import_([str(raw)], common=quiet(out))
    finally:
        os.close(handle)
    assert tamis.import_([str(raw)], common=quiet(out)).already_finished


def function_file(folder: Path, body: str) -> str:
    (folder / "own_words.py").write_text(f"def count(conversation):\n    return {body}\n")
    sys.modules.pop("own_words", None)
    importlib.invalidate_caches()
    from tamis.measures.plain import load_function

    load_function.cache_clear()
    return "own_words:count"


def recipe_with(folder: Path, raw: Path, column: str, kind: str, name: str) -> str:
    step = {"tamis.measures.plain:PerConversation": {"function": name, "columns": [[column, kind]]}}
    recipe = {"version": 1, "inputs": [str(raw)], "steps": [step]}
    (folder / "own.yaml").write_text(json.dumps(recipe))
    return str(folder / "own.yaml")


def test_a_function_that_was_edited_is_run_again(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    for answer in (1, 22):
        name = function_file(tmp_path, str(answer))
        recipe = recipe_with(tmp_path, raw, "own", "int64", name)
        out = tamis.run(recipe, common=quiet(tmp_path / "out", workers=1)).output
        assert set(tamis.open_dataset(Path(str(out))).table(["own"])["own"].to_pylist()) == {answer}


@pytest.mark.parametrize(("column", "kind"), [("length", "int64"), ("id", "string")])
def test_a_measure_may_not_overwrite_what_a_row_is(
    column: str, kind: str, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    name = function_file(tmp_path, "None")
    recipe = recipe_with(tmp_path, raw, column, kind, name)
    with pytest.raises(
        SchemaError, match=f"adds `{column}`, which rows of kind conversations have"
    ):
        tamis.run(recipe, common=quiet(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_parquet_keeps_keys_that_the_first_row_lacks(tmp_path: Path) -> None:
    rows: list[Row] = [ROWS[0], {**ROWS[1], "id": "b", "score": 3}]
    raw = write_rows(tmp_path / "raw.jsonl", rows)
    tamis.export([str(raw)], common=quiet(tmp_path / "out.parquet"))
    table = pq.read_table(tmp_path / "out.parquet")
    assert (table["id"].to_pylist(), table["score"].to_pylist()) == ([None, "b"], [None, 3])


@pytest.mark.parametrize("value", [2**70, {}])
def test_parquet_says_what_it_cannot_hold(value: object, tmp_path: Path) -> None:
    raw = write_rows(tmp_path / "raw.jsonl", [{**ROWS[0], "odd": value}])
    with pytest.raises(InputError, match="parquet: "):
        tamis.export([str(raw)], common=quiet(tmp_path / "out.parquet"))
    assert not (tmp_path / "out.parquet").exists()


def test_run_folders_are_no_input_of_the_folder_they_lie_in(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    write_rows(raw / "a.jsonl", ROWS)
    tamis.check([str(raw / "a.jsonl")], gate=["none"], common=quiet(None))
    for _ in range(2):
        result = tamis.dedup([str(raw)], common=quiet(raw / "u.jsonl"))
        assert result.counts["read"] == len(ROWS)
    assert tamis.import_([str(raw)], common=quiet(tmp_path / "d")).counts["read"] == len(ROWS)


def test_a_folder_with_a_run_json_of_its_own_is_read(tmp_path: Path) -> None:
    for name in ("run.json", "manifest.json"):
        (tmp_path / "raw" / "mine").mkdir(parents=True, exist_ok=True)
        (tmp_path / "raw" / "mine" / name).write_text(json.dumps([ROWS[0]]))
    write_rows(tmp_path / "raw" / "mine" / "a.jsonl", ROWS)
    result = tamis.import_([str(tmp_path / "raw")], common=quiet(tmp_path / "d"))
    assert result.counts["read"] == len(ROWS) + 2


def test_why_answers_wherever_one_stands_and_after_a_move(raw: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    shutil.move(raw, home / "raw.jsonl")
    run_tamis("import", "raw.jsonl", "-o", "v0", cwd=home)
    run_tamis("dedup", "v0", "-o", "v1", cwd=home)
    for folder, name in ((home, "v1"), (tmp_path, "home/v1")):
        assert b"came from" in run_tamis("why", name, "raw.jsonl:3", cwd=folder).stdout
    shutil.move(home, tmp_path / "moved")
    assert b"came from" in run_tamis("why", "moved/v1", "raw.jsonl:3", cwd=tmp_path).stdout


def test_a_limit_counts_lines_whatever_the_cuts(tmp_path: Path) -> None:
    raw = tmp_path / "raw.jsonl"
    raw.write_bytes(b"".join(json.dumps(row).encode() + b"\n\n" for row in ROWS))
    read = []
    for shard_bytes in (1000, 16 << 20):
        common = quiet(tmp_path / f"d{shard_bytes}", limit=20, shard_bytes=shard_bytes)
        read.append(tamis.import_([str(raw)], common=common).counts["read"])
    assert read == [10, 10]


def test_other_files_are_not_overwritten(raw: Path, tmp_path: Path) -> None:
    before = raw.read_bytes()
    with pytest.raises(StoreError, match="is not a recipe"):
        tamis.check([str(raw)], common=quiet(None, recipe_out=str(raw)))
    tamis.import_([str(raw)], common=quiet(tmp_path / "v"))
    shutil.copy(raw, tmp_path / "train.json")
    with pytest.raises(StoreError, match="is not a report"):
        tamis.report([str(tmp_path / "v")], common=quiet(tmp_path / "train.html"))
    assert raw.read_bytes() == (tmp_path / "train.json").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("fix", "raw.jsonl", "-o", "u.csv"), "u.csv"),
        (("fix", "raw.jsonl", "-o", "d", "--to", "sharegpt"), "data set folder"),
        (("fix", "raw.jsonl", "-o", "o.jsonl", "--to", "openay"), "did you mean `openai`?"),
        (("fix", "raw.jsonl", "-o", "o.jsonl", "--as", "openay"), "did you mean `openai`?"),
        (("fix", "raw.jsonl", "-o", "o.jsonl", "--workers", "-1"), "--workers -1"),
        (
            ("select", "raw.jsonl", "-n", "3", "-o", "o.jsonl", "--by", "language"),
            "expected a number",
        ),
        (("fix", "raw.jsonl", "-o", "o", "--where", "nosuch > 3"), "names no known column"),
    ],
)
def test_a_wrong_option_is_one_line_and_leaves_nothing(
    arguments: tuple[str, ...], word: str, raw: Path, tmp_path: Path
) -> None:
    done = run_tamis(*arguments, cwd=tmp_path)
    assert (done.returncode, word in said(done)) == (2, True), said(done)
    assert len(said(done).splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == [raw.name]


def test_nothing_to_choose_from_is_a_result(raw: Path, tmp_path: Path) -> None:
    common = quiet(tmp_path / "out.jsonl", where="chars > 1000000")
    result = tamis.select([str(raw)], n=3, common=common)
    assert (result.counts["kept"], result.counts["dropped"]) == (0, len(ROWS))


def test_a_step_named_twice_counts_its_own_rows(raw: Path, tmp_path: Path) -> None:
    common = quiet(tmp_path / "c", where="turns > 0")
    steps = tamis.check([str(raw)], common=common).body["steps"]
    assert {step["rows_in"] for step in steps} == {len(ROWS)}


def test_a_seed_of_zero_wins_over_the_recipe(raw: Path, tmp_path: Path) -> None:
    recipe = {"version": 1, "inputs": [str(raw)], "steps": ["lengths"], "seed": 7}
    (tmp_path / "r.yaml").write_text(json.dumps(recipe))
    for seed, used in ((None, 7), (0, 0)):
        common = quiet(tmp_path / f"d{used}", seed=seed)
        run = tamis.run(str(tmp_path / "r.yaml"), common=common).run
        assert json.loads((Path(str(run)) / "manifest.json").read_text())["seed"] == used


def test_a_pipe_is_read_like_standard_input(raw: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cp", str(raw), str(pipe)]):
        done = run_tamis("import", "pipe", "-o", "out", "--format", "json", cwd=tmp_path)
    assert json.loads(done.stdout)["counts"]["parsed"] == len(ROWS)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_stops_at_once_and_says_how_to_go_on(workers: str, tmp_path: Path) -> None:
    (tmp_path / "slow_words.py").write_text(
        "import time\n\n\ndef wait(conversation):\n    time.sleep(0.02)\n    return 1\n"
    )
    for name in ("a", "b"):
        write_rows(tmp_path / f"{name}.jsonl", ROWS * 40)
    step = {
        "tamis.measures.plain:PerConversation": {
            "function": "slow_words:wait",
            "columns": [["w", "int64"]],
        }
    }
    recipe = {"version": 1, "inputs": ["a.jsonl", "b.jsonl"], "steps": [step]}
    (tmp_path / "r.yaml").write_text(json.dumps(recipe))
    command = [*COMMAND, "run", "r.yaml", "-o", "out", "--workers", workers]
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=tmp_path, stdout=pipe, stderr=pipe, env=env) as process:
        while not (tmp_path / "out" / "passes").exists():
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        _, stderr = process.communicate(timeout=60)
        assert time.monotonic() - began < 5
    assert process.returncode == 130
    told = [line for line in stderr.decode().splitlines() if "pass 1" not in line]
    assert told == ["tamis: interrupted; run the same command again to continue"]


def test_a_recipe_keeps_the_kind_that_was_asked_for(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    write_rows(raw / "a.jsonl", ROWS)
    write_rows(raw / "q.jsonl", [{"question": "What is 3 + 4?", "answer": "#### 7"}] * 4)
    recipe = str(tmp_path / "i.yaml")
    tamis.import_([str(raw)], to="questions", common=quiet(tmp_path / "d", recipe_out=recipe))
    assert tamis.run(recipe, common=quiet(tmp_path / "d")).counts["parsed"] == 4


def test_an_import_names_the_formats_and_what_it_left_aside(tmp_path: Path) -> None:
    write_rows(tmp_path / "raw" / "a.jsonl", ROWS)
    write_rows(tmp_path / "raw" / "q.jsonl", [{"question": "What is 3 + 4?", "answer": "#### 7"}])
    done = run_tamis("import", "raw", "--to", "conversations", "-o", "d", cwd=tmp_path)
    told = done.stdout.decode().splitlines()
    assert ["a.jsonl", "conversations", "openai", str(len(ROWS)), "-"] in map(str.split, told)
    assert "set aside q.jsonl: it holds questions (gsm8k)" in told


def test_an_error_of_ones_own_function_names_its_line(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    name = function_file(tmp_path, "1 // 0")
    recipe = recipe_with(tmp_path, raw, "own", "int64", name)
    with pytest.raises(SchemaError, match=r"ZeroDivisionError.*own_words\.py:2 \(count\)"):
        tamis.run(recipe, common=quiet(tmp_path / "out"))


def test_texts_of_rows_do_not_steer_the_terminal(tmp_path: Path) -> None:
    write_rows(tmp_path / "raw.jsonl", [talk("Hi?", "<think>\x1b[2J", id="a\x1b[31m\nb")])
    done = run_tamis("check", "raw.jsonl", cwd=tmp_path)
    assert b"\x1b" not in done.stdout
    [line] = [line for line in done.stdout.splitlines() if b"[think-tags/unpaired]" in line]
    assert line.startswith(b"error")


def test_a_run_killed_while_it_unpacked_can_go_on(tmp_path: Path) -> None:
    write_rows(tmp_path / "raw.jsonl.gz", ROWS)
    (tmp_path / "out" / "staged").mkdir(parents=True)
    (tmp_path / "out" / "run.json").write_text('{"fingerprint":""}')
    (tmp_path / "out" / "staged" / ".part-x").write_bytes(b"half")
    result = tamis.import_([str(tmp_path / "raw.jsonl.gz")], common=quiet(tmp_path / "out"))
    assert result.counts["parsed"] == len(ROWS)


def test_a_condition_of_chance_is_refused(raw: Path, tmp_path: Path) -> None:
    common = quiet(tmp_path / "d", where="random() > 0.5 and chars > 0")
    with pytest.raises(RecipeError, match="differs from run to run"):
        tamis.fix([str(raw)], common=common)


def test_a_key_that_stands_twice_in_a_recipe_is_a_mistake(raw: Path, tmp_path: Path) -> None:
    steps = "steps:\n  - keep: {column: chars, at_least: 1, at_least: 2}\n"
    text = f"version: 1\ninputs: [{raw}]\nseed: 1\nseed: 2\n{steps}"
    (tmp_path / "r.yaml").write_text(text)
    with pytest.raises(RecipeError) as refused:
        tamis.run(str(tmp_path / "r.yaml"), common=quiet(tmp_path / "d"))
    assert "$.seed: given twice" in str(refused.value)
    assert "$.at_least: given twice" in str(refused.value)


def test_a_file_whose_name_is_no_text_is_refused_in_one_line(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/\xff.jsonl"
    with open(name, "wb") as file:
        file.write(json.dumps(ROWS[0]).encode())
    with pytest.raises(InputError, match="expected a file name in UTF-8"):
        tamis.import_([str(tmp_path)], common=quiet(tmp_path / "d"))


def test_bounds_that_nothing_can_meet_are_refused(raw: Path, tmp_path: Path) -> None:
    for bounds in ({"at_least": 9, "at_most": 1}, {"at_least": float("nan")}):
        recipe = {
            "version": 1,
            "inputs": [str(raw)],
            "steps": ["lengths", {"keep": {"column": "chars", **bounds}}],
        }
        (tmp_path / "r.yaml").write_text(json.dumps(recipe).replace("NaN", ".nan"))
        with pytest.raises(RecipeError, match=r"at_most|nan"):
            tamis.run(str(tmp_path / "r.yaml"), common=quiet(tmp_path / "d"))


def test_a_damaged_shard_is_named_in_one_line(raw: Path, tmp_path: Path) -> None:
    tamis.import_([str(raw)], common=quiet(tmp_path / "d"))
    shard = tmp_path / "d" / "data" / "00000.arrow"
    shard.write_bytes(shard.read_bytes()[:200])
    for command in (("check", "d"), ("show", "d"), ("export", "d", "-o", "o.jsonl")):
        done = run_tamis(*command, cwd=tmp_path)
        assert (done.returncode, len(said(done).splitlines())) == (3, 1), said(done)
        assert "00000.arrow: expected an Arrow shard" in said(done)


def test_what_a_killed_run_left_beside_its_output_goes(raw: Path, tmp_path: Path) -> None:
    (tmp_path / ".out.jsonl.part-abc").write_bytes(b"half")
    tamis.export([str(raw)], common=quiet(tmp_path / "out.jsonl"))
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        "out.jsonl",
        "raw.jsonl",
    ]


def test_rows_of_a_windows_file_make_a_clean_array(tmp_path: Path) -> None:
    (tmp_path / "raw.jsonl").write_bytes(
        b"".join(json.dumps(row).encode() + b"\r\n" for row in ROWS[:2])
    )
    tamis.export([str(tmp_path / "raw.jsonl")], common=quiet(tmp_path / "out.json"))
    assert b"\r" not in (tmp_path / "out.json").read_bytes()
    assert json.loads((tmp_path / "out.json").read_text()) == ROWS[:2]


def test_a_report_is_a_page_or_goes_into_a_folder(raw: Path, tmp_path: Path) -> None:
    run = str(tamis.dedup([str(raw)], common=quiet(tmp_path / "u.jsonl")).run)
    assert tamis.report([run], common=quiet(None)).output == f"{run}/report.html"
    assert tamis.report([run], common=quiet(tmp_path / "v1.2")).output == str(
        tmp_path / "v1.2/report.html"
    )
    for name in ("u.jsonl", "new.json"):
        with pytest.raises(StoreError, match="a page ending in"):
            tamis.report([run], common=quiet(tmp_path / name))


def test_a_function_that_is_not_there_is_a_mistake_of_the_recipe(raw: Path, tmp_path: Path) -> None:
    recipe = recipe_with(tmp_path, raw, "own", "int64", "no_such_words:count")
    with pytest.raises(RecipeError, match="function `no_such_words:count`: cannot be imported"):
        tamis.run(recipe, common=quiet(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
