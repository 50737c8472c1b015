"""The real files: those in a supported format read whole and write back the same, others are named."""

import json
from pathlib import Path

import pytest

from tamis.errors import InputError
from tamis.formats import (
    Reading,
    detect,
    encode,
    find_sources,
    raw_bytes,
    read_range,
    refuse,
    split,
)


@pytest.mark.parametrize(
    ("file", "format_name", "n_rows"),
    [
        ("dummy_conversation.json", "sharegpt", 500),
        ("glaive_toolcall_en_demo.json", "sharegpt", 300),
        ("gsm8k_train.jsonl.gz", "gsm8k", 7473),
        ("gsm8k_test.jsonl.gz", "gsm8k", 1319),
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


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("BFCL_simple_python.json", "BFCL questions"),
        ("BFCL_simple_python_answers.json", "BFCL answers"),
        ("HumanEval.jsonl.gz", "HumanEval"),
        ("gsm8k_paraphrases.jsonl.gz", "text of Question: and Answer:"),
        ("gsm8k_rollouts.jsonl.gz", "GSM8K rollouts of several models"),
        ("humaneval_paraphrases.jsonl", "plain text"),
        ("mbpp_200.json", "MBPP"),
        ("mt_bench.jsonl", "MT-bench questions (turns)"),
        ("seed_tasks.jsonl", "self-instruct seeds"),
    ],
)
def test_other_files_are_refused_by_name(
    real_data: Path, tmp_path: Path, file: str, name: str
) -> None:
    [source] = find_sources([str(real_data / file)], staging=tmp_path)
    detection = detect(source)
    assert not detection.supported
    with pytest.raises(InputError, match=r"looks like .* not supported yet") as refused:
        refuse(source, detection)
    assert name in str(refused.value)
    assert refused.value.exit_code == 3
