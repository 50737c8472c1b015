"""Who speaks when: unknown roles, broken order, tool results out of nowhere, no assistant at all."""

from __future__ import annotations

import re
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tamis.checks.tagged import call_counts
from tamis.columns import OTHER_ROLE, ROLES, FindingsBuilder, FlatMessages, flat_messages
from tamis.op import Measure
from tamis.records import Rule
from tamis.schema import FINDINGS
from tamis.text.excerpts import excerpt

UNKNOWN = Rule(
    id="role-order/unknown-role",
    severity="error",
    dimension="format",
    summary="A role other than system, user, assistant or tool.",
    fix="Map the role to one of the four; `tamis fix` knows the common aliases.",
    good='{"role": "assistant", "content": "Hello!"}',
    bad='{"role": "narrator", "content": "Hello!"}',
)
TOOL_WITHOUT_CALL = Rule(
    id="role-order/tool-without-call",
    severity="error",
    dimension="format",
    summary="A tool result that no assistant tool call precedes.",
    fix="Restore the call before the result, or remove the result.",
    good="user, assistant (tool call), tool, assistant",
    bad="user, tool, assistant",
)
UNKNOWN_CALL_ID = Rule(
    id="role-order/unknown-call-id",
    severity="error",
    dimension="format",
    summary="A tool result whose `tool_call_id` is the id of no call before it.",
    fix="Give the result the id of the call it answers.",
    good='call id "a1", then tool_call_id "a1"',
    bad='call id "a1", then tool_call_id "b7"',
)
SYSTEM_NOT_FIRST = Rule(
    id="role-order/system-not-first",
    severity="warning",
    dimension="format",
    summary="A system message that is not the first message: many chat templates refuse or drop it.",
    fix="Move it to the front, or join it with the first system message.",
    good="system, user, assistant",
    bad="user, system, assistant",
)
REPEATED = Rule(
    id="role-order/repeated-role",
    severity="warning",
    dimension="format",
    summary="Two user or two assistant messages in a row: many trainers drop or shift such rows.",
    fix="Join the two messages, or restore the one that is missing between them.",
    good="user, assistant, user, assistant",
    bad="user, user, assistant",
)
UNANSWERED_CALL = Rule(
    id="role-order/unanswered-call",
    severity="warning",
    dimension="completeness",
    summary="The conversation goes on after a structured tool call without its result.",
    fix="Restore the tool's result, or remove the call.",
    good="user, assistant (tool call), tool, assistant",
    bad="user, assistant (tool call), user, assistant",
)
ASSISTANT_FIRST = Rule(
    id="role-order/assistant-first",
    severity="warning",
    dimension="format",
    summary="The assistant speaks before any user.",
    fix="Add the user message it answers, or remove the first assistant message.",
    good="system, user, assistant",
    bad="system, assistant, user, assistant",
)
NO_FINAL_REPLY = Rule(
    id="role-order/no-final-reply",
    severity="warning",
    dimension="completeness",
    summary="The conversation ends before the assistant's last word: its tail trains nothing.",
    fix="Add the reply, or cut the unanswered tail.",
    good="user, assistant",
    bad="user, assistant, user",
)
NO_ASSISTANT = Rule(
    id="no-assistant/missing",
    severity="error",
    dimension="completeness",
    summary="A conversation without any assistant message: nothing to learn from.",
    fix="Add the reply, or drop the row.",
    good="user, assistant",
    bad="system, user",
)

SYSTEM, USER, ASSISTANT, TOOL = range(len(ROLES))
Flags = npt.NDArray[np.bool_]
Indexes = npt.NDArray[np.int64]

# Calls in dialects we do not parse still explain a tool result after them.
_WRITTEN_CALL = re.compile(
    r"<\s*/?\s*tool|<\s*function|functioncall|function_call|\"name\"\s*:|'name'\s*:|python_tag|TOOL_CALL"
    r"|Action\s*:|<[|｜]|✿FUNCTION|```",
    re.IGNORECASE,
)


