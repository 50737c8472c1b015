"""Tool-call blocks are found and their calls read, in all four dialects and out of hostile text."""

from __future__ import annotations

import json
import time
from keyword import iskeyword
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.text.dialects import parse_body
from tamis.text.tools import tool_blocks

ARGUMENTS = st.dictionaries(
    st.from_regex(r"[a-z]{1,8}", fullmatch=True).filter(lambda name: not iskeyword(name)),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**53), 2**53)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.text(st.characters(exclude_categories=["Cs"]), max_size=4), inner, max_size=3
            )
        ),
        max_leaves=6,
    ),
    max_size=4,
)


def read(body: str) -> list[tuple[str, Any]]:
    return [(call.name, call.arguments) for call in parse_body(body).calls]


@pytest.mark.parametrize(
    ("body", "dialect", "calls"),
    [
        ("\nadd(a=1, b='x')\n", "call", [("add", {"a": 1, "b": "x"})]),
        ('search(query="天气 (北京)")', "call", [("search", {"query": "天气 (北京)"})]),
        (
            "a(x=1)\nb(y=[1, {'k': None}])",
            "call",
            [("a", {"x": 1}), ("b", {"y": [1, {"k": None}]})],
        ),
        ("[a(x=1), math.sqrt(x=-2.5)]", "call", [("a", {"x": 1}), ("math.sqrt", {"x": -2.5})]),
        ("now()", "call", [("now", {})]),
        (
            '{"name": "f", "arguments": {"a": [1.5, true, null]}}',
            "json",
            [("f", {"a": [1.5, True, None]})],
        ),
        ('{"arguments": {"城市": "北京"}, "name": "天气"}', "json", [("天气", {"城市": "北京"})]),
        ('{"name": "f", "arguments": "{\\"a\\": 1}"}', "json", [("f", {"a": 1})]),
        ('{"name": "f", "parameters": {"a": 1}}', "json", [("f", {"a": 1})]),
        ('{"type": "function", "function": {"name": "f", "arguments": {}}}', "json", [("f", {})]),
        ('[{"name": "f", "arguments": {}}, {"name": "g"}]', "json", [("f", {}), ("g", {})]),
        ('{"name": "f", "arguments": [1]}', "json", [("f", None)]),
        (
            "{'name': 'f', 'arguments': {'a': True, 'b': None}}",
            "literal",
            [("f", {"a": True, "b": None})],
        ),
        ("[{'arguments': {}, 'name': 'f'}]", "literal", [("f", {})]),
        (
            "<function=f>\n<parameter=a>\n1\n</parameter>\n<parameter=b>x > y</parameter>\n</function>\n<function=g></function>",
            "xml",
            [("f", {"a": "1", "b": "x > y"}), ("g", {})],
        ),
    ],
)
def test_each_dialect_is_read(body: str, dialect: str, calls: list[tuple[str, Any]]) -> None:
    parsed = parse_body(body)
    assert (parsed.dialect, read(body), parsed.problem) == (dialect, calls, None)


@pytest.mark.parametrize(
    "body",
    [
        "add(a=1",
        "add(a=1))",
        "add(a=b)",
        "add(a=f())",
        "add(a=1, a=2)",
        "add(**{'a': 1})",
        "add",
        "a = add(b=1)",
        "let me call add",
        "add(a={1, 2})",
        "add(a=1e999)",
        "add(a=b'x')",
        "import os",
        '{"name": "f", "arguments": {"a": 1}',
        '{"name": "f", "arguments": {"a": NaN}}',
        '{"name": 3, "arguments": {}}',
        '{"arguments": {}}',
        "{'name': 'f', 'arguments': {'a': true}}",
        "{'arguments': {}}",
        "[]",
        "[1, 2]",
        "{}",
        "{'name': 'f', 'arguments': {'a': {1}}}",
        '{"name": "f", "arguments": {}} trailing',
        "<function=f><parameter=a>1</function>",
        "<function=f>",
        "<function=></function>",
        "<function=f></function> and more",
        "<function=f><parameter=a>1</parameter><parameter=a>2</parameter></function>",
        "<call>f</call>",
        "\x00",
        "add(a='\ud800')",
    ],
)
def test_what_no_dialect_says_is_unparsable_with_a_reason(body: str) -> None:
    parsed = parse_body(body)
    assert parsed.calls == ()
    assert parsed.problem


