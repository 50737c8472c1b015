"""How a conversation is built: messages, turns, tool calls."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tamis.columns import ROLES, flat_messages, per_row_sum
from tamis.op import Measure
from tamis.text.tag_table import OPEN_CALL, OPEN_THINK


class Turns(Measure, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How many messages, assistant turns and tool calls a conversation has.

    Tool calls are the structured ones and, in assistant text, opening `<tool_call>` tags.

    Reads:   messages.
    Adds:    n_messages    int32
             turns         int32, assistant messages
             n_tool_calls  int32
             has_system    bool
             has_think     bool, an assistant message with a reasoning field or a `<think>` tag
    Cost:    Arrow only.
    Source:  the usual counts of data reports.
    """

    reads: ClassVar[tuple[str, ...]] = ("messages",)

    def adds(self) -> pa.Schema:
        """Three numbers and two truths, never null."""
        return pa.schema(
            [
                pa.field("n_messages", pa.int32()),
                pa.field("turns", pa.int32()),
                pa.field("n_tool_calls", pa.int32()),
                pa.field("has_system", pa.bool_()),
                pa.field("has_think", pa.bool_()),
            ]
        )

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Measure a batch."""
        flat = flat_messages(batch.column("messages"))
        roles = flat.role_codes()
        is_reply = roles == ROLES.index("assistant")
        # a null may still span bytes of the buffer
        is_written = is_reply & flat.text("content").is_valid().to_numpy(zero_copy_only=False)
        tags = flat.tags
        n_calls, n_thinks = (
            np.where(is_written, np.bincount(tags.owner[tags.code == code], minlength=len(flat)), 0)
            for code in (OPEN_CALL, OPEN_THINK)
        )
        calls = _numbers(pc.list_value_length(flat.text("tool_calls"))) + n_calls
        has_reasoning = _numbers(pc.binary_length(flat.text("reasoning"))) > 0
        thinks = (is_reply & has_reasoning) | (n_thinks > 0)
        is_system = roles == ROLES.index("system")
        columns = [
            np.diff(flat.starts),
            per_row_sum(flat, is_reply.astype(np.int64)),
            per_row_sum(flat, calls),
            per_row_sum(flat, is_system.astype(np.int64)) > 0,
            per_row_sum(flat, thinks.astype(np.int64)) > 0,
        ]
        schema = self.adds()
        arrays = [pa.array(c).cast(f.type) for c, f in zip(columns, schema, strict=True)]
        return pa.record_batch(arrays, schema=schema)


def _numbers(values: pa.Array) -> npt.NDArray[np.int64]:
    """Counts or truths as numbers; an absent text or list counts as none."""
    cast = pc.fill_null(pc.cast(values, pa.int64()), 0)
    numbers: npt.NDArray[np.int64] = cast.to_numpy(zero_copy_only=False)
    return numbers