class RoleOrder(Measure, frozen=True, kw_only=True):
    """Roles that are unknown or stand in an order no chat template expects.

    Agent conversations are in order: user, assistant (tool calls), any number of tool results,
    assistant. A conversation may end with a tool call: that is what is to be learned.

    Reads:   messages; roles, tool calls and their ids; the content of an assistant before a tool result.
    Adds:    role_order_findings  list of findings, never null.
    Source:  rows that LLaMA-Factory drops (hiyouga/LLaMA-Factory #7777, #9618) and APIs refuse.
    Cost:    roles only.
    """

    reads: ClassVar[tuple[str, ...]] = ("messages",)
    rules: ClassVar[tuple[Rule, ...]] = (
        UNKNOWN,
        TOOL_WITHOUT_CALL,
        UNKNOWN_CALL_ID,
        SYSTEM_NOT_FIRST,
        REPEATED,
        UNANSWERED_CALL,
        ASSISTANT_FIRST,
        NO_FINAL_REPLY,
    )

    def adds(self) -> pa.Schema:
        """The one column of findings."""
        return pa.schema([pa.field("role_order_findings", FINDINGS)])

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Look at the roles of every conversation."""
        flat = flat_messages(batch.column("messages"))
        found = FindingsBuilder(flat.n_rows)
        if len(flat):
            codes = flat.role_codes()
            _report_unknown(flat, codes, found)
            _report_order(flat, codes, found)
            _report_ends(flat, codes, found)
            _report_tools(flat, codes, found)
        return pa.record_batch([found.column()], schema=self.adds())


class NoAssistant(Measure, frozen=True, kw_only=True):
    """Conversations in which no assistant ever speaks.

    Reads:   messages; roles only.
    Adds:    no_assistant_findings  list of findings, never null.
    Source:  the chapter's validator ("Missing assistant response").
    Cost:    roles only.
    """

    reads: ClassVar[tuple[str, ...]] = ("messages",)
    rules: ClassVar[tuple[Rule, ...]] = (NO_ASSISTANT,)

    def adds(self) -> pa.Schema:
        """The one column of findings."""
        return pa.schema([pa.field("no_assistant_findings", FINDINGS)])

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Look for an assistant in every conversation."""
        flat = flat_messages(batch.column("messages"))
        found = FindingsBuilder(flat.n_rows)
        speaks = np.zeros(flat.n_rows, dtype=bool)
        speaks[flat.owner[flat.role_codes() == ASSISTANT]] = True
        for row in np.flatnonzero(~speaks).tolist():
            n_messages = int(flat.starts[row + 1] - flat.starts[row])
            said = (
                f"none of {n_messages} messages is the assistant's" if n_messages else "no messages"
            )
            found.report(row, NO_ASSISTANT, "messages", said)
        return pa.record_batch([found.column()], schema=self.adds())


def _report_unknown(
    flat: FlatMessages, codes: npt.NDArray[np.int8], found: FindingsBuilder
) -> None:
    places = np.flatnonzero(codes == OTHER_ROLE)
    roles = flat.text("role").take(pa.array(places)).to_pylist()
    for place, role in zip(places.tolist(), roles, strict=True):
        said = "no role" if role is None else f"`{role[:40]}` is not a role"
        found.report(int(flat.owner[place]), UNKNOWN, _path(flat, place, "role"), said)


def _report_order(flat: FlatMessages, codes: npt.NDArray[np.int8], found: FindingsBuilder) -> None:
    late = np.flatnonzero((codes == SYSTEM) & (flat.position > 0))
    for place in late.tolist():
        said = f"a system message at place {int(flat.position[place]) + 1}"
        found.report(int(flat.owner[place]), SYSTEM_NOT_FIRST, _path(flat, place, "role"), said)
    again = _follows_same(flat, codes, USER) | _follows_same(flat, codes, ASSISTANT)
    for place in np.flatnonzero(again).tolist():
        said = f"{ROLES[codes[place]]} after {ROLES[codes[place]]}"
        found.report(int(flat.owner[place]), REPEATED, _path(flat, place, "role"), said)
    # a structured call that is followed by another role than tool; by another assistant it is REPEATED
    called = call_counts(flat) > 0
    left = np.flatnonzero((flat.position[1:] > 0) & called[:-1] & (codes[1:] == USER))
    for place in left.tolist():
        said = "the user speaks before the tool's result"
        path = _path(flat, place, "tool_calls")
        found.report(int(flat.owner[place]), UNANSWERED_CALL, path, said)


def _follows_same(flat: FlatMessages, codes: npt.NDArray[np.int8], role: int) -> Flags:
    same = np.zeros(len(flat), dtype=bool)
    same[1:] = (codes[1:] == role) & (codes[:-1] == role) & (flat.position[1:] > 0)
    return same


