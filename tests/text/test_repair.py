"""Repairs keep the meaning, can be undone, and need doing only once."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tamis.text.repair import Edit, Repaired, repair_ends, repair_tags, undo_edits
from tamis.text.think import think_spans
from tamis.text.tools import tool_blocks

TEXTS = st.lists(
    st.sampled_from(
        [
            "<think>",
            "</think>",
            "< Think >",
            "</ think>",
            "<tool_call>",
            "</tool_call>",
            "<Tool_Call>",
            "{'name': 'f', 'arguments': {'a': True}}",
            "{'name': 'f', 'arguments': {'a': '\\x60 \\x3cthink>'}}",
            '{"name": "g", "arguments": {}}',
            "h(a=1)",
            "`",
            "```\n",
            "\r\n",
            "\r",
            "\n",
            " ",
            "\u3000",
            "\ufeff",
            "\u200b",
            "好",
            "a",
        ]
    ),
    max_size=16,
).map("".join)


def repair(text: str) -> Repaired:
    ends = repair_ends(text)
    tags = repair_tags(ends.text)
    return Repaired(tags.text, [*ends.edits, *tags.edits])


def faults(text: str) -> list[str]:
    blocks = [str(block.problem) for block in tool_blocks(text) if block.problem]
    return sorted([*blocks, *(problem.kind for problem in think_spans(text).problems)])


def calls(text: str) -> list[str]:
    return [repr((c.name, c.arguments)) for block in tool_blocks(text) for c in block.calls]


@pytest.mark.parametrize(
    ("text", "mended", "rules"),
    [
        ("plain", "plain", []),
        ("", "", []),
        ("你好\r\n世界\r\r\n", "你好\n世界", ["line-ends", "blank-ends"]),
        ("a\rb", "a\rb", []),
        ("\ufeff\n\n  def f():\n\tpass\n\n", "  def f():\n\tpass", ["blank-ends", "blank-ends"]),
        ("\n\u3000\u3000段落\u200b", "\u3000\u3000段落", ["blank-ends", "blank-ends"]),
        (" \n\t ", "", ["blank-ends"]),
        ("\n  a stray indentation\nhere", "a stray indentation\nhere", ["blank-ends"]),
        ("  - a\n  - b", "  - a\n  - b", []),
        ("    code()", "    code()", []),
        ("\tcode()", "\tcode()", []),
        ("a\u200bb e\u0301", "a\u200bb e\u0301", []),
        ("<Think>a</ think>b", "<think>a</think>b", ["tag-spelling", "tag-spelling"]),
        ("<Think>a b", "<Think>a b", []),
        ("`<Think>`", "`<Think>`", []),
        ("<think>no end", "<think>no end", []),
        ("<tool_call>\nf(a=1)", "<tool_call>\nf(a=1)\n</tool_call>", ["close-call"]),
        ("<tool_call>f(a=1) and more", "<tool_call>f(a=1) and more", []),
        ("<tool_call>f(a=", "<tool_call>f(a=", []),
        ("f(a=1)</tool_call>", "f(a=1)</tool_call>", []),
        (
            "<tool_call>\n{'name': '天气', 'arguments': {'城市': '北京', 'x': (True, None)}}\n</tool_call>",
            "<tool_call>\n{'name': '天气', 'arguments': {'城市': '北京', 'x': (True, None)}}\n</tool_call>",
            [],  # a tuple is no list
        ),
        (
            "<tool_call>\n{'name': '天气', 'arguments': {'城市': '北京', 'x': [True, None, 1.0]}}\n</tool_call>",
            '<tool_call>\n{"name": "天气", "arguments": {"城市": "北京", "x": [true, null, 1.0]}}\n</tool_call>',
            ["call-json"],
        ),
        (
            "<tool_call>{'name': 'f', 'arguments': {'a': '\\x3c/tool_call>'}}</tool_call>",
            "<tool_call>{'name': 'f', 'arguments': {'a': '\\x3c/tool_call>'}}</tool_call>",
            [],
        ),
        (
            "<tool_call>{'name': 'f', 'arguments': {'a': '\\ud800'}}</tool_call>",
            "<tool_call>{'name': 'f', 'arguments': {'a': '\\ud800'}}</tool_call>",
            [],
        ),
    ],
)
def test_only_what_is_safe_is_mended(text: str, mended: str, rules: list[str]) -> None:
    repaired = repair(text)
    assert (repaired.text, [edit.rule for edit in repaired.edits]) == (mended, rules)


@settings(max_examples=150)
@given(TEXTS)
@example("\r\r\n\r\n")
@example("<Tool_Call>{'name': 'f', 'arguments': {'a': True}}")
def test_edits_can_be_undone_and_need_doing_once(text: str) -> None:
    repaired = repair(text)
    assert undo_edits(repaired.text, repaired.edits) == text
    assert repair(repaired.text) == Repaired(repaired.text, [])


@settings(max_examples=150)
@given(TEXTS)
def test_a_repair_brings_no_fault_and_changes_no_call(text: str) -> None:
    mended = repair(text).text
    before, after = faults(text), faults(mended)
    assert len(after) <= len(before)
    assert set(after) <= set(before)
    assert calls(mended)[: len(calls(text))] == calls(text)


@settings(max_examples=100)
@given(TEXTS)
def test_what_stands_between_the_ends_stays(text: str) -> None:
    blanks = str.maketrans("", "", "\r\n \u3000\ufeff\u200b")
    mended = repair_ends(text).text
    assert mended.translate(blanks) == text.translate(blanks)


def test_undoing_on_another_text_is_refused() -> None:
    with pytest.raises(ValueError, match="not what this edit left"):
        undo_edits("x", [Edit("r", 0, 1, "a", "b")])


@pytest.mark.parametrize(
    "piece",
    [
        "< Think >",
        "<Think>a</Think>",
        "\r\n",
        " ",
        "\ufeff ",
        "<Tool_Call>f()</tool_call>",
        "<tool_call>{'name': 'f'}</tool_call>",
        "\ufeff\n",
        "a \n",
    ],
)
def test_a_large_message_is_mended_and_undone_in_seconds(piece: str) -> None:
    began = time.process_time()
    for ends in ("x{}y", "{}"):
        text = ends.format(piece * (60_000 // len(piece)))
        repaired = repair(text)
        assert undo_edits(repaired.text, repaired.edits) == text
    assert time.process_time() - began < 3.0
