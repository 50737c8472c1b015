"""Messages as turns of text, for trainers whose loaders read no other field of a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from tamis.errors import InputError
from tamis.export.targets.hf_messages import as_json_text

_OBJECT = msgspec.json.Decoder(dict[str, Raw])


def sides(written: Mapping[str, Any]) -> tuple[list[Any], list[Any], list[Any]]:
    """Prompt, chosen and rejected of a `trl_preference` row as message lists; texts become one message."""
    return (
        _messages(written.get("prompt") or [], "user"),
        _messages(written["chosen"], "assistant"),
        _messages(written["rejected"], "assistant"),
    )


def prompt_messages(written: Mapping[str, Any]) -> list[Any]:
    """The prompt of a `trl_prompt` row as a message list; a text becomes one message."""
    return _messages(written["prompt"], "user")


def _messages(side: Any, role: str) -> list[Any]:
    return [{"role": role, "content": side}] if isinstance(side, str) else list(side)


def one_reply(messages: Sequence[Mapping[str, Any]], where: str, trainer: str) -> Mapping[str, Any]:
    """The only message of a side.

    Raises: InputError when there are several, or none: this trainer reads one.
    """
    if len(messages) != 1:
        raise InputError(
            f"{where}: expected one message, got {len(messages)}; {trainer} reads one reply on each "
            "side: move what both sides share into the prompt"
        )
    return messages[0]


def plain_turns(
    messages: Sequence[Mapping[str, Any]], where: str, trainer: str
) -> list[dict[str, str]]:
    """Each message as {role, content}.

    Raises: InputError where a message has tool calls, reasoning or no text: this trainer drops them.
    """
    return [
        _plain_turn(message, f"{where}[{place}]", trainer) for place, message in enumerate(messages)
    ]


def _plain_turn(message: Mapping[str, Any], where: str, trainer: str) -> dict[str, str]:
    for field in ("tool_calls", "reasoning_content"):
        if message.get(field):
            raise InputError(
                f"{where}.{field}: expected none, got some; {trainer} reads role and content only: "
                "drop such rows, or export to a trainer that reads them"
            )
    content = message.get("content")
    if not isinstance(content, str) or not content:
        raise InputError(f"{where}.content: expected text, got none; {trainer} crashes on it")
    return {"role": message["role"], "content": content}


def no_tools(written: Mapping[str, Any], trainer: str) -> None:
    """Nothing, where a row declares no tools.

    Raises: InputError where it does: this trainer never shows them to the chat template.
    """
    if tools_text(written) != "[]":
        raise InputError(
            f"tools: expected none, got some; {trainer} never passes tools to the chat template: drop "
            "such rows, or export to a trainer that does"
        )


def grading_columns(written: Mapping[str, Any], trainer: str) -> dict[str, str | None]:
    """`question_id`, `reward_name`, `reward_parameters` and `reference` (both JSON text) of a `trl_prompt` row.

    Never null, but an empty object: a trainer that infers types from the first rows would crash on the
    first text. Raises: InputError for a question that names no reward.
    """
    if not written.get("reward_name"):
        raise InputError(
            f"reward: expected the name of a reward, got none; {trainer} grades with `reward.py`: name one"
        )
    return {
        "question_id": written["question_id"],
        "reward_name": written["reward_name"],
        "reward_parameters": as_json_text(written.get("reward_parameters")) or "{}",
        "reference": as_json_text(written.get("reference")) or "{}",
    }


def tools_text(written: Mapping[str, Any]) -> str:
    """The tools of a row as the JSON text of a list, `[]` when it declares none.

    Never null: a trainer that infers column types from the first rows would crash on the first text.
    """
    text = (as_json_text(written.get("tools")) or "").strip()
    if text in ("", "null"):
        return "[]"
    return f"[{text}]" if text.startswith("{") else text


def call_text(call: Mapping[str, Any], where: str) -> str:
    """One tool call as the JSON text {"name", "arguments"}, its arguments as the author wrote them.

    Raises: InputError for arguments that are no JSON object.
    """
    inner = call.get("function", call)
    arguments = inner["arguments"]
    text = arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode()
    try:
        _OBJECT.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InputError(f"{where}.arguments: expected a JSON object, got {text[:40]!r}") from error
    return msgspec.json.encode({"name": inner["name"], "arguments": Raw(text.encode())}).decode()


def with_reasoning(message: Mapping[str, Any], where: str) -> str:
    """The text of a message behind its reasoning in think tags, the form models write it in.

    Raises: InputError for content that is a list of parts.
    """
    content = message.get("content")
    if content is not None and not isinstance(content, str):
        raise InputError(f"{where}.content: expected text, got a list of parts")
    reasoning = message.get("reasoning_content")
    return (f"<think>\n{reasoning}\n</think>\n\n" if reasoning else "") + (content or "")
