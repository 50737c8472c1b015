"""Contenders on one file, all in turn in each round, and their table: what benchmarks of commands share."""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from trial import HERE, WORK, Trial, markdown, run, spread, write_results

LIMIT = "orjson.loads per line, one core"


@dataclass(frozen=True)
class Contender:
    """One command on the file. The goal is a share of the limit's rate, a number of seconds, or MB/s."""

    name: str
    command: Callable[[Path, Path], list[str]]
    least_share: float | None = None
    most_seconds: float | None = None
    least_mb_s: float | None = None
    rounds: int | None = None
    expect: tuple[int, ...] = (0,)


def limit() -> Contender:
    """Bare JSON decoding: what nothing that reads JSON can be faster than."""
    script = str(HERE / "peers/orjson_lines.py")
    return Contender(LIMIT, lambda file, _: [sys.executable, script, str(file)])


def measure(contender: Contender, file: Path) -> Trial:
    """One run into an empty folder."""
    out = WORK / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    try:
        return run(contender.command(file, out), expect=contender.expect)
    finally:
        shutil.rmtree(out, ignore_errors=True)


def reached(
    contender: Contender, seconds: float, limit_s: float, size_mb: float
) -> tuple[str, str]:
    """The goal in words, and what came of it."""
    if contender.least_share is not None:
        goal, is_reached = (
            f"at least {contender.least_share} of the limit",
            limit_s / seconds >= contender.least_share,
        )
    elif contender.most_seconds is not None:
        goal, is_reached = (
            f"at most {contender.most_seconds:g} s",
            seconds <= contender.most_seconds,
        )
    elif contender.least_mb_s is not None:
        goal, is_reached = (
            f"at least {contender.least_mb_s:g} MB/s",
            size_mb / seconds >= contender.least_mb_s,
        )
    else:
        return "", ""
    return goal, "reached" if is_reached else "not reached"


def arguments_of(about: str, rows: int) -> argparse.Namespace:
    """What every such benchmark may be told."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument(
        "--small", action="store_true", help="a file for CI; no results are written"
    )
    parser.add_argument("--rows", type=int, default=rows)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", help="contenders whose name holds this text (and the limit)")
    return parser.parse_args()


def contest(
    contenders: Sequence[Contender], file: Path, told: argparse.Namespace
) -> dict[Contender, list[Trial]]:
    """The trials of each contender; some have fewer rounds than others."""
    chosen = [c for c in contenders if c.name == LIMIT or not told.only or told.only in c.name]
    trials: dict[Contender, list[Trial]] = {contender: [] for contender in chosen}
    for round_ in range(1 if told.small else told.rounds):
        for contender in chosen:
            if contender.rounds is None or round_ < contender.rounds:
                trials[contender].append(measure(contender, file))
                print(f"{contender.name}: {trials[contender][-1].seconds:.2f} s", file=sys.stderr)
    return trials


def report(
    name: str,
    title: str,
    about: str,
    trials: dict[Contender, list[Trial]],
    file: Path,
    *,
    write: bool,
) -> None:
    """Ratios compare the least times: what disturbs a run only ever makes it longer."""
    size_mb = file.stat().st_size / 1e6
    least = {contender: min(trial.seconds for trial in runs) for contender, runs in trials.items()}
    limit_s = next(seconds for contender, seconds in least.items() if contender.name == LIMIT)
    lines, raw = [], []
    for contender, runs in trials.items():
        goal, verdict = reached(contender, least[contender], limit_s, size_mb)
        share = limit_s / least[contender]
        lines.append(
            [
                contender.name,
                spread([trial.seconds for trial in runs]),
                f"{size_mb / least[contender]:,.0f}",
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
    title = f"{title}, {size_mb:,.0f} MB"
    table = {"columns": columns, "rows": lines}
    if write:
        write_results(name, title, about.split("\n\n")[1], table, raw)
    else:
        print(f"\n{title}\n\n{markdown(columns, lines)}")
