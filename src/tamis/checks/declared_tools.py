"""The tools a conversation offers, compiled into validators once per tool.

Schemas come out of the data and are hostile until shown otherwise: nothing they refer to is fetched,
and their patterns run with a limit.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from tamis.text.dialects import read_json

_TYPES = {
    "dict": "object",
    "float": "number",
    "double": "number",
    "int": "integer",
    "long": "integer",
    "str": "string",
    "bool": "boolean",
    "list": "array",
    "tuple": "array",
    "any": None,
}
_NAMED_SCHEMAS = frozenset(
    {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"}
)
_VALUES = frozenset({"enum", "const", "default", "examples"})
# more than any real argument pattern needs; `^(a+)+$` would otherwise run for years
_BACKTRACKS = 100_000


class Arguments(msgspec.Struct, frozen=True):
    """What one tool takes: its compiled schema, or in `problem` why it cannot be used.

    `properties` are the declared parameters in order, each with the types it may have (empty: any);
    `is_open` is true when the schema itself says something about undeclared parameters, or declares none.
    """

    validator: Any = None
    problem: str | None = None
    properties: Mapping[str, frozenset[str]] = {}
    is_open: bool = True


class DeclaredTools(msgspec.Struct, frozen=True):
    """The tools by name, or in `problem` why the text of the tools cannot be read."""

    tools: Mapping[str, Arguments] = {}
    problem: str | None = None


@lru_cache(maxsize=4096)
def declared_tools(text: str) -> DeclaredTools:
    """Read and compile the tools of one conversation.

    Takes OpenAI's `{"type": "function", "function": {...}}`, the flat `{"name", "parameters"}`,
    Anthropic's `input_schema`, and tools of a vendor that only have a `type`.
    """
    try:
        listed = read_json(text)
        if isinstance(listed, str):  # JSON text of JSON text
            listed = read_json(listed)
    except ValueError as why:
        return DeclaredTools(problem=f"not JSON: {why}")
    if isinstance(listed, dict):
        listed = [listed]
    if not isinstance(listed, list):
        return DeclaredTools(problem="expected a list of tools")
    tools: dict[str, Arguments] = {}
    for place, tool in enumerate(listed):
        name, schema = _name_and_schema(tool)
        if name is None:
            return DeclaredTools(problem=f"tool {place + 1} has no name")
        tools[name] = Arguments() if schema is None else _compile(msgspec.json.encode(schema))
    return DeclaredTools(tools)


def _name_and_schema(tool: Any) -> tuple[str | None, Any]:
    if not isinstance(tool, dict):
        return None, None
    inner = tool.get("function")
    described = inner if isinstance(inner, dict) else tool
    name = described.get("name") or described.get("type")
    schema = described.get("parameters", described.get("input_schema"))
    if isinstance(schema, str):  # some sets keep the schema as JSON text
        with contextlib.suppress(ValueError):  # else it stays a string: an invalid schema
            schema = read_json(schema)
    return (name if isinstance(name, str) and name else None), schema


@lru_cache(maxsize=4096)
def _compile(schema_text: bytes) -> Arguments:
    """Compile one tool's schema; cached by its text, because sets offer the same tools in many mixtures."""
    import jsonschema_rs

    try:
        schema = _standard(read_json(schema_text))
        if not isinstance(schema, dict):
            return Arguments(problem="expected an object")
        validator = jsonschema_rs.validator_for(
            schema,
            retriever=_refuse,
            pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=_BACKTRACKS),
            mask="the value",
        )
    except RecursionError:
        return Arguments(problem="nested too deeply")
    except jsonschema_rs.ReferencingError as why:
        return Arguments(problem=f"a reference that leads outside: {_first_line(why)}")
    except (ValueError, jsonschema_rs.ValidationError) as why:
        return Arguments(problem=_first_line(why))
    declared = schema.get("properties")
    properties = declared if isinstance(declared, dict) else {}
    said = {"additionalProperties", "patternProperties", "unevaluatedProperties", "$ref"}
    composed = {"allOf", "anyOf", "oneOf", "if"}
    return Arguments(
        validator=validator,
        properties={name: _types(value) for name, value in properties.items()},
        is_open=not properties or bool((said | composed) & schema.keys()),
    )


def _refuse(uri: str) -> Any:
    """Data names addresses and files; fetching them would leak and be steered. Never."""
    raise ValueError(f"not fetched: {uri[:80]}")


def _first_line(why: BaseException) -> str:
    return (str(why).splitlines() or [type(why).__name__])[0][:160]


def _types(schema: Any) -> frozenset[str]:
    found = schema.get("type") if isinstance(schema, dict) else None
    if isinstance(found, str):
        return frozenset({found})
    return frozenset(name for name in found or () if isinstance(name, str))


def _standard(schema: Any) -> Any:
    """The schema with other languages' type names (`dict`, `float`: BFCL and others) as JSON Schema's."""
    if isinstance(schema, list):
        return [_standard(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    standard: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _VALUES:
            standard[key] = value
        elif key in _NAMED_SCHEMAS and isinstance(value, dict):
            standard[key] = {name: _standard(part) for name, part in value.items()}
        elif key == "type" and isinstance(value, str):
            name = _TYPES.get(value.lower(), value)
            if name is not None:
                standard[key] = name
        else:
            standard[key] = _standard(value)
    return standard
