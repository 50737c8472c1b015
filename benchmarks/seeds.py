"""Does `tamis check` find what the demo plants? Twenty pools of other seeds, every fault and every clean row.

The generator plants faults by editing clean rows and shares no code with the checks. A planted fault counts as
found when a finding of its severity or a graver one stands in its row, at its message or tools; which rule found
it is shown beside it. A row that nothing was planted in is clean: any finding there is listed.

    python benchmarks/seeds.py
    python benchmarks/seeds.py --first 100   # twenty pools that nobody looked at
    python benchmarks/seeds.py --seeds 3     # a quick look; no results are written
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from trial import markdown, write_results

import tamis
from tamis import Common
from tamis.dataset import read_table
from tamis.demo.files import DemoFiles, PlantedFault, write_demo

SEEDS = 20
MOST_CLEAN_SHARE = 0.01
GRAVITY = {"info": 0, "warning": 1, "error": 2}
COLUMNS = ["planted", "severity", "rows", "found", "by rules"]


@dataclass
class Tally:
    """What all seeds together came to."""

    planted: Counter[tuple[str, str]] = field(default_factory=Counter)
    found: Counter[tuple[str, str]] = field(default_factory=Counter)
    rules: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    missed: list[str] = field(default_factory=list)
    clean: int = 0
    clean_with: list[str] = field(default_factory=list)


def row_id(fault: PlantedFault) -> str:
    """The id that import gives the row of a fault."""
    return f"{fault.file}:{fault.key or fault.row}"


def message_of(place: str | None) -> str:
    """The message (or `tools`) that a path points into: `messages[2]`."""
    return re.split(r"[.]", place or "", maxsplit=1)[0]


def look_at(seed: int, folder: Path, tally: Tally) -> None:
    """Import and check one pool, and compare with what was planted."""
    demo = write_demo(folder, seed=seed)
    common = Common(output=str(folder / "rows"), quiet=True)
    rows = tamis.import_([str(demo.raw)], to="conversations", common=common)
    checked = Common(output=str(folder / "checked"), quiet=True)
    tamis.check([str(rows.output)], gate=["none"], common=checked)
    findings = defaultdict(list)
    for shard in sorted((folder / "checked").rglob("findings/*.arrow")):
        for finding in read_table(shard).to_pylist():
            findings[finding["id"]].append(finding)
    compare(seed, demo, findings, rows.counts["parsed"], tally)


def compare(
    seed: int, demo: DemoFiles, findings: dict[str, list[dict[str, str]]], n_rows: int, tally: Tally
) -> None:
    """Add one pool to the tally."""
    touched = {row_id(fault) for fault in demo.faults}
    for fault in demo.faults:
        if fault.severity not in GRAVITY:
            continue
        kind = (fault.kind, fault.severity)
        tally.planted[kind] += 1
        fitting = [
            finding["rule"]
            for finding in findings[row_id(fault)]
            if GRAVITY[finding["severity"]] >= GRAVITY[fault.severity]
            and message_of(finding["path"]) in (message_of(fault.where), "messages")
        ]
        tally.found[kind] += bool(fitting)
        tally.rules[fault.kind].update(set(fitting))
        if not fitting and fault.severity == "error":
            tally.missed.append(f"seed {seed}: {fault.kind} in {row_id(fault)} at {fault.where}")
    tally.clean += n_rows - sum(fault.severity != "unreadable" for fault in demo.faults)
    for name, found in findings.items():
        if name not in touched and found:
            said = ", ".join(sorted({finding["rule"] for finding in found}))
            tally.clean_with.append(f"seed {seed}: {name}: {said}")


def main() -> int:
    """Look at all seeds, print the table, fail when a fault was missed or clean rows were not clean."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    arguments = parser.parse_args()
    tally = Tally()
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        with tempfile.TemporaryDirectory() as folder:
            look_at(seed, Path(folder), tally)
        print(f"seed {seed}: {len(tally.missed)} missed so far", file=sys.stderr)
    lines = [
        [
            kind,
            severity,
            str(n),
            str(tally.found[kind, severity]),
            ", ".join(rule for rule, _ in tally.rules[kind].most_common(3)),
        ]
        for (kind, severity), n in sorted(
            tally.planted.items(), key=lambda item: (-GRAVITY[item[0][1]], item[0])
        )
    ]
    n_errors = sum(n for (_, severity), n in tally.planted.items() if severity == "error")
    n_clean_with = len(tally.clean_with)
    lines.append(["**all errors**", "error", str(n_errors), str(n_errors - len(tally.missed)), ""])
    lines.append(["**clean rows with a finding**", "", str(tally.clean), str(n_clean_with), ""])
    about = __doc__.split("\n\n")[1]
    if tally.clean_with:
        about += " Clean rows with a finding: " + "; ".join(tally.clean_with) + "."
    table = {"columns": COLUMNS, "rows": lines}
    if (arguments.seeds, arguments.first) == (SEEDS, 0):
        raw = [{"missed": tally.missed, "clean": tally.clean, "clean_with": tally.clean_with}]
        write_results("seeds", f"Planted faults over {SEEDS} seeds", about, table, raw)
    print(markdown(COLUMNS, lines))
    print("\n".join(["missed:", *tally.missed, "clean rows with findings:", *tally.clean_with]))
    return int(bool(tally.missed) or n_clean_with > MOST_CLEAN_SHARE * tally.clean)


if __name__ == "__main__":
    sys.exit(main())
