"""`export --for TRAINER`: whole folders, nothing lost without a word, and rows refused by name."""

from __future__ import annotations

import contextlib
import json
import stat
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.cli.run_tamis import tamis as run_tamis

import tamis
from tamis.errors import InputError, RecipeError, StoreError
from tamis.export.targets import TARGETS, get_target
from tamis.recipe import Outputs

from .files import FORMATS, names_in, quiet, talk, write_rows

TOKENIZER = Path(__file__).parents[1] / "data" / "chat_tokenizer"
SOURCES = {
    "conversations": [talk(f"Question {i}?", f"Answer {i}.", id=f"k{i}", note=i) for i in range(3)],
    "preferences": [{**FORMATS["trl_preference"], "id": f"p{i}"} for i in range(3)],
    "questions": [{**FORMATS["gsm8k"], "id": f"g{i}"} for i in range(3)],
}
PAIRS = [(name, kind) for name in TARGETS for kind in get_target(name).shapes]
CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1.10}'}}
CALLING = {
    "id": "call",
    "messages": [
        {"role": "user", "content": "Add."},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "1.1"},
        {"role": "assistant", "content": "It is 1.1.", "reasoning_content": "Easy."},
    ],
    "tools": [{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}],
}


def hand_over(rows: list[dict[str, Any]], folder: Path, **said_: Any) -> Any:
    source = folder.parent / "rows.jsonl"
    write_rows(source, rows)
    return tamis.export([str(source)], handover=Outputs(**said_), common=quiet(folder))


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a trainer's file as its loader sees them."""
    return pq.read_table(path).to_pylist() if path.suffix == ".parquet" else lines_of(path)


def values_in(value: Any) -> list[Any]:
    """Every value inside a value, those of JSON texts too."""
    found = [value]
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        with contextlib.suppress(json.JSONDecodeError):
            found += values_in(json.loads(value))
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            found += values_in(inner)
    return found


