"""Rows of a data set as the rows of a trainer, one after another, and what became of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from tamis.dataset import read_batches
from tamis.errors import InputError, RewardError
from tamis.export.flatten import Change, flattened
from tamis.export.targets.base import Shape
from tamis.formats import exact, get_format
from tamis.formats.columns import LISTS
from tamis.formats.fit import says_only_what_was_read, without_marks
from tamis.formats.tools import ToolShape, reshaped
from tamis.records import Message, Question, Reference, RewardSpec
from tamis.rewards import Reward, load_reward
from tamis.schema import ROWS, Kind

Chosen = Sequence[tuple[Path, Path | None]]
_SHOWN = 5


class OutRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row on its way out.

    given:   the canonical row as it was written, without the author's own keys
    written: the trainer's row; values may be `msgspec.Raw`
    own:     the author's own keys, by where they stood: `meta`, `messages[2]`, `messages[2].tool_calls[0]`
    changes: what was flattened
    """

    id: str
    given: dict[str, Any]
    written: dict[str, Any]
    own: dict[str, msgspec.Raw]
    changes: list[Change]


class Refusals:
    """Rows that a target cannot hold: how many for each reason, and the first of them."""

    def __init__(self) -> None:
        self.reasons: Counter[str] = Counter()
        self.first: list[str] = []

    def add(self, row_id: str, reason: str) -> None:
        """One row and why it is refused."""
        path, _, told = reason.partition(": ")
        field = path.rpartition("].")[2]
        self.reasons[f"{field}: {told}"] += 1
        if len(self.first) < _SHOWN:
            self.first.append(f"{row_id} {reason}")


def rows_out(
    shards: Chosen, kind: Kind, shape: Shape, ways: Sequence[str], refusals: Refusals
) -> Iterator[OutRow]:
    """The rows of the chosen shards in order, repeated as often as they were chosen.

    ways: what may be flattened in rows that the shape would refuse; `refusals` takes the others.
    """
    wanted = ROWS[kind].names
    for path, copies in shards:
        chosen = None if copies is None else np.load(copies)
        start = 0
        for batch in read_batches(path):
            n_here = batch.num_rows
            times = np.ones(n_here, np.int32) if chosen is None else chosen[start : start + n_here]
            start += n_here
            rows = batch.select([name for name in wanted if name in batch.schema.names])
            kept = rows.take(pa.array(np.repeat(np.arange(n_here), times)))
            for row in kept.to_pylist():
                out = _row_out(row, kind, shape, ways, refusals)
                if out is not None:
                    yield out


def _row_out(
    row: dict[str, Any], kind: Kind, shape: Shape, ways: Sequence[str], refusals: Refusals
) -> OutRow | None:
    given = without_own_keys(row, kind)
    changes: list[Change] = []
    try:
        written = _written(given, kind, shape)
    except InputError as refusal:
        fits = _made_to_fit(given, kind, shape, ways)
        if fits is None:
            refusals.add(row["id"], str(refusal))
            return None
        given, changes, written = fits
    return OutRow(
        id=row["id"],
        given=given,
        written=written,
        own=_with_names(own_keys(row, kind), given, written, kind),
        changes=changes,
    )


def _made_to_fit(
    given: dict[str, Any], kind: Kind, shape: Shape, ways: Sequence[str]
) -> tuple[dict[str, Any], list[Change], dict[str, Any]] | None:
    """The row with as few of these ways applied as make it fit; None where none do."""
    for n_ways in range(1, len(ways) + 1):
        for some in combinations(ways, n_ways):
            changed, changes = flattened(given, kind, some)
            if {change.way for change in changes} != set(some):
                continue
            try:
                return changed, changes, _written(changed, kind, shape)
            except InputError:
                continue  # other ways may
    return None


def _written(given: dict[str, Any], kind: Kind, shape: Shape) -> dict[str, Any]:
    if not shape.holds_parts:
        _refuse_parts(given, kind)
    if given.get("reward") is not None:
        _reward_of(given["reward"]["name"], given["reward"]["parameters"])
    if shape.prepare is not None:
        given = shape.prepare(given)
    form = get_format(shape.format)
    assert form.write is not None
    if form.tools is not None and given.get("tools") is not None:
        given = {**given, "tools": _tools_in(given["tools"], form.tools)}
    written = form.write(given)
    return written if shape.adapt is None else shape.adapt(written)


