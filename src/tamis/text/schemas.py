"""JSON Schemas out of data, compiled so that they can do no harm, and the tools that a question offers.

Schemas are hostile until shown otherwise: nothing they refer to is fetched, and their patterns run with
a limit. Compiling needs jsonschema_rs, imported with the first one; reading tools does not.
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
# more than any real pattern needs; `^(a+)+$` would otherwise run for years
_BACKTRACKS = 100_000


class Schema(msgspec.Struct, frozen=True, eq=False):
    """A compiled schema and its own members, or in `problem` why it cannot be used."""

    validator: Any = None
    problem: str | None = None
    members: Mapping[str, Any] = {}

    def accepts(self, value: Any) -> bool:
        """Whether a value is valid. Raises: ValueError for a value that is no JSON, or nested too deeply."""
        return bool(self.validator.is_valid(value))


class ListedTools(msgspec.Struct, frozen=True, eq=False):
    """The schema of each tool's arguments as written (None: not given), or in `problem` why there are none."""

    written: Mapping[str, Any] = {}
    problem: str | None = None


class Tools(msgspec.Struct, frozen=True, eq=False):
    """The schema of each tool's arguments by its name, not compiled, or in `problem` why there are none.

    A schema that is no object is an empty one: nothing is known of the arguments.
    """

    by_name: Mapping[str, Mapping[str, Any]] = {}
    problem: str | None = None


@lru_cache(maxsize=4096)
def compile_schema(text: str) -> Schema:
    """Compile the JSON text of a schema; other languages' type names are taken for JSON Schema's.

    Raises: ImportError without jsonschema_rs.
    """
    import jsonschema_rs

    try:
        schema = _standard(read_json(text))
        if not isinstance(schema, dict):
            return Schema(problem="expected an object")
        validator = jsonschema_rs.validator_for(
            schema,
            retriever=_refuse,
            pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=_BACKTRACKS),
            # what it says of a value goes into findings and reasons: it does not repeat the value
            mask="the value",
        )
    except RecursionError:
        return Schema(problem="nested too deeply")
    except jsonschema_rs.ReferencingError as why:
        return Schema(problem=f"a reference that leads outside: {_first_line(why)}")
    except (ValueError, jsonschema_rs.ValidationError) as why:
        return Schema(problem=_first_line(why))
    return Schema(validator, members=schema)


@lru_cache(maxsize=4096)
def read_tools(text: str) -> Tools:
    """Read the tools of a question, whatever of `list_tools` they are written as."""
    listed = list_tools(text)
    found = {
        name: _standard(written) if isinstance(written, dict) else {}
        for name, written in listed.written.items()
    }
    return Tools(found, listed.problem)


def list_tools(text: str) -> ListedTools:
    """The tools that the JSON text names, each with its schema as written.

    Takes OpenAI's `{"type": "function", "function": {...}}`, the flat `{"name", "parameters"}`,
    Anthropic's `input_schema`, and tools of a vendor that only have a `type`.
    """
    try:
        return ListedTools({name: schema for name, schema, _ in _described(text)})
    except ValueError as why:
        return ListedTools(problem=str(why))


def chat_tools(text: str) -> str:
    """The JSON text of the same tools as a chat server takes them, whatever of `list_tools` they are written as.

    That is OpenAI's shape, with JSON Schema's own type names and no dots in names (`math.sqrt` is offered as
    `math_sqrt`). Raises: ValueError for a text that names no tools.
    """
    offered = []
    for name, schema, described in _described(text):
        function: dict[str, Any] = {"name": name.replace(".", "_")}
        if isinstance(described.get("description"), str):
            function["description"] = described["description"]
        if isinstance(schema, dict):
            function["parameters"] = _standard(schema)
        offered.append({"type": "function", "function": function})
    return msgspec.json.encode(offered).decode()


def property_schema(schema: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The schema of one property of an object; empty where none is declared."""
    declared = schema.get("properties")
    found = declared.get(name) if isinstance(declared, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def declared_types(schema: Mapping[str, Any]) -> frozenset[str]:
    """The types that a schema allows by name; empty where it does not say."""
    found = schema.get("type")
    if isinstance(found, str):
        return frozenset({found})
    return frozenset(name for name in found or () if isinstance(name, str))


def _described(text: str) -> list[tuple[str, Any, Mapping[str, Any]]]:
    """The name, the schema and all members of each tool. Raises: ValueError."""
    try:
        listed = read_json(text)
        if isinstance(listed, str):  # JSON text of JSON text
            listed = read_json(listed)
    except ValueError as why:
        raise ValueError(f"not JSON: {why}") from why
    if isinstance(listed, dict):
        listed = [listed]
    if not isinstance(listed, list):
        raise ValueError("expected a list of tools")
    return [_name_and_schema(tool, place) for place, tool in enumerate(listed, 1)]


def _name_and_schema(tool: Any, place: int) -> tuple[str, Any, Mapping[str, Any]]:
    inner = tool.get("function") if isinstance(tool, dict) else None
    described = inner if isinstance(inner, dict) else tool
    name = described.get("name") or described.get("type") if isinstance(described, dict) else None
    if not isinstance(name, str) or not name:
        raise ValueError(f"tool {place} has no name")
    schema = described.get("parameters", described.get("input_schema"))
    if isinstance(schema, str):  # some sets keep the schema as JSON text
        with contextlib.suppress(ValueError):  # else it stays a string: an invalid schema
            schema = read_json(schema)
    return name, schema, described


def _refuse(uri: str) -> Any:
    """Data names addresses and files; fetching them would leak and be steered. Never."""
    raise ValueError(f"not fetched: {uri[:80]}")


def _first_line(why: BaseException) -> str:
    return (str(why).splitlines() or [type(why).__name__])[0][:160]


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
