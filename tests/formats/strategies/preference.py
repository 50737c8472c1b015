"""Rows of preferences."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from tests.formats.strategies.chat import v1_parts
from tests.formats.strategies.parts import (
    maybe,
    messages,
    optional,
    pairs,
    raws,
    texts,
    tools,
    turns_of,
)

Rows = st.SearchStrategy[dict[str, Any]]

scores = {"score_chosen": raws, "rejected_rating": raws, "chosen_avg_rating": raws}
sides = {"chosen": texts, "rejected": texts}
user = st.fixed_dictionaries({"role": st.just("user"), "content": texts})
answer = optional(
    {"role": st.just("assistant"), "content": texts}, {"reasoning_content": maybe, "note": raws}
)
turns = turns_of("from", "value")
gpt = optional({"from": st.sampled_from(["gpt", "assistant"]), "value": texts}, {"weight": raws})
swift_turns = turns_of("role", "content") | messages
v1_messages = st.lists(
    optional(
        {"role": st.sampled_from(["system", "user", "assistant"]), "content": v1_parts},
        {"loss_weight": st.sampled_from([0.0, 1.0, 1])},
    ),
    min_size=1,
    max_size=3,
)
transcripts = st.lists(
    st.tuples(st.sampled_from(["Human", "Assistant"]), st.sampled_from(["", " "]), texts)
).map(
    lambda said: "\n\nHuman: q" + "".join(f"\n\n{who}:{space}{text}" for who, space, text in said)
)

open_transcripts = st.tuples(transcripts, st.sampled_from(["", " "])).map(
    lambda pair: f"{pair[0]}\n\nAssistant:{pair[1]}"
)
ends = texts | st.tuples(texts, transcripts).map("".join)


def one_start(lists: Rows) -> Rows:
    """Sides that begin alike, often."""
    return st.tuples(messages, lists).map(
        lambda pair: {
            **pair[1],
            "chosen": pair[0] + pair[1]["chosen"],
            "rejected": pair[0] + pair[1]["rejected"],
        }
    )


def with_answer(rows: Rows, key: str, last: st.SearchStrategy[Any]) -> Rows:
    """Rows whose list under `key` ends with an answer."""
    return st.tuples(rows, last).map(lambda pair: {**pair[0], key: [*pair[0][key], pair[1]]})


def after_question(rows: Rows) -> Rows:
    """ms-swift rows whose last user message has an answer, in one turn or in several."""
    return st.tuples(rows, user, st.lists(answer, min_size=1, max_size=2)).map(
        lambda found: {**found[0], "messages": [*found[0]["messages"], found[1], *found[2]]}
    )


lists = optional(
    {"chosen": messages, "rejected": messages},
    {"prompt": messages | maybe, "tools": tools, "system": maybe, **scores},
)
swift = {"tools": tools, "system": maybe, **scores}
ROWS: dict[str, Rows] = {
    "trl_preference": optional(sides, {"prompt": maybe, "system": maybe, **scores})
    | lists
    | one_start(lists),
    "openai_dpo": st.fixed_dictionaries(
        {
            "input": optional(
                {"messages": messages}, {"tools": tools, "parallel_tool_calls": raws}
            ),
            "preferred_output": st.lists(answer, min_size=1, max_size=2),
            "non_preferred_output": st.lists(answer, min_size=1, max_size=2),
        }
    ),
    "hh_rlhf": optional({"chosen": transcripts, "rejected": transcripts}, scores)
    | optional({"prompt": open_transcripts, "chosen": ends, "rejected": ends}, {"response": texts}),
    "intel_preference": optional({"question": texts, **sides}, {"system": maybe, **scores}),
    "icr_preference": optional({"input": texts, **sides}, {"system": maybe, **scores}),
    "argilla_preference": optional(
        {"instruction": texts, "chosen_response": texts, "rejected_response": texts},
        {"system": maybe, **scores},
    ),
    "alpaca_preference": optional(
        {"instruction": texts, **sides},
        {"input": maybe, "system": maybe, "history": st.none() | pairs, "output": raws, **scores},
    ),
    "llamafactory_preference": optional(
        {"conversations": turns, "chosen": gpt, "rejected": gpt},
        {"system": maybe, "tools": tools, **scores},
    ),
    "chat_template_preference": optional(
        {"messages": messages, "chosen": answer | texts, "rejected": answer | texts},
        {"system": maybe, "tools": tools, **scores},
    ),
    "llamafactory_v1_preference": optional(
        {"chosen_messages": v1_messages, "rejected_messages": v1_messages}, {"tools": tools}
    ),
    "ms_swift_preference": after_question(
        optional(
            {"messages": swift_turns, "rejected_response": texts | st.lists(answer, max_size=2)},
            {"rejected_messages": st.none(), **swift},
        )
    )
    | optional({"messages": swift_turns, "rejected_messages": messages}, swift),
    "llamafactory_kto": with_answer(
        optional(
            {"conversations": turns, "kto_tag": st.booleans()},
            {"system": maybe, "tools": tools, **scores},
        ),
        "conversations",
        gpt,
    ),
    "alpaca_kto": optional(
        {"instruction": texts, "output": texts, "kto_tag": st.booleans()},
        {"input": maybe, "system": maybe, "history": st.none() | pairs, **scores},
    ),
    "messages_kto": with_answer(
        optional(
            {"messages": messages, "kto_tag": st.booleans()},
            {"system": maybe, "tools": tools},
        ),
        "messages",
        answer,
    ),
    "ms_swift_kto": after_question(
        optional({"messages": swift_turns, "label": st.booleans()}, swift)
    ),
    "sharegpt_label_kto": with_answer(
        optional(
            {"conversations": turns, "label": st.booleans()},
            {"system": maybe, "tools": tools, **scores},
        ),
        "conversations",
        gpt,
    ),
    "alpaca_label_kto": optional(
        {"instruction": texts, "output": texts, "label": st.booleans()},
        {"input": maybe, "system": maybe, "history": st.none() | pairs, **scores},
    ),
    "prompt_response_kto": optional(
        {"prompt": texts, "response": texts, "label": st.booleans()}, {"system": maybe, **scores}
    ),
    "question_response_kto": optional(
        {"question": texts, "response": texts, "label": st.booleans()}, {"system": maybe, **scores}
    ),
    "argilla_kto": optional(
        {"instruction": texts, "completion": texts, "label": st.booleans()},
        {"system": maybe, **scores},
    ),
    "kto": optional(
        {"prompt": texts, "completion": texts, "label": st.booleans()}, {"system": maybe, **scores}
    )
    | with_answer(
        optional(
            {"completion": messages, "label": st.booleans()},
            {"prompt": messages | maybe, "system": maybe, "tools": tools},
        ),
        "completion",
        answer,
    ),
    "stepwise": st.lists(
        st.tuples(texts, st.booleans() | st.sampled_from([0, 1, -1, 0.5])), max_size=3
    ).flatmap(
        lambda steps: st.fixed_dictionaries(
            {
                "prompt": texts,
                "completions": st.just([text for text, _ in steps]),
                "labels": st.just([label for _, label in steps]),
            }
        )
    ),
}
