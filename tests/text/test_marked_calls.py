"""Calls behind `[TOOL_CALLS]` and `<|python_tag|>`, and bare lists of Python calls, are found and read."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tamis.text.tools import ToolBlock, pythonic_block, tool_blocks

# the form of Mistral-7B-Instruct-v0.3's chat template, as vLLM's tests of its Mistral parser hold it
MISTRAL = (
    '[TOOL_CALLS] [{"name": "get_current_weather", '
    '"arguments": {"location": "Paris", "format": "celsius"}, "id": "9Ae3bDc2F"}]</s>'
)
MISTRAL_CALL = ("get_current_weather", {"location": "Paris", "format": "celsius"})
# Mistral-Small-3.2 (tokenizer v11, with the call's id), and Magistral, Devstral and Ministral 3 (v13), as
# llama.cpp's and vLLM's tests of these templates hold them
MISTRAL_V11 = '[TOOL_CALLS]get_current_weather[CALL_ID]9Ae3bDc2F[ARGS]{"location": "Paris"}</s>'
MISTRAL_V13 = (
    '[TOOL_CALLS]add[ARGS]{"a": 3.5, "b": 4}[TOOL_CALLS]multiply[ARGS]{"a": 3, "b": 6}</s>'
)
# "Llama 3.1 | Model Cards and Prompt formats": custom tools and built-in tools; the code is ours, in
# the form its section on the code interpreter gives
LLAMA_JSON = """<|python_tag|>{
    "type": "function",
    "name": "trending_songs",
    "parameters": {
        "n": "10",
        "genre": "all"
    }
}<|eom_id|>"""
LLAMA_BUILT_IN = (
    '<|python_tag|>wolfram_alpha.call(query="solve x^3 - 4x^2 + 6x - 24 = 0")<|eom_id|>'
)
LLAMA_CODE = """<|python_tag|>def is_prime(n):
    if n <= 1:
        return False
    return all(n % d for d in range(2, int(n**0.5) + 1))

print(is_prime(7))  # Output: True<|eom_id|>"""
# "Llama 3.3 | Model Cards and Prompt formats", zero-shot function calling
PYTHONIC = (
    "[get_weather(city='San Francisco', metric='celsius'), "
    "get_weather(city='Seattle', metric='celsius')]<|eot_id|>"
)


def read(text: str) -> list[tuple[str, Any]]:
    return [(call.name, call.arguments) for block in tool_blocks(text) for call in block.calls]


def problems(text: str) -> list[str | None]:
    return [block.problem for block in tool_blocks(text)]


@pytest.mark.parametrize(
    ("text", "dialect", "calls"),
    [
        (MISTRAL, "mistral", [MISTRAL_CALL]),
        (MISTRAL_V11, "mistral", [("get_current_weather", {"location": "Paris"})]),
        (MISTRAL_V13, "mistral", [("add", {"a": 3.5, "b": 4}), ("multiply", {"a": 3, "b": 6})]),
        # what is left of the newer form when special tokens are not decoded (vLLM's parser reads it)
        ('[TOOL_CALLS]add{"a": 3.5}', "mistral", [("add", {"a": 3.5})]),
        ('[TOOL_CALLS]天气[ARGS]{"城市": "北京"}', "mistral", [("天气", {"城市": "北京"})]),
        (
            'Hello[TOOL_CALLS][{"name": "f"}, {"name": "g", "arguments": "{\\"a\\": 1}"}]',
            "mistral",
            [("f", {}), ("g", {"a": 1})],
        ),
        (LLAMA_JSON, "llama", [("trending_songs", {"n": "10", "genre": "all"})]),
        (
            '<|python_tag|>{"name": "f", "parameters": {}}; {"name": "g", "parameters": {"a": 1}}',
            "llama",
            [("f", {}), ("g", {"a": 1})],
        ),
        (
            LLAMA_BUILT_IN,
            "llama",
            [("wolfram_alpha", {"query": "solve x^3 - 4x^2 + 6x - 24 = 0"})],
        ),
        ("<|python_tag|>f(a=1); g()<|eot_id|>", "llama", [("f", {"a": 1}), ("g", {})]),
        ("<|python_tag|>[f(a=1), g()]", "llama", [("f", {"a": 1}), ("g", {})]),
    ],
)
def test_calls_behind_a_marker_are_read(
    text: str, dialect: str, calls: list[tuple[str, Any]]
) -> None:
    blocks = tool_blocks(text)
    assert {(block.dialect, block.problem) for block in blocks} == {(dialect, None)}
    assert read(text) == calls


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (MISTRAL.replace("}, ", ", "), "unparsable"),
        (MISTRAL.replace('"', "'"), "unparsable"),
        (MISTRAL.replace("</s>", "\nextra trailing data"), "unparsable"),
        ("[TOOL_CALLS][f(a=1)]", "unparsable"),
        ("[TOOL_CALLS][]", "unparsable"),
        ("[TOOL_CALLS] not JSON at all", "unparsable"),
        ('[TOOL_CALLS]add[ARGS]{"a": NaN}', "unparsable"),
        ("[TOOL_CALLS]add[ARGS]", "unparsable"),
        ('[TOOL_CALLS][ARGS]{"a": 1}', "unparsable"),
        ("[TOOL_CALLS] \n</s>", "empty"),
        (LLAMA_JSON.replace("}\n}", "}\n"), "unparsable"),
        (LLAMA_JSON.replace('"', "'"), "unparsable"),
        ('<|python_tag|>{"name": "f", "parameters": {}} {"name": "g"}', "unparsable"),
        ('<|python_tag|>{"name": "f", "parameters": {}}; {"name":', "unparsable"),
        ('<|python_tag|>{"parameters": {}}', "unparsable"),
        (LLAMA_BUILT_IN.replace(")", ""), "unparsable"),
        ("<|python_tag|>[f(a=1]", "unparsable"),
        ("<|python_tag|><|eom_id|>", "empty"),
    ],
)
def test_their_malformed_twins_are_one_fault_with_a_reason(text: str, problem: str) -> None:
    (block,) = tool_blocks(text)
    assert (block.problem, block.calls) == (problem, ())
    assert block.detail