def strings_in(value: Any) -> list[str]:
    return [one for one in values_in(value) if isinstance(one, str)]


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_every_trainer_gets_a_whole_folder(name: str, kind: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = hand_over(SOURCES[kind], out, target=name, tokenizer=str(TOKENIZER))
    assert result.exit_code == 0
    handed = result.body["handed"]
    assert handed["n_rows"] == 3
    assert handed["verified"]["replayed"]["verdicts"] == {"accepted": 3}
    shape = get_target(name).shapes[kind]  # type: ignore[index]
    assert (out / shape.file).is_file()
    assert [row["row"] for row in lines_of(out / "rows.jsonl")] == [0, 1, 2]
    card, page = (out / "README.md").read_text(), (out / "VERIFY.md").read_text()
    assert "3 " + kind in card
    assert "rows.jsonl | " in card
    assert "| accepted | 3 |" in page
    assert "{{" not in card + page
    more = set(names_in(out)) - {"README.md", "VERIFY.md", "rows.jsonl", shape.file.split("/")[0]}
    assert more, "a trainer's folder holds its config or script"


@pytest.mark.parametrize("kind", sorted(SOURCES))
def test_a_trainer_that_does_not_train_on_a_kind_is_refused(kind: str, tmp_path: Path) -> None:
    without = [name for name in TARGETS if kind not in get_target(name).shapes]
    for name in without:
        with pytest.raises(InputError, match=f"{name} does not train on {kind}; it takes"):
            hand_over(SOURCES[kind], tmp_path / "out", target=name)
        assert "out" not in names_in(tmp_path)


def test_the_author_s_own_keys_stand_in_the_list_of_rows(tmp_path: Path) -> None:
    result = hand_over(SOURCES["conversations"], tmp_path / "out", target="trl")
    rows = lines_of(tmp_path / "out" / "rows.jsonl")
    assert rows[1] == {
        "row": 1,
        "id": "rows.jsonl:k1",
        "own_keys": {"meta": {"id": "k1", "note": 1}},
    }
    assert result.body["handed"]["own_keys"] == {"meta.id": 3, "meta.note": 3}
    assert "`meta.note` (3 rows)" in (tmp_path / "out" / "README.md").read_text()
    columns = pq.read_table(tmp_path / "out" / "train.parquet").column_names
    assert columns == ["messages", "tools"]


def test_rows_a_trainer_cannot_hold_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        hand_over([*SOURCES["conversations"], CALLING], tmp_path / "out", target="openrlhf")
    told = str(refused.value)
    assert refused.value.exit_code == 3
    assert told.startswith("openrlhf cannot hold 1 of 4 rows; the first: rows.jsonl:call tools: ")
    assert told.count("expected none, got some") == 1
    assert "\n" not in told
    assert "out" not in names_in(tmp_path)


def test_asked_for_by_name_they_are_flattened_and_each_is_listed(tmp_path: Path) -> None:
    out = tmp_path / "out"
    rows = [*SOURCES["conversations"], CALLING]
    result = hand_over(rows, out, target="openrlhf", flatten=["tools", "reasoning"])
    # its template is handed the reasoning: that way is not needed
    assert result.body["handed"]["flattened"] == {"tools": 1}
    listed = lines_of(out / "flattened.jsonl")
    assert {(one["row"], one["id"]) for one in listed} == {(3, "rows.jsonl:call")}
    assert [(one["way"], one["path"]) for one in listed] == [
        ("tools", "messages[1]"),
        ("tools", "messages[2]"),
        ("tools", "tools"),
    ]
    written = (read_rows(out / get_target("openrlhf").shapes["conversations"].file))[3]
    said_ = "\n".join(strings_in(written))
    for piece in ("<tools>", '"arguments": {"a": 1.10}', "<tool_response>"):
        assert piece in said_
    assert "| tools | 1 |" in (out / "VERIFY.md").read_text()


def test_tool_arguments_of_clashing_types_survive_every_trainer_or_are_refused(
    tmp_path: Path,
) -> None:
    def with_arguments(arguments: str, id_: str) -> dict[str, Any]:
        call = {**CALL, "function": {"name": "add", "arguments": arguments}}
        messages: list[Any] = [dict(message) for message in CALLING["messages"]]  # type: ignore[attr-defined]
        messages[1]["tool_calls"] = [call]
        del messages[3]["reasoning_content"]
        return {**CALLING, "id": id_, "messages": messages}

    rows = [
        with_arguments('{"a": 1, "b": null}', "x"),
        with_arguments('{"a": "one", "c": [2]}', "y"),
    ]
    survived, refused = [], []
    for name in TARGETS:
        if "conversations" not in get_target(name).shapes:
            continue
        out = tmp_path / name
        try:
            hand_over(rows, out, target=name)
        except InputError as error:
            assert f"{name} cannot hold" in str(error)
            refused.append(name)
            continue
        survived.append(name)
        read = read_rows(out / get_target(name).shapes["conversations"].file)
        assert len(read) == 2
        for row, wanted in zip(read, ({"a": 1, "b": None}, {"a": "one", "c": [2]}), strict=True):
            assert wanted in values_in(row), name
    assert {"trl", "verl", "llamafactory", "axolotl", "ms-swift"} <= set(survived)
    assert set(survived) | set(refused) == {
        name for name in TARGETS if "conversations" in get_target(name).shapes
    }


def test_tokens_cuts_and_untrained_rows_are_counted(tmp_path: Path) -> None:
    long = talk("Say a lot.", "much " * 400, id="long")
    mute = {"id": "mute", "messages": [{"role": "user", "content": "Hello?"}]}
    rows = [SOURCES["conversations"][0], long, mute]
    result = hand_over(
        rows, tmp_path / "out", target="trl", tokenizer=str(TOKENIZER), max_tokens=64
    )
    tokens = result.body["handed"]["verified"]["tokens"]
    assert (tokens["n_rows"], tokens["n_cut"], tokens["no_trained"]) == (3, 1, [2])
    assert tokens["end_not_trained"] == [1]
    assert 0 < tokens["n_trained"] < tokens["n_tokens"] <= 3 * 64
    page = (tmp_path / "out" / "VERIFY.md").read_text()
    assert "limit 64 tokens" in page
    assert "| 0 trained tokens | 1 | 3 | 2 |" in page
    assert "+ Answer 0.<|im_end|>" in page


def test_the_same_export_again_is_done_and_another_limit_is_not(tmp_path: Path) -> None:
    out = tmp_path / "out"
    hand_over(SOURCES["conversations"], out, target="trl")
    first = (out / "train.parquet").stat().st_mtime_ns
    assert hand_over(SOURCES["conversations"], out, target="trl").already_finished
    assert (out / "train.parquet").stat().st_mtime_ns == first
    other = hand_over(SOURCES["conversations"], out, target="trl", max_tokens=99)
    assert not other.already_finished
    (out / "train.py").unlink()
    assert not hand_over(
        SOURCES["conversations"], out, target="trl", max_tokens=99
    ).already_finished
    assert (out / "train.py").exists()


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(StoreError, match="was not made by Tamis"):
        hand_over(SOURCES["conversations"], tmp_path / "out", target="trl")
    assert names_in(tmp_path / "out") == ["mine.txt"]


def test_scripts_may_be_run(tmp_path: Path) -> None:
    hand_over(SOURCES["conversations"], tmp_path / "out", target="verl")
    mode = (tmp_path / "out" / "train.sh").stat().st_mode
    assert mode & stat.S_IXUSR


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"target": "trll"}, "--for trll: no such trainer; did you mean `trl`"),
        (
            {"target": "trl", "flatten": ["tool"]},
            "--flatten tool: expected one of parts, reasoning",
        ),
        ({"target": "trl", "max_tokens": 0}, "--max-tokens 0: expected 1 or more"),
    ],
)
def test_wrong_options_are_told_before_anything_is_read(
    options: dict[str, Any], told: str, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError) as caught:
        hand_over(SOURCES["conversations"], tmp_path / "out", **options)
    assert told in str(caught.value)
    assert names_in(tmp_path) == ["rows.jsonl"]