@pytest.mark.parametrize(
    "hostile",
    [
        "(" * 100000,
        "[" * 100000,
        '{"a":' * 100000,
        "f(a=" * 50000,
        "{'a':" * 50000,
        "f(a=" + "-" * 100000 + "1)",
        "[" * 3000 + "]" * 3000,
        "f(a=" + "[" * 150 + "]" * 150 + ")",
        "f(a=" + "9" * 100000 + ")",
        "a" + ".a" * 50000 + "()",
        '{"name": "f", "arguments": ' + "[" * 900 + "]" * 900 + "}",
        "<function=" * 50000,
        "f(a=1" + "+1" * 50000 + ")",
        '{"name": "f", "arguments": {"a": ' + "9" * 10000 + "}}",
        "f(a=" + "not " * 50000 + "1)",
    ],
    ids=lambda text: f"{text[:12]}..{len(text)}",
)
def test_hostile_depth_ends_in_a_verdict(hostile: str) -> None:
    parsed = parse_body(hostile)
    assert parsed.problem or parsed.calls


def test_xml_values_lose_one_line_end_on_each_side_and_nothing_else() -> None:
    body = (
        "<function=f><parameter=a>\r\n1\r\n</parameter><parameter=b>\n\n x\n</parameter></function>"
    )
    assert read(body) == [("f", {"a": "1", "b": "\n x"})]


def test_unnamed_arguments_are_kept_in_order() -> None:
    (call,) = parse_body("calculator('6 * 7', 2, exact=True)").calls
    assert (call.positional, call.arguments) == (("6 * 7", 2), {"exact": True})


def test_the_text_of_arguments_is_the_authors_own() -> None:
    bodies = [
        'f(a = 1,  b="ü")',
        '{"name": "f", "arguments": {"a":  1.10}}',
        "f(\n  a=1,\n  b=2\n)",
    ]
    assert [parse_body(body).calls[0].arguments_text for body in bodies] == [
        'a = 1,  b="ü"',
        '{"a":  1.10}',
        "a=1,\n  b=2",
    ]


@settings(max_examples=40)
@given(ARGUMENTS)
def test_all_dialects_read_the_same_arguments(arguments: dict[str, Any]) -> None:
    written = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
    call = {"name": "f", "arguments": arguments}
    as_call, as_json, as_literal = f"f({written})", json.dumps(call), repr(call)
    expected = repr([("f", arguments)])
    assert [repr(read(body)) for body in (as_call, as_json, as_literal)] == [expected] * 3


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("<tool_call>now()</tool_call>", [None]),
        ("先查一下。<tool_call>\nnow()\n</tool_call>\n<tool_call>now()</tool_call>", [None, None]),
        ("<tool_call>now()", ["unclosed"]),
        ("now()</tool_call>", ["unopened"]),
        ("<tool_call>now()<tool_call>now()</tool_call>", ["unclosed", None]),
        ("<tool_call></tool_call><tool_call> \n </tool_call>", ["empty", "empty"]),
        ("<tool_call>now(</tool_call>", ["unparsable"]),
        ("call it with `<tool_call>` tags", []),
        ('<tool_call>{"name": "f", "arguments": {"q": "`"}}</tool_call> and `x`', [None]),
    ],
)
def test_blocks_are_found_sound_or_not(text: str, problems: list[str | None]) -> None:
    assert [block.problem for block in tool_blocks(text)] == problems


@given(
    st.lists(
        st.sampled_from(
            [
                "<tool_call>",
                "</tool_call>",
                "< Tool_Call>",
                "f(a=1)",
                "`",
                "```\n",
                "\n",
                "好",
                "😀",
                "{",
                "}",
            ]
        ),
        max_size=20,
    ).map("".join)
)
def test_offsets_slice_the_blocks(text: str) -> None:
    for block in tool_blocks(text):
        written = text[block.start : block.end].lower().replace(" ", "")
        if block.problem == "unopened":
            assert written == "</tool_call>"
        elif block.problem == "unclosed":
            assert written == "<tool_call>"
        else:
            assert written.startswith("<tool_call>")
            assert written.endswith("</tool_call>")
            assert "tool_call" not in text[block.body_start : block.body_end].lower()


@pytest.mark.parametrize(
    "text",
    [
        "<tool_call>" * 90_000,
        "<tool_call>f()</tool_call>" * 8_000,
        "<tool_call>[" + "f(a=1)," * 20_000 + "]</tool_call>",
        "<tool_call>"
        + "<function=f><parameter=a>1</parameter></function>" * 20_000
        + "</tool_call>",
        "<tool_call>"
        + json.dumps([{"name": "f", "arguments": {"a": 1}}] * 25_000)
        + "</tool_call>",
        "<tool_call>" + " " * 1_000_000 + "</tool_call>",
        "<tool_call>" + "\\" * 1_000_000 + "</tool_call>",
    ],
    ids=lambda text: text[:30],
)
def test_very_many_calls_are_read_in_seconds(text: str) -> None:
    began = time.process_time()
    tool_blocks(text)
    assert time.process_time() - began < 4.0
