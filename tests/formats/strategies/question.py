"""Rows of questions."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import Raw
from tests.formats.strategies.parts import maybe, messages, numbers, optional, raws, texts, tools

_lists = st.lists(texts, max_size=2)
_answers = texts | raws
_solved = st.tuples(texts, texts).map(" #### ".join)
_kwargs = st.sampled_from(["{}", '{"n":1.50}', "null"]).map(lambda text: Raw(text.encode()))
_instructions = st.lists(st.tuples(texts, _kwargs), max_size=2)
_objects = st.dictionaries(texts, raws, max_size=2)
_rewards = st.none() | optional({"name": texts}, {"parameters": maybe})


def _own(answer: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, Any]]:
    """An answer, and what our own keys say beside it, as an object or as its text."""
    said = answer.flatmap(
        lambda text: st.tuples(
            st.just(text),
            optional(
                {"reference": optional({"answer": st.just(text)}, {"tests": maybe})},
                {"id": texts, "reward": _rewards},
            ),
        )
    )
    as_text = said.map(lambda pair: (pair[0], msgspec.json.encode(pair[1]).decode()))
    return said | as_text


def _verl(pair: tuple[Any, Any], row: dict[str, Any]) -> dict[str, Any]:
    answer, own = pair
    held = {**row["reward_model"], "ground_truth": answer}
    return {**row, "reward_model": held, "extra_info": {**row["extra_info"], "tamis": own}}


_graded = optional({}, {"style": st.sampled_from(["rule", "model", ""]), "x": raws})
_verl_parts = optional(
    {"prompt": messages, "data_source": texts | st.just("tamis"), "reward_model": _graded},
    {"ability": maybe, "tools": tools},
)
_verl_plain = st.tuples(_verl_parts, _answers, st.none() | raws | _objects).map(
    lambda parts: {
        **parts[0],
        "reward_model": {**parts[0]["reward_model"], "ground_truth": parts[1]},
        **({} if parts[2] is None else {"extra_info": parts[2]}),
    }
)
_verl_own = st.tuples(_own(maybe), _verl_parts, _objects).map(
    lambda parts: _verl(parts[0], {**parts[1], "extra_info": parts[2]})
)

_prompts = (
    texts
    | messages
    | st.sampled_from(['[{"role": "user", "content":"a"}]', '[{"role":"x"}]', "[{}]", "[{"])
)

_truths = (
    texts
    | raws
    | _lists
    | st.sampled_from(
        [
            '["assert f(1) == 2"]',
            '[{"input": "1", "output": "2"}]',
            "[{'instruction_id': ['a:b'], 'kwargs': [None]}]",
            '{"instruction_id": [], "kwargs": []}',
            "{'f': 1.5}",
        ]
    )
)
_named = st.sampled_from(["gsm8k", "MATH", "ifeval", "code", "code_stdio", "general-x", "other"])
_rlvr_more = {"ground_truth": _truths, "dataset": _named | st.lists(_named | texts, max_size=2)}

_rlvr_own = st.tuples(_own(texts), messages).map(
    lambda parts: {
        "messages": parts[1],
        "ground_truth": parts[0][0],
        "dataset": "other",
        "tamis": parts[0][1],
    }
)

_items = st.lists(
    optional({"role": st.sampled_from(["user", "developer", "assistant"]), "content": maybe}, {})
    | optional(
        {"role": st.just("user"), "type": st.just("message")},
        {
            "content": st.lists(
                st.fixed_dictionaries(
                    {"type": st.sampled_from(["input_text", "text", "other"]), "text": texts}
                ),
                max_size=2,
            ),
            "status": raws,
        },
    )
    | optional(
        {"type": st.just("function_call"), "call_id": texts, "name": texts, "arguments": texts},
        {"id": raws},
    )
    | optional(
        {"type": st.just("function_call_output"), "call_id": texts, "output": texts}, {"id": raws}
    ),
    max_size=3,
)
_unit_tests = st.lists(st.tuples(texts, texts), max_size=2).map(
    lambda cases: {"inputs": [case[0] for case in cases], "outputs": [case[1] for case in cases]}
)
_gym = optional(
    {"responses_create_params": optional({"input": texts | _items}, {"tools": tools, "x": raws})},
    {
        "expected_answer": _answers,
        "verifier_metadata": _objects | st.fixed_dictionaries({"unit_tests": _unit_tests}),
        "kwargs": st.lists(_kwargs, max_size=1),
        "instruction_id_list": _lists,
    },
)
_gym_own = st.tuples(_own(texts), _gym).map(
    lambda parts: {**parts[1], "expected_answer": parts[0][0], "tamis": parts[0][1]}
)

_columns = optional(
    {
        "prompt": _prompts,
        "question_id": texts,
        "reward_name": maybe,
        "reference": st.sampled_from(
            [None, {}, '{"answer":null, "tests":"t"}', {"rubric": "r", "answer": "2"}]
        ),
    },
    {"reward_parameters": maybe | st.just(Raw(b'{"a": 1.10}')), "solution": st.just("2") | raws},
)


def _is_agreed(row: dict[str, Any]) -> bool:
    said = row["reference"].get("answer") if isinstance(row["reference"], dict) else None
    is_text = row.get("solution") in ("2", Raw(b'"t"'))
    return not is_text or (row["solution"], said) == ("2", "2")


_answered = st.tuples(texts, _prompts, raws).map(
    lambda parts: {
        "prompt": parts[1],
        "answer": parts[0],
        "solution": parts[2],
        "question_id": "q",
        "reward_name": "numeric",
        "reference": {"answer": parts[0], "solution": "s"},
    }
)
_trl = optional(
    {"prompt": _prompts},
    {
        "solution": texts | raws,
        "answer": texts | raws,
        "ground_truth": texts | raws,
        "tools": tools,
        "reward_name": raws,
    },
)

ROWS = {
    "gsm8k": st.fixed_dictionaries({"question": texts, "answer": _solved}),
    "question_text": st.tuples(texts, _solved).map(
        lambda pair: {"text": f"Question: {pair[0]}\nAnswer: {pair[1]}"}
    ),
    "math500": optional(
        {"problem": texts, "answer": texts | numbers.map(lambda text: Raw(text.encode()))},
        {"solution": texts | raws, "level": raws, "expected_answer": raws},
    )
    | optional({"problem": texts, "expected_answer": texts}, {"solution": maybe, "type": raws}),
    "math_boxed": st.fixed_dictionaries(
        {
            "problem": texts,
            "level": raws,
            "type": raws,
            "solution": st.tuples(texts, st.sampled_from(["1", "\\frac{1}{2}", "\\{", ""])).map(
                lambda pair: f"{pair[0]} \\boxed{{{pair[1]}}} \\}}"
            ),
        }
    ),
    "humaneval": optional(
        {"prompt": texts, "entry_point": texts, "test": texts},
        {"canonical_solution": texts | raws, "task_id": raws},
    ),
    "mbpp": optional(
        {"test_list": _lists, "text": texts},
        {"prompt": texts, "code": texts | raws, "test_setup_code": maybe, "test_imports": _lists},
    )
    | optional(
        {"test_list": _lists, "prompt": texts},
        {"test_imports": st.none() | _lists, "challenge_test_list": raws},
    ),
    "open_instruct_code": optional({"question": texts, "test_cases": _lists}, {"answer": raws}),
    "ifeval": _instructions.flatmap(
        lambda pairs: st.fixed_dictionaries(
            {
                "prompt": texts,
                "instruction_id_list": st.just([pair[0] for pair in pairs]),
                "kwargs": st.just([pair[1] for pair in pairs]),
            }
        )
    ),
    "mt_bench": optional({"turns": _lists}, {"reference": raws | _lists, "category": raws}),
    "decon": optional(
        {"question": texts, "eval_key": texts, "eval_instance_index": raws},
        {"answer": texts | raws, "passage": texts, "is_correct": st.booleans() | raws},
    ),
    "verl_rl": _verl_plain | _verl_own,
    "open_instruct_rlvr": optional({"messages": messages, **_rlvr_more}, {"tools": raws})
    | optional({"prompt": _prompts, **_rlvr_more}, {"env_config": raws})
    | _rlvr_own,
    "verifiers": optional(
        {"prompt": _prompts, "info": raws | _objects | texts},
        {"answer": _answers, "task": maybe, "tools": tools, "question": raws},
    )
    | optional({"question": texts, "info": _objects}, {"answer": _answers})
    | st.tuples(_own(texts), messages, _objects).map(
        lambda parts: {
            "prompt": parts[1],
            "answer": parts[0][0],
            "info": {**parts[2], "tamis": parts[0][1]},
        }
    ),
    "nemo_gym": _gym | _gym_own,
    "trl_prompt": _trl | _columns.filter(_is_agreed) | _answered,
}
