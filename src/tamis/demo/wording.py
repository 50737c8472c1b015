"""Loads the authored texts in `content/` and words them: `[[this|that]]` choices, `{name}` slots."""

from __future__ import annotations

import functools
import json
import random
import re
from importlib import resources
from typing import Any

_CHOICE = re.compile(r"\[\[((?:(?!\[\[|\]\]).)*)\]\]", re.DOTALL)
_SLOT = re.compile(r"\{([a-z][a-z0-9_]*)\}")


@functools.cache
def content(name: str) -> Any:
    """The parsed `content/NAME.json`; shared, so callers must not change it."""
    text = resources.files("tamis.demo").joinpath("content", f"{name}.json").read_text("utf-8")
    return json.loads(text)


def word(rng: random.Random, text: str, **slots: object) -> str:
    """`text` with every choice drawn and every known slot filled; unknown `{names}` stay as they are."""
    while found := _CHOICE.search(text):
        choice = rng.choice(found.group(1).split("|"))
        text = text[: found.start()] + choice + text[found.end() :]
    return _SLOT.sub(lambda slot: str(slots.get(slot.group(1), slot.group(0))), text)


def sentence_case(text: str) -> str:
    """`text` with its first letter in upper case; the rest untouched."""
    return text[:1].upper() + text[1:]
