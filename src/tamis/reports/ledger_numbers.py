"""Numbers from the ledger: rows that left at each step, edits, and rows that could not be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from tamis.reports.contents import (
    Dropped,
    Edit,
    Reason,
    RuleChanges,
    Step,
    UnreadableReason,
    UnreadableRow,
)
from tamis.reports.grouping import count_groups, distinct_ids, first_per_group
from tamis.reports.run_folder import Manifest, read_pieces

_MAX_TEXT = 240
_MAX_UNREADABLE_REASONS = 20


def shorten(text: str | None, limit: int = _MAX_TEXT) -> str:
    """`text` cut to `limit` characters, with an ellipsis where it was cut; null reads as empty."""
    if text is None:
        return ""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def count_steps(run: Path, manifest: Manifest, *, n_examples: int = 3) -> list[Step]:
    """Each step of the run in its order, with why rows left it and a few of those rows."""
    reasons: dict[str, list[Reason]] = {}
    for line in count_groups(_dropped(run, ["step", "reason"]), ["step", "reason"]).to_pylist():
        reasons.setdefault(line["step"], []).append(
            Reason(reason=line["reason"] or "no reason stated", count=line["n"])
        )
    examples = _dropped_examples(run, n_examples) if n_examples else {}
    repeated = _repeated(run)
    return [
        Step(
            step=step.step,
            op=step.op,
            shape=step.shape,
            rows_in=step.rows_in,
            rows_out=step.rows_out,
            changed=step.changed,
            repeated=repeated.get(step.step, 0),
            dropped=sorted(reasons.get(step.step, []), key=lambda r: (-r.count, r.reason)),
            examples=examples.get(step.step, []),
            seconds=step.seconds,
            options=msgspec.json.encode(step.options).decode() if step.options else "",
        )
        for step in manifest.steps
    ]


def _decisions(run: Path, columns: list[str]) -> Iterator[pa.Table]:
    return read_pieces(run / "ledger" / "decisions", [*columns, "copies"])


def _dropped(run: Path, columns: list[str]) -> Iterator[pa.Table]:
    for table in _decisions(run, columns):
        yield table.filter(pc.equal(table["copies"], 0))


def _dropped_examples(run: Path, n_examples: int) -> dict[str, list[Dropped]]:
    columns = ["id", "step", "reason", "peer_id", "score"]
    tables = _dropped(run, columns)
    first = first_per_group(tables, ["step", "reason"], [("id", "ascending")], n_examples)
    examples: dict[str, list[Dropped]] = {}
    for line in first.to_pylist() if first is not None else []:
        examples.setdefault(line["step"], []).append(
            Dropped(
                id=line["id"],
                reason=line["reason"] or "no reason stated",
                peer_id=line["peer_id"],
                score=line["score"],
            )
        )
    return examples


def _repeated(run: Path) -> dict[str, int]:
    """Extra copies written by each step: a row kept three times counts two."""
    extra: dict[str, int] = {}
    for table in _decisions(run, ["step"]):
        several = table.filter(pc.greater(table["copies"], 1))
        for line in (
            several.group_by(["step"])
            .aggregate([("copies", "sum"), ("copies", "count")])
            .to_pylist()
        ):
            extra[line["step"]] = (
                extra.get(line["step"], 0) + line["copies_sum"] - line["copies_count"]
            )
    return extra


def count_changes(run: Path, *, n_examples: int = 3) -> list[RuleChanges]:
    """Edits by step and rule, most frequent first, each with a few texts before and after."""
    folder = run / "ledger" / "changes"
    keys = ["step", "rule"]
    changes = count_groups(read_pieces(folder, keys), keys).to_pylist()
    rows = distinct_ids(_named(read_pieces(folder, [*keys, "id"])), "key")
    order = [("id", "ascending"), ("path", "ascending"), ("start", "ascending")]
    columns = [*keys, "id", "path", "start", "before", "after"]
    first = (
        first_per_group(read_pieces(folder, columns), keys, order, n_examples)
        if n_examples
        else None
    )
    edits: dict[tuple[str, str], list[Edit]] = {}
    for line in first.to_pylist() if first is not None else []:
        edits.setdefault((line["step"], line["rule"]), []).append(
            Edit(
                id=line["id"],
                path=line["path"],
                before=shorten(line["before"]),
                after=shorten(line["after"]),
            )
        )
    counted = [
        RuleChanges(
            step=line["step"],
            rule=line["rule"],
            changes=line["n"],
            rows=len(rows[f"{line['step']}\n{line['rule']}"]),
            examples=edits.get((line["step"], line["rule"]), []),
        )
        for line in changes
    ]
    return sorted(counted, key=lambda change: (-change.changes, change.step, change.rule))


def _named(pieces: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Pieces with one key out of step and rule, for counting their rows together."""
    for piece in pieces:
        key = pc.binary_join_element_wise(piece["step"], piece["rule"], "\n")
        yield pa.table({"key": key, "id": piece["id"]})


def count_unreadable(run: Path, *, n_examples: int = 3) -> list[UnreadableReason]:
    """Rows that could not be read, by reason, most frequent first, at most twenty reasons.

    Numbers inside a reason are left out of the grouping: "byte 17" and "byte 90" are one reason.
    """
    counts: dict[str, int] = {}
    wordings: dict[str, set[str]] = {}
    examples: dict[str, list[UnreadableRow]] = {}
    for table in read_pieces(run / "ledger" / "unreadable"):
        ordered = table.sort_by(
            [("file", "ascending"), ("byte_offset", "ascending"), ("line", "ascending")]
        )
        for line in count_groups([ordered], ["reason"]).to_pylist():
            pattern = re.sub(r"\d+", "…", line["reason"])
            counts[pattern] = counts.get(pattern, 0) + line["n"]
            wordings.setdefault(pattern, set())
            if len(wordings[pattern]) < 2:
                wordings[pattern].add(line["reason"])
        for line in _first_unreadable(ordered, n_examples):
            shown = examples.setdefault(re.sub(r"\d+", "…", line.reason), [])
            if len(shown) < n_examples:
                shown.append(line)
    listed = [
        UnreadableReason(
            # a reason worded the same every time keeps its numbers
            reason=next(iter(wordings[pattern])) if len(wordings[pattern]) == 1 else pattern,
            count=count,
            examples=examples.get(pattern, []),
        )
        for pattern, count in counts.items()
    ]
    listed.sort(key=lambda reason: (-reason.count, reason.reason))
    return listed[:_MAX_UNREADABLE_REASONS]


def _first_unreadable(table: pa.Table, n_examples: int) -> list[UnreadableRow]:
    order = [("file", "ascending"), ("byte_offset", "ascending"), ("line", "ascending")]
    first = first_per_group([table], ["reason"], order, n_examples) if n_examples else None
    lines = first.sort_by(order).to_pylist() if first is not None else []
    return [
        UnreadableRow(
            file=line["file"],
            line=line["line"],
            byte_offset=line["byte_offset"],
            reason=line["reason"],
            start=shorten((line["bytes"] or b"")[:400].decode("utf-8", "backslashreplace"), 120),
        )
        for line in lines
    ]
