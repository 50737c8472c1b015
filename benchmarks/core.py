"""How fast the core is: the same bytes through bare JSON decoding, Tamis, and a plain validator.

Every contender is a process of its own, start-up included, all in turn in each round, so that a slow
moment of the machine hits all of them. The file is in the page cache. Goals are for two cores.

    python benchmarks/core.py            # 300,000 conversations, about 600 MB; a few minutes
    python benchmarks/core.py --small    # 20,000 conversations: does it still work?
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import make_conversations
from trial import HERE, TAMIS, WORK, Trial, markdown, run, spread, write_results

ROWS, SMALL_ROWS = 300_000, 20_000
FOUND_SOMETHING = 1  # exit code of `tamis check` when a gate is reached


@dataclass(frozen=True)
class Contender:
    """One command on the file. The goal is a share of the limit's rate, or a number of seconds."""

    name: str
    command: Callable[[Path, Path], list[str]]
    least_share: float | None = None
    most_seconds: float | None = None
    rounds: int | None = None
    expect: tuple[int, ...] = (0,)


LIMIT = "orjson.loads per line, one core"
CONTENDERS = [
    Contender(
        LIMIT, lambda file, _: [sys.executable, str(HERE / "peers/orjson_lines.py"), str(file)]
    ),
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


def measure(contender: Contender, file: Path) -> Trial:
    """One run into an empty folder."""
    out = WORK / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    try:
        return run(contender.command(file, out), expect=contender.expect)
    finally:
        shutil.rmtree(out, ignore_errors=True)


def reached(contender: Contender, seconds: float, limit_s: float) -> tuple[str, str]:
    """The goal in words, and what came of it."""
    share = limit_s / seconds
    if contender.least_share is not None:
        verdict = "reached" if share >= contender.least_share else "not reached"
        return f"at least {contender.least_share} of the limit", verdict
    if contender.most_seconds is not None:
        verdict = "reached" if seconds <= contender.most_seconds else "not reached"
        return f"at most {contender.most_seconds:g} s", verdict
    return "", ""


def main() -> None:
    """Run all contenders in turn, then write and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--small", action="store_true", help="a file for CI; no results are written"
    )
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", help="contenders whose name holds this text (and the limit)")
    arguments = parser.parse_args()
    rows = SMALL_ROWS if arguments.small else arguments.rows
    file = inputs(rows)
    chosen = [
        c for c in CONTENDERS if c.name == LIMIT or not arguments.only or arguments.only in c.name
    ]
    trials: dict[str, list[Trial]] = {contender.name: [] for contender in chosen}
    for round_ in range(1 if arguments.small else arguments.rounds):
        for contender in chosen:
            if contender.rounds is None or round_ < contender.rounds:
                trials[contender.name].append(measure(contender, file))
                print(
                    f"{contender.name}: {trials[contender.name][-1].seconds:.2f} s", file=sys.stderr
                )
    report(chosen, trials, file, rows, write=not (arguments.small or arguments.only))


def report(
    chosen: list[Contender], trials: dict[str, list[Trial]], file: Path, rows: int, *, write: bool
) -> None:
    """Ratios compare the least times: what disturbs a run only ever makes it longer."""
    size_mb = file.stat().st_size / 1e6
    least = {name: min(trial.seconds for trial in runs) for name, runs in trials.items()}
    lines, raw = [], []
    for contender in chosen:
        runs = trials[contender.name]
        goal, verdict = reached(contender, least[contender.name], least[LIMIT])
        share = least[LIMIT] / least[contender.name]
        lines.append(
            [
                contender.name,
                spread([trial.seconds for trial in runs]),
                f"{size_mb / least[contender.name]:,.0f}",
                f"{share:.2f}",
                f"{max(trial.largest_mb for trial in runs):,.0f}",
                goal,
                verdict,
            ]
        )
        raw.append(
            {
                "name": contender.name,
                "seconds": [round(trial.seconds, 3) for trial in runs],
                "median_s": round(statistics.median(trial.seconds for trial in runs), 3),
                "cpu_seconds": [round(trial.cpu_seconds, 3) for trial in runs],
                "largest_process_mb": round(max(trial.largest_mb for trial in runs)),
                "share_of_limit": round(share, 3),
                "reached": verdict,
            }
        )
    columns = [
        "command",
        "seconds, least / median",
        "MB/s",
        "of the limit",
        "largest process, MiB",
        "goal",
        "result",
    ]
    title = f"The core on {rows:,} conversations, {size_mb:,.0f} MB"
    table = {"columns": columns, "rows": lines}
    if write:
        write_results("core", title, __doc__.split("\n\n")[1], table, raw)
    else:
        print(f"\n{title}\n\n{markdown(columns, lines)}")


if __name__ == "__main__":
    main()
