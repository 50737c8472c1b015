"""What the loader scripts of trainers share: the verdict of each row of an exported folder.

Each load runs in a forked process: a trainer may raise anything, end the process, or patch its
libraries, and the next load must not see it. Where a load loses rows or crashes, halves are loaded
until the rows are known. The scripts import this file from their own folder; Tamis need not be there.
"""

# mypy: disable-error-code="import-not-found"
# (the libraries of the trainers live in another environment)
from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

TINY_TOKENIZER = Path(__file__).with_name("tiny_tokenizer")
# Nothing is fetched or reported: the folder is all there is.
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "WANDB_MODE": "disabled",
    "AXOLOTL_DO_NOT_TRACK": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "CUDA_VISIBLE_DEVICES": "",
}
WORSE = ("accepted", "dropped", "crashes")
Row = dict[str, Any]


class Counts(NamedTuple):
    """Tokens of a row that the trainer kept, and those of them in the loss; None where it has no loss."""

    n_tokens: int
    n_trained: int | None


class Trainer(NamedTuple):
    """One trainer.

    package: its name on the registry; file: where the rows stand in the folder
    imports: modules read once, before any load; load: kept rows in the order of the file
    """

    name: str
    package: str
    file: str
    imports: tuple[str, ...]
    load: Callable[[Path, str, Path], list[Counts]]


class Loads(NamedTuple):
    """All that one load needs besides its rows."""

    trainer: Trainer
    folder: Path
    kind: str
    tokenizer: Path
    scratch: Path


