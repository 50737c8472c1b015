"""The supported formats in the order detection asks them, and which of them a row is in."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from tamis.errors import InputError
from tamis.formats import lookalikes
from tamis.formats.base import Format
from tamis.formats.chat.every import PAIRS, TEXTS, TURNS
from tamis.formats.companions import COMPANIONS
from tamis.formats.preference.every import PREFERENCES
from tamis.formats.question.every import ANSWERED, PROMPTS, STRUCTS
from tamis.formats.rollout.every import ROLLOUTS

# What says more about a row is asked before what says less: rewards, preferences, lists of turns,
# pairs, bare texts.
_GROUPS = (STRUCTS, ROLLOUTS, PREFERENCES, TURNS, ANSWERED, PAIRS, PROMPTS, TEXTS)
FORMATS: dict[str, Format] = {form.name: form for group in _GROUPS for form in group}
UNKNOWN = "unknown"


def get_format(name: str) -> Format:
    """The format of this name; InputError lists those there are."""
    if name not in FORMATS:
        near = difflib.get_close_matches(name, FORMATS, n=1)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        raise InputError(f"format `{name}`: expected one of {', '.join(sorted(FORMATS))}{hint}")
    return FORMATS[name]


def writable() -> list[str]:
    """The names of the formats that are written, sorted."""
    return sorted(name for name, form in FORMATS.items() if form.write is not None)


def name_of(row: Mapping[str, Any]) -> str:
    """The name of the format one row looks like, supported or not; `unknown` when nothing fits."""
    for name, fits in lookalikes.BEFORE:
        if fits(row):
            return name
    for companion in COMPANIONS.values():
        if companion.matches(row):
            return companion.name
    for form in FORMATS.values():
        if form.matches(row):
            return form.name
    for name, fits in lookalikes.AFTER:
        if fits(row):
            return name
    return UNKNOWN


def plain(members: Mapping[str, Raw]) -> dict[str, Any]:
    """Members as plain Python, for a look at the shape of a row."""
    # unlike msgspec, json reads a number that is too large for a float
    return {key: json.loads(bytes(raw)) for key, raw in members.items()}
