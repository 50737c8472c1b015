"""Writing: from one format to another, what a format refuses, and files that are whole or absent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.formats.reading import line_of, read_lines

from tamis.errors import InputError, StoreError
from tamis.formats import encode, raw_bytes, write_file

CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1.10}'}}
TOOLS: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c", "content": "r"},
        {"role": "assistant", "content": "a"},
    ],
    "tools": [{"name": "f"}],
}


def converted(row: dict[str, Any], source: str, target: str) -> Any:
    [line] = encode(read_lines([line_of(row)], source).rows, target)
    return msgspec.json.decode(line)


def test_openai_tool_calls_become_function_call_turns() -> None:
    assert converted(TOOLS, "openai", "sharegpt") == {
        "conversations": [
            {"from": "system", "value": "s"},
            {"from": "human", "value": "q"},
            {
                "from": "function_call",
                "value": '{"name": "f", "arguments": {"a": 1.10}, "id": "c"}',
            },
            {"from": "observation", "value": "r", "tool_call_id": "c"},
            {"from": "gpt", "value": "a"},
        ],
        "tools": '[{"name":"f"}]',
    }


def test_sharegpt_becomes_openai() -> None:
    row = {
        "conversations": [
            {"from": "human", "value": "q"},
            {"from": "function_call", "value": '{"name": "f", "arguments": {"a": 1}}'},
            {"from": "observation", "value": "r"},
        ],
        "system": "s",
        "tools": "[]",
    }
    assert converted(row, "sharegpt", "openai") == {
        "messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": "q"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
                ],
            },
            {"role": "tool", "content": "r"},
        ],
        "tools": [],
    }


def test_alpaca_becomes_any_chat_format() -> None:
    row = {"instruction": "add", "input": "1 2", "output": "3", "system": "s", "id": 4}
    assert converted(row, "alpaca", "openai") == {
        "messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": "add\n1 2"},
            {"role": "assistant", "content": "3"},
        ],
        "id": 4,
    }
    assert converted(row, "alpaca", "sharegpt")["conversations"][1] == {
        "from": "human",
        "value": "add\n1 2",
    }


def test_many_turns_become_a_prompt_of_messages() -> None:
    written = converted(TOOLS, "openai", "prompt_completion")
    assert written == {
        "prompt": TOOLS["messages"][:-1],
        "completion": TOOLS["messages"][-1:],
        "tools": TOOLS["tools"],
    }


@pytest.mark.parametrize(
    ("row", "source", "target", "reason"),
    [
        (TOOLS, "openai", "alpaca", "row rows.jsonl:1 to alpaca: tools: "),
        (
            {"messages": TOOLS["messages"]},
            "openai",
            "alpaca",
            r"row rows.jsonl:1 to alpaca: messages\[2\].tool_calls: ",
        ),
        (
            {"messages": [{"role": "assistant", "content": "a", "reasoning_content": "r"}]},
            "openai",
            "sharegpt",
            r"messages\[0\].reasoning: ",
        ),
        ({"messages": TOOLS["messages"][:2]}, "openai", "prompt_completion", "messages: expected"),
        ({"messages": []}, "openai", "gsm8k", "expected questions, got rows without prompt"),
        ({"question": "q", "answer": "#### 1"}, "gsm8k", "openai", "got rows without messages"),
    ],
)
def test_what_a_format_cannot_hold_is_refused_by_row_and_field(
    row: dict[str, Any], source: str, target: str, reason: str
) -> None:
    with pytest.raises(InputError, match=reason) as caught:
        converted(row, source, target)
    assert caught.value.exit_code == 3


def test_gsm8k_keeps_the_final_answer_as_written() -> None:
    row = {"question": "q", "answer": "a #### b\n#### 1,234.50 "}
    [question] = read_lines([line_of(row)], "gsm8k").rows.to_pylist()
    assert question["reward"] == {"name": "numeric", "parameters": None}
    assert question["reference"] == {
        "answer": "1,234.50",
        "solution": row["answer"],
        "tests": None,
        "rubric": None,
    }


def test_a_shared_start_is_the_prompt_of_a_preference() -> None:
    start = [{"role": "user", "content": "q"}]
    row = {
        "chosen": [*start, {"role": "assistant", "content": "good"}],
        "rejected": [*start, {"role": "assistant", "content": "bad"}],
        "score_chosen": 8.0,
    }
    [preference] = read_lines([line_of(row)], "trl_preference").rows.to_pylist()
    assert [
        [message["content"] for message in preference[side]]
        for side in ("prompt", "chosen", "rejected")
    ] == [["q"], ["good"], ["bad"]]
    assert (preference["chosen_score"], preference["rejected_score"]) == (8.0, None)


def _fails_midway() -> Iterator[bytes]:
    yield b"{}"
    raise InputError("row 2: no")


def test_a_write_that_fails_leaves_nothing_and_keeps_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    target.write_bytes(b"before\n")
    with pytest.raises(InputError, match="row 2"):
        write_file(target, _fails_midway())
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]
    assert target.read_bytes() == b"before\n"


def test_a_target_that_cannot_be_written_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(StoreError, match="cannot be written"):
        write_file(tmp_path / "taken" / "out.jsonl", [b"{}"])


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    from tamis.formats.write import replacing

    with (
        pytest.raises(StoreError, match=r"cannot be written: No space left"),
        replacing(tmp_path / "out.jsonl"),
        open("/dev/full", "wb") as full,
    ):
        full.write(b"x" * 100_000)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_extension_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"got \.csv"):
        write_file(tmp_path / "out.csv", [b"{}"])
    assert list(tmp_path.iterdir()) == []


def test_raw_bytes_are_the_rows_own(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"a":1}\n{"b":2}\n')
    assert raw_bytes(str(path), 8, 7) == b'{"b":2}'
    with pytest.raises(InputError, match="expected 9 bytes at 8, got 8"):
        raw_bytes(str(path), 8, 9)
