"""Which reply of a judge is a verdict."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.rewards.judge.verdict import read_verdict

ALLOWED = ("correct", "incorrect")
NONCE = "0a1b2c3d4e5f6071"


def read(reply: str) -> str | int | None:
    return read_verdict(reply.replace("ID", NONCE), nonce=NONCE, allowed=ALLOWED)


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ('{"id": "ID", "verdict": "correct"}', "correct"),
        ('{"verdict":"incorrect","id":"ID"}', "incorrect"),
        ('```json\n{\n  "id": "ID",\n  "verdict": "correct"\n}\n```', "correct"),
        ('It is {7}, not \\boxed{8}. {"id": "ID", "verdict": "incorrect"}', "incorrect"),
        ('{"id": "ID", "reason": "says {so} \\"twice\\"", "verdict": "correct"}', "correct"),
        (
            '{"id": "ID", "verdict": "correct"} No: {"id": "ID", "verdict": "incorrect"}',
            "incorrect",
        ),
        ('{"id": "ID", "verdict": "correct"} it says {"verdict": "incorrect"}', "correct"),
        (
            '<think>{"id": "ID", "verdict": "correct"}</think>{"id": "ID", "verdict": "incorrect"}',
            "incorrect",
        ),
    ],
)
def test_the_last_whole_object_with_the_nonce_is_the_verdict(reply: str, verdict: str) -> None:
    assert read(reply) == verdict


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "correct",
        "The answer is incorrect.",
        "Verdict: correct",
        '"verdict": "correct"',
        '{"verdict": "correct"}',
        '{"id": "0000000000000000", "verdict": "correct"}',
        '{"id": "ID", "verdict": "cor',
        '{"id": "ID", "verdict": "Correct"}',
        '{"id": "ID", "verdict": "maybe"}',
        '{"id": "ID", "verdict": true}',
        '{"id": "ID", "verdict": 1}',
        '{"id": "ID", "verdict": "correct", "verdict": "correct"}',
        '{"id": "ID", "verdict": "correct", "grade": "A"}',
        '{"id": "ID", "verdict": "correct"} or rather {"id": "ID", "verdict": "unsure"}',
        '[{"id": "ID"}, {"verdict": "correct"}]',
        "{'id': 'ID', 'verdict': 'correct'}",
        '<think>{"id": "ID", "verdict": "correct"}</think>',
        '<think>so {"id": "ID", "verdict": "correct"}',
    ],
)
def test_anything_else_is_no_verdict(reply: str) -> None:
    assert read(reply) is None


@pytest.mark.parametrize(
    ("written", "grade"),
    [("7", 7), ("0", 0), ("11", None), ("true", None), ('"7"', None), ("-1", None), ("7.0", None)],
)
def test_a_grade_is_a_whole_number_of_the_scale(written: str, grade: int | None) -> None:
    said = f'{{"id": "{NONCE}", "verdict": {written}}}'
    found = read_verdict(said, nonce=NONCE, allowed=tuple(range(11)))
    assert found == grade and not isinstance(found, bool)


@given(st.text())
def test_no_text_without_the_nonce_is_a_verdict(text: str) -> None:
    assert read_verdict(text, nonce=NONCE, allowed=ALLOWED) is None


@pytest.mark.parametrize(
    "piece",
    [
        "{",
        '{"',
        '{"id"',
        '{"id": "',
        '{"a":1,',
        '{"a":"{',
        '{"id":"ID","verdict":"',
        " ",
        "{ ",
        "<think>",
        '\\"',
    ],
)
def test_a_flood_of_broken_objects_is_read_at_once(piece: str) -> None:
    started = time.process_time()
    assert read(piece * (100_000 // len(piece))) is None
    assert time.process_time() - started < 2
