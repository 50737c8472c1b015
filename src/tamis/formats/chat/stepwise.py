"""Stepwise supervision: a prompt, the steps of its solution, and a label for each step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from tamis.errors import InputError, RowError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.plain import bare_text, joined, no_tools, take_text, turn
from tamis.records import Conversation, Message

_STEPS, _LABELS, _LABEL = "completions", "labels", "label"


def matches(row: Mapping[str, Any]) -> bool:
    """`prompt` is a text, `completions` and `labels` are lists."""
    are_lists = isinstance(row.get(_STEPS), list) and isinstance(row.get(_LABELS), list)
    return isinstance(row.get("prompt"), str) and are_lists


def parse(rest: dict[str, Raw]) -> Conversation:
    """One row: an assistant message for each step, its label kept as the key `label` of the message.

    Source: TRL 1.16.0, page on dataset formats; axolotl 0.19.0, prompt_strategies/stepwise_supervised.py.
    """
    messages = turn("user", take_text(rest, "prompt"))
    listed = []
    for key in (_STEPS, _LABELS):
        if key not in rest:
            raise RowError(f"$.{key}: expected a list, got nothing (the key is missing)")
        listed.append(exact.elements(rest.pop(key), f"$.{key}"))
    steps, labels = listed
    if len(steps) != len(labels):
        raise RowError(f"$.{_LABELS}: expected {len(steps)}, one for each step, got {len(labels)}")
    for place, (step, label) in enumerate(zip(steps, labels, strict=True)):
        if bytes(label)[:1] not in b"tf-0123456789":
            found = exact.kind_of(bytes(label))
            raise RowError(f"$.{_LABELS}[{place}]: expected true, false or a number, got {found}")
        content = exact.text(step, f"$.{_STEPS}[{place}]")
        extra = exact.rest_text({_LABEL: label}, {}, "$")
        messages.append(Message(role="assistant", content=content, extra=extra))
    return Conversation(messages=messages, meta=exact.rest_text(rest, {}, "$"))


def write(row: Row) -> dict[str, Any]:
    """The prompt and the steps; InputError where a step has no label."""
    no_tools(row)
    rest, _ = exact.split_rest(row["meta"])
    messages = row["messages"]
    if not messages:
        raise InputError("messages: expected a user message and its steps, got none")
    written: dict[str, Any] = {"prompt": bare_text(messages[0], "user", "messages[0]")}
    written[_STEPS], written[_LABELS] = [], []
    for place, message in enumerate(messages[1:], 1):
        path = f"messages[{place}]"
        own_keys, marks = exact.split_rest(message["extra"])
        if _LABEL not in own_keys:
            raise InputError(f"{path}.extra: expected a `{_LABEL}` for the step, got none")
        written[_LABELS].append(own_keys.pop(_LABEL))
        unlabelled = {**message, "extra": exact.rest_text(own_keys, dict(marks), path)}
        written[_STEPS].append(bare_text(unlabelled, "assistant", path))
    return joined(written, rest)


FORMAT = Format(
    name="stepwise",
    kind="conversations",
    about="prompt, completions as steps, and labels: one true or false for each step",
    matches=matches,
    parse=parse,
    write=write,
)
