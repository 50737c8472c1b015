"""Detection: each supported shape by itself, the majority of a mixed file, and what is not known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.formats.reading import line_of, source_of

from tamis.errors import InputError
from tamis.formats import detect, refuse
from tamis.formats.detect import name_of

CHAT = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
TURNS = [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ({"messages": CHAT}, "openai"),
        ({"messages": CHAT, "tools": []}, "openai"),
        ({"conversations": TURNS, "system": ""}, "sharegpt"),
        ({"instruction": "a", "input": "", "output": "b"}, "alpaca"),
        ({"prompt": "a", "completion": "b"}, "prompt_completion"),
        ({"prompt": CHAT[:1], "completion": CHAT[1:]}, "prompt_completion"),
        ({"question": "a", "answer": "b\n#### 3"}, "gsm8k"),
        ({"prompt": "a", "chosen": "b", "rejected": "c"}, "trl_preference"),
        ({"chosen": CHAT, "rejected": CHAT}, "trl_preference"),
        ({"prompt": CHAT, "chosen": CHAT, "rejected": CHAT, "messages": CHAT}, "trl_preference"),
        ({"question": "a", "answer": "b"}, "question_answer"),
        ({"prompt": "a", "completion": "b", "label": True}, "kto"),
        ({"chosen": "\n\nHuman: a", "rejected": "\n\nHuman: a"}, "hh_rlhf"),
        ({"conversations": CHAT}, "openai_conversations"),
        ({"data_source": "x", "prompt": CHAT, "reward_model": {}}, "verl_rl"),
        ({"x": 1}, "unknown"),
        ({}, "unknown"),
        ({"messages": [], "conversations": None}, "openai"),
    ],
)
def test_a_row_is_known_by_its_shape(row: dict[str, Any], name: str) -> None:
    assert name_of(row) == name


def test_a_mixed_file_goes_to_the_majority_and_says_so(tmp_path: Path) -> None:
    rows = [{"messages": CHAT}] * 3 + [{"conversations": TURNS}]
    found = detect(source_of(tmp_path, b"\n".join(map(line_of, rows))))
    assert (found.format, found.confidence) == ("openai", 0.75)
    assert found.votes == {"openai": 3, "sharegpt": 1}
    assert found.keys == ("messages", "conversations")
    assert json.loads(found.first_row) == rows[0]


def test_rows_are_taken_from_the_end_too(tmp_path: Path) -> None:
    rows = [{"messages": CHAT}] * 3000 + [{"conversations": TURNS}] * 1000
    found = detect(source_of(tmp_path, b"\n".join(map(line_of, rows))))
    assert set(found.votes) == {"openai", "sharegpt"}
    array = detect(source_of(tmp_path, json.dumps(rows).encode(), "rows.json"))
    assert set(array.votes) == {"openai", "sharegpt"}


def test_the_user_may_say_the_format(tmp_path: Path) -> None:
    source = source_of(tmp_path, b'{"x": 1}\n')
    found = detect(source, as_format="alpaca")
    assert (found.format, found.kind, found.supported, found.confidence) == (
        "alpaca",
        "conversations",
        True,
        0.0,
    )
    with pytest.raises(InputError, match=r"expected one of alpaca, .*did you mean `alpaca`\?"):
        detect(source, as_format="alpacca")


def test_an_unknown_shape_is_refused_with_its_keys(tmp_path: Path) -> None:
    source = source_of(tmp_path, b'{"left": 1, "right": 2}\n')
    with pytest.raises(InputError, match=r"got rows with keys left, right; .* --as FORMAT"):
        refuse(source, detect(source))


def test_rows_none_of_which_is_an_object_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected JSON objects, none of 2 rows is one"):
        detect(source_of(tmp_path, b"just some words\nand more\n"))
