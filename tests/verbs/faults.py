"""Conversations with one planted fault each: what a check must say of them, and what `fix` mends."""

from __future__ import annotations

from .files import Row, talk

_TOOL = {
    "type": "function",
    "function": {
        "name": "add",
        "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}},
    },
}
_CALL = {"id": "c", "type": "function", "function": {"name": "add", "arguments": '{"a": "x"}'}}


def _called() -> Row:
    """A call whose argument the declared schema refuses."""
    row = talk("Add them.", "It is three, as the tool says.", tools=[_TOOL])
    asked, answered = row["messages"]
    called: Row = {"role": "assistant", "content": None, "tool_calls": [_CALL]}
    result: Row = {"role": "tool", "tool_call_id": "c", "content": "3"}
    return {**row, "messages": [asked, called, result, answered]}


def _unanswered() -> Row:
    row = talk("Is anyone there?", "")
    return {**row, "messages": row["messages"][:1]}


FINE = talk("Why is the sky blue?", "Because small molecules scatter short waves of light best.")
REPLY = "messages[1].content"
# For each check a row that breaks one of its rules: the rule, how bad it is, and where.
PLANTED: dict[str, tuple[Row, str, str, str]] = {
    "role_order": (
        {**FINE, "messages": [FINE["messages"][0], *FINE["messages"]]},
        *("role-order/repeated-role", "warning", "messages[1].role"),
    ),
    "no_assistant": (_unanswered(), "no-assistant/missing", "error", "messages"),
    "short_reply": (talk("Tell me of the sea.", ""), "short-reply/empty", "error", REPLY),
    "think_tags": (
        talk("What is up?", "<think>Hm. Nothing is up today."),
        *("think-tags/unpaired", "error", REPLY),
    ),
    "tool_call_tags": (
        talk("Call it.", 'Yes. </tool_call> <tool_call>{"name": "f", "arguments": {}}'),
        *("tool-call-tags/unpaired", "error", REPLY),
    ),
    "tool_schema": (
        _called(),
        *("tool-schema/arguments-refused", "error", "messages[1].tool_calls[0].arguments"),
    ),
    "arithmetic": (
        talk("How many pears?", "7 + 8 = 16, so sixteen pears."),
        *("arithmetic/wrong-result", "error", REPLY),
    ),
    "truncated": (
        talk("Tell a story.", "The river ran on and turned to look at the hill and said that the"),
        *("truncated/mid-sentence", "error", REPLY),
    ),
    "boilerplate": (
        talk("Bake bread?", "As an AI language model I would mix flour with water and wait."),
        *("boilerplate/self-reference", "error", REPLY),
    ),
    "private_data": (
        talk("Who is it?", "Write to jane.doe@corp-mail.com about the house, please."),
        *("private-data/email", "warning", REPLY),
    ),
}

# What `fix` mends without loss: the row, the rule of the edit, and the text afterwards.
MENDED: list[tuple[Row, str, str]] = [
    (talk("Rivers?", "They run to the sea.  \n"), "blank-ends", "They run to the sea."),
    (talk("Hills?", "They rise.\r\nThen they fall."), "line-ends", "They rise.\nThen they fall."),
    (talk("Up?", "< Think >Hm.</ think >Yes."), "tag-spelling", "<think>Hm.</think>Yes."),
    (
        talk("Call.", '<tool_call>{"name": "f", "arguments": {}}'),
        *("close-call", '<tool_call>{"name": "f", "arguments": {}}</tool_call>'),
    ),
    (
        talk("Call.", "<tool_call>{'name': 'f', 'arguments': {'a': True}}</tool_call>"),
        *("call-json", '<tool_call>{"name": "f", "arguments": {"a": true}}</tool_call>'),
    ),
]
