"""A question and two answers as texts, under the names axolotl reads: Intel's, Argilla's, and `input`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from msgspec import Raw

from tamis.errors import InputError
from tamis.formats import exact
from tamis.formats.base import Format, Row
from tamis.formats.plain import bare_text, joined, no_tools, take_text, turn
from tamis.formats.preference.sides import (
    SIDES,
    Sides,
    need_both,
    only_message,
    preference,
    put_scores,
    take_system,
)
from tamis.records import Preference


class Keys(NamedTuple):
    """The keys of one family member; a text `system` may stand beside them in all."""

    name: str
    asked: str
    chosen: str
    rejected: str
    seen_in: str


# Source: axolotl 0.19.0, prompt_strategies/dpo/chatml.py, and its page on preference formats.
_TABLE = (
    Keys("argilla_preference", "instruction", "chosen_response", "rejected_response", "Argilla"),
    Keys("intel_preference", "question", "chosen", "rejected", "Intel's orca_dpo_pairs"),
    Keys("icr_preference", "input", "chosen", "rejected", "distilabel's orca pairs"),
)


def _matches(keys: Keys, row: Mapping[str, Any]) -> bool:
    """All three are texts; a `prompt` or an `instruction` of a row says more than other questions."""
    texts = (row.get(key) for key in (keys.asked, keys.chosen, keys.rejected))
    has_other = any(
        row.get(key) is not None for key in ("prompt", "instruction") if key != keys.asked
    )
    return all(isinstance(text, str) for text in texts) and not has_other


def _parse(keys: Keys, rest: dict[str, Raw]) -> Preference:
    """One row."""
    asked = turn("user", take_text(rest, keys.asked))
    chosen = turn("assistant", take_text(rest, keys.chosen))
    rejected = turn("assistant", take_text(rest, keys.rejected))
    return preference(Sides(take_system(rest, asked), chosen, rejected), rest, {})


def _write(keys: Keys, row: Row) -> dict[str, Any]:
    """One question and two answers, maybe a system text."""
    need_both(row)
    no_tools(row)
    rest, marker = exact.split_rest(row["meta"])
    written: dict[str, Any] = {}
    prompt = row["prompt"]
    first = 1 if prompt and prompt[0]["role"] == "system" else 0
    if first:
        written["system"] = bare_text(prompt[0], "system", "prompt[0]")
    if len(prompt) != first + 1:
        raise InputError(f"prompt: expected one user message, got {len(prompt) - first} messages")
    written[keys.asked] = bare_text(prompt[first], "user", f"prompt[{first}]")
    for side, key in zip(SIDES, (keys.chosen, keys.rejected), strict=True):
        written[key] = bare_text(only_message(row, side), "assistant", f"{side}[0]")
    put_scores(written, row, marker)
    return joined(written, rest)


FORMATS = tuple(
    Format(
        name=keys.name,
        kind="preferences",
        about=f"{keys.asked}, {keys.chosen}, {keys.rejected}, system ({keys.seen_in})",
        matches=partial(_matches, keys),
        parse=partial(_parse, keys),
        write=partial(_write, keys),
    )
    for keys in _TABLE
)
