"""Messages as the chat templates of model authors read them, from messages as the OpenAI format writes them.

Arguments become objects: of the published templates some print `arguments | tojson`, which would
quote a text twice, and some walk through its keys. Nothing else of a message is touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from tamis.errors import InputError

_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_LOSS_FLAGS = ("weight", "train")


def template_messages(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each message with its calls as {type, function: {name, arguments: object}}.

    Arguments that are no JSON object stay as they are. Values may be `msgspec.Raw`: the author's
    own characters, kept.
    """
    return [template_message(message) for message in messages]


def template_message(message: Mapping[str, Any]) -> dict[str, Any]:
    """One message, see `template_messages`."""
    calls = message.get("tool_calls")
    return {**message, "tool_calls": [_call(call) for call in calls]} if calls else dict(message)


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    rest = dict(call)
    inner = dict(rest.pop("function")) if "function" in rest else {}
    for key in ("name", "arguments"):
        if key in rest:
            inner[key] = rest.pop(key)
    inner["arguments"] = _arguments(inner.get("arguments"))
    return {**rest, "type": "function", "function": inner}


def _arguments(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        _OBJECT.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return value
    return Raw(value.encode())


def without_loss_flags(messages: Sequence[Mapping[str, Any]], trainer: str) -> list[dict[str, Any]]:
    """The messages without `weight` and `train`, for a trainer that knows no such flag.

    Raises: InputError where a flag takes a message out of the loss: this trainer would train on it.
    """
    kept = []
    for place, message in enumerate(messages):
        if not any(flag in message for flag in _LOSS_FLAGS):
            kept.append(dict(message))
            continue
        for flag in _LOSS_FLAGS:
            if message.get("role") == "assistant" and message.get(flag) in (0, False):
                raise InputError(
                    f"messages[{place}].{flag}: expected every reply to be trained on, got "
                    f"{message[flag]!r}; {trainer} trains on all replies: drop the flag, or export to "
                    "a trainer that reads it"
                )
        kept.append({key: value for key, value in message.items() if key not in _LOSS_FLAGS})
    return kept


def as_json_text(value: Any) -> str | None:
    """JSON text of a value; a text is already one, null stays null."""
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()
