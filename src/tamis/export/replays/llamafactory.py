"""What LLaMA-Factory does with a row, replayed without it: read in LLaMA-Factory 0.9.5.

Sources: data/converter.py (SharegptDatasetConverter), data/processor/supervised.py and pairwise.py,
data/formatter.py (FunctionFormatter, ToolFormatter). Rows out of order are dropped before anything in
them is rendered, so no fault of theirs can crash the load. Not replayed: cuts, which need the model's
own tokenizer; what single templates ask of the fields of a tool; templates with call words of their own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tamis.export.replays.verdict import ACCEPTED, crashes, dropped
from tamis.export.targets.base import RowVerdict
from tamis.schema import Kind

Row = Mapping[str, Any]
_ASKING = ("human", "observation")
_SAYING = ("gpt", "function_call")
_WORDS = (*_ASKING, *_SAYING, "system")
_CALL = re.compile("<tool_call>(.*?)</tool_call>", re.DOTALL)
_THOUGHT = re.compile("<think>\n(.*?)\n</think>\n\n", re.DOTALL)


def replay(kind: Kind, rows: Sequence[Row]) -> list[RowVerdict]:
    """One verdict for each row of the `sharegpt` formatting."""
    judge = _preference if kind == "preferences" else _conversation
    return [judge(row) for row in rows]


def _conversation(row: Row) -> RowVerdict:
    turns: Any = row.get("conversations")
    clash = _clash(turns, row.get("tools"))
    if clash is not None:
        return crashes(clash)
    rest = _behind_system(turns)
    disorder = _disorder(rest)
    if disorder is None and len(rest) % 2 != 0:
        disorder = "conversations: expected pairs of a question and a reply"
    if disorder is None and not rest:
        disorder = "conversations: no turn"
    if disorder is not None:
        return dropped(disorder)
    return _rendered(rest, row.get("tools"))


def _preference(row: Row) -> RowVerdict:
    turns: Any = row.get("conversations")
    sides = (row.get("chosen"), row.get("rejected"))
    clash = _clash(turns, row.get("tools"))
    for name, side in zip(("chosen", "rejected"), sides, strict=True):
        if side is not None and not (isinstance(side, dict) and _is_text(side.get("value"))):
            clash = clash or f"{name}: expected an object of from and value: types clash"
    if clash is not None:
        return crashes(clash)
    rest = _behind_system(turns)
    disorder = _disorder(rest)
    if disorder is not None:
        return dropped(disorder)
    if len(rest) % 2 == 0:
        return dropped("conversations: the prompt does not end with the user")
    replies = [side for side in sides if side is not None]
    if len(replies) < 2:
        return dropped("chosen, rejected: one is null")
    if any(reply.get("from") not in _WORDS for reply in replies):
        return crashes("chosen, rejected: a word for the role that it does not know")
    return _rendered([*rest, *replies], row.get("tools"))


def _is_text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _clash(turns: Any, tools: Any) -> str | None:
    """Where a type differs from that of the other rows: the whole file cannot be read."""
    if not isinstance(turns, list):
        return "conversations: expected a list"
    if not all(isinstance(turn, dict) and _is_text(turn.get("value")) for turn in turns):
        return "conversations: expected objects of from and value, both texts: types clash"
    return None if _is_text(tools) else "tools: expected JSON text: types clash"


def _behind_system(turns: list[Any]) -> list[Any]:
    return turns[1:] if turns and turns[0].get("from") == "system" else turns


def _disorder(turns: list[Any]) -> str | None:
    for place, turn in enumerate(turns):
        if turn.get("from") not in (_ASKING, _SAYING)[place % 2]:
            return f"conversations: turn {place}, {turn.get('from')!r}, is out of order"
    return None


def _rendered(turns: Sequence[Any], tools: str | None) -> RowVerdict:
    fault = _tools_fault(tools) if tools else None
    for turn in turns:
        if fault is None and turn.get("value") is None:
            fault = "conversations: a value is null"
        elif fault is None and turn["from"] == "function_call":
            fault = _call_fault(turn["value"])
    return ACCEPTED if fault is None else crashes(fault)


def _tools_fault(tools: str) -> str | None:
    try:
        read = json.loads(tools)
    except json.JSONDecodeError:
        return "tools: not JSON"
    if not isinstance(read, (list, dict, str)):
        return "tools: not a list of objects"
    if not all(isinstance(tool, dict) for tool in read):
        return "tools: not a list of objects"
    return None


def _call_fault(value: str) -> str | None:
    called = _CALL.search(value)
    text = called.group(1) if called else _THOUGHT.sub("", value, count=1)
    try:
        calls = json.loads(text)
    except json.JSONDecodeError:
        return "function_call: the value is no JSON"
    for call in calls if isinstance(calls, list) else [calls]:
        if not (isinstance(call, dict) and {"name", "arguments"} <= call.keys()):
            return "function_call: expected objects of name and arguments"
    return None
