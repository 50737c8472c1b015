"""Builds run folders as the engine writes them, from a seed, for tests of reports and for looking at."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa

from tamis.schema import CHANGES, CONVERSATIONS, DECISIONS, FINDING_ROWS, UNREADABLE

HOSTILE = (
    "<script>alert('x')</script> \x00\x1b[31m \u202egnp.exe </style><img src=x onerror=alert(1)>"
)
LONG_ID = "agent-logs/2026/11/very/long/folder/name/without/spaces.jsonl:" + "f00d" * 24

RULES = [
    (
        "roles/starts-wrong",
        "error",
        "format",
        "The conversation does not start with a system or user message.",
    ),
    (
        "think-tags/unpaired",
        "error",
        "format",
        "A think tag is opened and never closed, or closed and never opened.",
    ),
    (
        "tool-call-tags/unparsable",
        "error",
        "format",
        "A tool call cannot be read in any of the four dialects.",
    ),
    (
        "tool-arguments/refused",
        "error",
        "correctness",
        "The arguments of a call break the tool's own JSON Schema.",
    ),
    (
        "arithmetic/wrong",
        "warning",
        "correctness",
        "A sum written in prose comes to something else.",
    ),
    (
        "ending/truncated",
        "warning",
        "completeness",
        "The last answer stops in the middle of a sentence.",
    ),
    (
        "boilerplate/as-an-assistant",
        "warning",
        "diversity",
        "The answer opens with a stock phrase of assistants.",
    ),
    ("private-data/email", "info", "safety", "An e-mail address stands in the text."),
    (
        "reply/empty",
        "error",
        "completeness",
        "An assistant message says nothing and calls no tool.",
    ),
    ("roles/no-assistant", "error", "format", "No message is the assistant's."),
    (
        "private-data/card-number",
        "error",
        "safety",
        "A payment card number with a right check digit.",
    ),
]
OPENINGS = [
    "How far is it from Lisbon to Porto, and what does the train cost?",
    "请帮我计算半径为 3.7 米的圆形花坛的面积，保留两位小数。",
    "Write a haiku about the sea, then translate it into German.",
    "明天北京的天气怎么样？需要带伞吗？",
    "Sort these invoices by date and add up the totals.",
]


def write(path: Path, table: pa.Table) -> None:
    """Write a table as an Arrow IPC file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with pa.ipc.new_file(str(path), table.schema) as sink:
        sink.write_table(table)


