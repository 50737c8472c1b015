"""ToolCallTags: textual calls that are unpaired, empty, unreadable or mixed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tamis.checks.tool_calls import ToolCallTags

JSON = '<tool_call>\n{"name": "weather", "arguments": {"city": "北京"}}\n</tool_call>'
LITERAL = "<tool_call>{'name': 'weather', 'arguments': {'city': '北京'}}</tool_call>"
CALL = "<tool_call>\nweather(city='北京')\n</tool_call>"
XML = "<tool_call><function=weather><parameter=city>北京</parameter></function></tool_call>"
MISTRAL = '[TOOL_CALLS][{"name": "weather", "arguments": {"city": "北京"}}]</s>'
LLAMA = '<|python_tag|>{"name": "weather", "parameters": {"city": "北京"}}<|eom_id|>'


def talk(*contents: str | None) -> list[dict[str, Any]]:
    return [{"role": "assistant", "content": content} for content in contents]


@pytest.mark.parametrize(
    "content",
    [None, "", "plain", JSON, LITERAL, CALL, XML, f"Look: {CALL}{CALL}", MISTRAL, LLAMA],
)
def test_sound_calls_have_no_finding(find: Callable[..., Any], content: str | None) -> None:
    assert find(ToolCallTags(), talk(content)) == [[]]


@pytest.mark.parametrize(
    ("content", "rules"),
    [
        (JSON.replace("</tool_call>", ""), ["unpaired"]),
        (CALL.replace("<tool_call>", ""), ["unpaired"]),
        (XML + "</tool_call>", ["unpaired"]),
        ("<tool_call> </tool_call>", ["empty"]),
        (JSON.replace("}}", "}"), ["unparsable"]),
        (LITERAL.replace("'}}", "}}"), ["unparsable"]),
        (CALL.replace(")", ""), ["unparsable"]),
        (XML.replace("</parameter>", ""), ["unparsable"]),
        (MISTRAL.replace("}}", "}"), ["unparsable"]),
        (LLAMA.replace("}}", "}"), ["unparsable"]),
        ("[TOOL_CALLS]</s>", ["empty"]),
        (CALL + MISTRAL.replace("}}", "}"), ["unparsable"]),
        (CALL.replace("tool_call", "Tool_Call"), ["spelling", "spelling"]),
    ],
)
def test_each_fault_is_found_once(
    find_rules: Callable[..., Any], content: str, rules: list[str]
) -> None:
    assert find_rules(ToolCallTags(), talk(content)) == [
        [f"tool-call-tags/{rule}" for rule in rules]
    ]


@pytest.mark.parametrize("written", ["<tool_call>", "[TOOL_CALLS]", "<|python_tag|>f("])
def test_tags_and_markers_of_others_are_ignored(find: Callable[..., Any], written: str) -> None:
    messages = [{"role": role, "content": written} for role in ("system", "user", "tool")]
    assert find(ToolCallTags(), messages) == [[]]
    assert find(ToolCallTags(), talk(f"It begins with `{written}`.")) == [[]]


def test_the_second_dialect_of_a_conversation_is_named_once(find: Callable[..., Any]) -> None:
    same, mixed = find(ToolCallTags(), talk(JSON, JSON), talk(JSON, CALL, XML))
    assert same == []
    assert [(f["severity"], f["path"], f["message"]) for f in mixed] == [
        ("info", "messages[1].content", "call here, json before")
    ]


def test_a_marker_is_a_dialect_of_its_own(find: Callable[..., Any]) -> None:
    same, mixed = find(ToolCallTags(), talk(MISTRAL, MISTRAL), talk(JSON, LLAMA))
    assert same == []
    assert [finding["message"] for finding in mixed] == ["llama here, json before"]


def test_the_finding_behind_a_marker_says_what_is_missing(find: Callable[..., Any]) -> None:
    ((finding,),) = find(ToolCallTags(), talk("Hm. [TOOL_CALLS] </s>"))
    assert (finding["start"], finding["end"]) == (4, 17)
    assert finding["message"] == "nothing behind `[TOOL_CALLS]`"


def test_the_finding_spans_the_block_and_says_why(find: Callable[..., Any]) -> None:
    ((finding,),) = find(ToolCallTags(), talk("好😀<tool_call>f(a=</tool_call>!"))
    assert (finding["start"], finding["end"], finding["path"]) == (2, 29, "messages[0].content")
    assert finding["message"].startswith("not a call like name(key=value)")


def test_names_that_utf8_cannot_write_are_reported_and_not_a_crash(
    find: Callable[..., Any],
) -> None:
    content = "<tool_call>f(a='\\ud800')</tool_call><tool_call>g(**{'\\ud800': 1})</tool_call>"
    (found,) = find(ToolCallTags(), talk(content))
    assert [finding["rule"] for finding in found] == ["tool-call-tags/unparsable"]


@pytest.mark.parametrize("rule", ToolCallTags.rules, ids=lambda rule: rule.id)
def test_the_rules_own_examples_hold(find_rules: Callable[..., Any], rule: Any) -> None:
    good, bad = find_rules(ToolCallTags(), talk(rule.good), talk(rule.bad))
    assert rule.id not in good
    assert rule.id in bad
