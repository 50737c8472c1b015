"""Which bytes make up the text of each row, without copying text: what the kernels read.

`Pieces` names byte ranges inside the batch's own Arrow buffers. `from_strings` takes a plain column of
texts, `from_messages` the messages of conversations. No numba here, so importing this is cheap.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

TextChoice = Literal["conversation", "user", "assistant"]
Places = npt.NDArray[np.int64]
_Number = TypeVar("_Number", bound=np.generic)

_ROLES = ("system", "user", "assistant", "tool")
_USER, _ASSISTANT = _ROLES.index("user"), _ROLES.index("assistant")
_OTHER = len(_ROLES)
_CONTENT, _REASONING, _CALL_NAME, _CALL_ARGUMENTS = range(4)
# Mark tokens: one for each role, then reasoning, name and arguments of a call. Any odd constants do.
_MARKS = (np.arange(1, _OTHER + 5, dtype=np.uint64) * np.uint64(0x9FB21C651E98DF25)) | np.uint64(1)
_KIND_MARKS = {
    _REASONING: _MARKS[_OTHER + 1],
    _CALL_NAME: _MARKS[_OTHER + 2],
    _CALL_ARGUMENTS: _MARKS[_OTHER + 3],
}
_NO_BYTES = np.zeros(0, dtype=np.uint8)


class Pieces(NamedTuple):
    """Byte ranges of up to four buffers, in reading order, and which row owns them.

    buffers: four (n,) uint8 arrays
    source:  (n_pieces,) int8, index into `buffers`
    starts, ends: (n_pieces,) int64, byte offsets
    marks:   (n_pieces,) uint64, hash of the token that says whose words follow; 0 for none
    rows:    (n_rows + 1,) int64, pieces of row r are `rows[r]:rows[r + 1]`
    """

    buffers: tuple[npt.NDArray[np.uint8], ...]
    source: npt.NDArray[np.int8]
    starts: Places
    ends: Places
    marks: npt.NDArray[np.uint64]
    rows: Places

    @classmethod
    def made_of(
        cls,
        buffers: tuple[npt.NDArray[np.uint8], ...],
        source: npt.NDArray[np.int8],
        ranges: tuple[Places, Places],
        marks: npt.NDArray[np.uint64],
        rows: Places,
    ) -> Pieces:
        """Pieces whose arrays are contiguous and read-only: the one type the kernels are compiled for."""
        return cls(
            tuple(_frozen(buffer) for buffer in buffers),
            _frozen(source),
            _frozen(ranges[0]),
            _frozen(ranges[1]),
            _frozen(marks),
            _frozen(rows),
        )

    def strings(self) -> list[str]:
        """The text of each row, its non-empty pieces joined by a line break; "" when there is none."""
        texts = [
            self.buffers[source][start:end].tobytes().decode()
            for source, start, end in zip(
                self.source.tolist(), self.starts.tolist(), self.ends.tolist(), strict=True
            )
        ]
        rows = self.rows.tolist()
        return ["\n".join(filter(None, texts[first:last])) for first, last in pairwise(rows)]


def _frozen(numbers: npt.NDArray[_Number]) -> npt.NDArray[_Number]:
    view = np.ascontiguousarray(numbers).view()
    view.flags.writeable = False
    return view


class _Strings(NamedTuple):
    text: npt.NDArray[np.uint8]
    starts: Places
    ends: Places


def _strings(column: pa.StringArray) -> _Strings:
    """Buffer and byte ranges of a string column; a null is an empty range."""
    _, offsets, text = column.buffers()
    if len(column) == 0 or offsets is None:
        return _Strings(_NO_BYTES, np.zeros(len(column), np.int64), np.zeros(len(column), np.int64))
    kind = np.int64 if pa.types.is_large_string(column.type) else np.int32
    window = slice(column.offset, column.offset + len(column) + 1)
    places: Places = np.frombuffer(offsets, dtype=kind)[window].astype(np.int64)
    starts, ends = places[:-1], places[1:]
    if column.null_count:
        present = column.is_valid().to_numpy(zero_copy_only=False)
        ends = np.where(present, ends, starts)
    raw = _NO_BYTES if text is None or text.size == 0 else np.frombuffer(text, dtype=np.uint8)
    return _Strings(raw, starts, ends)


def from_strings(texts: pa.StringArray) -> Pieces:
    """One piece a row, without marks; a null text has no bytes."""
    one = _strings(texts)
    return Pieces.made_of(
        buffers=(one.text, _NO_BYTES, _NO_BYTES, _NO_BYTES),
        source=np.zeros(len(texts), np.int8),
        ranges=(one.starts, one.ends),
        marks=np.zeros(len(texts), np.uint64),
        rows=np.arange(len(texts) + 1, dtype=np.int64),
    )


def _message_ranges(lists: pa.ListArray) -> tuple[Places, Places]:
    """Indexes of all messages in the child array, and how many each row has; null lists have none."""
    offsets = np.asarray(lists.offsets).astype(np.int64)
    counts = np.diff(offsets)
    every = np.arange(offsets[0], offsets[-1], dtype=np.int64)
    if lists.null_count:
        present = lists.is_valid().to_numpy(zero_copy_only=False)
        every = every[np.repeat(present, counts)]
        counts = np.where(present, counts, 0)
    return every, counts


def _chosen(roles: npt.NDArray[np.int8], owner: Places, text: TextChoice) -> npt.NDArray[np.bool_]:
    if text == "conversation":
        return np.ones(len(roles), dtype=bool)
    if text == "assistant":
        return np.equal(roles, _ASSISTANT)
    users = np.flatnonzero(roles == _USER)
    _, first = np.unique(owner[users], return_index=True)
    chosen = np.zeros(len(roles), dtype=bool)
    chosen[users[first]] = True
    return chosen


def from_messages(lists: pa.ListArray, text: TextChoice = "conversation") -> Pieces:
    """The text of conversations: all messages, the first user message, or what the assistant says.

    Of each message: its reasoning, its content, then name and arguments of its tool calls. A role is
    a mark token, so the same words said by another role are another text.

    lists: `schema.MESSAGES`, any offset; null lists, messages and fields count as nothing.
    """
    every, counts = _message_ranges(lists)
    owner = np.repeat(np.arange(len(lists), dtype=np.int64), counts)
    messages = lists.values
    if len(every) == len(messages):
        chosen_messages = messages
    else:
        chosen_messages = (
            messages.take(pa.array(every))
            if lists.null_count
            else messages.slice(int(every[0]) if len(every) else 0, len(every))
        )
    found = pc.index_in(pc.struct_field(chosen_messages, "role"), value_set=pa.array(_ROLES))
    roles = found.fill_null(_OTHER).to_numpy(zero_copy_only=False).astype(np.int8)
    picked = np.flatnonzero(_chosen(roles, owner, text))
    content = _strings(pc.struct_field(chosen_messages, "content"))
    reasoning = pc.struct_field(chosen_messages, "reasoning")
    calls = pc.struct_field(chosen_messages, "tool_calls")
    owners = owner[picked]
    plain = Pieces.made_of(
        buffers=(content.text, _NO_BYTES, _NO_BYTES, _NO_BYTES),
        source=np.zeros(len(picked), np.int8),
        ranges=(content.starts[picked], content.ends[picked]),
        marks=_MARKS[roles[picked]],
        rows=_row_starts(owners, len(lists)),
    )
    if reasoning.null_count == len(reasoning) and calls.null_count == len(calls):
        return plain
    return _with_extras(plain, picked, owners, reasoning, calls)


def _row_starts(owners: Places, n_rows: int) -> Places:
    return np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=n_rows))]).astype(np.int64)


def _with_extras(
    plain: Pieces, picked: Places, owners: Places, reasoning: pa.StringArray, calls: pa.ListArray
) -> Pieces:
    """`plain` with the reasoning and the tool calls of its messages woven in, in reading order."""
    thought = _strings(reasoning)
    has_thought = np.flatnonzero((thought.ends > thought.starts)[picked])
    call_at, counts = _message_ranges(calls)
    call_owner = np.repeat(np.arange(len(calls), dtype=np.int64), counts)
    call_rank = np.arange(len(call_owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    place_of = np.full(len(calls), -1, np.int64)
    place_of[picked] = np.arange(len(picked))
    keep = place_of[call_owner] >= 0
    call_at, call_place = call_at[keep], place_of[call_owner[keep]]
    rank = call_rank[keep]
    names = _strings(pc.struct_field(calls.values, "name"))
    arguments = _strings(pc.struct_field(calls.values, "arguments"))
    thought_at = picked[has_thought]
    n_calls = len(call_at)
    message = np.concatenate([np.arange(len(picked)), has_thought, call_place, call_place])
    turn = np.concatenate(
        [np.ones(len(picked)), np.zeros(len(has_thought)), 2 + 2 * rank, 3 + 2 * rank]
    )
    order = np.lexsort((turn, message))
    sizes = (len(picked), len(has_thought), n_calls, n_calls)
    kinds = (_CONTENT, _REASONING, _CALL_NAME, _CALL_ARGUMENTS)
    marks = [plain.marks] + [
        np.full(size, _KIND_MARKS[kind], np.uint64)
        for size, kind in zip(sizes[1:], kinds[1:], strict=True)
    ]
    starts = (plain.starts, thought.starts[thought_at], names.starts[call_at])
    ends = (plain.ends, thought.ends[thought_at], names.ends[call_at])
    return Pieces.made_of(
        buffers=(plain.buffers[0], thought.text, names.text, arguments.text),
        source=np.repeat(np.array(kinds, np.int8), sizes)[order],
        ranges=(
            np.concatenate([*starts, arguments.starts[call_at]])[order],
            np.concatenate([*ends, arguments.ends[call_at]])[order],
        ),
        marks=np.concatenate(marks)[order],
        rows=_row_starts(owners[message[order]], len(plain.rows) - 1),
    )
