"""Parts of outside rows: texts, raw JSON values, messages, calls, tools."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from msgspec import Raw

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
flags = st.sampled_from([b"0", b"1", b"0.0", b"1.0", b"true", b"false", b"0.5", b"null"]).map(Raw)


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
    | optional(
        {"role": roles},
        {
            "content": maybe,
            "thinking": maybe | raws,
            "reasoning": maybe,
            "function_call": raws
            | st.fixed_dictionaries({"name": texts, "arguments": texts})
            | st.fixed_dictionaries({"name": texts, "arguments": json_objects}),
            "weight": st.just(1),
        },
    )
    | optional({"role": roles}, {"content": parts, "tool_calls": calls, "weight": st.just(0)})
    | optional({"role": roles, "content": texts}, {"weight": raws, "train": st.booleans()})
    | optional(
        {"role": roles, "content": texts},
        {"loss": flags, "training": flags, "loss_weight": flags, "weight": flags},
    ),
    max_size=4,
)
tools = st.none() | texts | st.sampled_from(['[{"a":1.0}]', "[]"]).map(lambda t: Raw(t.encode()))
call_texts = texts | st.sampled_from(
    [
        '{"name": "f", "arguments": {"a": 1.10}}',
        '{"arguments":{"a": 1},"name":"f"}',
        '[{"name": "f", "arguments": "{}"}, {"name": "g", "arguments": {}}]',
        '{"name": "f", "arguments": {}, "id": 1}',
        '{"name": "f", "arguments": {}, "name": "g"}',
        '{"name": "f", "arguments": {"_tamis": 1}, "_tamis": 2}',
        "[]",
    ]
)
turn_words = [
    "human", "gpt", "system", "observation", "user", "assistant", "chatgpt", "tool_response", "x",
]  # fmt: skip


def turns_of(role: str, text: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Turns with these keys."""
    return st.lists(
        optional(
            {role: st.sampled_from(turn_words), text: maybe},
            {"weight": st.sampled_from([0, 1]), "loss": raws},
        )
        | st.fixed_dictionaries(
            {role: st.sampled_from(["function_call", "tool_call"]), text: call_texts}
        ),
        max_size=4,
    )


pairs = st.lists(st.tuples(texts, texts), max_size=2)
