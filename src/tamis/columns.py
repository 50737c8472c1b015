"""Flat views of nested columns: messages without row objects, and columns of findings.

`FlatMessages` gives the messages of a batch as flat Arrow arrays and numpy indexes, whatever the
batch's offset, without copying text. `FindingsBuilder` collects what a check found and returns the
`FINDINGS` column. `per_row_sum` and `per_row_max` bring message values back to rows.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tamis.kernels.patterns import string_buffers
from tamis.records import Finding, Rule
from tamis.schema import FINDINGS
from tamis.text.tag_table import TagTable, read_table

ROLES = ("system", "user", "assistant", "tool")
OTHER_ROLE = len(ROLES)

IntArray = npt.NDArray[np.int32]


class FlatMessages:
    """The messages of a batch, flat, in row order.

    n_rows:   rows of the batch
    starts:   (n_rows + 1,) int32, messages of row r are `starts[r]:starts[r + 1]`
    owner:    (n_messages,) int32, row of each message
    position: (n_messages,) int32, place of the message within its conversation
    values:   StructArray of the messages; a null list counts as no messages
    """

    def __init__(self, messages: pa.Array) -> None:
        lists = messages.combine_chunks() if isinstance(messages, pa.ChunkedArray) else messages
        # fill by rebuilding, because a null list may still span bytes of the child array
        if lists.null_count:
            lists = _without_null_lists(lists)
        offsets = lists.offsets.to_numpy(zero_copy_only=False)
        self.n_rows = len(lists)
        self.starts: IntArray = (offsets - offsets[0]).astype(np.int32)
        self.values: pa.StructArray = lists.values.slice(
            int(offsets[0]), int(offsets[-1] - offsets[0])
        )
        counts = np.diff(self.starts)
        self.owner: IntArray = np.repeat(np.arange(self.n_rows, dtype=np.int32), counts)
        self.position: IntArray = (
            np.arange(len(self.owner), dtype=np.int32) - self.starts[:-1][self.owner]
        ).astype(np.int32)

    def __len__(self) -> int:
        return len(self.owner)

    def text(self, field: str) -> pa.StringArray:
        """One field of all messages as Arrow, null where the message or the field is absent."""
        return pc.struct_field(self.values, field)

    def strings(self, field: str) -> list[str | None]:
        """One field of all messages as a Python list: for exact rules on few rows."""
        values: list[str | None] = self.text(field).to_pylist()
        return values

    def role_codes(self) -> npt.NDArray[np.int8]:
        """(n_messages,) int8: index into `ROLES`, or `OTHER_ROLE`; not to be written to."""
        return self._role_codes

    @functools.cached_property
    def _role_codes(self) -> npt.NDArray[np.int8]:
        found = pc.index_in(self.text("role"), value_set=pa.array(ROLES))
        codes: npt.NDArray[np.int8] = (
            found.fill_null(OTHER_ROLE).to_numpy(zero_copy_only=False).astype(np.int8)
        )
        codes.flags.writeable = False
        return codes

    @functools.cached_property
    def tags(self) -> TagTable:
        """The tags in the contents of all messages, read from Arrow's own buffers."""
        offsets, content = string_buffers(self.text("content"))
        return read_table(np.frombuffer(content, np.uint8), offsets.astype(np.int64))


class _Column:
    """A column of messages that can be looked up: equal where it is the same memory.

    While a lookup holds one, its memory is alive, so nothing else can have the same addresses.
    """

    def __init__(self, messages: pa.ListArray) -> None:
        self.messages = messages
        flat = messages.values
        buffers = [0 if buffer is None else buffer.address for buffer in messages.buffers()]
        offsets = [flat.offset, *(flat.field(at).offset for at in range(flat.type.num_fields))]
        self._place = (len(messages), messages.offset, len(flat), *offsets, *buffers)

    def __hash__(self) -> int:
        return hash(self._place)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Column) and self._place == other._place


@functools.lru_cache(maxsize=1)
def _flat(column: _Column) -> FlatMessages:
    return FlatMessages(column.messages)


def flat_messages(messages: pa.Array | pa.ChunkedArray) -> FlatMessages:
    """The flat view of a column; operators that look at one batch in turn share it."""
    if isinstance(messages, pa.ChunkedArray):
        return FlatMessages(messages)
    return _flat(_Column(messages))


def _without_null_lists(lists: pa.ListArray) -> pa.ListArray:
    empty = pa.scalar([], type=lists.type)
    return pc.fill_null(lists, empty)


def per_row_sum(flat: FlatMessages, per_message: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """(n_messages,) numbers summed to (n_rows,); a row without messages gets 0."""
    running = np.concatenate([[0], np.cumsum(per_message, dtype=np.int64)])
    sums: npt.NDArray[np.int64] = running[flat.starts[1:]] - running[flat.starts[:-1]]
    return sums


class FindingsBuilder:
    """Collects findings by row, in any order, and returns the column a check adds."""

    def __init__(self, n_rows: int) -> None:
        self._n_rows = n_rows
        self._found: list[tuple[int, Finding]] = []

    def add(self, row: int, finding: Finding) -> None:
        """Record one finding for one row of the batch."""
        self._found.append((row, finding))

    def report(self, row: int, rule: Rule, path: str, message: str, **place: object) -> None:
        """Record a finding of `rule`: severity and fix come from it; `place` is start, end, excerpt."""
        self.add(
            row,
            Finding(
                rule=rule.id,
                severity=rule.severity,
                path=path,
                message=message,
                fix=rule.fix,
                start=place.get("start"),  # type: ignore[arg-type]
                end=place.get("end"),  # type: ignore[arg-type]
                excerpt=place.get("excerpt"),  # type: ignore[arg-type]
            ),
        )

    def column(self) -> pa.ListArray:
        """The `FINDINGS` column: never null, in the order (row, path, start, rule)."""
        found = sorted(
            self._found, key=lambda f: (f[0], f[1].path, f[1].start or 0, f[1].rule, f[1].message)
        )
        counts = np.bincount(
            np.fromiter((row for row, _ in found), dtype=np.int64, count=len(found)),
            minlength=self._n_rows,
        )
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        fields = [
            pa.array([getattr(finding, field.name) for _, finding in found], type=field.type)
            for field in FINDINGS.value_type
        ]
        values = pa.StructArray.from_arrays(fields, fields=list(FINDINGS.value_type))
        return pa.ListArray.from_arrays(pa.array(offsets), values).cast(FINDINGS)
