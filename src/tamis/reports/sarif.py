"""Findings as SARIF 2.1.0, the form that code hosts show beside a change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from tamis.dataset import read_batches, read_manifest

MOST_RESULTS = 5_000  # hosts refuse larger files; the whole list stays in the run folder
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}


def sarif(run: Path, *, most: int = MOST_RESULTS) -> str:
    """The findings of a run folder as SARIF text, each at its file and line.

    At most `most` results, in row order; when there are more, the run's properties say how many.
    """
    findings = _first(sorted((run / "findings").glob("*.arrow")), most)
    places = _places(run, findings)
    manifest = read_manifest(run)
    total = sum(int(n) for n in manifest.get("findings", {}).values())
    rules = msgspec.json.decode((run / "rules.json").read_bytes())
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": _driver(rules, str(manifest.get("tamis_version", "")))},
                "results": [_result(finding, places) for finding in findings],
                "properties": {"findings": total, "shown": len(findings)},
            }
        ],
    }
    return msgspec.json.encode(log).decode()


def _driver(rules: list[dict[str, Any]], version: str) -> dict[str, Any]:
    return {
        "name": "tamis",
        "semanticVersion": version,
        "rules": [
            {
                "id": rule["id"],
                "shortDescription": {"text": rule["summary"]},
                "help": {"text": rule["fix"]},
                "defaultConfiguration": {"level": _LEVELS[rule["severity"]]},
                "properties": {"dimension": rule["dimension"]},
            }
            for rule in rules
        ],
    }


def _first(shards: list[Path], most: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for shard in shards:
        for batch in read_batches(shard):
            if len(found) >= most:
                return found
            found += batch.slice(0, most - len(found)).to_pylist()
    return found


def _places(run: Path, findings: list[dict[str, Any]]) -> dict[str, tuple[str, int | None]]:
    """(file, line) of each row that has a finding, from the ledgers of this run and its inputs."""
    wanted = pa.array(sorted({finding["id"] for finding in findings}), pa.string())
    places: dict[str, tuple[str, int | None]] = {}
    for folder in (run, *_parents(run)):
        for shard in sorted((folder / "ledger" / "rows").glob("*.arrow")):
            for batch in read_batches(shard, ["id", "source", "line"]):
                hits = batch.filter(pc.is_in(batch.column("id"), wanted)).to_pylist()
                places |= {row["id"]: (row["source"], row["line"]) for row in hits}
    return places


def _parents(run: Path) -> list[Path]:
    inputs = read_manifest(run).get("inputs", [])
    return [Path(one["path"]) for one in inputs if one.get("container") == "dataset"]


def _result(finding: dict[str, Any], places: dict[str, tuple[str, int | None]]) -> dict[str, Any]:
    source, line = places.get(finding["id"], (finding["id"].rpartition(":")[0], None))
    location: dict[str, Any] = {"artifactLocation": {"uri": source}}
    if line is not None:
        location["region"] = {"startLine": line}
    return {
        "ruleId": finding["rule"],
        "level": _LEVELS[finding["severity"]],
        "message": {"text": f"{finding['path']}: {finding['message']}"},
        "locations": [{"physicalLocation": location}],
        "partialFingerprints": {"row": finding["id"], "path": finding["path"]},
    }
