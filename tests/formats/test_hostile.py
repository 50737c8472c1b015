"""Bad rows: each is either read exactly or kept as unreadable with a reason that names the place."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.formats.reading import batches, read_all, read_lines, source_of

from tamis.formats.read import KEPT_BYTES

GOOD = b'{"messages":[{"role":"user","content":"hi"}]}'


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"messages":[{"role":"user","content":"h', "$: expected a whole row, got the beginning"),
        (b'{"messages":[],"a":NaN}', "$: expected JSON, got the literal NaN"),
        (b'{"messages":[],"a":-Infinity}', "$: expected JSON, got the literal Infinity"),
        (b'{"messages":[],"a":"\xff"}', "$: expected UTF-8, got byte 0xff at 20"),
        (
            b'{"messages":[],"a":"x\\ud800y"}',
            "$: expected whole characters, got half of a surrogate",
        ),
        (b'{"messages":[],"a":"\\ud800"}', "$: expected whole characters, got half of a surrogate"),
        (b'{"messages":[],"messages":[]}', "$: expected each key once, got `messages` repeated"),
        (
            b'{"messages":[{"role":"user","role":"user","content":""}]}',
            "$.messages[0]: expected each key once, got `role` repeated",
        ),
        (b'{"messages":[],"a":' + b"[" * 65 + b"]" * 65 + b"}", "$: expected at most 64 levels"),
        (
            b'{"messages":[],"a":' + b"[" * 99999 + b"]" * 99999 + b"}",
            "$: expected at most 64 level",
        ),
        (b"[1]", "$: expected an object, got a list"),
        (b"17", "$: expected an object, got 17"),
        (b"hello", "$: expected JSON, got"),
        (b'{"a":1}', "$.messages: expected a list, got nothing (the key is missing)"),
        (b'{"messages":{}}', "$.messages: expected a list, got an object"),
        (b'{"messages":["a"]}', '$.messages[0]: expected an object, got the text "a"'),
        (b'{"messages":[{"content":"a"}]}', "$.messages[0].role: expected text, got nothing"),
        (b'{"messages":[{"role":1,"content":"a"}]}', "$.messages[0].role: expected text, got 1"),
        (
            b'{"messages":[{"role":"user","content":1.10}]}',
            "$.messages[0].content: expected text, got 1.10",
        ),
        (
            b'{"messages":[{"role":"assistant","content":null,"tool_calls":[{"function":{}}]}]}',
            "$.messages[0].tool_calls[0].function.name: expected a value, got nothing",
        ),
        (b'{"messages":[],"tools":3}', "$.tools: expected a list, got 3"),
        (b'{"messages":[],"_tamis":3}', "$._tamis: this key is reserved, rename it"),
    ],
)
def test_a_bad_row_says_what_was_expected_where(line: bytes, reason: str) -> None:
    read = read_lines([GOOD, line, GOOD], "openai")
    [refused] = read.unreadable.to_pylist()
    assert refused["reason"].startswith(reason), refused["reason"]
    assert "\n" not in refused["reason"]
    assert (refused["line"], refused["length"]) == (2, len(line))
    assert refused["bytes"] == line[:KEPT_BYTES]
    assert read.rows.column("line").to_pylist() == [1, 3]


def test_numbers_keep_their_spelling_and_null_is_not_empty(tmp_path: Path) -> None:
    line = (
        b'{"messages":[{"role":"user","content":""},{"role":"assistant","content":null,'
        b'"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":'
        b'{"a": 1.10, "b":1e400}}}]}],"tools":[{"x": 5.0}],"score":1.10}'
    )
    [row], unreadable = read_all(source_of(tmp_path, line + b"\n"), "openai")
    assert unreadable == []
    assert [message["content"] for message in row["messages"]] == ["", None]
    assert row["messages"][1]["tool_calls"][0]["arguments"] == '{"a": 1.10, "b":1e400}'
    assert row["tools"] == '[{"x": 5.0}]'
    assert row["meta"] == '{"score":1.10}'


def test_an_unknown_role_stays_and_a_known_alias_is_remembered() -> None:
    line = b'{"messages":[{"role":"critic","content":"a"},{"role":"developer","content":"b"}]}'
    [row] = read_lines([line], "openai").rows.to_pylist()
    assert [(m["role"], m["extra"]) for m in row["messages"]] == [
        ("critic", None),
        ("system", '{"_tamis":{"role":"developer"}}'),
    ]


def test_a_mark_at_the_start_blank_lines_and_a_missing_last_line_end_are_fine(
    tmp_path: Path,
) -> None:
    data = b"\xef\xbb\xbf" + GOOD + b"\r\n\n  \n" + GOOD
    rows, unreadable = read_all(source_of(tmp_path, data), "openai")
    assert unreadable == []
    assert [(row["id"], row["offset"], row["length"]) for row in rows] == [
        ("rows.jsonl:1", 3, len(GOOD) + 1),
        ("rows.jsonl:4", 3 + len(GOOD) + 6, len(GOOD)),
    ]


def test_a_very_long_line_is_a_row_like_any_other(tmp_path: Path) -> None:
    long = b'{"messages":[{"role":"user","content":"' + b"x\\n" * (5 << 20) + b'"}]}'
    source = source_of(tmp_path, GOOD + b"\n" + long + b"\n" + GOOD + b"\n" + long[:-9])
    rows, [refused] = read_all(source, "openai", 1 << 20)
    assert [row["length"] for row in rows] == [len(GOOD), len(long), len(GOOD)]
    assert rows[1]["messages"][0]["content"] == "x\n" * (5 << 20)
    assert (refused["line"], refused["length"], len(refused["bytes"])) == (
        4,
        len(long) - 9,
        KEPT_BYTES,
    )


def test_ids_come_from_own_keys_or_line_numbers_and_can_be_renamed(tmp_path: Path) -> None:
    lines = [
        b'{"id":"a","messages":[]}',
        b'{"uuid":7,"messages":[]}',
        b'{"id":null,"messages":[]}',
        b'{"id":"","task_id":"t","messages":[]}',
        b'{"id":1.5,"messages":[]}',
    ]
    source = source_of(tmp_path, b"\n".join(lines))
    [batch] = list(batches(source, "openai", renames={2: "@2"}))
    assert batch.rows.column("id").to_pylist() == [
        "rows.jsonl:a",
        "rows.jsonl:7@2",
        "rows.jsonl:3",
        "rows.jsonl:t",
        "rows.jsonl:5",
    ]
    assert [key != 0 for key in batch.own_keys.tolist()] == [True, False, False, True, False]
