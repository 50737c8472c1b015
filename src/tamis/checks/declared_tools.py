"""The tools a conversation offers, compiled into validators once per tool."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from tamis.text.schemas import compile_schema, declared_types, list_tools

# What says something about parameters that are not declared one by one.
_OPENERS = frozenset(
    [
        "additionalProperties",
        "patternProperties",
        "unevaluatedProperties",
        "$ref",
        "allOf",
        "anyOf",
        "oneOf",
        "if",
    ]
)


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
    """Read and compile the tools of one conversation."""
    listed = list_tools(text)
    tools = {
        name: Arguments() if schema is None else _arguments(msgspec.json.encode(schema).decode())
        for name, schema in listed.written.items()
    }
    return DeclaredTools(tools, listed.problem)


@lru_cache(maxsize=4096)
def _arguments(schema_text: str) -> Arguments:
    """What one tool takes; cached by its text, because sets offer the same tools in many mixtures."""
    schema = compile_schema(schema_text)
    if schema.problem is not None:
        return Arguments(problem=schema.problem)
    declared = schema.members.get("properties")
    properties = declared if isinstance(declared, dict) else {}
    return Arguments(
        validator=schema.validator,
        properties={
            name: declared_types(value) if isinstance(value, dict) else frozenset()
            for name, value in properties.items()
        },
        is_open=not properties or bool(_OPENERS & schema.members.keys()),
    )