@pytest.mark.parametrize("text", [LLAMA_CODE, "<|python_tag|>print('hi')", "<|python_tag|>x = 1"])
def test_code_for_the_interpreter_is_neither_a_call_nor_a_fault(text: str) -> None:
    (block,) = tool_blocks(text)
    assert (block.dialect, block.calls, block.problem) == (None, (), None)


@pytest.mark.parametrize(
    "text",
    [
        "Mistral writes `[TOOL_CALLS]` before its calls.",
        "```\n[TOOL_CALLS][{broken\n```",
        "Llama 3.1 begins with `<|python_tag|>` and ends with `<|eom_id|>`.",
        "~~~text\n<|python_tag|>f(\n~~~\nas above",
        "` `<|python_tag|>`",
        "[tool_calls] and <|PYTHON_TAG|> are nobody's tokens",
    ],
)
def test_markers_in_code_are_mentions(text: str) -> None:
    assert tool_blocks(text) == []


@pytest.mark.parametrize(
    "said",
    ["</s>", "a <s>struck</s> word", "[TOOL_CALLS]", "<|python_tag|>x(", "<tool_call>", ']}`\\"'],
)
def test_what_a_json_string_holds_ends_no_block(said: str) -> None:
    call = json.dumps({"name": "f", "arguments": {"q": said}})
    for text in (
        f"[TOOL_CALLS][{call}]</s>",
        f"[TOOL_CALLS]f[ARGS]{json.dumps({'q': said})}",
        f"<|python_tag|>{call}<|eom_id|>",
    ):
        assert problems(text) == [None]
        assert read(text) == [("f", {"q": said})]


def test_a_marker_between_tags_is_part_of_the_call() -> None:
    text = '<tool_call>{"name": "f", "arguments": {"q": "[TOOL_CALLS]"}}</tool_call>'
    assert [(block.dialect, block.problem) for block in tool_blocks(text)] == [("json", None)]


def test_blocks_with_tags_and_with_markers_come_in_order() -> None:
    text = f"{LLAMA_BUILT_IN}<tool_call>f()</tool_call>{MISTRAL}<tool_call>"
    assert [(block.dialect, block.problem) for block in tool_blocks(text)] == [
        ("llama", None),
        ("call", None),
        ("mistral", None),
        (None, "unclosed"),
    ]


def test_a_block_spans_its_marker_and_its_body() -> None:
    (block,) = tool_blocks("好😀[TOOL_CALLS]f[ARGS]{}</s>")
    assert block == ToolBlock(2, 23, 14, 23, "mistral", block.calls)