def _report_ends(flat: FlatMessages, codes: npt.NDArray[np.int8], found: FindingsBuilder) -> None:
    filled = np.flatnonzero(np.diff(flat.starts) > 0)
    speaks = np.zeros(flat.n_rows, dtype=bool)
    speaks[flat.owner[codes == ASSISTANT]] = True
    spoken = filled[speaks[filled]]
    firsts = flat.starts[spoken].astype(np.int64)
    lasts = flat.starts[spoken + 1].astype(np.int64) - 1
    after_system = np.minimum(firsts + (codes[firsts] == SYSTEM), lasts)
    for place in after_system[codes[after_system] == ASSISTANT].tolist():
        said = "no user message before it"
        found.report(int(flat.owner[place]), ASSISTANT_FIRST, _path(flat, place, "role"), said)
    for place in lasts[(codes[lasts] != ASSISTANT) & (codes[lasts] != OTHER_ROLE)].tolist():
        said = f"the last message is the {ROLES[codes[place]]}'s"
        found.report(int(flat.owner[place]), NO_FINAL_REPLY, _path(flat, place, "role"), said)


def _report_tools(flat: FlatMessages, codes: npt.NDArray[np.int8], found: FindingsBuilder) -> None:
    results = np.flatnonzero(codes == TOOL)
    if not len(results):
        return
    speaker = _last_speaker(flat, codes)[results]
    asked = np.zeros(len(results), dtype=bool)
    spoken = speaker >= 0
    asked[spoken] = (codes[speaker[spoken]] == ASSISTANT) & (call_counts(flat)[speaker[spoken]] > 0)
    unclear = np.flatnonzero(spoken & ~asked & (codes[speaker] == ASSISTANT))
    asked[unclear] = _writes_call(flat, speaker[unclear])
    # a role we do not know may be the caller
    asked[spoken] |= codes[speaker[spoken]] == OTHER_ROLE
    contents = flat.text("content")
    for place in results[~asked].tolist():
        text = contents[place].as_py()
        shown = None if text is None else excerpt(text, 0, 0)
        said = "no tool call before this result"
        path = _path(flat, place, "role")
        found.report(int(flat.owner[place]), TOOL_WITHOUT_CALL, path, said, excerpt=shown)
    _report_call_ids(flat, results, found)


def _last_speaker(flat: FlatMessages, codes: npt.NDArray[np.int8]) -> Indexes:
    """(n_messages,) index of the last message up to here that is no tool result; -1 if there is none."""
    places = np.arange(len(flat), dtype=np.int64)
    last = np.maximum.accumulate(np.where(codes == TOOL, -1, places))
    return np.where(last >= flat.starts[flat.owner], last, -1)


def _writes_call(flat: FlatMessages, places: Indexes) -> list[bool]:
    texts = flat.text("content").take(pa.array(places)).to_pylist()
    return [
        text is not None and ("<tool_call>" in text or _WRITTEN_CALL.search(text) is not None)
        for text in texts
    ]


def _report_call_ids(flat: FlatMessages, results: Indexes, found: FindingsBuilder) -> None:
    given = flat.text("tool_call_id").take(pa.array(results)).to_pylist()
    if not any(given):
        return
    first_id, first_call = _first_call_ids(flat)
    for place, call_id in zip(results.tolist(), given, strict=True):
        row = int(flat.owner[place])
        # where no call before it has an id, nothing can be said
        if not call_id or first_id.get(row, place) >= place:
            continue
        if first_call.get((row, call_id), place) >= place:
            path = _path(flat, place, "tool_call_id")
            found.report(
                row, UNKNOWN_CALL_ID, path, f"`{call_id[:80]}` is the id of no call before it"
            )


def _first_call_ids(flat: FlatMessages) -> tuple[dict[int, int], dict[tuple[int, str], int]]:
    """The first message of each row with a call that has an id, and of each row and id."""
    calls = flat.text("tool_calls")
    messages = pc.list_parent_indices(calls).to_numpy()
    ids = pc.struct_field(pc.list_flatten(calls), "id").to_pylist()
    first_id: dict[int, int] = {}
    first_call: dict[tuple[int, str], int] = {}
    rows = flat.owner[messages].tolist()
    for row, message, call_id in zip(rows, messages.tolist(), ids, strict=True):
        if call_id:
            first_id.setdefault(row, message)
            first_call.setdefault((row, call_id), message)
    return first_id, first_call


def _path(flat: FlatMessages, place: int, field: str) -> str:
    return f"messages[{flat.position[place]}].{field}"
