"""SafeFixes: each edit written down, everything else untouched."""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.checks.tool_calls import ToolCallTags
from tamis.rewrites.safe_fixes import SafeFixes
from tamis.schema import CHANGES, MESSAGES
from tamis.text.repair import Edit, undo_edits

PIECES = [
    "<think>",
    "</ think>",
    "<tool_call>",
    "</tool_call>",
    "{'name': 'f', 'arguments': {}}",
    "f()",
]
PIECES += ["\r\n", "\n", " ", "\u3000", "\ufeff", "好", "a", "`", "\u00a0", "\u2028", "。", "é"]
CONTENTS = st.none() | st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
ROLES = st.sampled_from(["system", "user", "assistant", "tool", "gpt", " Human ", "narrator", None])
CONVERSATIONS = st.lists(
    st.none() | st.lists(st.none() | st.builds(dict, role=ROLES, content=CONTENTS), max_size=4),
    max_size=4,
)


def batch_of(conversations: list[Any], edited: bool = False) -> pa.RecordBatch:
    n_rows = len(conversations)
    return pa.record_batch(
        {
            "id": pa.array([f"row:{row}" for row in range(n_rows)], pa.string()),
            "edited": pa.array([edited] * n_rows, pa.bool_()),
            "messages": pa.array(conversations, MESSAGES),
        }
    )


def undone(rows: pa.RecordBatch, changes: pa.RecordBatch) -> list[Any]:
    """The messages before the changes, all applied backwards."""
    ids = rows.column("id").to_pylist()
    conversations = rows.column("messages").to_pylist()
    for change in reversed(changes.to_pylist()):
        place, field = re.fullmatch(r"messages\[(\d+)\]\.(\w+)", change["path"]).groups()
        message = conversations[ids.index(change["id"])][int(place)]
        edit = Edit("", change["start"], change["end"], change["before"], change["after"])
        message[field] = undo_edits(message[field], [edit])
    return conversations


def said(*contents: str, role: str = "assistant") -> list[dict[str, Any]]:
    return [{"role": role, "content": content} for content in contents]


def test_untouched_batches_come_back_as_they_are() -> None:
    batch = batch_of([said("Fine.", "好的。", "<think>a</think>b"), None, [], [None]])
    fixed = SafeFixes()(batch)
    assert fixed.rows is batch
    assert fixed.changes.num_rows == 0
    assert fixed.changes.schema == CHANGES


def test_each_edit_is_one_change_row() -> None:
    rows = [said("Fine."), said("x", "<tool_call>f(a=1)\n"), [{"role": "gpt", "content": "Hi"}]]
    fixed = SafeFixes()(batch_of(rows))
    assert fixed.rows.column("edited").to_pylist() == [False, True, True]
    assert [message["content"] for message in fixed.rows.column("messages").to_pylist()[1]] == [
        "x",
        "<tool_call>f(a=1)</tool_call>",
    ]
    assert fixed.rows.column("messages").to_pylist()[2][0]["role"] == "assistant"
    assert [tuple(change.values()) for change in fixed.changes.to_pylist()] == [
        ("row:1", None, "safe-fixes/blank-ends", "messages[1].content", 17, 18, "\n", ""),
        ("row:1", None, "safe-fixes/close-call", "messages[1].content", 17, 17, "", "</tool_call>"),
        ("row:2", None, "safe-fixes/role", "messages[0].role", 0, 3, "gpt", "assistant"),
    ]


def test_the_finding_is_gone_after_the_fix() -> None:
    batch = batch_of([said("<Tool_Call>\n{'name': 'f', 'arguments': {}}")])
    before = ToolCallTags()(batch).column(0).to_pylist()[0]
    after = ToolCallTags()(SafeFixes()(batch).rows).column(0).to_pylist()[0]
    assert [finding["rule"] for finding in before] == [
        "tool-call-tags/spelling",
        "tool-call-tags/unpaired",
    ]
    assert after == []


@pytest.mark.parametrize(
    "blank", [" ", "\n", "\t", "\u00a0", "\u0085", "\u1680", "\u2003", "\u2028", "\u202f"]
)
@pytest.mark.parametrize("word", ["a", "好", "é", "。", "😀", ""])
def test_every_blank_end_is_noticed(blank: str, word: str) -> None:
    fixed = SafeFixes()(batch_of([said(word + blank), said(f"{blank}\n{word}"), said(word)]))
    assert [row[0]["content"] for row in fixed.rows.column("messages").to_pylist()] == [word] * 3


def test_tool_results_are_evidence_and_users_tags_are_theirs() -> None:
    rows = [
        said("\r\n out \n", role="tool"),
        said("< Think >", role="user"),
        said("hi ", role="user"),
    ]
    fixed = SafeFixes()(batch_of(rows)).rows.column("messages").to_pylist()
    assert [row[0]["content"] for row in fixed] == ["\r\n out \n", "< Think >", "hi"]


def test_an_edit_keeps_every_other_field_and_earlier_edits() -> None:
    message = {
        "role": "assistant",
        "content": "hi ",
        "reasoning": " r ",
        "tool_calls": [{"name": "f", "arguments": "{} ", "id": "1", "extra": None}],
        "tool_call_id": None,
        "name": "n",
        "train": False,
        "parts": "[]",
        "extra": "{}",
    }
    batch = batch_of([None, [message, None], said("fine")], edited=True)
    fixed = SafeFixes()(batch).rows
    assert fixed.schema == batch.schema
    assert fixed.column("edited").to_pylist() == [True] * 3
    assert fixed.column("messages").to_pylist() == [
        None,
        [{**message, "content": "hi"}, None],
        batch.column("messages").to_pylist()[2],
    ]


@settings(max_examples=80)
@given(CONVERSATIONS, st.integers(0, 3))
def test_changes_undo_the_fixes_and_fixing_twice_is_fixing_once(
    conversations: list[Any], offset: int
) -> None:
    batch = batch_of(conversations).slice(min(offset, len(conversations)))
    fixed = SafeFixes()(batch)
    fixed.rows.validate(full=True)
    assert undone(fixed.rows, fixed.changes) == batch.column("messages").to_pylist()
    again = SafeFixes()(fixed.rows)
    assert again.rows is fixed.rows
    assert again.changes.num_rows == 0


@settings(max_examples=40)
@given(CONVERSATIONS)
def test_rows_are_fixed_alone_as_in_a_batch(conversations: list[Any]) -> None:
    batch = batch_of(conversations)
    whole = SafeFixes()(batch).rows.to_pylist()
    apart = [SafeFixes()(batch.slice(row, 1)).rows.to_pylist()[0] for row in range(len(batch))]
    assert whole == apart