def main(trainer: Trainer, about: str) -> int:
    """Print {trainer, version, kind, n_rows, rows: [{row, verdict, reason, n_tokens, n_trained}]}.

    With `--hostile FILE`, the rows are those of FILE, each loaded beside the first row of the folder.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("folder", type=Path)
    parser.add_argument("kind", choices=["conversations", "preferences", "questions"])
    parser.add_argument("--tokenizer", type=Path, default=TINY_TOKENIZER)
    parser.add_argument("--hostile", type=Path, help="JSON lines of {why, row}")
    given = parser.parse_args()
    # A trainer prints as it goes; what is asked for is the only thing on stdout.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    with tempfile.TemporaryDirectory() as scratch:
        _settle(Path(scratch))
        for name in trainer.imports:
            importlib.import_module(name)
        loads = Loads(
            trainer, given.folder.resolve(), given.kind, given.tokenizer.resolve(), Path(scratch)
        )
        rows = read_rows(loads.folder / trainer.file)
        if given.hostile is None:
            judged = judge(loads, rows, list(range(len(rows))))
            beside_good(loads, rows, judged)
        else:
            judged = judge_beside(
                loads, rows[0], [case["row"] for case in read_rows(given.hostile)]
            )
    print(json.dumps(_answer(trainer, given.kind, judged)), file=answer, flush=True)
    return 0


def _settle(scratch: Path) -> None:
    """Caches in a folder that goes away; said before the libraries are imported."""
    os.environ.update(OFFLINE)
    for name in ("HF_DATASETS_CACHE", "MODELSCOPE_CACHE", "TRITON_CACHE_DIR"):
        os.environ[name] = str(scratch / "cache")


def _answer(trainer: Trainer, kind: str, judged: dict[int, Row]) -> Row:
    return {
        "trainer": trainer.name,
        "version": importlib.metadata.version(trainer.package),
        "kind": kind,
        "n_rows": len(judged),
        "rows": [judged[place] for place in sorted(judged)],
    }


def judge(loads: Loads, rows: Sequence[Row], places: list[int]) -> dict[int, Row]:
    """The verdict of each row, by its place. Rows that crash only side by side all say so."""
    kept, error = attempt(loads, [rows[place] for place in places])
    if kept is not None and len(kept) == len(places):
        return {place: _kept(place, counts) for place, counts in zip(places, kept, strict=True)}
    if len(places) == 1:
        return {places[0]: _lost(places[0], error)}
    middle = len(places) // 2
    judged = judge(loads, rows, places[:middle]) | judge(loads, rows, places[middle:])
    if kept is None and not any(one["verdict"] == "crashes" for one in judged.values()):
        return {place: _lost(place, f"only together: {error}") for place in places}
    return judged


def beside_good(loads: Loads, rows: Sequence[Row], judged: dict[int, Row]) -> None:
    """Judge rows that crash alone anew beside a good one, as they stand in training: some are only dropped."""
    good = next((p for p, one in sorted(judged.items()) if one["verdict"] == "accepted"), None)
    for place, one in judged.items():
        if good is None or one["verdict"] != "crashes" or one["reason"].startswith("only together"):
            continue
        kept, _ = attempt(loads, [rows[good], rows[place]])
        if kept is not None and len(kept) == 1:
            judged[place] = _lost(place, None)


def judge_beside(loads: Loads, good: Row, hostile: Sequence[Row]) -> dict[int, Row]:
    """The verdict of each hostile row, loaded before and behind the good one; the worse of both counts."""
    judged = {}
    for place, row in enumerate(hostile):
        tries = []
        for position, pair in enumerate(([row, good], [good, row])):
            kept, error = attempt(loads, pair)
            whole = kept is not None and len(kept) == 2
            tries.append(_kept(place, kept[position]) if kept and whole else _lost(place, error))
        judged[place] = max(tries, key=lambda one: WORSE.index(one["verdict"]))
    return judged


def _kept(place: int, counts: Counts) -> Row:
    if counts.n_trained == 0:
        return _verdict(place, "dropped", "no token of it is trained", counts)
    return _verdict(place, "accepted", "", counts)


def _lost(place: int, error: str | None) -> Row:
    if error is None:
        return _verdict(place, "dropped", "the trainer goes on without it", None)
    return _verdict(place, "crashes", error, None)


def _verdict(place: int, word: str, reason: str, counts: Counts | None) -> Row:
    n_tokens, n_trained = counts or (None, None)
    return {
        "row": place,
        "verdict": word,
        "reason": reason,
        "n_tokens": n_tokens,
        "n_trained": n_trained,
    }


def attempt(loads: Loads, rows: Sequence[Row]) -> tuple[list[Counts] | None, str | None]:
    """What one load keeps of these rows, or None and what it raised."""
    with tempfile.TemporaryDirectory(dir=loads.scratch) as copied:
        folder = Path(copied)
        rows_themselves = shutil.ignore_patterns(Path(loads.trainer.file).name)
        shutil.copytree(loads.folder, folder, dirs_exist_ok=True, ignore=rows_themselves)
        write_rows(loads.folder, folder, loads.trainer.file, rows)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            _load_and_leave(loads, folder, writing)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            said = pipe.read()
        os.waitpid(child, 0)
    if not said:
        return None, "the process of the load ended without an answer"
    found = json.loads(said)
    kept = found["kept"]
    return (None if kept is None else [Counts(*counts) for counts in kept]), found["error"]


def _load_and_leave(loads: Loads, folder: Path, writing: int) -> None:
    """In the child: load, say what was kept, end; whatever is raised is the answer, not ours to handle."""
    found: dict[str, Any] = {"kept": None, "error": None}
    try:
        os.chdir(folder)
        found["kept"] = loads.trainer.load(folder, loads.kind, loads.tokenizer)
    finally:
        error = sys.exc_info()[1]
        if error is not None:
            found["error"] = _one_line(error, str(folder))
        with os.fdopen(writing, "w") as pipe:
            pipe.write(json.dumps(found))
        os._exit(0)


def _one_line(error: BaseException, folder: str) -> str:
    """The type and text of an error, without the path of a folder that is already gone."""
    said = " ".join(str(error).split()).replace(folder, "FOLDER")
    return f"{type(error).__name__}: {said}"[:300]


def read_rows(path: Path) -> list[Row]:
    """The rows of a .jsonl file, or of a .parquet file with its JSON columns as values."""
    if path.suffix == ".jsonl":
        # not splitlines: a text may hold other line ends than ours
        lines = path.read_text(encoding="utf-8").split("\n")
        return [json.loads(line) for line in lines if line]
    from pyarrow import parquet

    table = parquet.read_table(path)
    columns = {
        name: [_value(value) for value in column.cast("string").to_pylist()]
        if str(column.type).startswith("extension<arrow.json")
        else column.to_pylist()
        for name, column in zip(table.column_names, table.columns, strict=True)
    }
    return [{name: columns[name][place] for name in columns} for place in range(len(table))]


def _value(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def write_rows(source: Path, folder: Path, file: str, rows: Sequence[Row]) -> None:
    """Some rows as the file of `source` holds them; Parquet has its columns, a missing one is null."""
    path = folder / file
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return
    import pyarrow as arrow
    from pyarrow import parquet

    schema = parquet.read_schema(source / file)
    arrays = []
    for field in schema:
        values = [row.get(field.name) for row in rows]
        if str(field.type).startswith("extension<arrow.json"):
            texts = [None if value is None else json.dumps(value) for value in values]
            storage = arrow.array(texts, arrow.string())
            arrays.append(arrow.ExtensionArray.from_storage(field.type, storage))
        else:
            arrays.append(arrow.array(values, field.type))
    parquet.write_table(arrow.Table.from_arrays(arrays, schema=schema), path)
