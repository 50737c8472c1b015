"""The grammar of blocks: what is one, what is padding, what may not be there."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tamis.errors import RewardError
from tamis.records import Message, Question, RewardSpec, Rollout, Score, ToolCall
from tamis.rewards import load_reward

ASKED = Question(prompt=[])
REASONING = "Seven times six is the same as six times seven, and that makes forty-two."
CALL = '<tool_call>{"name": "add", "arguments": {"a": 1}}</tool_call>'


def score(answer: str, **parameters: Any) -> Score:
    reward = load_reward(RewardSpec(name="format", parameters=json.dumps(parameters)))
    return reward.score(answer, ASKED)  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize(
    "answer",
    [
        f"<think>{REASONING}</think>42",
        f"\n<think>\n{REASONING}\n</think>\n\nIt is 42.\n",
        f"<think>{REASONING}</think>Write `<think>` and `<|im_end|>` yourself.",
        f"<think>{REASONING * 2} Wait, check it once more: 42 / 6 = 7.</think>\n```\n<s>\n```",
    ],
)
def test_a_reasoning_and_then_an_answer_is_the_default(answer: str) -> None:
    assert score(answer).value == 1.0


@pytest.mark.parametrize(
    ("answer", "flag"),
    [
        ("", "think_missing"),
        ("42", "think_missing"),
        (f"<think>{REASONING}</think>", "text_missing"),
        (f"<think>{REASONING}</think> \u200b\n", "text_missing"),
        (f"<think>{REASONING}", "think_unclosed"),
        (f"{REASONING}</think>42", "think_unopened"),
        (f"<think><think>{REASONING}</think></think>42", "think_nested"),
        (f"<think>{REASONING}</think>42<think>{REASONING}</think>", "think_repeated"),
        (f"42<think>{REASONING}</think>", "wrong_order"),
        (f"Hello <think>{REASONING}</think>42", "text_repeated"),
        ("<think></think>42", "thin_thinking"),
        (f"<think>{'.' * 60}</think>42", "thin_thinking"),
        (f"<think>{' ' * 400}</think>42", "thin_thinking"),
        (f"<think>{'hmm ' * 60}</think>42", "thin_thinking"),
        (f"<think>{chr(0x200B) * 60}</think>42", "thin_thinking"),
        (f"<think>{REASONING * 60}</think>42", "thin_thinking"),
        (f"< Think >{REASONING}</think>42", "misspelled_tag"),
        (f"<think>{REASONING}</think>42<|im_end|>", "special_token"),
        (f"<think>{REASONING}<|endoftext|></think>42", "special_token"),
        (f"<think>{REASONING}</think>[INST] more [/INST]", "special_token"),
        (f"<think>{REASONING}</think>42{CALL}", "tool_call_unwanted"),
        (f"<think>{REASONING}</think><answer>42</answer>", "text_missing"),
    ],
)
def test_what_is_wrong_with_an_answer_is_named_and_scores_0(answer: str, flag: str) -> None:
    found = score(answer)
    assert found.value == 0.0
    assert flag in found.flags


def test_answer_tags_can_be_required_and_then_nothing_may_stand_outside() -> None:
    blocks = ["think", "answer"]
    assert score(f"<think>{REASONING}</think>\n<answer>42</answer>", blocks=blocks).value == 1.0
    wrong = {
        f"<think>{REASONING}</think>42": "answer_missing",
        f"<think>{REASONING}</think><answer> </answer>": "answer_blank",
        f"<think>{REASONING}</think><answer>42": "answer_unclosed",
        f"<think>{REASONING}</think>So <answer>42</answer>": "text_unwanted",
        f"<think>{REASONING}</think><answer>1</answer><answer>2</answer>": "answer_repeated",
        f"<think>{REASONING}<answer>42</answer></think>": "answer_missing",
        f"<answer>42</answer><think>{REASONING}</think>": "wrong_order",
    }
    assert {
        answer: flag in score(answer, blocks=blocks).flags for answer, flag in wrong.items()
    } == dict.fromkeys(wrong, True)


def test_tool_calls_in_a_row_are_one_block_and_must_be_readable() -> None:
    blocks = ["think", "tool_call"]
    assert score(f"<think>{REASONING}</think>{CALL}\n{CALL}", blocks=blocks).value == 1.0
    assert score(f"<think>{REASONING}</think>{CALL} and {CALL}", blocks=blocks).value == 0.0
    broken = score(f"<think>{REASONING}</think><tool_call>add(</tool_call>", blocks=blocks)
    assert "tool_call_unparsable" in broken.flags
    in_thought = score(f"<think>{REASONING}{CALL}</think>", blocks=blocks)
    assert in_thought.flags == ("tool_call_missing",)
    marked = f'<think>{REASONING}</think>[TOOL_CALLS][{{"name": "add", "arguments": {{}}}}]'
    assert score(marked, blocks=blocks).value == 1.0
    llama = f'<think>{REASONING}</think><|python_tag|>{{"name": "add", "parameters": {{}}}}'
    assert score(llama, blocks=blocks).value == 1.0


def test_what_a_server_took_out_of_the_text_counts_as_if_it_stood_there() -> None:
    reward = load_reward(RewardSpec(name="format", parameters='{"blocks": ["think", "tool_call"]}'))
    call = ToolCall(name="add", arguments="{}")
    said = Message(role="assistant", reasoning=REASONING, tool_calls=[call])
    rollout = Rollout(question_id="", messages=[said], model="")
    [found] = asyncio.run(reward.score_many([rollout], [ASKED]))
    assert found.value == 1.0


def test_a_prompt_that_opens_the_reasoning_and_a_kept_end_token_are_declared() -> None:
    answer = f"{REASONING}</think>42<|im_end|>\n"
    assert score(answer, prompt_opens=True, end_token="<|im_end|>").value == 1.0
    assert score(answer, prompt_opens=True).value == 0.0
    twice = answer.strip() + "<|im_end|>"
    assert score(twice, prompt_opens=True, end_token="<|im_end|>").value == 0.0


def test_the_least_reasoning_is_a_parameter_and_chinese_counts_by_characters() -> None:
    chinese = "<think>七乘以六等于四十二，因为六七四十二。</think>42"
    assert score(chinese).value == 1.0
    assert score("<think>7 x 6</think>42", think_tokens=2).value == 1.0
    assert score("<think></think>42", think_tokens=0).value == 1.0


@pytest.mark.parametrize("blocks", ["[]", '["think", "think"]', '["thought"]'])
def test_blocks_that_no_answer_can_satisfy_are_refused(blocks: str) -> None:
    with pytest.raises(RewardError, match="format"):
        load_reward(RewardSpec(name="format", parameters=f'{{"blocks": {blocks}}}'))
