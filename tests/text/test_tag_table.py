"""What the bulk readers call sound, the exact readers find nothing in."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tamis.text.blank_ends import texts_with_blank_ends
from tamis.text.bulk import parse_bodies
from tamis.text.dialects import parse_body
from tamis.text.repair import repair_ends
from tamis.text.tag_table import (
    CLOSE_CALL,
    OPEN_CALL,
    TagTable,
    read_table,
    simple_calls,
    sound_thinks,
    tagged_texts,
    texts_with,
    texts_with_calls,
    texts_with_lists,
)
from tamis.text.tags import read_tags
from tamis.text.think import think_spans
from tamis.text.tools import pythonic_block, tool_blocks

PIECES = [
    "<think>",
    "</think>",
    "<tool_call>",
    "</tool_call>",
    "<think>a</think>b",
    "<tool_call>f()</tool_call>",
]
PIECES += [
    "< Think >",
    "</ tool_call>",
    "`",
    "```\n",
    "~~~",
    "\n",
    " ",
    "a",
    "好",
    "，",
    "😀",
    "<",
    "<th>",
    "</",
    "<t",
]
PIECES += ["[TOOL_CALLS]", "<|python_tag|>", "[TOOL", "_CALLS]", "<|python_", "tag|>", "["]
TEXTS = st.lists(st.lists(st.sampled_from(PIECES), max_size=7).map("".join), max_size=5)


def joined(texts: list[str]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """The texts as one buffer, with other bytes before and behind them as in a slice."""
    written = [text.encode() for text in texts]
    offsets = np.cumsum([3, *map(len, written)], dtype=np.int64)
    return np.frombuffer(b"<th" + b"".join(written) + b"ink>", dtype=np.uint8), offsets


def table_of(texts: list[str]) -> TagTable:
    return read_table(*joined(texts))


@settings(max_examples=150)
@given(TEXTS)
@example(["<think", ">"])
@example(["a<think>", "b</think>c"])
def test_every_text_with_a_tag_is_seen_and_no_other(texts: list[str]) -> None:
    found = tagged_texts(table_of(texts)).tolist()
    assert all(seen for seen, text in zip(found, texts, strict=True) if read_tags(text))
    assert not any(
        seen
        for seen, text in zip(found, texts, strict=True)
        if "<t" not in text.lower().replace(" ", "").replace("/", "")
    )


@settings(max_examples=200)
@given(TEXTS)
def test_sound_thinks_hold_no_fault(texts: list[str]) -> None:
    for sound, text in zip(sound_thinks(table_of(texts)).tolist(), texts, strict=True):
        if sound:
            parse = think_spans(text)
            assert parse.problems == []
            assert all(text[span.body_start : span.body_end].strip() for span in parse.spans)
            assert (
                not parse.tags or not parse.tags[-1].closing or text[parse.tags[-1].end :].strip()
            )
            assert all(text[tag.start : tag.end] == tag.canonical for tag in parse.tags)


@settings(max_examples=200)
@given(TEXTS)
def test_simple_calls_are_the_blocks_of_their_texts(texts: list[str]) -> None:
    buffer, offsets = joined(texts)
    bodies = simple_calls(read_table(buffer, offsets))
    for owner in set(bodies.owner.tolist()):
        mine = np.flatnonzero(bodies.owner == owner)
        found = [buffer[bodies.start[n] : bodies.end[n]].tobytes().decode() for n in mine]
        blocks = tool_blocks(texts[owner])
        assert [texts[owner][b.body_start : b.body_end] for b in blocks] == found
        assert not {block.problem for block in blocks} & {"unclosed", "unopened"}


@settings(max_examples=200)
@given(TEXTS)
@example(["[TOOL_CALLS", "]"])
@example(["<|python_tag|", ">"])
@example(["a[TOOL_CALLS]", "<|python_tag|>b"])
def test_every_text_with_a_call_is_seen_and_no_other(texts: list[str]) -> None:
    found = texts_with_calls(table_of(texts)).tolist()
    for seen, text in zip(found, texts, strict=True):
        has_marker = "[TOOL_CALLS]" in text or "<|python_tag|>" in text
        assert seen or not (tool_blocks(text) or has_marker)
        assert not seen or has_marker or read_tags(text) or "`" in text


@settings(max_examples=100)
@given(
    st.lists(st.sampled_from(["[f()]", " \n", "\t", "\r", "[", "f()", "\u3000", "好"]), max_size=3)
)
def test_every_list_of_calls_is_seen(pieces: list[str]) -> None:
    text = "".join(pieces)
    (seen,) = texts_with_lists(table_of([text])).tolist()
    assert seen or pythonic_block(text, {"f"}) is None


def test_ordinary_agent_messages_need_no_second_look() -> None:
    call = '<tool_call>\n{"name": "search", "arguments": {"q": "天气"}}\n</tool_call>'
    texts = [
        "plain",
        "<think>\nlet me see\n</think>\n\nYes.",
        f"<think>好的，看看</think>{call}\n{call}",
        "<table><th></th></table> 1 < 2 and [TOOL] <|im_end|>",
    ]
    table = table_of(texts)
    assert sound_thinks(table).tolist() == [False, True, True, False]
    assert texts_with(table, OPEN_CALL, CLOSE_CALL).tolist() == [False, False, True, False]
    assert texts_with_calls(table).tolist() == [False, False, True, False]
    assert texts_with_lists(table).tolist() == [False] * 4
    assert simple_calls(table).owner.tolist() == [2, 2]


@pytest.mark.parametrize("texts", [[], [""], ["", ""], ["<"]])
def test_nothing_is_found_in_nothing(texts: list[str]) -> None:
    table = table_of(texts)
    assert not tagged_texts(table).any()
    assert not sound_thinks(table).any()
    assert len(simple_calls(table).owner) == 0


@settings(max_examples=150)
@given(
    st.lists(
        st.text(
            st.sampled_from(
                " \n\t\x1c\x85\xa0\u1680\u2000\u200b\u2028\u2060\u3000\ufeff好。，é😀a"
            ),
            max_size=3,
        )
    )
)
def test_every_blank_end_is_seen(texts: list[str]) -> None:
    found = texts_with_blank_ends(*joined(texts)).tolist()
    assert [n for n, text in enumerate(texts) if repair_ends(text).edits and n not in found] == []


@settings(max_examples=100)
@given(
    st.lists(
        st.sampled_from(
            [
                '{"name": "f", "arguments": {"a": 1}}',
                '\n{"name": "天气", "arguments": {"城市": "北京"}}\n',
                '{"name": "f", "arguments": "{}"}',
                '{"name": "f", "arguments": [1]}',
                '{"name": "f", "arguments": null}',
                '{"name": "", "arguments": {}}',
                '{"name": "f"}',
                '{"name": "f", "parameters": {}}',
                '{"name": "f", "arguments": {}}{"name": "g", "arguments": {}}',
                '{"name": "f",\n "arguments": {}}',
                '{"name": "f", "arguments":\r{}}',
                '{"name": "f", "arguments": {"a": "\u2028"}}',
                '{"name": "f", "arguments": {}',
                "{'name': 'f', 'arguments': {}}",
                "f(a=1)",
                "",
                '{"function": {"name": "f", "arguments": {}}}',
            ]
        ),
        max_size=80,
    )
)
def test_bodies_read_in_bulk_are_read_as_one_by_one(bodies: list[str]) -> None:
    assert parse_bodies(bodies) == [parse_body(body) for body in bodies]
