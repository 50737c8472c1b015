"""Does the memory of `tamis check` grow with its input? Peaks at 0.5 GB and at 2 GB.

The peak is of the whole process tree: every 50 ms the proportional set sizes (PSS) of the command and
all its children are added up, so that pages they share count once. The kernel's own peak of the largest
single process stands beside it. Goals: less than 20 % growth from the small to the large input, and
less than 2 GB.

    python benchmarks/memory.py
    python benchmarks/memory.py --sizes 50e6 200e6    # a quick look; no results are written
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

import make_conversations
from trial import TAMIS, WORK, markdown, run, write_results

SIZES = (0.5e9, 2e9)
MOST_GROWTH, MOST_MB = 0.20, 2000.0
SAMPLE_S = 0.05
COLUMNS = ["input", "conversations", "seconds", "peak of the tree, MiB", "largest process, MiB"]


def inputs(n_bytes: float) -> tuple[Path, int]:
    """A file of that size, made anew, and its number of rows."""
    WORK.mkdir(parents=True, exist_ok=True)
    path = WORK / f"memory-{n_bytes / 1e6:.0f}mb.jsonl"
    return path, make_conversations.write(path, rows=None, n_bytes=int(n_bytes), seed=1)


def main() -> int:
    """Measure both sizes, print the table, fail when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=float, nargs=2, default=SIZES, metavar="BYTES")
    arguments = parser.parse_args()
    peaks, lines, raw = [], [], []
    for n_bytes in sorted(arguments.sizes):
        path, rows = inputs(n_bytes)
        out = WORK / "memory-out"
        shutil.rmtree(out, ignore_errors=True)
        try:
            command = [TAMIS, "check", str(path), "--out", str(out)]
            trial = run(command, sample_s=SAMPLE_S, expect=(0, 1))
        finally:
            path.unlink()
            shutil.rmtree(out, ignore_errors=True)
        assert trial.tree_mb is not None
        peaks.append(trial.tree_mb)
        figures = (f"{trial.seconds:.1f}", f"{trial.tree_mb:,.0f}", f"{trial.largest_mb:,.0f}")
        lines.append([f"{n_bytes / 1e6:,.0f} MB", f"{rows:,}", *figures])
        raw.append({"bytes": n_bytes, "rows": rows, "seconds": round(trial.seconds, 2)})
        raw[-1] |= {"tree_mb": round(trial.tree_mb), "largest_mb": round(trial.largest_mb)}
        print(" | ".join(lines[-1]), file=sys.stderr)
    growth = peaks[1] / peaks[0] - 1
    reached = growth < MOST_GROWTH and peaks[1] * 1.048576 < MOST_MB
    verdict = "reached" if reached else "not reached"
    title = f"Memory of tamis check: growth {growth:+.0%}, goals {verdict}"
    if tuple(arguments.sizes) == SIZES:
        about = __doc__.split("\n\n")[1]
        write_results("memory", title, about, {"columns": COLUMNS, "rows": lines}, raw)
    else:
        print(f"\n{title}\n\n{markdown(COLUMNS, lines)}")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
