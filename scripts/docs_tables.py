"""Writes `docs/benchmarks.md` from `benchmarks/results/*.json`; `--check` says whether it is fresh."""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "benchmarks.md"
HEAD = """\
# Benchmarks

Every claim of speed in this repository is a command that prints the ratio to a peer measured in the same
run. This page is written by `make bench`; what was measured where stands above each table.
"""


def section(path: Path) -> str:
    """One benchmark: title, what it does, where and how it was run, its table."""
    results = json.loads(path.read_text(encoding="utf-8"))
    table, machine = results["table"], results["machine"]
    aligned = ["---", *["--:"] * (len(table["columns"]) - 1)]
    lines = [table["columns"], aligned, *table["rows"]]
    rows = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    place = f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}, {machine['date']}"
    return f"## {results['title']}\n\n{results['about'].strip()}\n\n`{results['command']}` on {place}\n\n{rows}\n"


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *[section(path) for path in sorted(RESULTS.glob("*.json"))]])


def main() -> int:
    """Write the page, or with `--check` compare."""
    expected = page()
    if "--check" in sys.argv:
        if PAGE.exists() and PAGE.read_text(encoding="utf-8") == expected:
            return 0
        print(
            "docs/benchmarks.md is not what benchmarks/results say; run `make docs`",
            file=sys.stderr,
        )
        return 1
    PAGE.write_text(expected, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
