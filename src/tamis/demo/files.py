"""Writes the demo's raw pool: mixed formats in nested folders, and beside it what was planted."""

from __future__ import annotations

import gzip
import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from tamis.demo import encode
from tamis.demo.conversations import clean_conversations
from tamis.demo.copies import exact_copy, near_copy
from tamis.demo.faults import FAULTS
from tamis.demo.planting import Fault
from tamis.demo.preferences import demo_preferences
from tamis.demo.questions import demo_questions
from tamis.records import Conversation


class DemoFile(msgspec.Struct, frozen=True, kw_only=True):
    """One raw file: its path under the raw folder, format, and rows, the unreadable ones included."""

    path: str
    format: str
    rows: int
    unreadable: int


class PlantedFault(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `planted.json`.

    file: path under the raw folder; row: line, array element or Parquet row, from 1; key: the row's
    own id, None where it has none; where: a place like `messages[2].content`. A copy names its
    original (`peer`) and, when edited, the word 3- and 5-gram similarities to it.
    """

    file: str
    row: int
    key: str | None
    kind: str
    severity: str
    fixable: bool = False
    where: str | None = None
    peer: str | None = None
    peer_file: str | None = None
    similarity_3: float | None = None
    similarity_5: float | None = None


class DemoFiles(msgspec.Struct, frozen=True, kw_only=True):
    """Where the demo's files are and what they hold; `planted` lies outside the raw folder."""

    folder: Path
    raw: Path
    conversations: list[Path]
    preferences: Path
    questions: Path
    planted: Path
    files: list[DemoFile]
    faults: list[PlantedFault]


class _Shape(msgspec.Struct, frozen=True):
    """One conversation file: its share of the rows, and which rows and faults it can hold."""

    path: str
    format: str
    share: int
    fits: Callable[[Conversation], bool]
    encode: Callable[[Conversation], dict[str, Any]]
    has_key: bool
    has_turns: bool
    n_unreadable: int = 0


_SHAPES = (
    _Shape("agents/desk.jsonl", "openai", 36, encode.fits_any, encode.openai, True, True, 3),
    _Shape("agents/archive/2025.jsonl.zst", "openai", 14, encode.fits_any, encode.openai, True, True, 1),
    _Shape("agents/archive/tables.parquet", "openai", 12, encode.fits_any, encode.parquet, True, True),
    _Shape("community/threads.json", "sharegpt", 18, encode.fits_sharegpt, encode.sharegpt, True, True),
    _Shape("community/handwritten.json", "alpaca", 12, encode.fits_alpaca, encode.alpaca, False, False),
    _Shape("community/short/pairs.jsonl.gz", "prompt_completion", 20, encode.fits_prompt_completion, encode.prompt_completion, False, False, 1),
)  # fmt: skip
_PREFERENCES = "preferences/pairs.jsonl"
_QUESTIONS = "questions/questions.jsonl"


class _Slot(msgspec.Struct):
    """A row on its way into a file, with the fault it carries; `line` stands for an unreadable one."""

    row: Conversation | None
    fault: PlantedFault | None = None
    line: bytes | None = None


def write_demo(folder: str | Path, *, seed: int = 0, n: int = 240) -> DemoFiles:
    """Write the raw pool of about `n` conversations, 40 questions and some preferences.

    The same seed and n give the same bytes. About a quarter of the conversations carry a fault, each
    exactly one; copies and unreadable lines come on top of `n`. Everything not named in
    `planted.json` is clean.
    """
    folder = Path(folder)
    raw, planted = folder / "raw", folder / "planted.json"
    rng = random.Random(f"tamis demo files {seed}")
    rows = clean_conversations(seed, n + 8)
    spare, rows = rows[n:], rows[:n]
    pools = _assign(rng, rows)
    _plant(rng, pools, budget=n * 3 // 10)
    _add_copies(rng, pools, n_near=max(1, n // 30), n_exact=max(1, n // 60))
    _add_unreadable(rng, pools, spare)
    files, faults = _write_conversations(rng, raw, pools)
    preferences = demo_preferences(seed, max(4, n // 10))
    _write(raw / _PREFERENCES, _lines(preferences))
    files.append(_demo_file(_PREFERENCES, "trl_preference", len(preferences)))
    questions = [{"question": q.question, "answer": q.answer} for q in demo_questions()]
    _write(raw / _QUESTIONS, _lines(questions))
    files.append(_demo_file(_QUESTIONS, "gsm8k", len(questions)))
    note = {"schema_version": 1, "seed": seed, "n": n, "files": files, "faults": faults}
    _write(planted, msgspec.json.format(msgspec.json.encode(note), indent=1) + b"\n")
    return DemoFiles(
        folder=folder,
        raw=raw,
        conversations=[raw / shape.path for shape in _SHAPES],
        preferences=raw / _PREFERENCES,
        questions=raw / _QUESTIONS,
        planted=planted,
        files=files,
        faults=faults,
    )


def _demo_file(path: str, shape: str, n: int) -> DemoFile:
    return DemoFile(path=path, format=shape, rows=n, unreadable=0)


def _assign(rng: random.Random, rows: list[Conversation]) -> dict[str, list[_Slot]]:
    """Each row into one file that can hold it, in about the files' shares."""
    pools: dict[str, list[_Slot]] = {shape.path: [] for shape in _SHAPES}
    for row in rows:
        fitting = [shape for shape in _SHAPES if shape.fits(row)]
        # rows without tools are the only ones the two small formats can take
        weights = [shape.share * (1 if shape.has_turns else 3) for shape in fitting]
        chosen = rng.choices(fitting, weights)[0]
        pools[chosen.path].append(_Slot(row))
    return pools


def _plant(rng: random.Random, pools: dict[str, list[_Slot]], *, budget: int) -> None:
    """Every kind of fault once, then kinds drawn by chance, until the budget is spent."""
    kinds = [*rng.sample(FAULTS, len(FAULTS)), *rng.choices(FAULTS, k=len(FAULTS) * 8)]
    spent = 0
    for fault in kinds:
        if spent >= budget:
            return
        spent += _plant_one(rng, pools, fault)


def _plant_one(rng: random.Random, pools: dict[str, list[_Slot]], fault: Fault) -> bool:
    """Plant one fault into the first row, in a random order, that has room for it."""
    shapes = [shape for shape in _SHAPES if fault.scope == "any" or shape.has_turns]
    for shape in rng.sample(shapes, len(shapes)):
        if fault.kind == "tool-call-broken-structured" and shape.format == "sharegpt":
            continue
        clean = [slot for slot in pools[shape.path] if slot.fault is None]
        for slot in rng.sample(clean, len(clean)):
            assert slot.row is not None
            result = fault.plant(rng, slot.row)
            if result is None or result.row == slot.row:
                continue
            slot.row = result.row
            slot.fault = PlantedFault(
                file=shape.path,
                row=0,
                key=slot.row.id if shape.has_key else None,
                kind=fault.kind,
                severity=fault.severity,
                fixable=fault.fixable,
                where=result.where,
            )
            return True
    return False


def _add_copies(
    rng: random.Random, pools: dict[str, list[_Slot]], *, n_near: int, n_exact: int
) -> None:
    """Copies of clean rows, put into files whose rows have ids."""
    homes = [shape for shape in _SHAPES if shape.has_key]
    originals = [
        (shape.path, slot.row)
        for shape in homes
        for slot in pools[shape.path]
        if slot.fault is None and slot.row is not None
    ]
    rng.shuffle(originals)
    number, n_made = 0, {"near-duplicate": 0, "exact-duplicate": 0}
    wanted = {"near-duplicate": n_near, "exact-duplicate": n_exact}
    for path, row in originals:
        kind = next((kind for kind in wanted if n_made[kind] < wanted[kind]), None)
        if kind is None:
            return
        number += 1
        key = f"{row.id[:2]}-c{number:03d}"
        near = near_copy(rng, row, key) if kind == "near-duplicate" else None
        if kind == "near-duplicate" and near is None:
            continue
        n_made[kind] += 1
        home = rng.choice([shape for shape in homes if shape.fits(row)])
        fault = PlantedFault(
            file=home.path,
            row=0,
            key=key,
            kind=kind,
            severity="duplicate",
            peer=row.id,
            peer_file=path,
            similarity_3=near.similarity_3 if near else 1.0,
            similarity_5=near.similarity_5 if near else 1.0,
        )
        pools[home.path].append(_Slot(near.row if near else exact_copy(row, key), fault))


def _add_unreadable(
    rng: random.Random, pools: dict[str, list[_Slot]], spare: list[Conversation]
) -> None:
    """Lines that cannot be read: half a line, another encoding, no JSON at all."""
    kinds = ["half-line", "bad-encoding", "no-json"]
    turn = rng.randrange(3)
    for shape in _SHAPES:
        for _ in range(shape.n_unreadable):
            kind, row = kinds[turn % 3], spare[turn % len(spare)]
            turn += 1
            fault = PlantedFault(file=shape.path, row=0, key=None, kind=kind, severity="unreadable")
            pools[shape.path].append(_Slot(None, fault, _unreadable_line(rng, kind, row)))


def _unreadable_line(rng: random.Random, kind: str, row: Conversation) -> bytes:
    line = _json(encode.openai(row))
    if kind == "half-line":
        # cut before the text's last quarter, and never inside a character
        return line[: rng.randint(len(line) // 3, len(line) * 3 // 4)].encode()
    if kind == "bad-encoding":
        return line.replace('"language"', '"motto": "数据为本", "language"', 1).encode("gb18030")
    return rng.choice([b"---- page 2 ----", b"<html><body>502 Bad Gateway</body></html>", b"null,"])


def _write_conversations(
    rng: random.Random, raw: Path, pools: dict[str, list[_Slot]]
) -> tuple[list[DemoFile], list[PlantedFault]]:
    files, faults = [], []
    for shape in _SHAPES:
        slots = pools[shape.path]
        rng.shuffle(slots)
        for number, slot in enumerate(slots, 1):
            if slot.fault is not None:
                faults.append(msgspec.structs.replace(slot.fault, row=number))
        _write(raw / shape.path, _file_bytes(shape, slots))
        files.append(
            DemoFile(
                path=shape.path, format=shape.format, rows=len(slots), unreadable=shape.n_unreadable
            )
        )
    return files, faults


def _file_bytes(shape: _Shape, slots: list[_Slot]) -> bytes:
    """The file's bytes by its ending; compressed files carry no clock and no name."""
    if shape.path.endswith(".parquet"):
        rows = [shape.encode(slot.row) for slot in slots if slot.row is not None]
        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows, schema=encode.PARQUET), buffer)
        return buffer.getvalue()
    if shape.path.endswith(".json"):
        rows = [shape.encode(slot.row) for slot in slots if slot.row is not None]
        return (json.dumps(rows, ensure_ascii=False, indent=1) + "\n").encode()
    lines = [
        slot.line if slot.row is None else _json(shape.encode(slot.row)).encode() for slot in slots
    ]
    text = b"".join(line + b"\n" for line in lines if line is not None)
    if shape.path.endswith(".gz"):
        return gzip.compress(text, mtime=0)
    return zstandard.compress(text) if shape.path.endswith(".zst") else text


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(_json(row) + "\n" for row in rows).encode()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
