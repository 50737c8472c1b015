"""Think blocks are paired in place, and the answer is what follows the last one."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.text.think import after_last_think, think_spans

PIECES = st.lists(
    st.sampled_from(
        [
            "<think>",
            "</think>",
            "<Think>",
            "<tool_call>",
            "</tool_call>",
            "`",
            "```\n",
            "\n",
            "a",
            "好",
            "😀",
            " ",
            "f(a=1)",
        ]
    ),
    max_size=24,
).map("".join)


def bodies(text: str) -> list[str]:
    return [text[span.body_start : span.body_end] for span in think_spans(text).spans]


def kinds(text: str) -> list[str]:
    return [problem.kind for problem in think_spans(text).problems]


@pytest.mark.parametrize(
    ("text", "reasoning"),
    [
        ("no tags at all", []),
        ("<think>6 x 7</think>42", ["6 x 7"]),
        ("<think>六乘七</think>四十二", ["六乘七"]),
        ("<think>a</think>x<think>b</think>y", ["a", "b"]),
        ("<think>I close with `</think>` later</think>42", ["I close with `</think>` later"]),
        ("< Think >a</ think>b", ["a"]),
        (
            '<think>a</think><tool_call>{"name": "f", "arguments": {"t": "<think>"}}</tool_call>',
            ["a"],
        ),
        ("<think>a<tool_call>f()</tool_call>b</think>c", ["a<tool_call>f()</tool_call>b"]),
    ],
)
def test_sound_blocks_are_read_without_a_problem(text: str, reasoning: list[str]) -> None:
    assert (bodies(text), kinds(text)) == (reasoning, [])


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("<think>a", ["unclosed"]),
        ("a</think>b", ["unopened"]),
        ("<think>a<think>b</think></think>c", ["nested"]),
        ("<think>a<think>b</think>c", ["unclosed", "nested"]),
        ("<think>a</think></think>b", ["unopened"]),
        ("<think>a<tool_call>f()</think></tool_call>", ["crossing"]),
        ("<tool_call>f()<think></tool_call>a</think>", ["crossing"]),
    ],
)
def test_each_fault_has_its_kind(text: str, problems: list[str]) -> None:
    assert kinds(text) == problems


def test_a_fence_opened_in_the_reasoning_does_not_hide_its_end() -> None:
    text = "<think>\n```\ndraft</think>\nHere:\n```python\nx\n```\n"
    assert (bodies(text), kinds(text)) == (["\n```\ndraft"], [])


def test_a_fence_that_shows_a_whole_block_is_a_mention() -> None:
    text = "<think>a</think>Write:\n```\n<think>...</think>\n```\n"
    assert bodies(text) == ["a"]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("42", "42"),
        ("<think>6 x 7</think>42", "42"),
        ("<think>a</think>41<think>b</think> 42", " 42"),
        ("reasoning that the prompt opened</think>42", "42"),
        ("<think>6 x 7 is", None),
        ("<think>a</think>41<think>no", None),
        ("<think>a `</think>` 41", None),
        ("<think>a</think>", ""),
    ],
)
def test_the_answer_stands_after_the_last_block(text: str, answer: str | None) -> None:
    assert after_last_think(text) == answer


@settings(max_examples=60)
@given(PIECES)
def test_offsets_slice_the_tags_and_blocks_do_not_overlap(text: str) -> None:
    parse = think_spans(text)
    for span in parse.spans:
        assert text[span.start : span.body_start].lower() == "<think>"
        assert text[span.body_end : span.end] == "</think>"
    edges = [edge for span in parse.spans for edge in (span.start, span.end)]
    assert edges == sorted(edges)
    assert all(text[p.start] == "<" and text[p.end - 1] == ">" for p in parse.problems)


@settings(max_examples=60)
@given(PIECES)
def test_one_tag_more_is_noticed(text: str) -> None:
    parse = think_spans(text)
    if not parse.problems and "`" not in text and "<tool_call>" not in text:
        assert think_spans(f"{text}<think>").problems
        assert think_spans(f"</think>{text}").problems


@pytest.mark.parametrize(
    "piece",
    [
        "<think>",
        "</think>",
        "<think></think>",
        "<think><tool_call></think></tool_call>",
        "`<think>",
    ],
)
def test_a_megabyte_of_tags_is_read_in_seconds(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    began = time.process_time()
    think_spans(text)
    assert time.process_time() - began < 3.0
