"""Repairs that cannot change what a conversation says, each one written down."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tamis.columns import OTHER_ROLE, ROLES, FlatMessages, flat_messages
from tamis.op import Rewrite, Rewritten
from tamis.schema import CHANGES, MESSAGES
from tamis.text.blank_ends import texts_with_blank_ends
from tamis.text.dialects import is_json
from tamis.text.repair import Edit, Repaired, repair_ends, repair_tags
from tamis.text.tag_table import (
    CLOSE_CALL,
    OPEN_CALL,
    TagTable,
    paired_texts,
    read_table,
    simple_calls,
    tagged_texts,
    texts_with,
)

ASSISTANT, TOOL = ROLES.index("assistant"), ROLES.index("tool")

# Names that formats and people use for the four roles, folded to lower case.
_ROLE_ALIASES = {
    "human": "user",
    "prompter": "user",
    "gpt": "assistant",
    "ai": "assistant",
    "bot": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "developer": "system",
    "observation": "tool",
    "tool_response": "tool",
    "function": "tool",
    "ipython": "tool",
    "environment": "tool",
} | {role: role for role in ROLES}

Indexes = npt.NDArray[np.int64]


class _Change(NamedTuple):
    row: int
    path: str
    edit: Edit


class SafeFixes(Rewrite, frozen=True, kw_only=True):
    """Mends line ends, blank ends, tag spellings, an unclosed last call, literal calls and role aliases.

    Only what cannot change the meaning is touched; `text.repair` lists it, and what is left alone.
    Tool results are left alone altogether: they are evidence. Applying the changes of a text backwards
    gives the original back; fixing twice is fixing once.

    Reads:   messages; role and content.
    Adds:    nothing; `edited` is set and one CHANGES row stands for each edit. Rules: safe-fixes/role,
             line-ends, blank-ends, close-call, tag-spelling, call-json.
    Source:  faults for which trainers drop rows without a word (hiyouga/LLaMA-Factory #7777, #9618).
    Cost:    two scans of the bytes; untouched batches come back as they are.
    """

    reads: ClassVar[tuple[str, ...]] = ("messages",)

    def __call__(self, batch: pa.RecordBatch) -> Rewritten:
        """Mend a batch."""
        flat = flat_messages(batch.column("messages"))
        changes: list[_Change] = []
        roles = _mend_roles(flat, changes) if len(flat) else {}
        contents = _mend_contents(flat, roles, changes) if len(flat) else {}
        if not changes:
            return Rewritten(batch, _change_rows(batch, changes))
        messages = _rebuilt(batch.column("messages"), flat, roles, contents)
        return Rewritten(_with_messages(batch, messages, changes), _change_rows(batch, changes))


def _mend_roles(flat: FlatMessages, changes: list[_Change]) -> dict[int, str]:
    """Message index → the role its alias stands for."""
    mended: dict[int, str] = {}
    places = np.flatnonzero(flat.role_codes() == OTHER_ROLE)
    written = flat.text("role").take(pa.array(places)).to_pylist()
    for place, role in zip(places.tolist(), written, strict=True):
        known = None if role is None else _ROLE_ALIASES.get(role.strip().lower())
        if known is not None:
            mended[place] = known
            edit = Edit("role", 0, len(role), role, known)
            changes.append(_change(flat, place, "role", edit))
    return mended


def _mend_contents(
    flat: FlatMessages, roles: dict[int, str], changes: list[_Change]
) -> dict[int, str]:
    """Message index → its mended content."""
    codes = flat.role_codes().copy()
    for place, role in roles.items():
        codes[place] = ROLES.index(role)
    contents = flat.text("content")
    may_end, may_tag = _may_need_fixing(contents)
    may_end, may_tag = may_end[codes[may_end] != TOOL], may_tag[codes[may_tag] == ASSISTANT]
    places = np.union1d(may_end, may_tag)
    tagged = set(may_tag.tolist())
    mended: dict[int, str] = {}
    for place, text in zip(
        places.tolist(), contents.take(pa.array(places)).to_pylist(), strict=True
    ):
        ends = repair_ends(text)
        tags = repair_tags(ends.text) if place in tagged else Repaired(ends.text, [])
        for edit in [*ends.edits, *tags.edits]:
            changes.append(_change(flat, place, "content", edit))
        if ends.edits or tags.edits:
            mended[place] = tags.text
    return mended


def _may_need_fixing(contents: pa.StringArray) -> tuple[Indexes, Indexes]:
    """Indexes of texts with a suspicious end or a carriage return, and of texts that may hold a tag."""
    _, offset_buffer, byte_buffer = contents.buffers()
    if byte_buffer is None:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    first = contents.offset
    narrow = np.frombuffer(offset_buffer, dtype=np.int32)[first : first + len(contents) + 1]
    offsets = narrow.astype(np.int64)
    texts = np.frombuffer(byte_buffer, dtype=np.uint8)
    ends = texts_with_blank_ends(texts, offsets)
    returns = np.flatnonzero(texts[offsets[0] : offsets[-1]] == ord("\r")) + offsets[0]
    broken = np.searchsorted(offsets, returns, side="right") - 1
    valid = pc.is_valid(contents).to_numpy(zero_copy_only=False)
    tagged = _doubtful_tags(read_table(texts, offsets))
    may_end = np.union1d(ends, broken)
    return may_end[valid[may_end]], tagged[valid[tagged]]


def _doubtful_tags(table: TagTable) -> Indexes:
    """Texts whose tags or calls might be mended: odd spellings, lone tags, calls that are no JSON."""
    bodies = simple_calls(table)
    fine = paired_texts(table) & ~texts_with(table, OPEN_CALL, CLOSE_CALL)
    fine[bodies.owner] = True
    for owner, start, end in zip(*(part.tolist() for part in bodies), strict=True):
        if _may_be_literal(table.texts[start:end].tobytes()):
            fine[owner] = False
    return np.flatnonzero(tagged_texts(table) & ~fine)


def _may_be_literal(body: bytes) -> bool:
    return body.lstrip()[:1] in (b"{", b"[", b"") and not is_json(body)


def _change(flat: FlatMessages, place: int, field: str, edit: Edit) -> _Change:
    return _Change(int(flat.owner[place]), f"messages[{flat.position[place]}].{field}", edit)


def _rebuilt(
    lists: pa.ListArray, flat: FlatMessages, roles: dict[int, str], contents: dict[int, str]
) -> pa.ListArray:
    """The messages column with some roles and contents replaced, everything else as it was."""
    fields = [flat.text(field.name) for field in MESSAGES.value_type]
    names = [field.name for field in MESSAGES.value_type]
    for name, mended in (("role", roles), ("content", contents)):
        if mended:
            fields[names.index(name)] = _replaced(flat.text(name), mended)
    values = pa.StructArray.from_arrays(
        fields, fields=list(MESSAGES.value_type), mask=flat.values.is_null()
    )
    offsets = pa.array(flat.starts)
    return pa.ListArray.from_arrays(offsets, values, type=MESSAGES, mask=lists.is_null())


def _replaced(texts: pa.StringArray, mended: dict[int, str]) -> pa.StringArray:
    mask = np.zeros(len(texts), dtype=bool)
    mask[list(mended)] = True
    ordered = pa.array([mended[place] for place in sorted(mended)], type=texts.type)
    return pc.replace_with_mask(texts, pa.array(mask), ordered)


def _with_messages(
    batch: pa.RecordBatch, messages: pa.ListArray, changes: list[_Change]
) -> pa.RecordBatch:
    touched = np.zeros(batch.num_rows, dtype=bool)
    touched[[change.row for change in changes]] = True
    edited = pc.or_kleene(batch.column("edited"), pa.array(touched))
    columns = {"messages": messages, "edited": edited}
    arrays = [columns.get(name, batch.column(name)) for name in batch.schema.names]
    return pa.record_batch(arrays, schema=batch.schema)


def _change_rows(batch: pa.RecordBatch, changes: list[_Change]) -> pa.RecordBatch:
    """CHANGES rows by row, then by text in the order of its edits (a stable sort keeps it)."""
    ordered = sorted(changes, key=lambda change: change.row)
    edits = [change.edit for change in ordered]
    columns = {
        "id": batch.column("id").take(pa.array([change.row for change in ordered], pa.int64())),
        "step": pa.nulls(len(ordered), pa.string()),
        "rule": pa.array([f"safe-fixes/{edit.rule}" for edit in edits], pa.string()),
        "path": pa.array([change.path for change in ordered], pa.string()),
        "start": pa.array([edit.start for edit in edits], pa.int32()),
        "end": pa.array([edit.end for edit in edits], pa.int32()),
        "before": pa.array([edit.before for edit in edits], pa.string()),
        "after": pa.array([edit.after for edit in edits], pa.string()),
    }
    return pa.record_batch([columns[name] for name in CHANGES.names], schema=CHANGES)
