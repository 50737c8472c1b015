"""Reading a clean row and writing it in its own format gives the same JSON values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw
from tests.formats.reading import exact_value, line_of, read_lines

from tamis.formats import FORMATS, encode

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["", "\n", 'say "x": y', " : ", "\\", "<think>", "{}", "naïve 😀"]
)
numbers = st.sampled_from(["0", "-1", "1.10", "1e400", "12345678901234567890123", "2E-3"])
raws = (numbers | st.sampled_from(["null", "true", '"t"', "[]", '{"a": {"b":1.50}}', "{}"])).map(
    lambda text: Raw(text.encode())
)
own_keys = st.dictionaries(
    st.sampled_from(["id", "uuid", "source", "score", "a b", "ünknown", 'q"k', "x:y"]),
    raws,
    max_size=3,
)
json_objects = st.sampled_from(["{}", '{"a": 1.10}', '{"a":{"b":[1,2e400]},"c":"é\\n"}']).map(
    lambda text: Raw(text.encode())
)
maybe = st.none() | texts


def optional(required: dict[str, Any], more: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(required, optional=more)


calls = st.lists(
    optional(
        {
            "function": optional(
                {"name": texts, "arguments": texts | json_objects}, {"strict": raws}
            )
        },
        {"id": texts, "type": st.just("function"), "index": raws},
    )
    | optional({"name": texts, "arguments": texts | json_objects}, {"id": texts}),
    max_size=2,
)
parts = st.lists(
    optional({"type": st.just("text"), "text": texts}, {"weight": raws})
    | st.just({"type": "image_url", "image_url": {"url": "x"}}),
    max_size=3,
)
roles = st.sampled_from(
    ["system", "user", "assistant", "tool", "developer", "human", "function", "critic"]
)
messages = st.lists(
    optional(
        {"role": roles, "content": maybe},
        {
            "tool_calls": st.none() | calls,
            "tool_call_id": maybe,
            "name": maybe,
            "reasoning_content": maybe,
            "refusal": raws,
        },
    )
    | optional({"role": roles}, {"content": parts, "tool_calls": calls, "weight": st.just(0)})
    | optional({"role": roles, "content": texts}, {"weight": raws, "train": st.booleans()}),
    max_size=4,
)
tools = st.none() | texts | st.sampled_from(['[{"a":1.0}]', "[]"]).map(lambda t: Raw(t.encode()))
turns = st.lists(
    optional(
        {
            "from": st.sampled_from(
                ["human", "gpt", "system", "observation", "user", "assistant", "chatgpt", "x"]
            ),
            "value": maybe,
        },
        {"weight": st.sampled_from([0, 1]), "loss": raws},
    )
    | st.fixed_dictionaries(
        {
            "from": st.sampled_from(["function_call", "tool_call"]),
            "value": texts
            | st.sampled_from(
                [
                    '{"name": "f", "arguments": {"a": 1.10}}',
                    '{"arguments":{"a": 1},"name":"f"}',
                    '[{"name": "f", "arguments": "{}"}, {"name": "g", "arguments": {}}]',
                    '{"name": "f", "arguments": {}, "id": 1}',
                    '{"name": "f", "arguments": {}, "name": "g"}',
                    '{"name": "f", "arguments": {"_tamis": 1}, "_tamis": 2}',
                    "[]",
                ]
            ),
        }
    ),
    max_size=4,
)
pairs = st.lists(st.tuples(texts, texts), max_size=2)
ROWS = {
    "openai": optional({"messages": messages}, {"tools": tools}),
    "sharegpt": optional({"conversations": turns}, {"tools": tools, "system": maybe}),
    "alpaca": optional(
        {"instruction": texts, "output": texts},
        {"input": maybe, "system": maybe, "history": st.none() | pairs},
    ),
    "prompt_completion": st.fixed_dictionaries({"prompt": texts, "completion": texts})
    | optional({"prompt": messages, "completion": messages}, {"tools": tools}),
    "gsm8k": st.fixed_dictionaries(
        {"question": texts, "answer": st.tuples(texts, texts).map(" #### ".join)}
    ),
    "trl_preference": optional(
        {"chosen": texts, "rejected": texts}, {"prompt": texts, "score_chosen": raws}
    )
    | optional(
        {"chosen": messages, "rejected": messages},
        {"prompt": messages, "tools": tools, "score_rejected": raws},
    ),
}


def test_every_format_has_a_strategy() -> None:
    assert set(ROWS) == set(FORMATS)


@pytest.mark.parametrize("name", sorted(ROWS))
def test_reading_and_writing_back_changes_no_value(name: str) -> None:
    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.tuples(own_keys, ROWS[name]), min_size=1, max_size=4))
    def holds(rows: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
        lines = [line_of({**keys, **row}) for keys, row in rows]
        read = read_lines(lines, name)
        assert read.unreadable.to_pylist() == []
        written = encode(read.rows, name)
        assert [exact_value(line) for line in written] == [exact_value(line) for line in lines]

    holds()
