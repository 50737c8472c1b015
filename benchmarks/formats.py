"""How fast formats are: ShareGPT rows through bare JSON decoding, into Tamis, and out to Parquet.

Every contender is a process of its own, start-up included, all in turn in each round, on two cores. The
file is in the page cache: conversations with calls as function_call turns, the rows of `core.py` as
ShareGPT says them. Beside our export stands what most scripts do, `pyarrow.json` straight to Parquet,
which reads only and takes texts for times and rows for one schema.

    python benchmarks/formats.py            # 300,000 conversations, about 600 MB; a few minutes
    python benchmarks/formats.py --small    # 20,000 conversations: does it still work?
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import core
from contest import Contender, arguments_of, contest, limit, report
from trial import HERE, TAMIS, WORK

ROWS, SMALL_ROWS = 300_000, 20_000
WORDS = {"system": "system", "user": "human", "assistant": "gpt", "tool": "observation"}

CONTENDERS = [
    limit(),
    Contender(
        "tamis import of ShareGPT",
        lambda file, out: [TAMIS, "import", str(file), "-o", str(out / "rows")],
        least_share=0.3,
    ),
    Contender(
        "tamis export to Parquet, same format",
        lambda file, out: [TAMIS, "export", str(file), "-o", str(out / "rows.parquet")],
        least_mb_s=60,
    ),
    Contender(
        "tamis export to Parquet, as OpenAI messages",
        lambda file, out: [
            TAMIS, "export", str(file), "--to", "openai", "-o", str(out / "rows.parquet"),
        ],
        rounds=1,
    ),
    Contender(
        "tamis export --for trl, replayed",
        lambda file, out: [TAMIS, "export", str(file), "--for", "trl", "-o", str(out / "trl")],
        rounds=1,
    ),
    Contender(
        "pyarrow.json to Parquet",
        lambda file, out: [
            sys.executable,
            str(HERE / "peers/pyarrow_parquet.py"),
            str(file),
            str(out / "rows.parquet"),
        ],
    ),
]  # fmt: skip


def inputs(rows: int) -> Path:
    """The rows of `core.py` as ShareGPT, made once."""
    path = WORK / f"sharegpt-{rows}.jsonl"
    if not path.exists():
        source = core.inputs(rows)
        partial = path.with_suffix(".partial")
        with source.open(encoding="utf-8") as lines, partial.open("w", encoding="utf-8") as out:
            for line in lines:
                out.write(json.dumps(as_sharegpt(json.loads(line)), ensure_ascii=False) + "\n")
        partial.rename(path)
    return path


def as_sharegpt(row: dict[str, object]) -> dict[str, object]:
    """One OpenAI row as its ShareGPT twin."""
    turns = []
    for message in row.pop("messages"):  # type: ignore[attr-defined]
        if message.get("content") is not None:
            turns.append({"from": WORDS[message["role"]], "value": message["content"]})
        for call in message.get("tool_calls") or ():
            arguments = json.loads(call["function"]["arguments"])
            value = json.dumps({"name": call["function"]["name"], "arguments": arguments})
            turns.append({"from": "function_call", "value": value})
    if row.get("tools") is not None:
        row["tools"] = json.dumps(row["tools"])
    return {"conversations": turns, **row}


def main() -> None:
    """Run all contenders in turn, then write and print the table."""
    told = arguments_of(__doc__, ROWS)
    rows = SMALL_ROWS if told.small else told.rows
    file = inputs(rows)
    trials = contest(CONTENDERS, file, told)
    title = f"Formats on {rows:,} ShareGPT conversations"
    report("formats", title, __doc__, trials, file, write=not (told.small or told.only))


if __name__ == "__main__":
    main()
