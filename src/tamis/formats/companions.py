"""Rows of one file that belong to rows of another: joined to them by the key both bring."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Raw

from tamis.errors import InputError, RowError
from tamis.formats import exact
from tamis.formats.base import Range
from tamis.formats.rows import raw_rows

_BLOCK_BYTES = 8 << 20


class Companion(msgspec.Struct, frozen=True, kw_only=True):
    """A shape whose rows are no rows of their own.

    matches: does a decoded row have this shape?
    brings:  the member it brings to the row with the same key
    beside:  the end of its file's name, by which it differs from the file it belongs to
    """

    name: str
    about: str
    matches: Callable[[Mapping[str, Any]], bool]
    brings: str
    beside: str


def _is_bfcl_answers(row: Mapping[str, Any]) -> bool:
    accepted = row.get("ground_truth")
    is_calls = isinstance(accepted, list) and all(isinstance(call, dict) for call in accepted)
    return is_calls and bool(accepted) and set(row) == {"id", "ground_truth"}


COMPANIONS: dict[str, Companion] = {
    "bfcl_answers": Companion(
        name="bfcl_answers",
        about="accepted calls of BFCL questions: id and ground_truth",
        matches=_is_bfcl_answers,
        brings="ground_truth",
        beside="_answers",
    ),
}


@lru_cache(maxsize=4)
def companion_rows(ranges: tuple[Range, ...]) -> dict[str, dict[str, Raw]]:
    """What the rows of these ranges bring, by their keys; all of it is held in memory.

    Raises: InputError for a row that cannot be read, has no key, or one that came before.
    """
    brought = {companion.brings for companion in COMPANIONS.values()}
    found: dict[str, dict[str, Raw]] = {}
    for part in ranges:
        for rows in raw_rows(part, _BLOCK_BYTES):
            for place in range(len(rows)):
                where = f"{part.source} line {rows.numbers[place]}"
                try:
                    members = exact.open_row(rows.line(place))
                except RowError as error:
                    raise InputError(f"{where} {error}") from error
                key = exact.own_key(members)
                if key is None or key in found:
                    raise InputError(
                        f"{where}: expected a key of its own, got {key or 'none'}; "
                        "its row cannot be told from the others"
                    )
                found[key] = {name: members[name] for name in brought & set(members)}
    return found