def _refuse_parts(given: dict[str, Any], kind: Kind) -> None:
    for name in LISTS[kind]:
        for place, message in enumerate(given[name]):
            if message["parts"] is not None:
                raise InputError(
                    f"{name}[{place}].content: expected a text, got a list with more than texts; this "
                    "trainer's rows hold text only"
                )


@lru_cache(maxsize=1024)
def _reward_of(name: str, parameters: str | None) -> Reward:
    # its name goes into code and configs, and training must not be what finds out that it is unknown
    try:
        return load_reward(RewardSpec(name=name, parameters=parameters))
    except RewardError as error:
        raise InputError(f"reward: {error}") from error


def ungradable(given: dict[str, Any]) -> str | None:
    """Why no answer to this question can be graded; None when it can, or when it is no question."""
    if given.get("reward") is None:
        return None
    reward = _reward_of(given["reward"]["name"], given["reward"]["parameters"])
    reference = given["reference"] and Reference(**given["reference"])
    prompt = msgspec.convert(given["prompt"], list[Message])
    return reward.ungradable(Question(prompt=prompt, reference=reference))


@lru_cache(maxsize=4096)
def _tools_in(tools: str, shape: ToolShape) -> str:
    # many rows offer the same tools
    return reshaped(tools, shape)


def without_own_keys(row: dict[str, Any], kind: Kind) -> dict[str, Any]:
    """The row without what its author added beside what Tamis reads, and without format marks."""
    given = {**row, "meta": None}
    for name in LISTS[kind]:
        given[name] = [_bare(message) for message in row[name]]
    return given


def _bare(message: dict[str, Any]) -> dict[str, Any]:
    calls = message["tool_calls"]
    if calls is None and message["extra"] is None and message["parts"] is None:
        return message
    if calls is not None:
        calls = [{**call, "extra": None} for call in calls]
    parts = message["parts"]
    if parts is not None and says_only_what_was_read(parts):
        parts = None
    return {**message, "extra": None, "tool_calls": calls, "parts": parts}


def own_keys(row: dict[str, Any], kind: Kind) -> dict[str, msgspec.Raw]:
    """The author's own keys of a row, by where they stood; values are JSON objects as they were written."""
    found = {"meta": without_marks(row["meta"])}
    for name in LISTS[kind]:
        for place, message in enumerate(row[name]):
            if message["extra"] is not None:
                found[f"{name}[{place}]"] = without_marks(message["extra"])
            for call_place, call in enumerate(message["tool_calls"] or ()):
                if call["extra"] is not None:
                    path = f"{name}[{place}].tool_calls[{call_place}]"
                    found[path] = without_marks(call["extra"])
    return {path: msgspec.Raw(text.encode()) for path, text in found.items() if text is not None}


def _with_names(
    own: dict[str, msgspec.Raw], given: dict[str, Any], written: dict[str, Any], kind: Kind
) -> dict[str, msgspec.Raw]:
    """The author's own keys, and names and ids that the trainer's row has no place for."""
    named = [
        (f"{name}[{place}]", field, message[field])
        for name in LISTS[kind]
        for place, message in enumerate(given[name])
        for field in ("name", "tool_call_id")
        if message[field] is not None
    ]
    if not named:
        return own
    text = msgspec.json.encode(written)
    for path, field, value in named:
        # in a column of JSON text every quote has a stroke before it
        inside = msgspec.json.encode(value)[1:-1]
        if inside in text or msgspec.json.encode(inside.decode())[1:-1] in text:
            continue
        held = exact.members(own[path], path) if path in own else {}
        pairs = [(key, bytes(raw)) for key, raw in held.items()]
        told = exact.object_text([*pairs, (field, msgspec.json.encode(value))])
        own[path] = msgspec.Raw((told or "{}").encode())
    return own


def own_key_names(own: dict[str, msgspec.Raw]) -> Iterator[str]:
    """The names of the author's own keys, each as `meta.NAME` or `messages[].NAME`."""
    for path, raw in own.items():
        place = "meta" if path == "meta" else path.partition("[")[0] + "[]"
        for key in exact.members(raw, path):
            yield f"{place}.{key}"
