"""What a trainer reads: the shape of its rows for each kind, the files beside them, and how both are proved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec
import pyarrow as pa

from tamis.schema import Kind

Verdict = Literal["accepted", "dropped", "crashes"]
OverLimit = Literal["cut", "dropped", "stops the training"]


class RowVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a trainer does with one row.

    `dropped`: the trainer goes on without it; `crashes`: its whole load stops there. `reason` says
    in words which rule of the trainer it was, empty for accepted rows.
    """

    verdict: Verdict
    reason: str = ""


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """How a trainer wants the rows of one kind.

    format: the name in `FORMATS` that writes a row (the author's own keys are left out before)
    file:   where the rows stand in the folder, `.jsonl` or `.parquet`
    prepare: the first touch on a canonical row, where the format has no place for what the trainer can hold
    adapt:  the last touch on a written row, where the trainer differs from the format
    schema: the columns of a Parquet file; None for JSON lines
    holds_parts: whether a message may be a list with pictures and the like
    """

    format: str
    file: str
    prepare: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    adapt: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    schema: pa.Schema | None = None
    holds_parts: bool = False


class Handover(msgspec.Struct, frozen=True, kw_only=True):
    """What the files of a target may name.

    `has_tools`, `has_reasoning`: whether any row has them; `rewards`: the names and parameters (JSON
    text) of the rewards that the questions name; `max_tokens` is the limit the user gave; `model` is
    the model to train, as the user named it (a folder or a hub name).
    """

    kind: Kind
    n_rows: int
    file: str
    model: str
    max_tokens: int
    has_tools: bool = False
    has_reasoning: bool = False
    rewards: tuple[tuple[str, str | None], ...] = ()


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One trainer.

    shapes:  the kinds it trains on
    files:   the files beside the data, name -> text: config, script, reward
    replay:  the trainer's own rules of acceptance, replayed on decoded rows; equal to what the real
             loader did in `tests/export/recordings` (None: no such rules are known)
    loader:  the module of `export.loaders` that runs the trainer's own code, None where the trainer
             is on no registry (its replay is then labelled unproven)
    over_limit: what it does with a row that is longer than the limit
    """

    name: str
    about: str
    shapes: Mapping[Kind, Shape]
    files: Callable[[Handover], dict[str, str]]
    replay: Callable[[Kind, Sequence[Mapping[str, Any]]], list[RowVerdict]] | None = None
    loader: str | None = None
    over_limit: OverLimit = "cut"
