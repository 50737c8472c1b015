"""ShortReply: empty is an error, short is worth knowing, in every script."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tamis.checks.replies import ShortReply

CALL = {"name": "now", "arguments": "{}"}


def reply(content: str | None, **more: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": ""}, {"role": "assistant", "content": content, **more}]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (None, "empty"),
        ("", "empty"),
        (" \n\t" * 500, "empty"),
        ("\u200b\ufeff \u3000", "empty"),
        ("...", "placeholder"),
        ("……", "placeholder"),
        ("。。。", "placeholder"),
        ("42", "short"),
        ("Yes.", "short"),
        ("是的。", "short"),
        ("+", "short"),
        ("👍", "short"),
    ],
)
def test_what_says_little_is_found(find_rules: Callable[..., Any], content: str, rule: str) -> None:
    assert find_rules(ShortReply(), reply(content)) == [[f"short-reply/{rule}"]]


@pytest.mark.parametrize(
    "content", ["It is Paris.", "首都是北京。", "東京です。そう", "서울이에요.", "x" * 10]
)
def test_a_whole_answer_is_no_finding(find: Callable[..., Any], content: str) -> None:
    assert find(ShortReply(), reply(content)) == [[]]


def test_short_answers_are_information_and_empty_ones_errors(find: Callable[..., Any]) -> None:
    found = find(ShortReply(), reply("42"), reply(""))
    assert [[finding["severity"] for finding in row] for row in found] == [["info"], ["error"]]


def test_a_call_parts_or_a_result_need_no_words(find: Callable[..., Any]) -> None:
    rows = [
        reply(None, tool_calls=[CALL]),
        reply("", parts='[{"type": "image_url"}]'),
        [{"role": "tool", "content": ""}],
        None,
        [None],
    ]
    assert find(ShortReply(), *rows) == [[]] * 5


def test_reasoning_alone_is_a_warning(find: Callable[..., Any]) -> None:
    ((finding,),) = find(ShortReply(), reply("", reasoning="6 x 7 = 42"))
    assert (finding["rule"], finding["severity"]) == ("short-reply/only-reasoning", "warning")


def test_an_empty_list_of_calls_is_no_call(find_rules: Callable[..., Any]) -> None:
    assert find_rules(ShortReply(), reply("", tool_calls=[])) == [["short-reply/empty"]]


def test_the_bound_is_an_option(find: Callable[..., Any]) -> None:
    assert find(ShortReply(min_chars=2), reply("42"), reply("不")) == [[], []]
