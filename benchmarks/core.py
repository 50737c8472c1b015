"""How fast the core is: the same bytes through bare JSON decoding, Tamis, and a plain validator.

Every contender is a process of its own, start-up included, all in turn in each round, so that a slow
moment of the machine hits all of them. The file is in the page cache. Goals are for two cores.

    python benchmarks/core.py            # 300,000 conversations, about 600 MB; a few minutes
    python benchmarks/core.py --small    # 20,000 conversations: does it still work?
"""

from __future__ import annotations

import sys
from pathlib import Path

import make_conversations
from contest import Contender, arguments_of, contest, limit, report
from trial import HERE, TAMIS, WORK

ROWS, SMALL_ROWS = 300_000, 20_000
FOUND_SOMETHING = 1  # exit code of `tamis check` when a gate is reached

CONTENDERS = [
    limit(),
    Contender(
        "tamis import",
        lambda file, out: [TAMIS, "import", str(file), "-o", str(out / "rows")],
        least_share=0.5,
    ),
    Contender(
        "tamis check, ten checks",
        lambda file, out: [TAMIS, "check", str(file), "--out", str(out / "check")],
        least_share=0.25,
        expect=(0, FOUND_SOMETHING),
    ),
    Contender(
        "a plain validator (json + re), one core",
        lambda file, _: [sys.executable, str(HERE / "peers/plain_validator.py"), str(file)],
        rounds=1,
    ),
    Contender(
        "tamis dedup --near 0.8",
        lambda file, out: [
            TAMIS,
            "dedup",
            str(file),
            "-o",
            str(out / "kept.jsonl"),
            "--near",
            "0.8",
        ],
        most_seconds=12.0,
    ),
]


def inputs(rows: int) -> Path:
    """The file to work on, made once."""
    path = WORK / f"conversations-{rows}.jsonl"
    if not path.exists():
        WORK.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        make_conversations.write(partial, rows=rows, n_bytes=None, seed=0)
        partial.rename(path)
    return path


def main() -> None:
    """Run all contenders in turn, then write and print the table."""
    told = arguments_of(__doc__, ROWS)
    rows = SMALL_ROWS if told.small else told.rows
    file = inputs(rows)
    trials = contest(CONTENDERS, file, told)
    title = f"The core on {rows:,} conversations"
    report("core", title, __doc__, trials, file, write=not (told.small or told.only))


if __name__ == "__main__":
    main()
