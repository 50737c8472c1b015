"""Rows of conversations."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from tests.formats.strategies.parts import (
    call_texts,
    json_objects,
    maybe,
    messages,
    optional,
    pairs,
    raws,
    texts,
    tools,
    turns_of,
)


def one_pair(asked: str, answered: str, **more: Any) -> st.SearchStrategy[dict[str, Any]]:
    return optional({asked: texts, answered: texts}, more)


text_block = optional({"type": st.just("text"), "text": texts}, {"cache_control": raws})
other_block = st.fixed_dictionaries({"type": st.just("image"), "source": raws})
text_blocks = st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": texts}), max_size=2)
assistant_blocks = st.lists(
    text_block
    | other_block
    | st.fixed_dictionaries({"type": st.just("thinking"), "thinking": texts, "signature": texts})
    | st.fixed_dictionaries(
        {"type": st.just("tool_use"), "id": texts, "name": texts, "input": json_objects}
    ),
    max_size=4,
)
user_blocks = st.lists(
    text_block
    | other_block
    | optional(
        {"type": st.just("tool_result"), "tool_use_id": texts},
        {"content": maybe | text_blocks, "is_error": st.booleans()},
    ),
    max_size=4,
)
v1_parts = st.lists(
    st.fixed_dictionaries({"type": st.sampled_from(["text", "reasoning"]), "value": texts})
    | st.fixed_dictionaries({"type": st.just("tool_call"), "value": call_texts})
    | st.fixed_dictionaries({"type": st.just("image_url"), "value": raws}),
    max_size=3,
)
ROWS = {
    "openai": optional(
        {"messages": messages}, {"tools": tools, "functions": raws, "system": maybe}
    ),
    **{
        f"openai_{key}": optional({key: messages}, {"tools": tools})
        for key in ("conversations", "conversation", "dialog", "dialogue", "items")
    },
    "sharegpt": optional(
        {"conversations": turns_of("from", "value")}, {"tools": tools, "system": maybe}
    ),
    "sharegpt_role_value": optional({"conversations": turns_of("role", "value")}, {"tools": tools}),
    "sharegpt_from_content": optional({"conversations": turns_of("from", "content")}, {}),
    **{
        f"sharegpt_{key}": optional({key: turns_of("from", "value")}, {"system": maybe})
        for key in ("conversation", "items", "dialog", "dialogue")
    },
    "ms_swift": optional({"messages": turns_of("role", "content")}, {"tools": tools}),
    "anthropic": optional(
        {
            "messages": st.lists(
                optional(
                    {"role": st.just("user"), "content": texts | user_blocks}, {"other key": raws}
                )
                | optional(
                    {"role": st.just("assistant"), "content": texts | assistant_blocks},
                    {"other key": raws},
                ),
                max_size=4,
            )
        },
        {
            "system": maybe | text_blocks,
            "tools": tools,
        },
    ),
    "llamafactory_v1": optional(
        {
            "messages": st.lists(
                optional(
                    {
                        "role": st.sampled_from(["system", "user", "assistant", "tool", "human"]),
                        "content": v1_parts,
                    },
                    {"loss_weight": st.sampled_from([0.0, 1.0, 1, 0]) | raws},
                ),
                max_size=4,
            )
        },
        {"tools": tools},
    ),
    "human_assistant": optional(
        {
            "conversation": st.lists(
                optional({"human": texts, "assistant": texts}, {"score": raws}), max_size=3
            )
        },
        {"system": maybe},
    ),
    "segments": st.fixed_dictionaries(
        {
            "segments": st.lists(
                optional({"text": texts, "label": st.booleans()}, {"note": raws}), max_size=4
            )
        }
    ),
    "text": st.fixed_dictionaries({"text": texts}),
    "alpaca": one_pair(
        "instruction", "output", input=maybe, system=maybe, history=st.none() | pairs
    ),
    "dolly": st.fixed_dictionaries({"instruction": texts, "response": texts, "context": maybe}),
    "openorca": st.fixed_dictionaries(
        {"question": texts, "response": texts, "system_prompt": maybe}
    ),
    "query_response": one_pair("query", "response", system=maybe, history=st.none() | pairs),
    "gpteacher": one_pair("instruction", "response", input=maybe, reflection=texts),
    "distilabel": one_pair("instruction", "generation", model_name=texts),
    "metharme": one_pair("prompt", "generation"),
    "prompt_response": one_pair("prompt", "response", system=maybe),
    "question_response": one_pair("question", "response", system=maybe),
    "question_answer": one_pair("question", "answer"),
    "problem_solution": one_pair("problem", "solution"),
    "input_output": one_pair("input", "output", system=maybe),
    "instruction_answer": one_pair("instruction", "answer"),
    "instruction_completion": one_pair("instruction", "completion"),
    "upper_instruction_response": one_pair("INSTRUCTION", "RESPONSE"),
    "message_pair": one_pair("message_1", "message_2"),
    "prompt_completion": st.fixed_dictionaries({"prompt": texts, "completion": texts})
    | optional({"prompt": messages, "completion": messages}, {"tools": tools}),
}