def rows_of(schema: pa.Schema, rows: list[dict[str, object]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=schema)


def make_check_run(run: Path, *, n: int = 231, shards: int = 2, seed: int = 0) -> Path:
    """A run like `tamis demo`'s: check, fix, dedup over `n` readable conversations and 9 unreadable."""
    draw = np.random.default_rng(seed)
    ids = [f"agent.jsonl:{i:06d}" for i in range(n)]
    ids[3] = LONG_ID
    found = write_findings(run, ids, draw, shards)
    dropped = write_ledger(run, ids, draw)
    kept = [row_id for row_id in ids if row_id not in dropped]
    write_facts(run, ids, set(kept), draw, shards)
    write_summaries(run)
    (run / "rules.json").write_text(
        json.dumps([rule_json(rule) for rule in RULES]), encoding="utf-8"
    )
    counts = {
        "read": n + 9,
        "unreadable": 9,
        "parsed": n,
        "made": 0,
        "kept": len(kept),
        "dropped": n - len(kept),
        "written": len(kept),
    }
    by_reason: dict[str, int] = {}
    for reason in dropped.values():
        by_reason[reason] = by_reason.get(reason, 0) + 1
    errors, twins = by_reason["error finding"], by_reason["near duplicate"]
    steps = [
        step(name, "measure", n, n) for name in ("roles", "think_tags", "tool_calls", "arithmetic")
    ]
    steps += [
        step("lengths", "measure", n, n),
        step("safe_fixes", "rewrite", n, n, changed=7),
        step("no_errors", "keep", n, n - errors, options={"column": "n_errors", "at_most": 0}),
        step(
            "near_duplicates", "select", n - errors, n - errors - twins, options={"threshold": 0.8}
        ),
    ]
    write_manifest(
        run,
        "run",
        "conversations",
        counts,
        {
            "dropped_by": by_reason,
            "steps": steps,
            "inputs": [
                source("agent.jsonl", "openai", n - 60, 6),
                source("sharegpt.json", "sharegpt", 40, 0),
                source("alpaca.json", "alpaca", 20, 3),
            ],
            "not_checked": [
                {"what": "Prompts of images", "why": "parts that are not text are not read"}
            ],
        },
    )
    assert found
    return run


def rule_json(rule: tuple[str, str, str, str]) -> dict[str, str]:
    return {
        "id": rule[0],
        "severity": rule[1],
        "dimension": rule[2],
        "summary": rule[3],
        "fix": "Run `tamis fix`, or drop the conversation.",
        "good": "<think>…</think> 42",
        "bad": "<think>… 42",
    }


def step(name: str, shape: str, rows_in: int, rows_out: int, **more: object) -> dict[str, object]:
    return {
        "step": name,
        "op": name,
        "shape": shape,
        "options": {},
        "rows_in": rows_in,
        "rows_out": rows_out,
        "changed": 0,
        "seconds": 0.12,
        **more,
    }


def source(path: str, shape: str, read: int, unreadable: int) -> dict[str, object]:
    return {
        "path": f"raw/{path}",
        "format": shape,
        "kind": "conversations",
        "confidence": "high",
        "bytes": read * 1900,
        "read": read + unreadable,
        "unreadable": unreadable,
        "fingerprint": "xxh3:9f2c" + "0" * 12,
    }


def write_manifest(
    run: Path, command: str, kind: str, counts: dict[str, int], more: dict[str, object]
) -> None:
    manifest = {
        "schema_version": 1,
        "tamis_version": "0.1.0",
        "command": command,
        "kind": kind,
        "seed": 7,
        "recipe": {
            "version": 1,
            "inputs": ["raw/"],
            "steps": [{"op": "near_duplicates", "threshold": 0.8}],
        },
        "counts": counts,
        "shards": [{"file": "data/00000.arrow", "rows": counts["kept"]}],
        "started": "2026-11-22T10:00:00+00:00",
        "finished": "2026-11-22T10:00:04.200000+00:00",
        **more,
    }
    run.mkdir(parents=True, exist_ok=True)
    (run / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def write_findings(run: Path, ids: list[str], draw: np.random.Generator, shards: int) -> int:
    """Findings of the first eight rules, rarer for later ones; the first is hostile."""
    rows = []
    for place, (rule, severity, _, summary) in enumerate(RULES[:8]):
        hit = draw.choice(len(ids), size=max(1, len(ids) * (8 - place) // 160), replace=False)
        for row in hit.tolist():
            for again in range(1 + int(row % 3 == 0)):
                rows.append(
                    {
                        "id": ids[row],
                        "rule": rule,
                        "severity": severity,
                        "path": f"messages[{1 + again}].content",
                        "message": f"{summary} 1 open, 0 closed.",
                        "start": 10 * again,
                        "end": 10 * again + 7,
                        "fix": "close the tag",
                        "excerpt": OPENINGS[row % len(OPENINGS)],
                    }
                )
    rows.append(
        {
            "id": LONG_ID,
            "rule": "think-tags/unpaired",
            "severity": "error",
            "path": "messages[1].content",
            "message": HOSTILE,
            "start": None,
            "end": None,
            "fix": None,
            "excerpt": HOSTILE,
        }
    )
    rows += [dict(rows[-1]) for _ in range(4)]
    rows.sort(key=lambda row: row["id"])
    for shard in range(shards):
        half = (
            [row for row in rows if ids.index(row["id"]) % shards == shard]
            if len(ids) < 2000
            else rows[shard::shards]
        )
        write(run / "findings" / f"{shard:05d}.arrow", rows_of(FINDING_ROWS, half))
    return len(rows)


def write_ledger(run: Path, ids: list[str], draw: np.random.Generator) -> dict[str, str]:
    """Decisions, changes and unreadable rows; returns why each dropped id left."""
    dropped: dict[str, str] = {}
    decisions = []
    for row_id in ids[10 : 10 + len(ids) // 12]:
        dropped[row_id] = "error finding"
        decisions.append(decision(row_id, "no_errors", "error finding", None, 2.0))
    first, pairs = 10 + len(ids) // 12, []
    while first + 40 < len(ids) * 6 // 10:
        size = int(draw.choice([1, 1, 1, 2, 3, 8]))
        for twin in ids[first + 1 : first + 1 + size]:
            dropped[twin] = "near duplicate"
            similarity = round(float(draw.uniform(0.8, 1.0)), 4)
            decisions.append(
                decision(twin, "near_duplicates", "near duplicate", ids[first], similarity)
            )
            pairs.append(
                {
                    "left_id": ids[first],
                    "right_id": twin,
                    "similarity": similarity,
                    "evidence": None,
                }
            )
        first += size + 4
    write(run / "ledger" / "decisions" / "00000.arrow", rows_of(DECISIONS, decisions))
    pair_schema = pa.schema(
        [
            ("left_id", pa.string()),
            ("right_id", pa.string()),
            ("similarity", pa.float32()),
            ("evidence", pa.string()),
        ]
    )
    write(run / "pairs" / "near_duplicates.arrow", rows_of(pair_schema, pairs))
    changes = [
        {
            "id": ids[i],
            "step": "safe_fixes",
            "rule": "think-tags/close",
            "path": "messages[2].content",
            "start": 40,
            "end": 40,
            "before": "",
            "after": "</think>\n",
        }
        for i in range(5)
    ]
    changes += [
        {**changes[i], "rule": "text/trailing-space", "before": "好的。   ", "after": "好的。"}
        for i in range(2)
    ]
    write(run / "ledger" / "changes" / "00000.arrow", rows_of(CHANGES, changes))
    unreadable = [
        {
            "file": "raw/agent.jsonl" if i < 6 else "raw/alpaca.json",
            "line": 17 + i,
            "byte_offset": 4000 * i,
            "length": 60,
            "reason": f"not JSON: unexpected character at byte {31 + i}" if i < 7 else "not UTF-8",
            "bytes": b'{"messages": [{"role": "user", "content": "half a li\xff\x00<script>',
        }
        for i in range(9)
    ]
    write(run / "ledger" / "unreadable" / "00000.arrow", rows_of(UNREADABLE, unreadable))
    return dropped


def decision(
    row_id: str, name: str, reason: str, peer: str | None, score: float
) -> dict[str, object]:
    evidence = '{"shared_words": 41, "of": 48}' if peer else None
    return {
        "id": row_id,
        "step": name,
        "copies": 0,
        "reason": reason,
        "peer_id": peer,
        "score": score,
        "evidence": evidence,
    }


def write_facts(
    run: Path, ids: list[str], kept: set[str], draw: np.random.Generator, shards: int
) -> None:
    """Scalar columns for all rows, and the kept rows with the same columns behind their own."""
    n = len(ids)
    tokens = draw.lognormal(5.6, 0.9, n).astype(np.int64) + 8
    languages = draw.choice(["en", "zh", "de"], n, p=[0.55, 0.4, 0.05]).tolist()
    languages[0] = None
    facts = pa.table(
        {
            "id": ids,
            "turns": pa.array(draw.integers(1, 7, n), pa.int32()),
            "chars": pa.array(tokens * 4 + draw.integers(0, 9, n), pa.int64()),
            "estimated_tokens": pa.array(tokens, pa.int32(), mask=draw.random(n) < 0.02),
            "repeated_share": pa.array(draw.beta(1, 12, n), pa.float32()),
            "language": pa.array(languages, pa.string()),
            "tool_names": pa.array(
                [["calculator", "search"][: int(k)] for k in draw.integers(0, 3, n)],
                pa.list_(pa.string()),
            ),
            "has_think": pa.array(draw.random(n) < 0.7),
            "embedding": pa.array([[0.1, 0.2]] * n, pa.list_(pa.float32(), 2)),
        }
    )
    for shard in range(shards):
        write(
            run / "facts" / "0" / f"{shard:05d}.arrow",
            facts.slice(shard * n // shards, (shard + 1) * n // shards - shard * n // shards),
        )
    rows = facts.filter(pa.array([row_id in kept for row_id in ids]))
    texts = [
        [
            {"role": "user", "content": OPENINGS[i % len(OPENINGS)]},
            {"role": "assistant", "content": "好的。"},
        ]
        for i in range(rows.num_rows)
    ]
    messages = pa.array(texts, CONVERSATIONS.field("messages").type)
    write(run / "data" / "00000.arrow", rows.append_column("messages", messages))


def write_summaries(run: Path) -> None:
    """One small table, as an opener summary would leave."""
    table = pa.table(
        {
            "opener": ["Sure, I can", "Let me check", "好的，我来", None],
            "rows": [40, 31, 22, 5],
            "share": [0.173, 0.134, 0.095, 0.02],
        }
    )
    write(run / "summaries" / "openers.arrow", table)


def make_calibrate_run(run: Path, *, n: int = 40, answers: int = 16, seed: int = 0) -> Path:
    """A run like `tamis calibrate`'s over `n` questions: pass rates, and a band kept from 0.2 to 0.8."""
    draw = np.random.default_rng(seed)
    ids = [f"questions.jsonl:{i}" for i in range(n)]
    right = draw.binomial(answers, draw.beta(0.8, 0.9, n))
    right[:3], right[3:5] = 0, answers
    rates = right / answers
    ungradable = draw.integers(0, 2, n)
    inside = (rates >= 0.2) & (rates <= 0.8)
    facts = pa.table(
        {
            "id": ids,
            "n_correct": pa.array(right, pa.int32()),
            "n_sampled": pa.array(ungradable + answers, pa.int32()),
            "n_ungradable": pa.array(ungradable, pa.int32()),
            "n_truncated": pa.array(ungradable * 2, pa.int32()),
            "pass_rate": pa.array(rates, pa.float64()),
        }
    )
    write(run / "facts" / "0" / "00000.arrow", facts)
    write(run / "data" / "00000.arrow", facts.filter(pa.array(inside)))
    decisions = [
        decision(
            ids[i],
            "band",
            "pass_rate below 0.2" if rates[i] < 0.2 else "pass_rate above 0.8",
            None,
            rates[i],
        )
        for i in range(n)
        if not inside[i]
    ]
    write(run / "ledger" / "decisions" / "00000.arrow", rows_of(DECISIONS, decisions))
    kept = int(inside.sum())
    by_reason: dict[str, int] = {}
    for row in decisions:
        by_reason[str(row["reason"])] = by_reason.get(str(row["reason"]), 0) + 1
    counts = {
        "read": n,
        "unreadable": 0,
        "parsed": n,
        "made": 0,
        "kept": kept,
        "dropped": n - kept,
        "written": kept,
    }
    write_manifest(
        run,
        "calibrate",
        "questions",
        counts,
        {
            "dropped_by": by_reason,
            "inputs": [{**source("questions.jsonl", "gsm8k", n, 0), "kind": "questions"}],
            "steps": [
                step(
                    "pass_rate",
                    "model",
                    n,
                    n,
                    options={"model": "SmolLM2-135M-Instruct", "recorded": True},
                ),
                step(
                    "band",
                    "keep",
                    n,
                    kept,
                    options={"column": "pass_rate", "at_least": 0.2, "at_most": 0.8},
                ),
            ],
        },
    )
    return run


if __name__ == "__main__":
    target = Path(sys.argv[1])
    make_check_run(target / "sft", n=int(sys.argv[2]) if len(sys.argv) > 2 else 231)
    make_calibrate_run(target / "rl")
