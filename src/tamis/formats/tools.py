"""The `tools` member of a row: a JSON list, or that list as a text, of tools in one of three shapes."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Raw

from tamis.errors import RowError
from tamis.formats import exact
from tamis.formats.openai_messages import is_json

# What a row says without any mark: `tools` as a list in the API's shape, as a text in ShareGPT's.
AS_LIST = "list"
AS_TEXT = "text"

ToolShape = Literal["wrapped", "flat", "input_schema"]
# {type: function, function: {name, description, parameters}}; the same without its wrapping; Anthropic's.
WRAPPED: ToolShape = "wrapped"
FLAT: ToolShape = "flat"
INPUT_SCHEMA: ToolShape = "input_schema"


def take_tools(rest: dict[str, Raw], marker: dict[str, object], usual: str) -> str | None:
    """The JSON text of the tools, taken out of `rest`; a spelling other than `usual` is marked.

    Raises: RowError unless it is a list, an object, a text or null.
    """
    raw = rest.pop("tools", None)
    if raw is None:
        return _take_functions(rest, marker) if usual == AS_LIST else None
    if exact.is_null(raw):
        marker["tools"] = "null"
        return None
    if exact.is_text(raw):
        written = exact.text(raw, "$.tools")
        if usual != AS_TEXT or not written.strip():
            marker["tools"] = AS_TEXT
        if not written.strip():
            marker["blank_tools"] = written
            return None
        return written
    if bytes(raw)[:1] not in (b"[", b"{"):
        raise RowError(f"$.tools: expected a list, got {exact.kind_of(bytes(raw))}")
    if usual != AS_LIST:
        marker["tools"] = AS_LIST
    return exact.json_text(raw)


def _take_functions(rest: dict[str, Raw], marker: dict[str, object]) -> str | None:
    """The older list of `functions`; anything else stays where it is."""
    if "functions" not in rest or not exact.is_list(rest["functions"]):
        return None
    marker["tools"] = "functions"
    return exact.json_text(rest.pop("functions"))


def put_tools(
    written: dict[str, Any], tools: str | None, marker: dict[str, Raw], usual: str
) -> None:
    """`tools` as its author spelled it, in the format's usual spelling when nobody said."""
    how = msgspec.json.decode(marker["tools"], type=str) if "tools" in marker else usual
    if tools is None:
        if how == "null":
            written["tools"] = None
        elif "blank_tools" in marker:
            written["tools"] = marker["blank_tools"]
    elif how == "functions" and is_json(tools):
        written["functions"] = Raw(tools.encode())
    elif how == AS_TEXT or not is_json(tools):
        written["tools"] = tools
    else:
        written["tools"] = Raw(tools.encode())


def reshaped(tools: str, shape: ToolShape) -> str:
    """The same tools in another shape; a text that is no list of named tools stays as it is.

    Keys that no shape knows stay beside the name; the author's schemas are copied character by character.
    """
    try:
        raw = Raw(tools.encode())
        if not is_json(tools) or not exact.is_list(raw):
            return tools
        described = [
            _described(tool, f"tools[{n}]") for n, tool in enumerate(exact.elements(raw, "tools"))
        ]
    except RowError:
        return tools
    return msgspec.json.encode([_in_shape(tool, shape) for tool in described]).decode()


def _described(raw: Raw, path: str) -> dict[str, Raw]:
    """The members of a tool without its wrapping, its schema under `parameters`."""
    tool = exact.members(raw, path)
    if "function" in tool:
        inner = exact.members(tool.pop("function"), f"{path}.function")
        tool = {**inner, **{key: value for key, value in tool.items() if key != "type"}}
    elif bytes(tool.get("type", b"")) == b'"function"':
        del tool["type"]
    if "name" not in tool:
        raise RowError(f"{path}.name: expected text, got nothing (the key is missing)")
    if "input_schema" in tool and "parameters" not in tool:
        tool["parameters"] = tool.pop("input_schema")
    return tool


def _in_shape(tool: dict[str, Raw], shape: ToolShape) -> dict[str, Any]:
    if shape == WRAPPED:
        return {"type": "function", "function": tool}
    if shape == INPUT_SCHEMA and "parameters" in tool:
        return {
            **{k: v for k, v in tool.items() if k != "parameters"},
            "input_schema": tool["parameters"],
        }
    return tool
