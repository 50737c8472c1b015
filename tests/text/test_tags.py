"""Tags are found in any spelling, told from mentions, and read in linear time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.text.tags import code_regions, outside, read_tags

PIECES = st.lists(
    st.sampled_from(
        [
            "<think>",
            "</think>",
            "< Think >",
            "<tool_call>",
            "</tool_call>",
            "`",
            "``",
            "```",
            "\n",
            "```python\n",
            "\n```\n",
            "~~~\n",
            "a",
            "好",
            " ",
            "😀",
            "<",
            ">",
            "{'name': 'f'}",
            "f(a=1)",
        ]
    ),
    max_size=30,
).map("".join)


def shown(text: str) -> list[str]:
    return [text[tag.start : tag.end] for tag in outside(read_tags(text), code_regions(text))]


def test_every_forgiven_spelling_is_a_tag() -> None:
    text = "<think></think>< Think ></ THINK><tool_call></Tool_Call ><tool-call></toolcall>"
    assert [tag.canonical for tag in read_tags(text)] == [
        "<think>",
        "</think>",
        "<think>",
        "</think>",
        "<tool_call>",
        "</tool_call>",
        "<tool_call>",
        "</tool_call>",
    ]


@pytest.mark.parametrize("text", ["<thinking>", "<thin\u212a>", "think>", "<<think", "<\nthink>"])
def test_what_only_looks_like_a_tag_is_none(text: str) -> None:
    assert read_tags(text) == []


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("write `<think>` first", []),
        ("写 `<think>` 再写 `</think>`。", []),
        ("``a ` <think>`` x", []),
        ("```\n<think>\n```\n<think>", ["<think>"]),
        ("~~~xml\n<think>\n~~~", []),
        ("> ```\n> <think>\n> ```", []),
        ("an unclosed ` hides nothing <think>", ["<think>"]),
        ("inline code ends with its line ` \n<think> `", ["<think>"]),
        ("```\nan unclosed fence hides nothing\n<think>", ["<think>"]),
        ("```\n~~~\n<think>\n```", []),
        ("`a` <think> `b`", ["<think>"]),
    ],
)
def test_a_tag_in_code_is_a_mention(text: str, tags: list[str]) -> None:
    assert shown(text) == tags


@settings(max_examples=60)
@given(PIECES)
def test_regions_are_sorted_and_disjoint_and_lie_inside_the_text(text: str) -> None:
    regions = code_regions(text)
    edges = [edge for region in regions for edge in region]
    assert edges == sorted(edges)
    assert all(0 <= start < end <= len(text) for start, end in regions)


@pytest.mark.parametrize(
    "piece", ["<think>", "`", "` ``", "```\n", "~~~a\n", "`<think>", "<", "< ", "\n"]
)
def test_a_megabyte_of_anything_is_read_in_a_second(piece: str) -> None:
    text = (piece * (1_000_000 // len(piece) + 1))[:1_000_000]
    began = time.process_time()
    shown(text)
    assert time.process_time() - began < 1.5
