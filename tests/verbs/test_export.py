"""`export`: what is written reads back the same, and what does not fit is refused, not bent."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import zstandard
from tests.cli.run_tamis import said
from tests.cli.run_tamis import tamis as run_tamis

import tamis
from tamis.errors import InputError, RecipeError, StoreError
from tamis.schema import HEAD

from .files import FORMATS, KIND_OF, Row, names_in, quiet, read_lines, rows_in, talk, write_rows

CALL = {"id": "c", "type": "function", "function": {"name": "add", "arguments": '{"a": 1.10}'}}
CALLING: list[Row] = [
    {"role": "user", "content": "Add."},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c", "content": "1.1"},
    {"role": "assistant", "content": "It is 1.1."},
]
TOOLS = [{"type": "function", "function": {"name": "add"}}]
# A second row of each format, with what only that format has.
RICH: dict[str, Row] = {
    "openai": {"messages": CALLING, "tools": TOOLS, "score": 0.50},
    "sharegpt": {
        "conversations": [
            {"from": "human", "value": "Add."},
            {"from": "function_call", "value": '{"name": "add", "arguments": {"a": 1.10}}'},
            {"from": "observation", "value": "1.1"},
            {"from": "gpt", "value": "It is 1.1."},
        ],
        "system": "Use tools.",
        "tools": '[{"name": "add"}]',
    },
    "alpaca": {
        "instruction": "And now?",
        "input": "",
        "output": "Now it rains.",
        "system": "Be brief.",
        "history": [["Before?", "It was dry."]],
    },
    "prompt_completion": {"prompt": CALLING[:1], "completion": CALLING[1:], "tools": TOOLS},
    "gsm8k": {"question": "Half of 3?", "answer": "3 / 2 = 1.5\n#### 1.5", "level": "easy"},
    "trl_preference": {
        "chosen": [CALLING[0], {"role": "assistant", "content": "Of course."}],
        "rejected": [CALLING[0], {"role": "assistant", "content": "No."}],
        "score_chosen": 8.0,
        "score_rejected": 1,
    },
}
CONTAINERS = ["o.jsonl", "o.json", "o.ndjson.gz", "o.jsonl.zst", "o.json.gz"]


def told(data: Path | str) -> list[Row]:
    """What the rows of a data set say, without where they come from."""
    return [{k: v for k, v in row.items() if k not in HEAD.names} for row in rows_in(data)]


@pytest.mark.parametrize("form", FORMATS)
def test_each_format_written_and_read_back_gives_the_same_rows(form: str, tmp_path: Path) -> None:
    rows = [FORMATS[form], RICH[form]]
    source = write_rows(tmp_path / "raw.jsonl", rows)
    tamis.import_([str(source)], common=quiet(tmp_path / "data"))
    for name in ("o.jsonl", "o.json.gz"):
        result = tamis.export([str(tmp_path / "data")], to=form, common=quiet(tmp_path / name))
        assert result.counts["written"] == 2
        back = tmp_path / f"back{len(name)}"
        tamis.import_([str(tmp_path / name)], common=quiet(back))
        assert told(back) == told(tmp_path / "data"), name
    assert read_lines(tmp_path / "o.jsonl") == rows


@pytest.mark.parametrize("form", FORMATS)
def test_each_format_goes_through_parquet(form: str, tmp_path: Path) -> None:
    source = write_rows(tmp_path / "raw.jsonl", [FORMATS[form]] * 2)
    tamis.import_([str(source)], common=quiet(tmp_path / "data"))
    tamis.export([str(tmp_path / "data")], to=form, common=quiet(tmp_path / "o.parquet"))
    tamis.import_([str(tmp_path / "o.parquet")], common=quiet(tmp_path / "back"))
    assert told(tmp_path / "back") == told(tmp_path / "data")


def test_the_container_is_what_the_name_says(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "raw.jsonl", [FORMATS["openai"]])
    for name in CONTAINERS:
        tamis.export([str(source)], common=quiet(tmp_path / name))
    line = source.read_bytes()
    assert (tmp_path / "o.jsonl").read_bytes() == line
    assert json.loads((tmp_path / "o.json").read_bytes()) == [FORMATS["openai"]]
    assert gzip.decompress((tmp_path / "o.ndjson.gz").read_bytes()) == line
    assert (
        zstandard.ZstdDecompressor().stream_reader((tmp_path / "o.jsonl.zst").read_bytes()).read()
        == line
    )
    assert json.loads(gzip.decompress((tmp_path / "o.json.gz").read_bytes())) == [FORMATS["openai"]]


@pytest.mark.parametrize("source", ["sharegpt", "alpaca", "prompt_completion"])
def test_conversations_come_back_from_another_format_with_the_same_messages(
    source: str, tmp_path: Path
) -> None:
    raw = write_rows(tmp_path / "raw.jsonl", [FORMATS[source]])
    tamis.export([str(raw)], to="openai", common=quiet(tmp_path / "there.jsonl"))
    tamis.export([str(tmp_path / "there.jsonl")], to=source, common=quiet(tmp_path / "back.jsonl"))
    contents = []
    for name in ("raw", "there", "back"):
        tamis.import_([str(tmp_path / f"{name}.jsonl")], common=quiet(tmp_path / name))
        [row] = rows_in(tmp_path / name, ["messages"])
        contents.append([(m["role"], m["content"]) for m in row["messages"]])
    assert contents[0] == contents[1] == contents[2]


REASONED = {"role": "assistant", "content": "Yes.", "reasoning_content": "Hm."}
REFUSED: list[tuple[Row, str, str]] = [
    (RICH["openai"], "alpaca", "row raw.jsonl:2 to alpaca: tools: "),
    ({"messages": CALLING}, "alpaca", r"row raw.jsonl:2 to alpaca: messages\[1\].tool_calls: "),
    ({"messages": [CALLING[0], REASONED]}, "sharegpt", r"raw.jsonl:2 .*messages\[1\].reasoning: "),
    ({"messages": CALLING[:1]}, "prompt_completion", "raw.jsonl:2 .*messages: expected"),
    (FORMATS["openai"], "gsm8k", "format `gsm8k`: expected questions"),
    (FORMATS["openai"], "trl_preference", "format `trl_preference`: expected preferences"),
]


@pytest.mark.parametrize(("row", "target", "reason"), REFUSED)
def test_what_a_format_cannot_hold_is_refused_by_row_and_field_and_nothing_is_written(
    row: Row, target: str, reason: str, tmp_path: Path
) -> None:
    source = write_rows(tmp_path / "raw.jsonl", [talk("First?", "This one fits all."), row])
    with pytest.raises(InputError, match=reason) as caught:
        tamis.export([str(source)], to=target, common=quiet(tmp_path / "out.jsonl"))
    assert (caught.value.exit_code, str(caught.value).count("\n")) == (3, 0)
    assert [name for name in names_in(tmp_path) if not name.endswith(".run")] == ["raw.jsonl"]


def test_a_refused_export_is_one_line_and_an_older_output_stays(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "raw.jsonl", [FORMATS["openai"]])
    tamis.export([str(source)], common=quiet(tmp_path / "out.jsonl"))
    before = (tmp_path / "out.jsonl").read_bytes()
    done = run_tamis("export", "raw.jsonl", "--to", "gsm8k", "-o", "out.jsonl", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (3, b"")
    assert said(done) == "tamis: format `gsm8k`: expected questions, got rows without prompt"
    assert (tmp_path / "out.jsonl").read_bytes() == before


def test_an_output_that_someone_else_made_or_that_is_read_is_refused(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "raw.jsonl", [FORMATS["openai"]])
    mine = tmp_path / "mine.jsonl"
    mine.write_text("precious\n")
    for output, reason in ((mine, "was not made by Tamis"), (source, "is also an input")):
        with pytest.raises(StoreError, match=reason) as caught:
            tamis.export([str(source)], common=quiet(output))
        assert caught.value.exit_code == 2
    assert mine.read_text() == "precious\n"
    assert names_in(tmp_path) == ["mine.jsonl", "raw.jsonl"]


@pytest.mark.parametrize("name", ["out", "out.csv", "out.gz", "out.jsonl.bz2"])
def test_an_output_that_is_no_file_of_rows_is_refused(name: str, tmp_path: Path) -> None:
    source = write_rows(tmp_path / "raw.jsonl", [FORMATS["openai"]])
    with pytest.raises(RecipeError, match="export writes a file: "):
        tamis.export([str(source)], common=quiet(tmp_path / name))
    assert names_in(tmp_path) == ["raw.jsonl"]


def test_rows_of_several_formats_need_a_target(tmp_path: Path) -> None:
    chats = [form for form, kind in KIND_OF.items() if kind == "conversations"]
    for form in chats:
        write_rows(tmp_path / "raw" / f"{form}.jsonl", [FORMATS[form]])
    with pytest.raises(RecipeError, match=r"several formats \(alpaca, .*choose one with --to"):
        tamis.export([str(tmp_path / "raw")], common=quiet(tmp_path / "out.jsonl"))
    assert not (tmp_path / "out.jsonl").exists()
    common = quiet(tmp_path / "out.jsonl")
    result = tamis.export([str(tmp_path / "raw")], to="openai", common=common)
    assert result.counts["written"] == len(chats)
    assert all("messages" in row for row in read_lines(tmp_path / "out.jsonl"))


# JSON whose bytes say more than its values: spaces, escapes, numbers, the order of keys.
ODD = [
    b'{ "id":"a" , "messages" : [ {"content":"Gr\\u00fc\\u00dfe?","role":"user"} ] }',
    b'{"messages":[{"role":"user","content":"Hm"}],"n":1.10,"big":1e400,"x":{"b":1,"a":[ ]}}',
    '{"messages":[{"role":"user","content":"你好\\/"}],"id":123456789012345678901}'.encode(),
]


@pytest.mark.parametrize("name", ["raw.jsonl", "raw.jsonl.gz", "raw.jsonl.zst"])
def test_kept_rows_keep_their_bytes_from_any_container(name: str, tmp_path: Path) -> None:
    dropped = json.dumps(talk("Out?", "This row is dropped by the condition.")).encode()
    plain = b"\n".join([ODD[0], dropped, b"", ODD[1], ODD[2]])
    pack: dict[str, Any] = {".gz": gzip.compress, ".zst": zstandard.compress}
    packed = pack.get(Path(name).suffix, bytes)(plain)
    (tmp_path / name).write_bytes(packed)
    common = quiet(tmp_path / "out.jsonl", where="n_messages = 1", shard_bytes=100)
    tamis.export([str(tmp_path / name)], common=common)
    assert (tmp_path / "out.jsonl").read_bytes().splitlines() == ODD
    common = quiet(tmp_path / "whole.json", where="n_messages = 1")
    tamis.export([str(tmp_path / name)], common=common)
    assert (tmp_path / "whole.json").read_bytes() == b"[\n" + b",\n".join(ODD) + b"\n]\n"


def test_rows_of_a_written_out_array_lose_only_the_space_between_values(tmp_path: Path) -> None:
    row = {"messages": [{"role": "user", "content": "two  spaces\n and a line"}], "n": 1.5}
    (tmp_path / "raw.json").write_text(json.dumps([row, row], indent=4))
    tamis.export([str(tmp_path / "raw.json")], common=quiet(tmp_path / "out.jsonl"))
    lines = (tmp_path / "out.jsonl").read_bytes().splitlines()
    assert [json.loads(line) for line in lines] == [row, row]
    assert list(json.loads(lines[0])) == ["messages", "n"]


def test_rows_of_a_data_set_keep_their_first_bytes_while_the_file_still_holds_them(
    tmp_path: Path,
) -> None:
    spelled = b'{ "messages" : [{"role":"user","content":"a"}], "n": 1.10}'
    other = b'{"messages":[{"role":"user","content":"b"}]}'
    (tmp_path / "raw.jsonl").write_bytes(spelled + b"\n" + other + b"\n")
    tamis.import_([str(tmp_path / "raw.jsonl")], common=quiet(tmp_path / "v0"))
    tamis.dedup([str(tmp_path / "v0")], common=quiet(tmp_path / "v1"))
    tamis.export([str(tmp_path / "v1")], common=quiet(tmp_path / "a.jsonl"))
    assert (tmp_path / "a.jsonl").read_bytes().splitlines() == [spelled, other]
    # the file changes behind our back: what was read is what is written
    (tmp_path / "raw.jsonl").write_bytes(spelled.replace(b"1.10", b"2.20") + b"\n" + other + b"\n")
    tamis.export([str(tmp_path / "v1")], common=quiet(tmp_path / "b.jsonl"))
    first, second = (tmp_path / "b.jsonl").read_bytes().splitlines()
    assert json.loads(first) == {"messages": [{"role": "user", "content": "a"}], "n": 1.1}
    assert b"1.10" in first
    assert second == other


def test_a_data_set_is_exported_when_what_it_was_made_from_is_gone(tmp_path: Path) -> None:
    write_rows(tmp_path / "raw.jsonl", [FORMATS["openai"]])
    tamis.import_([str(tmp_path / "raw.jsonl")], common=quiet(tmp_path / "v0"))
    tamis.dedup([str(tmp_path / "v0")], common=quiet(tmp_path / "v1"))
    shutil.rmtree(tmp_path / "v0")
    (tmp_path / "raw.jsonl").unlink()
    tamis.export([str(tmp_path / "v1")], common=quiet(tmp_path / "a.jsonl"))
    assert json.loads((tmp_path / "a.jsonl").read_bytes()) == FORMATS["openai"]


def test_parquet_invents_no_arguments_and_no_parameters(tmp_path: Path) -> None:
    rows = []
    for arguments in ({"a": 1}, {"b": "x", "c": None}):
        call = {"type": "function", "function": {"name": "f", "arguments": arguments}}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        tools = [{"type": "function", "function": {"name": "f", "parameters": arguments}}]
        rows.append({"messages": [{"role": "user", "content": "?"}, message], "tools": tools})
    write_rows(tmp_path / "raw.jsonl", rows)
    tamis.export([str(tmp_path / "raw.jsonl")], common=quiet(tmp_path / "out.parquet"))
    tamis.import_([str(tmp_path / "out.parquet")], common=quiet(tmp_path / "back"))
    found = list(rows_in(tmp_path / "back"))
    told = [json.loads(row["messages"][1]["tool_calls"][0]["arguments"]) for row in found]
    assert told == [{"a": 1}, {"b": "x", "c": None}]
    tools_ = [json.loads(row["tools"])[0]["function"]["parameters"] for row in found]
    assert tools_ == told
