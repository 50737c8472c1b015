"""No text takes a check long: twice the length is about twice the time, whatever is repeated in it."""

from __future__ import annotations

import time

import pyarrow as pa
import pytest

from tamis import catalogue
from tamis.op import Measure, Rewrite
from tamis.schema import MESSAGES

LENGTH = 100_000
MOST_S = 1.0
REPEATED = [
    "(", "1+1=", "1 + ", "1,", "3.14.15", "1 = 1 ", "1", "$", "\\(", "\\[", "=", "-", "* ", "| ",
    "<think>", "</think>", '<tool_call>{"name":', "<function=f><parameter=a>", "[f(a=1), ", "f(x=", "<",
    "```", "`", '{"a":', "[", '"', "\\", "\n", " ", "\t", "1. a\n", "word ", "w", "é", "中", "，", ". ",
    "4111111111111111 ", "a@b.co ", "a.b@", "@", "192.168.1.", "+1 555 ", "DE89 3704 ", "sk-", "http://",
]  # fmt: skip


def talk(text: str) -> pa.RecordBatch:
    messages = [{"role": "user", "content": "Go."}, {"role": "assistant", "content": text}]
    columns = {
        "id": pa.array(["one"]),
        "messages": pa.array([messages], MESSAGES),
        "tools": pa.nulls(1, pa.string()),
        "edited": pa.array([False]),
    }
    return pa.RecordBatch.from_pydict(columns)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*catalogue.CHECKS, "safe_fixes", "language", "opener", "turns"])
def test_repeating_a_piece_very_often_takes_no_check_long(name: str) -> None:
    op = catalogue.make(name, {})
    assert isinstance(op, Measure | Rewrite)
    extra = ("edited",) if isinstance(op, Rewrite) else ()
    wanted = list(dict.fromkeys(("id", *extra, *op.reads)))
    op(talk("Well then.").select(wanted))
    for piece in REPEATED:
        batch = talk((piece * (LENGTH // len(piece) + 1))[:LENGTH]).select(wanted)
        began = time.process_time()
        op(batch)
        assert time.process_time() - began < MOST_S, piece
