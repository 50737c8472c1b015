"""What NeMo-Gym does with a row, by its code and documents; it is on no registry, and was not run.

Sources: NVIDIA-NeMo/Gym, documentation "Prepare and validate data" (rows that fail validation are skipped
in silence, and so *dropped* here); nemo_gym/openai_utils.py: `NeMoGymResponseCreateParamsNonStreaming`,
which takes no key it does not name, and the items of `input`; base_resources_server.py:
`BaseRunRequest`. Tools are the `FunctionToolParam` of OpenAI's Python package, whose `name`,
`parameters` and `strict` must be there, the last two may be null. Pictures, files and items that only
an API makes are not replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tamis.export.targets.base import RowVerdict
from tamis.schema import Kind

Row = Mapping[str, Any]

_PARAMETERS = frozenset(
    [
        *("background", "include", "input", "instructions", "max_output_tokens", "max_tool_calls"),
        *("metadata", "model", "parallel_tool_calls", "previous_response_id", "prompt"),
        *("reasoning", "service_tier", "store", "temperature", "text", "tool_choice", "tools"),
        *("top_logprobs", "top_p", "truncation", "user", "stream", "stream_options"),
        *("context_management", "conversation", "moderation", "prompt_cache_key"),
        *("prompt_cache_retention", "safety_identifier"),
    ]
)
_ROLES = ("user", "assistant", "system", "developer")


def replay(kind: Kind, rows: Sequence[Row]) -> list[RowVerdict]:
    """One verdict for each row: accepted, or dropped. NeMo-Gym takes questions only."""
    assert kind == "questions"
    return [_question(row) for row in rows]


def _question(row: Row) -> RowVerdict:
    reason = _parameters_fault(row.get("responses_create_params"))
    if reason is None:
        return RowVerdict(verdict="accepted")
    return RowVerdict(verdict="dropped", reason=f"responses_create_params{reason}")


def _parameters_fault(parameters: Any) -> str | None:
    if not isinstance(parameters, Mapping):
        return ": not an object"
    unknown = sorted(set(parameters) - _PARAMETERS)
    if unknown:
        return f".{unknown[0]}: not a parameter of a request"
    return (
        _input_fault(parameters.get("input"))
        or _tools_fault(parameters)
        or _numbers_fault(parameters)
    )


def _input_fault(given: Any) -> str | None:
    if isinstance(given, str):
        return None
    if not isinstance(given, list):
        return ".input: neither a text nor a list"
    for place, item in enumerate(given):
        fault = _item_fault(item)
        if fault is not None:
            return f".input[{place}]{fault}"
    return None


def _item_fault(item: Any) -> str | None:
    if not isinstance(item, Mapping):
        return ": not an object"
    kind = item.get("type", "message")
    judge = _ITEMS.get(kind) if isinstance(kind, str) else None
    return ".type: not a kind of item" if judge is None else judge(item)


def _message_fault(item: Row) -> str | None:
    if item.get("role") not in _ROLES:
        return f".role: not one of {', '.join(_ROLES)}"
    content = item.get("content")
    if isinstance(content, str):
        return None
    is_parts = isinstance(content, list) and all(map(_is_part, content))
    return None if is_parts else ".content: neither a text nor a list of parts"


def _is_part(part: Any) -> bool:
    if not isinstance(part, Mapping):
        return False
    if part.get("type") == "input_text":
        return isinstance(part.get("text"), str)
    return part.get("type") in ("input_image", "input_file", "input_audio")


def _texts_fault(*names: str) -> Callable[[Row], str | None]:
    def fault(item: Row) -> str | None:
        lacking = [name for name in names if not isinstance(item.get(name), str)]
        return f".{lacking[0]}: not a text" if lacking else None

    return fault


def _reasoning_fault(item: Row) -> str | None:
    if not isinstance(item.get("id"), str):
        return ".id: not a text"
    return None if isinstance(item.get("summary"), list) else ".summary: not a list"


def _tools_fault(parameters: Row) -> str | None:
    tools = parameters.get("tools", [])
    if not isinstance(tools, list):
        return ".tools: not a list"
    for place, tool in enumerate(tools):
        fault = _tool_fault(tool)
        if fault is not None:
            return f".tools[{place}]{fault}"
    return None


def _tool_fault(tool: Any) -> str | None:
    if not isinstance(tool, Mapping):
        return ": not an object"
    if tool.get("type") != "function":
        return ".type: not function"
    if not isinstance(tool.get("name"), str):
        return ".name: not a text"
    for name in ("parameters", "strict"):
        if name not in tool:
            return f".{name}: the key is missing (null is taken)"
    if not isinstance(tool["parameters"], Mapping | None):
        return ".parameters: not an object"
    return None if isinstance(tool["strict"], bool | None) else ".strict: not true, false or null"


def _numbers_fault(parameters: Row) -> str | None:
    for name in ("temperature", "top_p", "max_output_tokens"):
        value = parameters.get(name)
        if value is not None and not isinstance(value, int | float):
            return f".{name}: not a number"
    if not isinstance(parameters.get("parallel_tool_calls", True), bool):
        return ".parallel_tool_calls: not true or false"
    return None


_ITEMS: dict[str, Callable[[Row], str | None]] = {
    "message": _message_fault,
    "function_call": _texts_fault("call_id", "name", "arguments"),
    "function_call_output": _texts_fault("call_id", "output"),
    "reasoning": _reasoning_fault,
}
