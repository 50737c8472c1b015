"""RoleOrder and NoAssistant: who may speak when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tamis.checks.roles import NoAssistant, RoleOrder

ROLES = {"s": "system", "u": "user", "a": "assistant", "t": "tool", "x": "narrator"}


def spoken(letters: str) -> list[dict[str, Any]]:
    """`c` is an assistant's structured call, the other letters are roles."""
    return [
        {"role": "assistant", "tool_calls": [{"name": "now", "arguments": "{}"}]}
        if letter == "c"
        else {"role": ROLES[letter], "content": "text"}
        for letter in letters
    ]


def rules_at(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(f["rule"].removeprefix("role-order/"), f["path"]) for f in found]


@pytest.mark.parametrize(
    "letters", ["ua", "sua", "uaua", "ucta", "suctta", "uctcta", "uc", "suauctaua", "u", "s", ""]
)
def test_ordinary_orders_have_no_finding(find: Callable[..., Any], letters: str) -> None:
    assert find(RoleOrder(), spoken(letters)) == [[]]


@pytest.mark.parametrize(
    ("letters", "found"),
    [
        ("uxa", [("unknown-role", "messages[1].role")]),
        ("usa", [("system-not-first", "messages[1].role")]),
        ("uua", [("repeated-role", "messages[1].role")]),
        ("uaa", [("repeated-role", "messages[2].role")]),
        ("aua", [("assistant-first", "messages[0].role")]),
        ("saua", [("assistant-first", "messages[1].role")]),
        ("uau", [("no-final-reply", "messages[2].role")]),
        ("uct", [("no-final-reply", "messages[2].role")]),
        ("uta", [("tool-without-call", "messages[1].role")]),
        ("uata", [("tool-without-call", "messages[2].role")]),
        ("tua", [("tool-without-call", "messages[0].role")]),
        ("ucua", [("unanswered-call", "messages[1].tool_calls")]),
    ],
)
def test_each_disorder_is_found_in_its_place(
    find: Callable[..., Any], letters: str, found: list[tuple[str, str]]
) -> None:
    neighbours = (spoken("ua"), spoken(letters), spoken("ucta"))
    assert [rules_at(row) for row in find(RoleOrder(), *neighbours)] == [[], found, []]


@pytest.mark.parametrize(
    "content",
    [
        "<tool_call>now()</tool_call>",
        '{"name": "now", "arguments": {}}',
        "Thought: look.\nAction: search[天气]",
        '<functioncall> {"name": "now"}',
        "<|python_tag|>now()",
    ],
)
def test_a_call_written_in_text_explains_the_result(find: Callable[..., Any], content: str) -> None:
    messages = spoken("uata")
    messages[1]["content"] = content
    assert find(RoleOrder(), messages) == [[]]


def test_results_name_calls_that_were_made(find: Callable[..., Any]) -> None:
    calls = [{"name": "now", "arguments": "{}", "id": call_id} for call_id in ("a1", "a2")]
    messages = [
        {"role": "user", "content": "time?"},
        {"role": "assistant", "tool_calls": calls},
        {"role": "tool", "content": "1", "tool_call_id": "a2"},
        {"role": "tool", "content": "2", "tool_call_id": "b7"},
        {"role": "tool", "content": "3"},
        {"role": "assistant", "content": "It is one."},
    ]
    without_ids = [{**call, "id": None} for call in calls]
    nameless = [*messages[:1], {"role": "assistant", "tool_calls": without_ids}, *messages[2:]]
    (named, free) = find(RoleOrder(), messages, nameless)
    assert rules_at(named) == [("unknown-call-id", "messages[3].tool_call_id")]
    assert free == []


def test_unknown_and_missing_roles_are_errors(find: Callable[..., Any]) -> None:
    (found,) = find(RoleOrder(), [{"role": None}, {"role": "机器人"}, {"role": "assistant"}])
    assert [(f["severity"], f["message"]) for f in found] == [
        ("error", "no role"),
        ("error", "`机器人` is not a role"),
    ]


def test_a_conversation_needs_an_assistant(find: Callable[..., Any]) -> None:
    found = find(NoAssistant(), spoken("ua"), spoken("su"), [], None, spoken("uc"))
    assert [[f["message"] for f in row] for row in found] == [
        [],
        ["none of 2 messages is the assistant's"],
        ["no messages"],
        ["no messages"],
        [],
    ]
