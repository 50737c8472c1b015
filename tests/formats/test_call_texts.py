"""Calls as the text of a turn: the quick way says what the careful one says, or leaves it to that."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.formats.strategies.parts import call_texts, texts

from tamis.formats.call_texts import calls_text, parse_calls_text, plain_call

json_values = st.sampled_from(
    [
        "{}",
        "[]",
        "1.10",
        "null",
        '"{}"',
        '{"a": {"b": [1e400]}}',
        '{"a":1,"a":2}',
        '{"é": "\\n"}',
        "[" * 70 + "]" * 70,
    ]
)
spelled = st.tuples(
    st.sampled_from(["", " ", "\n"]),
    texts,
    json_values,
    st.sampled_from(["", " ", ', "id": 1', ', "name": "g"']),
).map(lambda p: f'{p[0]}{{"name": "{p[1]}", "arguments": {p[2]}{p[3]}}}')


@settings(max_examples=400, deadline=None)
@given(call_texts | spelled)
def test_a_plain_call_is_what_the_careful_reader_reads(written: str) -> None:
    call = plain_call(written)
    if call is not None:
        assert parse_calls_text(written) == [call]
        assert calls_text([call]) == written


def test_the_usual_spelling_is_plain() -> None:
    written = '{"name": "f", "arguments": {"a": 1.10}}'
    call = plain_call(written)
    assert call is not None
    assert (call.name, call.arguments) == ("f", '{"a": 1.10}')
