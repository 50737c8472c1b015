"""ToolSchema: calls against the tools on offer, and hostile schemas that fetch nothing."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tamis.checks.tool_schema import ToolSchema

PARAMETERS = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "integer"},
        "units": {"type": "string", "enum": ["C", "F"]},
    },
    "required": ["city"],
}
FLAT = json.dumps([{"name": "weather", "description": "天气", "parameters": PARAMETERS}])
NESTED = json.dumps(
    [{"type": "function", "function": {"name": "weather", "parameters": PARAMETERS}}]
)
VENDOR = json.dumps([{"name": "weather", "input_schema": PARAMETERS}, {"type": "web_search"}])
BFCL = FLAT.replace('"object"', '"dict"').replace('"integer"', '"int"')


def structured(name: str, arguments: str | None) -> list[dict[str, Any]]:
    return [{"role": "assistant", "tool_calls": [{"name": name, "arguments": arguments}]}]


def written(*bodies: str) -> list[dict[str, Any]]:
    content = "".join(f"<tool_call>{body}</tool_call>" for body in bodies)
    return [{"role": "assistant", "content": content}]


def said(content: str) -> list[dict[str, Any]]:
    return [{"role": "assistant", "content": content}]


def tool(schema: Any) -> str:
    return json.dumps([{"name": "f", "parameters": schema}])


@pytest.mark.parametrize("tools", [FLAT, NESTED, VENDOR, BFCL, json.dumps(FLAT)])
@pytest.mark.parametrize(
    "messages",
    [
        structured("weather", '{"city": "北京", "days": 3}'),
        structured("weather", '"{\\"city\\": \\"Paris\\"}"'),
        written("weather(city='北京', days=3)"),
        written("weather('Paris', 3)"),
        written('{"name": "weather", "arguments": {"city": "Paris"}}'),
        written("{'name': 'weather', 'arguments': {'city': 'Paris', 'units': 'C'}}"),
        written(
            "<function=weather><parameter=city>42</parameter><parameter=days>3</parameter></function>"
        ),
        said('[TOOL_CALLS][{"name": "weather", "arguments": {"city": "Paris"}}]'),
        said('[TOOL_CALLS]weather[ARGS]{"city": "Paris", "days": 3}</s>'),
        said('<|python_tag|>{"name": "weather", "parameters": {"city": "Paris"}}<|eom_id|>'),
        said("<|python_tag|>weather.call(city='Paris')<|eom_id|>"),
        said("[weather(city='Paris'), weather('北京', 3)]"),
        said("[forecast(days=3)]"),
        said("[weather, forecast]"),
    ],
)
def test_good_calls_pass_in_every_form(
    find: Callable[..., Any], tools: str, messages: list[dict[str, Any]]
) -> None:
    assert find(ToolSchema(), messages, tools=[tools]) == [[]]


@pytest.mark.parametrize(
    ("messages", "rule"),
    [
        (structured("forecast", "{}"), "undeclared-tool"),
        (written("forecast()"), "undeclared-tool"),
        (structured("weather", "{}"), "arguments-refused"),
        (structured("weather", '{"city": 5}'), "arguments-refused"),
        (structured("weather", None), "arguments-refused"),
        (written("weather(city='Paris', days='three')"), "arguments-refused"),
        (written("weather(city='Paris', days='3')"), "arguments-refused"),
        (written("weather('Paris', 1, 'C', 4)"), "arguments-refused"),
        (
            written('{"name": "weather", "arguments": {"city": "Paris", "units": "K"}}'),
            "arguments-refused",
        ),
        (
            written(
                "<function=weather><parameter=city>Paris</parameter><parameter=days>soon</parameter></function>"
            ),
            "arguments-refused",
        ),
        (structured("weather", '["Paris"]'), "arguments-not-object"),
        (structured("weather", "city=Paris"), "arguments-not-object"),
        (structured("weather", '{"city": NaN}'), "arguments-not-object"),
        (written("weather(city='Paris', hours=3)"), "unknown-argument"),
        (said('[TOOL_CALLS][{"name": "weather", "arguments": {}}]'), "arguments-refused"),
        (said('[TOOL_CALLS][{"name": "weather", "arguments": ["Paris"]}]'), "arguments-not-object"),
        (said("[TOOL_CALLS]forecast[ARGS]{}"), "undeclared-tool"),
        (said('<|python_tag|>{"name": "weather", "parameters": {"days": 3}}'), "arguments-refused"),
        (said("<|python_tag|>forecast.call()<|eom_id|>"), "undeclared-tool"),
        (said("[weather(city='Paris', days='three')]"), "arguments-refused"),
        (said("\n[weather(city='Paris'), forecast()]<|eot_id|>"), "undeclared-tool"),
    ],
)
def test_each_bad_call_is_found_once(
    find_rules: Callable[..., Any], messages: list[dict[str, Any]], rule: str
) -> None:
    assert find_rules(ToolSchema(), messages, tools=[FLAT]) == [[f"tool-schema/{rule}"]]


def test_a_list_of_calls_without_tools_is_a_list(find: Callable[..., Any]) -> None:
    bare = said("[weather(town='Paris')]")
    assert find(ToolSchema(), bare, bare, tools=[None, "[]"]) == [[], []]


def test_without_tools_nothing_is_undeclared_but_an_empty_list_declares_none(
    find_rules: Callable[..., Any],
) -> None:
    rows = [structured("weather", "{}")] * 4
    assert find_rules(ToolSchema(), *rows, tools=[None, "", "[]", " "]) == [
        [],
        [],
        ["tool-schema/undeclared-tool"],
        [],
    ]


@pytest.mark.parametrize(
    "tools", ["not JSON", '{"a": 1}', "[1]", '"text"', "5", "[{}]", "[" * 5000, '[{"name": NaN}]']
)
def test_unreadable_tools_are_one_error(find_rules: Callable[..., Any], tools: str) -> None:
    assert find_rules(ToolSchema(), written("f()"), tools=[tools]) == [
        ["tool-schema/unreadable-tools"]
    ]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"properties": {"a": {"type": 7}}},
        {"properties": {"a": {"pattern": "("}}},
        "not a schema",
        [1],
        {"$schema": "http://elsewhere.invalid/schema", "type": "object"},
        {"properties": {"a": {"$ref": "#/nowhere"}}},
    ],
)
def test_an_invalid_schema_is_a_warning_and_its_calls_go_unchecked(
    find: Callable[..., Any], schema: Any
) -> None:
    (found,) = find(ToolSchema(), written("f(a=1)"), tools=[tool(schema)])
    assert [(f["rule"], f["severity"]) for f in found] == [
        ("tool-schema/invalid-schema", "warning")
    ]


@pytest.mark.parametrize(
    "schema", [None, {}, {"type": "object"}, {"type": "object", "properties": {}}]
)
def test_a_tool_without_parameters_takes_anything(find: Callable[..., Any], schema: Any) -> None:
    assert find(ToolSchema(), written("f(a=1)"), tools=[tool(schema)]) == [[]]


def test_references_inside_the_schema_are_followed(find_rules: Callable[..., Any]) -> None:
    schema = {"properties": {"a": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"type": "integer"}}}
    rows = [written("f(a=1)"), written("f(a='x')")]
    xml = written("<function=f><parameter=a>3</parameter></function>")
    assert find_rules(ToolSchema(), *rows, xml, tools=[tool(schema)] * 3) == [
        [],
        ["tool-schema/arguments-refused"],
        [],
    ]


def test_no_address_in_a_schema_is_ever_visited(find_rules: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/a.json"
        schemas = [
            {"properties": {"a": {"$ref": address}}},
            {"$schema": address},
            {"$id": address, "properties": {"a": {"$ref": "b.json"}}},
            {"$ref": address},
        ]
        tools = [tool(schema) for schema in schemas]
        found = find_rules(ToolSchema(), *[written("f(a=1)")] * 4, tools=tools)
        with pytest.raises(TimeoutError):
            server.accept()
    assert found == [["tool-schema/invalid-schema"]] * 4


def test_no_file_is_ever_read(find_rules: Callable[..., Any], tmp_path: Path) -> None:
    secret = tmp_path / "schema.json"
    secret.write_text('{"type": "integer"}')
    schema = {"properties": {"a": {"$ref": secret.as_uri()}}}
    found = find_rules(ToolSchema(), written("f(a='x')"), tools=[tool(schema)])
    assert found == [["tool-schema/invalid-schema"]]


def test_a_pattern_cannot_hang_the_run(find: Callable[..., Any]) -> None:
    schema = {"properties": {"a": {"type": "string", "pattern": r"^(a+)+(?!b)\1$"}}}
    began = time.process_time()
    find(ToolSchema(), written(f"f(a='{'a' * 40}!')"), tools=[tool(schema)])
    assert time.process_time() - began < 2.0


def test_the_finding_says_where_and_why_without_the_value(find: Callable[..., Any]) -> None:
    ((finding,),) = find(
        ToolSchema(), structured("weather", '{"city": "北京", "days": "三"}'), tools=[FLAT]
    )
    assert (finding["path"], finding["message"], finding["excerpt"]) == (
        "messages[0].tool_calls[0].arguments",
        'weather: days: the value is not of type "integer"',
        '{"city": "北京", "days": "三"}',
    )


def test_a_property_may_be_called_type(find: Callable[..., Any]) -> None:
    schema = {"type": "dict", "properties": {"type": {"type": "string", "enum": ["dict", "float"]}}}
    assert find(ToolSchema(), written("f(type='float')"), tools=[tool(schema)]) == [[]]


def test_calls_belong_to_their_row_and_place(find: Callable[..., Any]) -> None:
    call = {"name": "weather", "arguments": '{"city": "Paris"}'}
    bad = {"name": "storm", "arguments": "{}"}
    rows = [
        None,
        [{"role": "user", "content": "x"}, {"role": "assistant", "tool_calls": [call, bad]}],
        [None, {"role": "assistant", "tool_calls": [call]}],
    ]
    found = find(ToolSchema(), *rows, tools=[FLAT, FLAT, None])
    assert [[f["path"] for f in row] for row in found] == [[], ["messages[1].tool_calls[1]"], []]


def first_accepted(accepted: dict[str, Any]) -> dict[str, Any]:
    """The first of the accepted values of each argument; inner objects list theirs too."""
    chosen: dict[str, Any] = {}
    for key, (value, *_) in accepted.items():
        if isinstance(value, dict):
            chosen[key] = first_accepted(value)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            chosen[key] = [first_accepted(part) for part in value]
        elif value != "":
            chosen[key] = value
    return chosen


def test_published_tools_and_calls_pass(find: Callable[..., Any], real_data: Path) -> None:
    functions, answers = (
        [json.loads(line) for line in (real_data / name).read_text().splitlines()]
        for name in ("BFCL_simple_python.json", "BFCL_simple_python_answers.json")
    )
    rows, tools = [], []
    for question, answer in zip(functions, answers, strict=True):
        ((name, accepted),) = answer["ground_truth"][0].items()
        rows.append(structured(name, json.dumps(first_accepted(accepted))))
        tools.append(json.dumps(question["function"]))
    found = [finding for row in find(ToolSchema(), *rows, tools=tools) for finding in row]
    # in one of the 400 published answers a required argument may be left out
    assert [finding["message"] for finding in found] == [
        'calculate_emissions: "fuel_efficiency" is a required property'
    ]
