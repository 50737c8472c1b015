"""Small real files for the verbs to read, and what the run folders say afterwards."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

import tamis
from tamis.dataset import read_batches

Row = dict[str, Any]

# One small row of each format; the three kinds of rows are conversations, questions, preferences.
FORMATS: dict[str, Row] = {
    "openai": {
        "id": "o1",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "What grows in an orchard?"},
            {"role": "assistant", "content": "Apples, pears and plums."},
        ],
    },
    "sharegpt": {
        "id": "s1",
        "conversations": [
            {"from": "human", "value": "What melts in spring?"},
            {"from": "gpt", "value": "The snow on the hills."},
        ],
        "origin": "letters",
    },
    "alpaca": {"instruction": "Add these.", "input": "3 and 4", "output": "They make 7."},
    "prompt_completion": {"prompt": "Name a river.", "completion": "The Danube is one."},
    "gsm8k": {"question": "What is 3 + 4?", "answer": "3 + 4 = 7\n#### 7"},
    "trl_preference": {"prompt": "Say hello.", "chosen": "Hello to you.", "rejected": "No."},
}
KIND_OF = {
    **dict.fromkeys(("openai", "sharegpt", "alpaca", "prompt_completion"), "conversations"),
    "gsm8k": "questions",
    "trl_preference": "preferences",
}


def quiet(output: Path | str | None = None, *, workers: int = 1, **options: Any) -> tamis.Common:
    """The common options of a run that says nothing; one worker, so that small runs are quick."""
    target = None if output is None else str(output)
    return tamis.Common(output=target, quiet=True, workers=workers, **options)


def talk(question: str, answer: str, **more: Any) -> Row:
    """A conversation of one question and one answer, as an OpenAI row."""
    said = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {**more, "messages": said}


def write_rows(path: Path, rows: Iterable[Row]) -> Path:
    """Write rows in the container that the name asks for, unpacked or packed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = list(rows)
    plain = path.name.removesuffix(".gz").removesuffix(".zst")
    if plain.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(rows), path)
        return path
    lines = [json.dumps(row) for row in rows]
    text = "[\n" + ",\n".join(lines) + "\n]\n" if plain.endswith(".json") else "\n".join(lines)
    packed = {".gz": gzip.compress, ".zst": zstandard.compress}.get(path.suffix, bytes)
    path.write_bytes(packed((text.rstrip("\n") + "\n").encode()))
    return path


def read_lines(path: Path) -> list[Row]:
    """The rows of a JSON Lines file."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def table(run: Path | str | None, name: str) -> list[Row]:
    """All rows of one table of a run, like `findings` or `ledger/decisions`."""
    shards = sorted((Path(str(run)) / name).glob("*.arrow"))
    return [row for shard in shards for batch in read_batches(shard) for row in batch.to_pylist()]


def rows_in(data: Path | str | None, columns: Sequence[str] | None = None) -> list[Row]:
    """The rows of a data set."""
    rows: list[Row] = tamis.open_dataset(Path(str(data))).table(columns).to_pylist()
    return rows


def ids_in(data: Path | str | None) -> list[str]:
    """The ids of a data set's rows, in order."""
    return [row["id"] for row in rows_in(data, ["id"])]


def names_in(folder: Path) -> list[str]:
    """The names of what lies in a folder."""
    return sorted(path.name for path in folder.iterdir())