def test_the_command_line_hands_over_and_a_recipe_does_the_same(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.jsonl", SOURCES["conversations"])
    done = run_tamis("export", "rows.jsonl", "--for", "trl", "-o", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "out: 3 rows for trl; read out/VERIFY.md" in done.stdout.decode()
    printed = run_tamis(
        "export",
        "rows.jsonl",
        "--for",
        "trl",
        "-o",
        "again",
        "--recipe-out",
        "r.yaml",
        cwd=tmp_path,
    )
    assert printed.returncode == 0, printed.stderr
    ran = run_tamis("run", "r.yaml", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    for name in ("train.parquet", "train.py", "rows.jsonl"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()


def test_what_tamis_did_not_write_stays_in_the_folder(tmp_path: Path) -> None:
    out = tmp_path / "out"
    hand_over([*SOURCES["conversations"], CALLING], out, target="openrlhf", flatten=["tools"])
    (out / "model").mkdir()
    (out / "model" / "adapter.safetensors").write_text("weights")
    mine = tmp_path / ".out.part-mine"
    mine.mkdir()
    hand_over(SOURCES["conversations"], out, target="openrlhf", max_tokens=100)
    assert (out / "model" / "adapter.safetensors").read_text() == "weights"
    assert not (out / "flattened.jsonl").exists()
    assert mine.exists()


@pytest.mark.parametrize("name", ["x(): pass\nimport os", "my-reward", "json", "mathematics"])
def test_a_reward_there_is_not_never_reaches_a_script(name: str, tmp_path: Path) -> None:
    question = {
        "prompt": "2+2?",
        "question_id": "q",
        "reward_name": name,
        "reward_parameters": None,
        "reference": '{"answer":"4"}',
    }
    for target in ("trl", "verl", "axolotl", "ms-swift", "openrlhf"):
        with pytest.raises(InputError, match="unknown reward"):
            hand_over([question], tmp_path / "out", target=target)


def test_questions_that_cannot_be_graded_are_counted(tmp_path: Path) -> None:
    rows = [*SOURCES["questions"], {"question": "Why?", "answer": "#### because"}]
    result = hand_over(rows, tmp_path / "out", target="trl")
    [(why, n)] = result.body["handed"]["ungradable"].items()
    assert n == 1
    assert f"- 1 of 4: {why}" in (tmp_path / "out" / "VERIFY.md").read_text()


def test_only_the_ways_that_a_row_needs_change_it(tmp_path: Path) -> None:
    flagged = {"role": "assistant", "content": "No.", "weight": 0}
    row = {"messages": [{"role": "user", "name": "Ann", "content": "Hi"}, flagged], "id": "w"}
    hand_over([row], tmp_path / "out", target="openai", flatten=["loss_flags", "names"])
    [written] = lines_of(tmp_path / "out" / get_target("openai").shapes["conversations"].file)
    assert written["messages"][1]["weight"] == 0
    assert written["messages"][0]["name"] == "Ann"


def test_pictures_are_refused_where_rows_hold_text(tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "See"}, {"type": "image_url", "image_url": {"url": "x"}}]
    row = {
        "messages": [{"role": "user", "content": parts}, {"role": "assistant", "content": "A cat"}]
    }
    with pytest.raises(InputError, match="got a list with more than texts"):
        hand_over([row], tmp_path / "out", target="trl")
    result = hand_over([row], tmp_path / "out", target="trl", flatten=["parts"])
    assert result.body["handed"]["flattened"] == {"parts": 1}


def test_names_that_a_trainer_has_no_place_for_are_listed(tmp_path: Path) -> None:
    row = {
        "messages": [
            {"role": "user", "name": "Ann", "content": "Hi"},
            {"role": "assistant", "content": "Ho"},
        ]
    }
    hand_over([row], tmp_path / "out", target="ms-swift")
    assert lines_of(tmp_path / "out" / "rows.jsonl")[0]["own_keys"] == {
        "messages[0]": {"name": "Ann"}
    }


def test_a_preference_is_counted_by_both_its_sides(tmp_path: Path) -> None:
    row = {"prompt": "Say.", "chosen": "Yes.", "rejected": "no " * 300}
    options = {"target": "trl", "tokenizer": str(TOKENIZER), "max_tokens": 200}
    result = hand_over([row], tmp_path / "out", **options)
    tokens = result.body["handed"]["verified"]["tokens"]
    assert tokens["lengths"][0] > 300
    assert tokens["n_cut"] == 1
    assert 200 < tokens["n_tokens"] < 300


@pytest.mark.parametrize("target", ["verl", "axolotl"])
def test_rows_over_the_limit_are_told_as_the_trainer_takes_them(
    target: str, tmp_path: Path
) -> None:
    rows = [SOURCES["conversations"][0], talk("Say a lot.", "much " * 400, id="long")]
    options = {"target": target, "tokenizer": str(TOKENIZER), "max_tokens": 64}
    hand_over(rows, tmp_path / "out", **options)
    page = (tmp_path / "out" / "VERIFY.md").read_text()
    words = {
        "verl": "the trainer stops with an error | 1 of 2",
        "axolotl": "dropped by the trainer | 1 of 2",
    }
    assert words[target] in page


def test_a_model_s_name_cannot_leave_its_place(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="without control characters"):
        hand_over(SOURCES["questions"], tmp_path / "out", target="nemo-gym", model="x\ntouch y")
    hand_over(SOURCES["conversations"], tmp_path / "out", target="trl", model='a"b 😀')
    compile((tmp_path / "out" / "train.py").read_text(), "train.py", "exec")
    assert 'model="a\\"b 😀"' in (tmp_path / "out" / "train.py").read_text()


def test_a_proof_that_fails_leaves_the_folder_and_says_so(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\ncase "$1" in -c) exit 0;; esac\necho no >&2; exit 7\n')
    python.chmod(0o755)
    result = hand_over(
        SOURCES["conversations"], tmp_path / "out", target="trl", verify=True, python=str(python)
    )
    assert result.exit_code == 1
    assert "ended with 7: no" in (tmp_path / "out" / "VERIFY.md").read_text()


def test_numbers_that_trl_would_bend_are_refused(tmp_path: Path) -> None:
    call = {**CALL, "function": {"name": "add", "arguments": '{"n":123456789012345678901}'}}
    row = {
        **CALLING,
        "messages": [
            {**m, "tool_calls": [call]} if "tool_calls" in m else m for m in CALLING["messages"]
        ],
    }  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="expected numbers that 64 bits hold, got 12345678901234"):
        hand_over([row], tmp_path / "out", target="trl")
