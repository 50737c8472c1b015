"""Rows that operators meet in contract tests: ordinary ones, odd ones and hostile ones."""

from __future__ import annotations

import msgspec
import pyarrow as pa

from tamis.schema import CONVERSATIONS

TOOLS = msgspec.json.encode(
    [
        {
            "type": "function",
            "function": {
                "name": "add",
                "description": "Add two numbers.",
                "parameters": {
                    "type": "object",
                    "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
                    "required": ["a", "b"],
                },
            },
        }
    ]
).decode()


def message(role: str, content: str | None, **more: object) -> dict[str, object]:
    """A message as plain data, absent fields null."""
    return {"role": role, "content": content, **more}


def user(text: str | None) -> dict[str, object]:
    return message("user", text)


def assistant(text: str | None, **more: object) -> dict[str, object]:
    return message("assistant", text, **more)


CALL = [{"name": "add", "arguments": '{"a": 1, "b": 2}', "id": "c1", "extra": None}]

MESSAGES: list[list[dict[str, object]] | None] = [
    [user("What is 2 + 3?"), assistant("2 + 3 = 5, so the answer is five.")],
    [user("What is 2 + 3?"), assistant("2 + 3 = 6, so the answer is six.")],
    [
        message("system", "Be brief."),
        user("你好，今天怎么样？"),
        assistant("我很好，谢谢你的关心。"),
    ],
    [user("Think first."), assistant("<think>Let me see.</think>It is a cat.")],
    [user("Think first."), assistant("<think>Let me see. It is a cat.")],
    [
        user("Add 1 and 2."),
        assistant('<tool_call>\n{"name": "add", "arguments": {"a": 1, "b": 2}}\n</tool_call>'),
        message("tool", "3"),
        assistant("The sum is 3."),
    ],
    [user("Add."), assistant("<tool_call>\nadd(a=1, b='x'\n</tool_call>")],
    [user("Add."), assistant(None, tool_calls=CALL), message("tool", "3", tool_call_id="c1")],
    [user("Write to me at jane.roe@corp-mail.net"), assistant("As an AI model, I cannot.")],
    [user("hi"), assistant("")],
    [user("hi")],
    [],
    None,
    [user(None), assistant(None)],
    [message("narrator", "once"), assistant("\u0000\u200b\ufeff odd \ud7ff bytes \U0001f600")],
    [user("Ünïcödé " * 40), assistant("ﬁne and done. " * 60)],
    [user("Explain."), assistant("The reason is that the pump will keep running until the")],
    [user("Explain."), assistant("```python\nprint(1)\n")],
    [user("<think>not mine"), assistant("Fine, that is a tag of yours, not of mine.")],
    [user("x" * 3000), assistant("y " * 3000)],
]


def conversations(n: int = 60) -> pa.RecordBatch:
    """`n` conversations that repeat the odd ones above under ids of their own."""
    rows = []
    for i in range(n):
        rows.append(
            {
                "id": f"t:{i:04d}",
                "source": "t",
                "line": i + 1,
                "edited": False,
                "format": "openai",
                "messages": MESSAGES[i % len(MESSAGES)],
                "tools": TOOLS if i % 3 == 0 else None,
                "parents": [],
            }
        )
    return pa.RecordBatch.from_pylist(rows, schema=CONVERSATIONS)
