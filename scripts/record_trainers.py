"""Record what a trainer's own loader does with hostile rows: `record_trainers.py trl` or `verl`.

Run with the Python of the environment that has the trainer. Each row of
`tests/export/hostile/<trainer>_<kind>.jsonl` goes into a file together with a good one (the first of
them), the loader of `export/loaders` loads it, and the verdicts go to
`tests/export/recordings/<trainer>_<kind>.json`: the proof that `export/replays` tells the same.

The worst of several loads counts. A trainer may judge all rows by the first it sees, so a hostile row
is loaded before and behind the good one; and TRL looks at an arbitrary key of a preference, the first
of a set, to see whether it is conversational, so these are loaded under several hash seeds.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tamis.export.targets.base import Handover, Target

TESTS = Path(__file__).resolve().parent.parent / "tests" / "export"
MAX_TOKENS = 4096
# Under these hash seeds, each of `prompt`, `chosen` and `rejected` comes first once.
SEEDS = {("trl", "preferences"): ("0", "1", "2")}
WORSE = ("accepted", "dropped", "crashes")


def target_of(trainer: str) -> Target:
    """The target that Tamis exports to under this name."""
    module = importlib.import_module(f"tamis.export.targets.{trainer}")
    target: Target = module.TARGET
    return target


def hostile_rows(trainer: str, kind: str) -> list[dict[str, Any]]:
    """Objects {why, row}: the row as the trainer finds it, and what is odd about it."""
    path = TESTS / "hostile" / f"{trainer}_{kind}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write_folder(folder: Path, target: Target, kind: Any, rows: list[dict[str, Any]]) -> None:
    """The rows as Tamis would hand them to the trainer, with the files beside them."""
    shape = target.shapes[kind]
    assert shape.schema is not None
    cells = [
        {field.name: _cell(row.get(field.name), field.type) for field in shape.schema}
        for row in rows
    ]
    pq.write_table(pa.Table.from_pylist(cells, schema=shape.schema), folder / shape.file)
    handover = Handover(
        kind=kind, n_rows=len(rows), file=shape.file, model="model", max_tokens=MAX_TOKENS
    )
    for name, text in target.files(handover).items():
        (folder / name).write_text(text, encoding="utf-8")


def _cell(value: Any, kind: pa.DataType) -> Any:
    """A column of JSON takes the text of any value, one of text takes the texts as they are."""
    if isinstance(kind, pa.JsonType):
        return None if value is None else json.dumps(value)
    return value


def load_all(trainer: str, kind: Any) -> dict[str, Any]:
    """What the real loader does with each hostile row of a kind, in this process."""
    target = target_of(trainer)
    loader = importlib.import_module(f"tamis.export.loaders.{target.loader}")
    rows = [case["row"] for case in hostile_rows(trainer, kind)]
    judged: list[dict[str, Any]] = []
    for row in rows:
        tries = []
        for place, pair in enumerate(([row, rows[0]], [rows[0], row])):
            with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
                write_folder(Path(folder), target, kind, pair)
                answer = loader.load(Path(folder), kind, max_tokens=MAX_TOKENS)
            tries.append(answer["rows"][place])
        judged.append({**_worst(tries), "row": len(judged)})
    head = {key: answer[key] for key in ("trainer", "version", "kind")}
    return {**head, "n_rows": len(judged), "rows": judged}


def _worst(tries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return max(tries, key=lambda one: WORSE.index(one["verdict"]))


def record(trainer: str) -> dict[str, dict[str, Any]]:
    """The worst of several runs for each hostile row of each kind; every run is a new process."""
    runs: list[tuple[str, str]] = [
        (kind, seed)
        for kind in target_of(trainer).shapes
        for seed in SEEDS.get((trainer, kind), ("0",))
    ]
    told: dict[str, dict[str, Any]] = {}
    with ThreadPoolExecutor(2) as pool:
        answers = pool.map(lambda run: _run(trainer, *run), runs)
        for (kind, _), answer in zip(runs, answers, strict=True):
            before = told.get(kind, answer)["rows"]
            rows = [_worst(pair) for pair in zip(before, answer["rows"], strict=True)]
            told[kind] = {**answer, "rows": rows}
    return told


def _run(trainer: str, kind: str, seed: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, __file__, trainer, "--once", kind],
        # one thread each: two runs at once share the cores
        env={**os.environ, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{trainer}: expected the loader to run, got\n{done.stderr[-4000:]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def main() -> int:
    """Write the recordings of one trainer; `--once` prints one run of one kind instead."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("trainer")
    parser.add_argument("--once", metavar="KIND", help="print one run")
    given = parser.parse_args()
    if given.once is not None:
        print(json.dumps(load_all(given.trainer, given.once)))
        return 0
    for kind, told in record(given.trainer).items():
        path = TESTS / "recordings" / f"{given.trainer}_{kind}.json"
        path.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