def test_a_message_of_python_calls_counts_where_one_of_the_tools_is_offered() -> None:
    block = pythonic_block(PYTHONIC, {"get_weather"})
    assert block is not None
    assert (block.dialect, [call.arguments for call in block.calls]) == (
        "pythonic",
        [{"city": city, "metric": "celsius"} for city in ("San Francisco", "Seattle")],
    )
    assert tool_blocks(PYTHONIC) == []


@pytest.mark.parametrize(
    "text",
    [
        "[get_weather(city='Paris')] is the call to make.",
        "Sure: [get_weather(city='Paris')]",
        "[get_weather(city=here)]",
        "[get_weather(city='Paris']",
        "[get_weather]",
        "[1, 2, 3]",
        "[sin(x=1)]",
        "get_weather(city='Paris')",
        "[]",
        "",
    ],
)
def test_any_other_list_in_brackets_is_a_list(text: str) -> None:
    assert pythonic_block(text, {"get_weather"}) is None


def test_without_tools_no_list_is_a_call() -> None:
    assert pythonic_block(PYTHONIC, ()) is None


PIECES = ["[TOOL_CALLS]", "<|python_tag|>", "</s>", "<|eom_id|>", "<tool_call>", "</tool_call>"]
PIECES += ['[{"name": "f", "arguments": {}}]', 'f[ARGS]{"a": 1}', "f.call(a=1)", "{}", "[ARGS]"]
PIECES += [
    '"',
    "\\",
    "[",
    "]",
    "{",
    "}",
    ";",
    "`",
    "```\n",
    "'",
    " ",
    "\n",
    "好",
    "😀",
    "a",
    "\ud800",
]


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=16).map("".join))
@example('<tool_call>[TOOL_CALLS]["<tool_call>"]</s></tool_call>')
def test_nothing_raises_and_spans_lie_inside_the_text(text: str) -> None:
    blocks = tool_blocks(text)
    bare = pythonic_block(text, {"f"})
    for block in [*blocks, *([] if bare is None else [bare])]:
        assert 0 <= block.start <= block.body_start <= block.body_end <= block.end <= len(text)
        assert block.start < block.end
        assert not (block.calls and block.problem)
        assert bool(block.detail) <= (block.problem is not None)
    assert blocks == sorted(blocks, key=lambda block: block.start)


@pytest.mark.parametrize(
    "piece",
    [
        "[TOOL_CALLS]",
        "<|python_tag|>",
        "[TOOL_CALLS][",
        '[TOOL_CALLS]["',
        '[TOOL_CALLS]["",',
        '[TOOL_CALLS][\\"',
        '[TOOL_CALLS]{"a":"\\\\',
        "[TOOL_CALLS][{'a': ",
        "[TOOL_CALLS]f[ARGS]{",
        "[TOOL_CALLS]f[ARGS]{}",
        "[TOOL_CALLS]f [CALL_ID]",
        '<|python_tag|>{"name": "f"};',
        '<|python_tag|>{"a": "',
        "<|python_tag|>[f(",
        "<|python_tag|>f(a=1)",
        "<|python_tag|></s>",
        "[TOOL_CALLS]</tool_call>",
        "`[TOOL_CALLS]",
    ],
)
def test_time_is_linear_in_repeated_markers(piece: str) -> None:
    seconds = []
    for size in (10_000, 160_000):
        text = piece * (size // len(piece))
        began = time.process_time()
        tool_blocks(text)
        seconds.append(time.process_time() - began)
    # sixteen times the text; quadratic would be 256 times the time
    assert seconds[1] < 60 * max(seconds[0], 0.01)


@pytest.mark.parametrize(
    "text",
    [
        "[TOOL_CALLS]" + "[" * 500_000,
        "[TOOL_CALLS]" + "a" * 500_000,
        "[TOOL_CALLS]f" + " " * 500_000 + "[ARGS]",
        '[TOOL_CALLS]f[ARGS]{"a": "' + "\\" * 500_001,
        '[TOOL_CALLS]["' + "[TOOL_CALLS]" * 40_000 + '"]',
        "<|python_tag|>" + '{"name": "f"};' * 30_000,
        "<|python_tag|>" + "(" * 500_000,
        "<|python_tag|>" + "f();" * 20_000,
        "[TOOL_CALLS]" + "</s>" * 100_000,
    ],
    ids=lambda text: f"{text[:26]}..{len(text)}",
)
def test_long_bodies_are_read_in_seconds(text: str) -> None:
    began = time.process_time()
    assert tool_blocks(text)
    assert time.process_time() - began < 4.0
