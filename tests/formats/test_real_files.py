"""The real files read whole, are known for what they are, and are written back the same."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tamis.formats import (
    Reading,
    Source,
    detect,
    encode,
    find_sources,
    raw_bytes,
    read_range,
    refuse,
    split,
)

# How many of 1,319 each model got right, by the verdicts in the file.
RIGHT = {
    "6b_finetuning": 286,
    "6b_verification": 515,
    "175b_finetuning": 458,
    "175b_verification": 742,
}


@pytest.mark.parametrize(
    ("file", "format_name", "n_rows"),
    [
        ("dummy_conversation.json", "sharegpt", 500),
        ("glaive_toolcall_en_demo.json", "sharegpt", 300),
        ("gsm8k_train.jsonl.gz", "gsm8k", 7473),
        ("gsm8k_test.jsonl.gz", "gsm8k", 1319),
        ("gsm8k_paraphrases.jsonl.gz", "question_text", 400),
        ("HumanEval.jsonl.gz", "humaneval", 164),
        ("mbpp_200.json", "mbpp", 200),
        ("mt_bench.jsonl", "mt_bench", 80),
    ],
)
def test_supported_files_read_whole_and_write_back_the_same(
    real_data: Path, tmp_path: Path, file: str, format_name: str, n_rows: int
) -> None:
    [source] = find_sources([str(real_data / file)], staging=tmp_path)
    detection = detect(source)
    refuse(source, detection)
    assert (detection.format, detection.confidence) == (format_name, 1.0)

    n_read = 0
    for part in split(source, 1 << 18):
        for batch in read_range(part, Reading(format=format_name)):
            n_read += len(batch.rows)
            assert len(batch.unreadable) == 0
            batch.rows.validate(full=True)
            for line, row in zip(
                encode(batch.rows, format_name), batch.rows.to_pylist(), strict=True
            ):
                original = raw_bytes(source.path, row["offset"], row["length"])
                assert json.loads(line) == json.loads(original)
    assert n_read == n_rows


def _rows(source: Source, reading: Reading) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for part in split(source, 1 << 18):
        for batch in read_range(part, reading):
            assert len(batch.unreadable) == 0
            rows += batch.rows.to_pylist()
    return rows


def test_accepted_calls_come_from_the_file_beside(real_data: Path, tmp_path: Path) -> None:
    names = ("BFCL_simple_python.json", "BFCL_simple_python_answers.json")
    asked, answers = (find_sources([str(real_data / name)], staging=tmp_path)[0] for name in names)
    assert detect(asked).format == "bfcl"
    assert detect(answers).format == "bfcl_answers"
    reading = Reading(format="bfcl", companions=tuple(split(answers)))
    rows = _rows(asked, reading)
    assert len(rows) == 400
    assert rows[0]["reward"]["name"] == "tool_calls"
    assert all(row["reference"]["answer"] is not None for row in rows)
    [first] = json.loads(rows[0]["reference"]["answer"])
    [tool] = json.loads(rows[0]["tools"])
    assert list(first) == [tool["name"]]


def test_each_model_of_a_row_is_a_rollout(real_data: Path, tmp_path: Path) -> None:
    [source] = find_sources([str(real_data / "gsm8k_rollouts.jsonl.gz")], staging=tmp_path)
    assert detect(source).format == "model_rollouts"
    rows = _rows(source, Reading(format="model_rollouts"))
    assert len(rows) == 1319 * 4
    assert len({row["question_id"] for row in rows}) == 1319
    right = Counter(row["model"] for row in rows if row["score"]["value"] == 1.0)
    assert right == RIGHT


@pytest.mark.parametrize(
    ("file", "format_name", "n_rows"),
    [("seed_tasks.jsonl", "self_instruct_seeds", 175), ("humaneval_paraphrases.jsonl", "text", 80)],
)
def test_files_that_are_only_read_are_read_whole(
    real_data: Path, tmp_path: Path, file: str, format_name: str, n_rows: int
) -> None:
    [source] = find_sources([str(real_data / file)], staging=tmp_path)
    assert detect(source).format == format_name
    rows = _rows(source, Reading(format=format_name))
    assert len({row["line"] for row in rows}) == n_rows
