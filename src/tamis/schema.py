"""The Arrow twins of the records, and the tables of the engine.

Row tables (`CONVERSATIONS`, `QUESTIONS`, `PREFERENCES`, `ROLLOUTS`) all start with `HEAD`: who the row
is and where its raw bytes are. Measured columns stand behind the row's own columns in a data set.
Tables of decisions, changes and unreadable lines are the ledger.
"""

from __future__ import annotations

from typing import Literal

import pyarrow as pa

Kind = Literal["conversations", "questions", "preferences", "rollouts"]

TOOL_CALL = pa.struct(
    [
        pa.field("name", pa.string()),
        pa.field("arguments", pa.string()),
        pa.field("id", pa.string()),
        pa.field("extra", pa.string()),
    ]
)
MESSAGE = pa.struct(
    [
        pa.field("role", pa.string()),
        pa.field("content", pa.string()),
        pa.field("reasoning", pa.string()),
        pa.field("tool_calls", pa.list_(TOOL_CALL)),
        pa.field("tool_call_id", pa.string()),
        pa.field("name", pa.string()),
        pa.field("train", pa.bool_()),
        pa.field("parts", pa.string()),
        pa.field("extra", pa.string()),
    ]
)
MESSAGES = pa.list_(MESSAGE)

# Who a row is and where its raw line lies. `offset` and `length` are bytes in the (decompressed) source
# and null where rows have no bytes of their own (Parquet); `line` counts from 1 (Parquet: row number).
# `content_hash` is xxh3-64 of the row's raw bytes. `format` names the outside shape it was read from.
# `edited` is true once a Rewrite changed the row: its raw bytes no longer say what the row says.
HEAD = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("source", pa.string()),
        pa.field("line", pa.int64()),
        pa.field("offset", pa.int64()),
        pa.field("length", pa.int64()),
        pa.field("content_hash", pa.uint64()),
        pa.field("format", pa.string()),
        pa.field("edited", pa.bool_()),
    ]
)
_TAIL = [pa.field("meta", pa.string()), pa.field("parents", pa.list_(pa.string()))]

CONVERSATIONS = pa.schema(
    [*HEAD, pa.field("messages", MESSAGES), pa.field("tools", pa.string()), *_TAIL]
)
REFERENCE = pa.struct(
    [
        pa.field("answer", pa.string()),
        pa.field("solution", pa.string()),
        pa.field("tests", pa.string()),
        pa.field("rubric", pa.string()),
    ]
)
REWARD = pa.struct([pa.field("name", pa.string()), pa.field("parameters", pa.string())])
QUESTIONS = pa.schema(
    [
        *HEAD,
        pa.field("prompt", MESSAGES),
        pa.field("reward", REWARD),
        pa.field("reference", REFERENCE),
        pa.field("tools", pa.string()),
        *_TAIL,
    ]
)
PREFERENCES = pa.schema(
    [
        *HEAD,
        pa.field("prompt", MESSAGES),
        pa.field("chosen", MESSAGES),
        pa.field("rejected", MESSAGES),
        pa.field("chosen_score", pa.float64()),
        pa.field("rejected_score", pa.float64()),
        pa.field("tools", pa.string()),
        *_TAIL,
    ]
)
SCORE = pa.struct(
    [
        pa.field("value", pa.float64()),
        pa.field("parts", pa.string()),  # JSON text of {part: number}
        pa.field("reason", pa.string()),
        pa.field("answer", pa.string()),
        pa.field("flags", pa.list_(pa.string())),
    ]
)
ROLLOUT_FIELDS = [
    pa.field("question_id", pa.string()),
    pa.field("messages", MESSAGES),
    pa.field("model", pa.string()),
    pa.field("sampling", pa.string()),
    pa.field("sample", pa.int32()),
    pa.field("finish_reason", pa.string()),
    pa.field("prompt_tokens", pa.int32()),
    pa.field("completion_tokens", pa.int32()),
    pa.field("score", SCORE),
]
ROLLOUTS = pa.schema([*HEAD, *ROLLOUT_FIELDS, *_TAIL])

ROWS: dict[Kind, pa.Schema] = {
    "conversations": CONVERSATIONS,
    "questions": QUESTIONS,
    "preferences": PREFERENCES,
    "rollouts": ROLLOUTS,
}

FINDING = pa.struct(
    [
        pa.field("rule", pa.string()),
        pa.field("severity", pa.string()),
        pa.field("path", pa.string()),
        pa.field("message", pa.string()),
        pa.field("start", pa.int32()),
        pa.field("end", pa.int32()),
        pa.field("fix", pa.string()),
        pa.field("excerpt", pa.string()),
    ]
)
# The column a check adds: `<check name>_findings`, never null, mostly empty lists.
FINDINGS = pa.list_(FINDING)
# The same, one row a finding, as the engine stores it.
FINDING_ROWS = pa.schema([pa.field("id", pa.string()), *FINDING])

# A decision about one row at one step. `copies`: 0 dropped, 1 kept, n repeated.
# `evidence` is JSON text; `score` is what was compared (a similarity, the column's value), null if none.
DECISIONS = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("step", pa.string()),
        pa.field("copies", pa.int32()),
        pa.field("reason", pa.string()),
        pa.field("peer_id", pa.string()),
        pa.field("score", pa.float64()),
        pa.field("evidence", pa.string()),
    ]
)
# One edit of one text. `before` and `after` are the pieces of text that differ; start and end are
# character offsets of `before` in the text as it stood before this edit.
CHANGES = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("step", pa.string()),
        pa.field("rule", pa.string()),
        pa.field("path", pa.string()),
        pa.field("start", pa.int32()),
        pa.field("end", pa.int32()),
        pa.field("before", pa.string()),
        pa.field("after", pa.string()),
    ]
)
# A row that could not be read. `bytes` holds the raw row, cut at 64 KiB; (byte_offset, length) finds all of it.
UNREADABLE = pa.schema(
    [
        pa.field("file", pa.string()),
        pa.field("line", pa.int64()),
        pa.field("byte_offset", pa.int64()),
        pa.field("length", pa.int64()),
        pa.field("reason", pa.string()),
        pa.field("bytes", pa.binary()),
    ]
)
# Candidate or verified pairs of rows; left and right are row ordinals of the table they were made from,
# left < right. `evidence` is JSON text or null.
PAIRS = pa.schema(
    [
        pa.field("left", pa.int64()),
        pa.field("right", pa.int64()),
        pa.field("similarity", pa.float32()),
        pa.field("evidence", pa.string()),
    ]
)
