"""ThinkTags: pairs, nesting, crossing and the answer, in assistant messages only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tamis.checks.think_tags import ThinkTags


def turn(content: str | None, **more: Any) -> list[dict[str, Any]]:
    return [
        {"role": "user", "content": "What is 6 x 7? 六乘七是多少？"},
        {"role": "assistant", "content": content, **more},
    ]


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "42",
        "<think>6 x 7 = 42</think>42",
        "<think>六乘七</think>\n\n四十二",
        "Put your reasoning into `<think>` tags.",
        "<think>a</think>b<think>c</think>d",
        '<think>a</think><tool_call>{"name": "say", "arguments": {"text": "</think>"}}</tool_call>',
        "<div><table><th></th></table></div>",
    ],
)
def test_sound_messages_have_no_finding(find: Callable[..., Any], content: str | None) -> None:
    assert find(ThinkTags(), turn(content)) == [[]]


@pytest.mark.parametrize(
    ("content", "rules"),
    [
        ("<think>a", ["unpaired"]),
        ("想一想</think>好", ["unpaired"]),
        ("<think>a<think>b</think></think>c", ["nested"]),
        ("<think>a<tool_call>f()</think></tool_call>", ["crossing"]),
        ("<think>a</think>", ["no-answer"]),
        ("<think>a</think> \n", ["no-answer"]),
        ("<think>a</think>\ufeff", ["no-answer"]),
        ("<think>\n\n</think>\n\nHi", ["empty"]),
        ("<Think>a</ think>b", ["spelling", "spelling"]),
    ],
)
def test_each_fault_is_found_once(
    find_rules: Callable[..., Any], content: str, rules: list[str]
) -> None:
    assert find_rules(ThinkTags(), turn(content)) == [[f"think-tags/{rule}" for rule in rules]]


def test_tags_of_users_systems_and_tools_are_ignored(find: Callable[..., Any]) -> None:
    messages = [{"role": role, "content": "<think>"} for role in ("system", "user", "tool", "bot")]
    assert find(ThinkTags(), messages) == [[]]


def test_reasoning_before_a_structured_call_needs_no_answer(find: Callable[..., Any]) -> None:
    call = {"name": "multiply", "arguments": '{"a": 6, "b": 7}'}
    assert find(ThinkTags(), turn("<think>6 x 7</think>", tool_calls=[call])) == [[]]


def test_reasoning_in_a_message_of_its_own_needs_no_answer(find: Callable[..., Any]) -> None:
    messages = [*turn("<think>6 x 7</think>"), {"role": "assistant", "content": "42"}]
    assert find(ThinkTags(), messages) == [[]]


def test_a_finding_says_where(find: Callable[..., Any]) -> None:
    ((finding,),) = find(ThinkTags(), turn("好😀<think>6 x 7"))
    assert finding == {
        "rule": "think-tags/unpaired",
        "severity": "error",
        "path": "messages[1].content",
        "message": "`<think>` is never closed",
        "start": 2,
        "end": 9,
        "fix": "Add the missing tag, or remove the lone one.",
        "excerpt": "好😀<think>6 x 7",
    }


def test_null_conversations_messages_and_contents_have_no_finding(find: Callable[..., Any]) -> None:
    assert find(ThinkTags(), None, [], [None], turn(None), turn("<think>")[1:])[:4] == [[]] * 4


def test_findings_belong_to_their_own_row(find_rules: Callable[..., Any]) -> None:
    rows = [turn("fine"), turn("<think>a"), None, turn("a</think>b"), turn("fine")]
    assert [len(found) for found in find_rules(ThinkTags(), *rows)] == [0, 1, 0, 1, 0]


def test_a_message_full_of_faults_gives_few_findings(find: Callable[..., Any]) -> None:
    (found,) = find(ThinkTags(), turn("<think>" * 5000))
    assert len(found) == 16


@pytest.mark.parametrize("rule", ThinkTags.rules, ids=lambda rule: rule.id)
def test_the_rules_own_examples_hold(find_rules: Callable[..., Any], rule: Any) -> None:
    good, bad = find_rules(ThinkTags(), turn(rule.good), turn(rule.bad))
    assert rule.id not in good
    assert rule.id in bad
